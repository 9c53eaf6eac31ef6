"""The user's own names: a folder with one `<label>.txt` a label, one name a line."""

from pathlib import Path

from noisynames.datasets.raw import RawNames
from noisynames.errors import UserError


def read(path: Path) -> RawNames:
    """Return the names of every `.txt` file in `path`; the file's stem is the label.

    Raises:
        UserError: The folder does not exist, or a file is not UTF-8.
    """
    return RawNames(
        names=read_folder(path),
        source="directory",
        version="the files as they are",
        licence="the user's own",
        place=f"dataset.path: {path}",
    )


def read_folder(path: Path) -> dict[str, list[str]]:
    """Return label to lines for the `.txt` files directly in `path`.

    Raises:
        UserError: The folder does not exist, or a file is not UTF-8.
    """
    if not path.is_dir():
        raise UserError(
            f"dataset.path: {path} is not a folder; expected one with <label>.txt files"
        )
    return {
        file.stem: decode_lines(file.read_bytes(), str(file)) for file in sorted(path.glob("*.txt"))
    }


def decode_lines(content: bytes, place: str) -> list[str]:
    """Return the lines of a UTF-8 text, a byte order mark removed.

    Raises:
        UserError: The bytes are not UTF-8.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{place}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    return text.splitlines()
