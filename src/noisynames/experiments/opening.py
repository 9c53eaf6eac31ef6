"""Opens an experiment: a results folder, a zip file of one, or a report, which carries its data."""

import html
import json
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from noisynames.analysis.findings.pairs import Values, by_run
from noisynames.analysis.tables import Tables
from noisynames.errors import UserError
from noisynames.files import parsed, recorded, sha256
from noisynames.grid import FINDINGS, RECORD, TIMINGS, Cell, run_folder
from noisynames.models.labels import labels
from noisynames.reporting.carrying import ABOUT, unpacked

Record = dict[str, Any]
Arm = tuple[str, str]
"""A model and a noise."""

_READ = re.compile(
    r"(?:.*/)??(tables/[^/]+|dataset/manifest\.json|runs/[^/]+/[^/]+/[^/]+/run\.json|report\.html)"
)
_MANIFEST = "dataset/manifest.json"
_OLDER_FINDINGS = "statistics.json"
_CONFIG = re.compile(r"<summary>The whole config</summary>\s*<pre[^>]*>(.*?)</pre>", re.DOTALL)
_VERSION = re.compile(r"<dt>Versions</dt><dd>noisynames ([\w.+-]+)")
_COMMIT = re.compile(r"<dt>Commit</dt><dd><code[^>]*>([0-9a-f]{40})")


@dataclass(frozen=True)
class Files:
    """The files of an experiment, wherever they are.

    Attributes:
        place: The place as messages call it.
        names: The files' paths relative to the results.
        content: Returns the content of one of them.
    """

    place: str
    names: frozenset[str]
    content: Callable[[str], bytes]


@dataclass(frozen=True)
class Experiment:
    """An experiment as its files describe it.

    Attributes:
        name: The name of the experiment.
        tables: runs and accuracy; losses, if the findings have no mean curves; timings, if there
            are any.
        findings: Its findings.
        runs: The record of every run that exists.
        manifest: The manifest of its data set.
        about: config, commit and version of the code, each if it is known.
        values: Each metric × model × noise as a series over the seeds that completed.
    """

    name: str
    tables: Tables
    findings: Mapping[str, Any]
    runs: Mapping[Cell, Mapping[str, Any]]
    manifest: Mapping[str, Any]
    about: Mapping[str, Any]
    values: Values

    @cached_property
    def arms(self) -> list[Arm]:
        """Every arm that was asked for, in order."""
        runs = self.tables["runs"]
        return list(dict.fromkeys(zip(runs["model"], runs["noise"], strict=True)))

    @property
    def models(self) -> list[str]:
        """Every model, in order."""
        return list(dict.fromkeys(model for model, _ in self.arms))

    def of_arm(self, arm: Arm) -> dict[int, Mapping[str, Any]]:
        """Return the records of an arm's runs, by seed."""
        return {cell[2]: record for cell, record in self.runs.items() if cell[:2] == arm}

    def characters(self, arm: Arm) -> str | None:
        """Return the characters of an arm's noise; None without noise, or without a run."""
        return next((r["noise_characters"] for r in self.of_arm(arm).values()), None)

    def label(self, model: str) -> str:
        """Return the label of a model."""
        return self._labels.get(model, model)

    @cached_property
    def _labels(self) -> Mapping[str, str]:
        """The label of each model; older findings do not have them."""
        found: Mapping[str, str] | None = self.findings.get("labels")
        if found is not None:
            return found
        return labels({model: self.settings(model) for model, _, _ in self.runs})

    def settings(self, model: str) -> Record:
        """Return all settings of a model's runs, from their records."""
        for cell, record in self.runs.items():
            if cell[0] == model:
                return {**record["spec"], **record["hyperparameters"]}
        return {}


def names_of(paths: Sequence[Path], given: str | None = None) -> list[str]:
    """Return the names of experiments: as given, or else from their folders, if these differ.

    Raises:
        UserError: There are fewer than two experiments, or names are too few, too many or not
            distinct.
    """
    if len(paths) < 2:
        raise UserError(f"compare: found {len(paths)} experiment; allowed: at least 2")
    if given is not None:
        names = [name.strip() for name in given.split(",")]
        if len(names) != len(paths) or len({*names, ""}) != len(names) + 1:
            raise UserError(
                f"--names: found {given!r}; allowed: {len(paths)} names that differ, "
                "with commas between them"
            )
        return names
    folders = [_folder_name(path.absolute()) for path in paths]
    if len({*folders, ""}) == len(folders) + 1:
        return folders
    return ["before", "after"] if len(paths) == 2 else [str(i + 1) for i in range(len(paths))]


def _folder_name(path: Path) -> str:
    """Return the name of an experiment's folder, or of the file itself."""
    path = path.parent if path.name == "report.html" else path
    return path.parent.name if path.name == "results" else path.stem


