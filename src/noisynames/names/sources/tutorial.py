"""The names of the PyTorch tutorial, which the worksheet uses."""

import stat
import time
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from noisynames.errors import UserError
from noisynames.names.sources.directory import add_label, decode_lines, name_files, read_folder
from noisynames.names.sources.raw import RawNames, Source

URL = "https://download.pytorch.org/tutorial/data.zip"
SHA256 = "fb317e80248faeb62dc25ef3390ae24ca34b94e276bbc5141fd8862c2200bff5"
_LARGEST_MEMBER = 16 * 2**20
_LARGEST_TOTAL = 64 * 2**20
_ATTEMPTS = 3
_TIMEOUT = 30
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)
"""What the zip library raises for damaged content."""
_pause = time.sleep


def read(path: Path | None = None, url: str = URL, sha256: str = SHA256) -> RawNames:
    """Return the tutorial's names from a local copy at `path`, or else the archive at `url`.

    Args:
        path: A zip file or a folder, with the name files in it or in its `data/names/`.
        url: The archive.
        sha256: Its checksum.

    Raises:
        UserError: The copy does not hold the names, or the download fails or is altered.
    """
    archive = path or download(url, sha256)
    left_out: dict[str, str] = {}
    if archive.is_dir():
        names, left_out = read_folder(names_below(archive))
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
        left_out=left_out,
    )


def names_below(folder: Path) -> Path:
    """Return the folder with the name files of an unpacked archive: `data/names`, or itself."""
    below = folder / "data" / "names"
    return below if below.is_dir() else folder


def read_zip(archive: Path) -> dict[str, list[str]]:
    """Return the lines of each member `names/<label>.txt`, read in memory and never unpacked.

    Raises:
        UserError: It is not a readable zip file, has no such members, or has members that no list
            of names has: links, paths that lead elsewhere, passwords, more than 16 MiB.
    """
    names: dict[str, list[str]] = {}
    try:
        with zipfile.ZipFile(archive) as content:
            total = 0
            for member in content.infolist():
                file = PurePosixPath(member.filename)
                if file.suffix != ".txt" or file.parent.name != "names" or "__MACOSX" in file.parts:
                    continue
                if fault := _fault(member):
                    raise UserError(f"{archive}: {member.filename} {fault}; not a list of names")
                total += member.file_size
                if total > _LARGEST_TOTAL:
                    raise UserError(f"{archive}: more than 64 MiB of names; not a list of names")
                place = f"{archive}: {file}"
                lines = decode_lines(content.read(member), place)
                add_label(names, file.stem, lines, place)
    except _UNREADABLE as error:
        reason = str(error) or type(error).__name__
        raise UserError(f"{archive}: not a readable zip file ({reason})") from None
    if not names:
        raise UserError(f"{archive}: no names/<label>.txt in this zip file")
    return names


def _fault(member: zipfile.ZipInfo) -> str | None:
    """Return why a member must not be read; None if it may."""
    path = PurePosixPath(member.filename)
    if path.is_absolute() or ".." in path.parts:
        return "leads out of the archive"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "is a link"
    if member.flag_bits & 1:
        return "has a password"
    if member.file_size > _LARGEST_MEMBER:
        return "is larger than 16 MiB"
    return None


def download(url: str, sha256: str) -> Path:
    """Return the path of the archive in the user's cache, downloading it first if needed.

    pooch checks a download's checksum before moving it into the cache, so that an interrupted or
    altered one is never used.

    Raises:
        UserError: Three attempts failed, or the content is not the expected one.
    """
    import pooch
    import requests

    folder = pooch.os_cache("noisynames")
    downloader = pooch.HTTPDownloader(timeout=_TIMEOUT)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            file = pooch.retrieve(
                url, f"sha256:{sha256}", fname="names.zip", path=folder, downloader=downloader
            )
            return Path(file)
        except (OSError, ValueError, requests.RequestException) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            if attempt < _ATTEMPTS:
                _pause(attempt)
    raise UserError(
        f"{url}: download failed {_ATTEMPTS} times ({reason}); "
        "try again, or set dataset.path to a copy, or dataset.source to 'surnames'"
    )


SOURCE = Source(
    lambda path, _: read(path),
    path="a copy of the archive, packed or not",
    files=lambda path: [path] if path.is_file() else name_files(names_below(path))[0],
)
