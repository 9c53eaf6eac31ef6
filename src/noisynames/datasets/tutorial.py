"""The names of the PyTorch tutorial, which the worksheet uses."""

import time
import zipfile
from pathlib import Path, PurePosixPath

from noisynames.datasets.directory import decode_lines, read_folder
from noisynames.datasets.raw import RawNames
from noisynames.errors import UserError

URL = "https://download.pytorch.org/tutorial/data.zip"
SHA256 = "fb317e80248faeb62dc25ef3390ae24ca34b94e276bbc5141fd8862c2200bff5"
_LARGEST_MEMBER = 16 * 2**20
_ATTEMPTS = 3


def read(path: Path | None = None, url: str = URL, sha256: str = SHA256) -> RawNames:
    """Return the tutorial's names from a local copy at `path`, or else from the archive at `url`.

    Args:
        path: A zip file or a folder, with the name files in it or in `data/names/` below it.
        url: The archive.
        sha256: Its checksum.

    Raises:
        UserError: The copy does not hold the names, or the download fails or is altered.
    """
    archive = path or download(url, sha256)
    if archive.is_dir():
        below = archive / "data" / "names"
        names = read_folder(below if below.is_dir() else archive)
    elif archive.is_file():
        names = read_zip(archive)
    else:
        raise UserError(f"dataset.path: {archive} does not exist; expected a zip file or a folder")
    return RawNames(
        names=names,
        source="tutorial: names of the PyTorch tutorial on character-level classification",
        version=f"archive sha256 {sha256}" if path is None else "a local copy",
        licence="MIT (Sean Robertson)",
        place=f"dataset.path: {path}" if path else url,
    )


def read_zip(archive: Path) -> dict[str, list[str]]:
    """Return label to lines for the `names/<label>.txt` members, read in memory, never unpacked.

    Raises:
        UserError: Not a zip file, no such members, or a member of more than 16 MiB.
    """
    names = {}
    try:
        with zipfile.ZipFile(archive) as content:
            for member in content.infolist():
                file = PurePosixPath(member.filename)
                if file.suffix != ".txt" or file.parent.name != "names" or "__MACOSX" in file.parts:
                    continue
                if member.file_size > _LARGEST_MEMBER:
                    raise UserError(f"{archive}: {file} is larger than 16 MiB; not a list of names")
                names[file.stem] = decode_lines(content.read(member), f"{archive}: {file}")
    except zipfile.BadZipFile as error:
        raise UserError(f"{archive}: not a readable zip file ({error})") from None
    if not names:
        raise UserError(f"{archive}: no names/<label>.txt in this zip file")
    return names


def download(url: str, sha256: str) -> Path:
    """Return the path of the archive in the user's cache, downloaded where it is not there yet.

    pooch checks the sum of what came before it is moved into the cache, so that an interrupted or
    altered download is never used.

    Raises:
        UserError: Three attempts failed, or the content is not the expected one.
    """
    import pooch
    import requests

    folder = pooch.os_cache("noisynames")
    downloader = pooch.HTTPDownloader(timeout=30)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            file = pooch.retrieve(
                url, f"sha256:{sha256}", fname="names.zip", path=folder, downloader=downloader
            )
            return Path(file)
        except (OSError, ValueError, requests.RequestException) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            if attempt < _ATTEMPTS:
                time.sleep(attempt)
    raise UserError(
        f"{url}: download failed {_ATTEMPTS} times ({reason}); "
        "try again, or set dataset.path to a copy, or dataset.source to 'surnames'"
    )
