"""The user's own names: a folder with one `<label>.txt` for each label, one name per line."""

import unicodedata
from pathlib import Path

from noisynames.errors import UserError
from noisynames.names.sources.raw import RawNames, Source

LONGEST_NAME = 1000
LONGEST_LABEL = 100


def read(path: Path | None) -> RawNames:
    """Return the names of every `.txt` file in `path`; the file's stem is the label.

    Raises:
        UserError: The folder does not exist, or a file cannot be read or is not UTF-8.
    """
    assert path is not None, "this source needs one"
    names, left_out = read_folder(path)
    return RawNames(
        names=names,
        source="directory",
        version="the files as they are",
        licence="the user's own",
        place=f"dataset.path: {path}",
        left_out=left_out,
    )


def name_files(path: Path) -> tuple[list[Path], dict[str, str]]:
    """Return the files of a folder that hold names, and all other entries with the reason.

    Name files are the `.txt` files directly in the folder that are not hidden.

    Raises:
        UserError: The folder does not exist.
    """
    if not path.is_dir():
        raise UserError(
            f"dataset.path: {path} is not a folder; expected one with <label>.txt files"
        )
    counted: list[Path] = []
    left_out: dict[str, str] = {}
    for entry in sorted(path.iterdir()):
        if entry.name.startswith("."):
            left_out[entry.name] = "hidden"
        elif entry.is_dir():
            left_out[entry.name] = "a folder"
        elif entry.suffix != ".txt":
            left_out[entry.name] = "its name does not end in .txt"
        else:
            counted.append(entry)
    return counted, left_out


def read_folder(path: Path) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Return the lines of each label in a folder, and what is left out; see `name_files`.

    Raises:
        UserError: The folder does not exist, a file cannot be read or is not UTF-8, or two labels
            are the same.
    """
    names: dict[str, list[str]] = {}
    counted, left_out = name_files(path)
    for file in counted:
        if not file.exists():
            raise UserError(f"{file}: a link that leads nowhere; mend it or remove it")
        if not file.is_file():
            raise UserError(f"{file}: not a file; allowed: text files, one name per line")
        add_label(names, file.stem, decode_lines(file.read_bytes(), str(file)), str(file))
    return names, left_out


def add_label(names: dict[str, list[str]], stem: str, lines: list[str], place: str) -> None:
    """Add a label's lines, with the label in Unicode's composed form.

    Raises:
        UserError: The label already exists, or is empty, too long or not printable.
    """
    label = unicodedata.normalize("NFC", stem).strip()
    if not label or len(label) > LONGEST_LABEL or not label.isprintable():
        raise UserError(
            f"{place}: {stem!r} is not a label; allowed: 1 to {LONGEST_LABEL} printable characters"
        )
    if label in names:
        raise UserError(f"{place}: label {label!r} occurs twice; give each label one file")
    names[label] = lines


def decode_lines(content: bytes, place: str) -> list[str]:
    """Return the lines of a UTF-8 text, without a byte order mark.

    Raises:
        UserError: The bytes are not UTF-8, or a line is too long to be a name.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{place}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        if len(line) > LONGEST_NAME:
            raise UserError(
                f"{place}: line {number} has {len(line)} characters; "
                f"a name has at most {LONGEST_NAME}"
            )
    return lines


SOURCE = Source(
    lambda path, _: read(path),
    path="a folder of .txt files",
    needs_path=True,
    files=lambda path: name_files(path)[0],
)
