"""What a report carries, so that it can be read again: its tables, packed as text."""

import base64
import binascii
import io
import json
import lzma
import re
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from noisynames import __version__
from noisynames.grid import FINDINGS, RECORD, TIMINGS, Cell, run_folder

ABOUT = "about.json"
"""What no other file says about an experiment: config, version, commit; in a report, the data."""
CARRIED = (f"tables/{FINDINGS}", "tables/runs.csv", "tables/accuracy.csv")
"""Losses are not among them: findings have their means."""
MEASURED = (f"tables/{TIMINGS}", "tables/timings.csv")
"""Tables that differ each time an experiment is run."""

_BLOCK = re.compile(rb'<script type="text/plain" id="carried-\w+">([^<]*)</script>')


def carried(
    results: Path, work: Path, cells: Iterable[Cell], about: Mapping[str, Any]
) -> dict[str, str]:
    """Return what a report carries, as text: `CARRIED`, `MEASURED`, `ABOUT` and records of runs.

    This makes a report of 120 runs 5 % larger.

    Args:
        results: Folder with `runs/`.
        work: Folder with `tables/`.
        cells: The runs that exist.
        about: The content of `ABOUT`: `config`; `commit`, None if unknown; the data set's
            `manifest`.
    """
    files = {name: (work / name).read_bytes() for name in CARRIED}
    manifest = {key: about["manifest"][key] for key in ("source", "version", "sha256", "counts")}
    told = {**about, "version": __version__, "manifest": manifest}
    files[ABOUT] = json.dumps(told, ensure_ascii=False).encode()
    for cell in cells:
        path = run_folder(results, cell) / RECORD
        files[path.relative_to(results).as_posix()] = path.read_bytes()
    measured = {name: (work / name).read_bytes() for name in MEASURED}
    return {"results": _packed(files), "timings": _packed(measured)}


def unpacked(page: bytes) -> dict[str, bytes]:
    """Return the files that a report carries, by path relative to its results.

    Reports of older versions carry none.

    Raises:
        ValueError: They are damaged.
    """
    files = {}
    try:
        for text in _BLOCK.findall(page):
            packed = lzma.decompress(base64.b64decode(text, validate=True))
            with tarfile.open(fileobj=io.BytesIO(packed), mode="r:") as archive:
                for entry in archive:
                    content = archive.extractfile(entry)
                    if content is not None:
                        files[entry.name] = content.read()
    except (binascii.Error, lzma.LZMAError, tarfile.TarError) as error:
        raise ValueError(str(error)) from None
    return files


def _packed(files: Mapping[str, bytes]) -> str:
    """Return files packed as text: in one archive, since the records of runs are much alike."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    packed = lzma.compress(archive.getvalue())
    return base64.b64encode(packed).decode()