def read(path: Path, name: str) -> Experiment:
    """Read an experiment.

    Args:
        path: A results folder, a zip file of one, or a report.
        name: The name to give it.

    Raises:
        UserError: It is none of these, something in it is missing or damaged, or its version
            cannot be read.
    """
    files = _opened(path)
    about = _about(files)
    findings_file = f"tables/{FINDINGS}"
    if findings_file not in files.names and f"tables/{_OLDER_FINDINGS}" in files.names:
        findings_file = f"tables/{_OLDER_FINDINGS}"
    findings = _record(files, findings_file)
    older = f"{files.place}: of noisynames {about.get('version') or 'some older version'}"
    if "metrics" not in findings:
        raise UserError(f"{older}, whose results cannot be read; make them again")
    needed = ["runs", "accuracy", *([] if "curves" in findings else ["losses"])]
    try:
        tables = {n: _table(files, findings, n) for n in needed}
        if f"tables/{TIMINGS}" in files.names:
            tables["timings"] = _table(files, _record(files, f"tables/{TIMINGS}"), "timings")
        runs = {
            cell: _record(files, (run_folder(Path(), cell) / RECORD).as_posix())
            for cell in _finished(tables["runs"])
        }
        carried = about.get("manifest") if _MANIFEST not in files.names else None
        manifest = carried or _record(files, _MANIFEST)
        values = by_run(tables)
    except KeyError as error:
        raise UserError(f"{older}, which lacks {error}; make the results again") from None
    return Experiment(name, tables, findings, runs, manifest, about, values)


def _finished(runs: pd.DataFrame) -> list[Cell]:
    there = runs[runs["status"] != "missing"]
    return list(zip(there["model"], there["noise"], there["seed"].tolist(), strict=True))


def _opened(path: Path) -> Files:
    if path.is_dir():
        inside = path / "results"
        folder = inside if not (path / "tables").exists() and inside.is_dir() else path
        files = {
            file.relative_to(folder).as_posix(): file
            for pattern in ("tables/*", "dataset/manifest.json", "runs/*/*/*/run.json", "*.html")
            for file in folder.glob(pattern)
        }
        return Files(str(folder), frozenset(files), lambda name: files[name].read_bytes())
    if not path.exists():
        raise UserError(f"{path}: no such file or folder")
    if zipfile.is_zipfile(path):
        return _of_zip(path)
    try:
        carried = unpacked(path.read_bytes())
    except ValueError:
        raise _damaged(str(path), "the tables that it carries") from None
    if carried:
        return Files(str(path), frozenset(carried), carried.__getitem__)
    version = _VERSION.search(path.read_bytes().decode(errors="replace"))
    if version:
        raise UserError(
            f"{path}: a report of noisynames {version[1]}, which does not carry its tables; "
            "allowed: its results folder, or a zip file of that"
        )
    raise UserError(f"{path}: allowed: a results folder, a zip file of one, or a report")


def _of_zip(path: Path) -> Files:
    """Return the files of a zip of results, in whichever of its folders they are."""
    archive = zipfile.ZipFile(path)  # kept open, so that its directory is read only once
    found: dict[str, str] = {}
    for name in archive.namelist():
        if inside := _READ.fullmatch(name):
            found.setdefault(inside[1], name)

    def content(name: str) -> bytes:
        try:
            return archive.read(found[name])
        except zipfile.BadZipFile:
            raise _damaged(str(path), name) from None

    return Files(str(path), frozenset(found), content)


def _about(files: Files) -> Record:
    """Return config, commit and version, from the files themselves or from their report."""
    if ABOUT in files.names:
        about: Record = json.loads(files.content(ABOUT))
        return about
    if "report.html" not in files.names:
        return {}
    content = files.content("report.html")
    try:
        carried = unpacked(content)
    except ValueError:
        carried = {}
    if ABOUT in carried:
        about = json.loads(carried[ABOUT])
        return about
    page = content.decode(errors="replace")
    config, version, commit = (pattern.search(page) for pattern in (_CONFIG, _VERSION, _COMMIT))
    return {
        "config": json.loads(html.unescape(config[1])) if config else None,
        "version": version and version[1],
        "commit": commit and commit[1],
    }


def _content(files: Files, name: str) -> bytes:
    if name not in files.names:
        raise UserError(f"{files.place}: has no {name}; allowed: the results of a finished run")
    return files.content(name)


def _record(files: Files, name: str) -> Record:
    record = recorded(_content(files, name))
    if record is None:
        raise _damaged(files.place, name)
    return record


def _table(files: Files, record: Record, name: str) -> pd.DataFrame:
    file = f"{name}.csv"
    content = _content(files, f"tables/{file}")
    if sha256(content) != record.get("files", {}).get(file):
        raise _damaged(files.place, f"tables/{file}")
    return parsed(content)


def _damaged(place: str, name: str) -> UserError:
    return UserError(f"{place}: {name}: truncated or altered since it was written")
