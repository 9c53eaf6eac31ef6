"""Joins the results of several machines that ran different seeds of one config."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from noisynames.errors import UserError
from noisynames.files import missing, read_record, read_recorded, write_record
from noisynames.grid import MERGED, RECORD, RUN_FILES, TIMING

_DATASET = ("names.csv", "manifest.json")


@dataclass
class _Part:
    """A results folder and the records taken from it, by path relative to it."""

    folder: Path
    records: dict[Path, dict[str, Any]] = field(default_factory=dict)
    """Records of splits and runs, each checked against its files."""

    @property
    def run_records(self) -> dict[Path, dict[str, Any]]:
        return {path: record for path, record in self.records.items() if path.parts[0] == "runs"}


def merge(folders: Sequence[Path], into: Path) -> dict[str, Any]:
    """Copy the data set, the splits and the runs of several results folders into one.

    What is made from them (evaluation, tables, figures, report) is not copied: `snakemake` makes it
    anew from all runs. Runs that several folders have must be the same, byte for byte.

    Args:
        folders: Results folders, at least two.
        into: The folder to make; it must not exist, or be empty.

    Returns:
        The content of `into/merged.json`: the parts, each with folder, runs, seeds and machines.

    Raises:
        UserError: A file is missing or damaged, two folders disagree, or `into` is in use.
    """
    if len(folders) < 2:
        raise UserError("merge: found 1 results folder; allowed: at least 2")
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise UserError(f"{into}: exists and is not empty; name a folder that does not exist")
    parts = [_read(folder) for folder in folders]
    _check_agreement(parts)
    work = into.with_name(f".{into.name}.part")
    shutil.rmtree(work, ignore_errors=True)
    try:
        for part in reversed(parts):  # where several have a file, that of the first is kept
            _copy(part, work)
        content = {"parts": [line for part in parts for line in _lines(part)]}
        write_record(work / MERGED, content)
        _make_one_age(work)
        into.parent.mkdir(parents=True, exist_ok=True)
        work.replace(into)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return content


def _read(folder: Path) -> _Part:
    """Read every record of a part and check the files that it vouches for."""
    part = _Part(folder)
    for name in _DATASET:
        if not (folder / "dataset" / name).exists():
            raise missing(folder / "dataset" / name)
    manifest = Path("dataset", "manifest.json")
    found = [manifest, *(p.relative_to(folder) for p in sorted(folder.glob("splits/seed*.json")))]
    found += [p.relative_to(folder) for p in sorted(folder.glob(f"runs/*/*/*/{RECORD}"))]
    for path in found:
        record = read_record(folder / path)
        for name in record.get("files", {}):
            read_recorded(folder / path.parent / name, record)
        part.records[path] = record
    if not part.run_records:
        raise UserError(f"{folder}/runs: no finished run; nothing to merge")
    for path in part.run_records:
        read_record(folder / path.with_name(TIMING))
    return part


def _check_agreement(parts: Sequence[_Part]) -> None:
    """Refuse parts that disagree on what they share: data, a split, a run, a model's settings."""
    first_with: dict[Any, tuple[_Part, Any]] = {}
    for part in parts:
        for path, record in part.records.items():
            other, known = first_with.setdefault(path, (part, record))
            if known != record:
                raise UserError(
                    f"{part.folder / path}: differs from {other.folder / path}; "
                    "parts of one experiment agree in what they share"
                )
        for path, record in part.run_records.items():
            cell = path.parts[1:3]
            keys = ("spec", "hyperparameters", "noise_characters", "languages", "kept")
            settings = {key: record.get(key) for key in keys}
            other, known = first_with.setdefault(cell, (part, settings))
            for key in keys:
                if known[key] != settings[key]:
                    raise UserError(
                        f"{part.folder / path}: {key} differs from {'/'.join(cell)} in "
                        f"{other.folder}; parts of one experiment have one config"
                    )


def _copy(part: _Part, into: Path) -> None:
    paths = [Path("dataset", name) for name in _DATASET]
    for path, record in part.records.items():
        if path.parts[0] == "runs":
            paths += [path.with_name(name) for name in RUN_FILES]
        elif path.parts[0] == "splits":
            paths += [path, *(path.with_name(name) for name in record["files"])]
    for path in paths:
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(part.folder / path, into / path)


def _make_one_age(folder: Path) -> None:
    """Give every file the same age, so that none looks newer than what was made from it."""
    now = (folder / MERGED).stat().st_mtime
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (now, now))


def _lines(part: _Part) -> list[dict[str, Any]]:
    """Say what a part contributed; if it was merged itself, what its own parts contributed."""
    if (part.folder / MERGED).exists():
        lines: list[dict[str, Any]] = read_record(part.folder / MERGED)["parts"]
        return lines
    machines = {
        str(read_record(part.folder / path.with_name(TIMING))["machine"]["processor"])
        for path in part.run_records
    }
    return [
        {
            "folder": str(part.folder),
            "runs": len(part.run_records),
            "seeds": sorted({record["seed"] for record in part.run_records.values()}),
            "processors": sorted(machines),
        }
    ]
