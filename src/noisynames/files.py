"""Files are written whole or not at all, and read as they were written or not at all.

Every job ends by writing a JSON record with the SHA-256 of the files that it wrote, and of itself.
Readers check both, so that a truncated or altered file is refused and never averaged in.
"""

import csv
import hashlib
import io
import json
import math
import os
import shlex
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noisynames.columns import EMPTY, TYPES
from noisynames.errors import UserError

if TYPE_CHECKING:  # most jobs are shorter than the import of pandas
    import pandas as pd
    from numpy.typing import NDArray

    Table = Mapping[str, NDArray[Any]] | pd.DataFrame

_PART = ".part"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; on success it replaces `path`.

    A process killed at any moment leaves either the old file or none.

    Raises:
        OSError: It cannot be written; `filename` is `path`.
    """
    part = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_PART, dir=path.parent)
        os.close(handle)
        part = Path(name)
        yield part
        umask = os.umask(0)
        os.umask(umask)
        part.chmod(0o666 & ~umask)
        part.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove the temporary files that killed writers left in a folder and its subfolders."""
    for part in folder.rglob(f".*{_PART}"):
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8 with Unix line endings, atomically."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def csv_text(table: "Table", header: bool = True) -> str:
    """Return a table as CSV with at most 8 significant digits and missing numbers left empty.

    Args:
        table: A data frame or, where pandas would take too long to import, arrays by column.
        header: Whether to begin with the names of the columns.
    """
    # Not by pandas' `to_csv`, which takes three times as long with a `float_format`.
    columns = []
    for _, column in table.items():
        cells = column.tolist()
        if column.dtype.kind == "f":
            cells = ["" if math.isnan(x) else f"{x:.8g}" for x in cells]
        elif (is_empty := getattr(column, "isna", None)) and (empty := is_empty()).any():
            cells = ["" if no_value else x for x, no_value in zip(cells, empty, strict=True)]
        columns.append(cells)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(table.keys())
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()


def write_table(table: "Table", path: Path) -> None:
    """Write a table as CSV, as `csv_text` returns it, atomically."""
    write_text(path, csv_text(table))


def write_record(path: Path, content: Mapping[str, Any], files: Iterable[Path] = ()) -> None:
    """Write `content` as indented JSON, with the checksums of `files` and its own, atomically.

    Args:
        path: The record.
        content: Anything that JSON can hold; NaN is refused.
        files: The files that it vouches for, in the record's folder or below.
    """
    sums = {str(file.relative_to(path.parent)): sha256(file.read_bytes()) for file in files}
    content = {**content, **({"files": sums} if sums else {})}
    write_text(path, _signed(content))


def read_record(path: Path) -> dict[str, Any]:
    """Read a record that `write_record` wrote.

    Raises:
        UserError: It is missing, or not what was written.
    """
    content = recorded(read_bytes(path))
    if content is None:
        raise damaged(path)
    return content


def recorded(text: bytes) -> dict[str, Any] | None:
    """Return a record from the content of its file; None if it is damaged."""
    body, _, end = text.rpartition(_SEAL)
    if end != sha256(body + _END).encode() + b'"' + _END:
        return None
    content: dict[str, Any] = json.loads(text)
    del content["checksum"]
    return content


def read_recorded(path: Path, record: Mapping[str, Any]) -> bytes:
    """Read a file that a record vouches for.

    Args:
        path: The file.
        record: What `read_record` returned.

    Raises:
        UserError: The file is missing, or not what was written.
    """
    content = read_bytes(path)
    if sha256(content) != record.get("files", {}).get(path.name):
        raise damaged(path)
    return content


def read_bytes(path: Path) -> bytes:
    """Read a file.

    Raises:
        UserError: It is missing.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise missing(path) from None


def read_table(path: Path, record: Mapping[str, Any]) -> "pd.DataFrame":
    """Read a CSV table that a record vouches for, with the types in `noisynames.columns`.

    Args:
        path: The file.
        record: What `read_record` returned.

    Raises:
        UserError: The file is missing, or not what was written.
    """
    return parsed(read_recorded(path, record))


def parsed(content: bytes) -> "pd.DataFrame":
    """Return the table in a CSV file, with the types in `noisynames.columns`."""
    import pandas as pd

    header = content.partition(b"\n")[0].decode().split(",")
    return pd.read_csv(
        io.BytesIO(content),
        dtype={column: TYPES[column] for column in header},
        keep_default_na=False,
        na_values={column: EMPTY[column] for column in header if column in EMPTY},
    )


def missing(path: Path) -> UserError:
    """Return the error for a missing file, with the command that makes it if it is a result."""
    makes = ""
    if path.parts[:1] == ("results",) and ".." not in path.parts:
        makes = f"; `snakemake --cores 1 {shlex.quote(str(path))}`"
    return UserError(f"{path}: no such file{makes}")


def damaged(path: Path) -> UserError:
    """Return the error for a damaged file."""
    return UserError(
        f"{path}: truncated or altered since it was written; "
        f"`rm {shlex.quote(str(path))}`, then run again"
    )


def sha256(content: bytes) -> str:
    """Return the SHA-256 of a file's content, as used in records."""
    return hashlib.sha256(content).hexdigest()


_SEAL, _END = b',\n "checksum": "', b"\n}\n"
"""Around the checksum at the end of a record, which covers everything before it."""


def _signed(content: Mapping[str, Any]) -> str:
    return _dump({**content, "checksum": sha256(_dump(content).encode())})


def _dump(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
