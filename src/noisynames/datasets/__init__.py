"""Names and their languages, from one of three sources, behind one function."""

import csv
import hashlib
import io
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noisynames.alphabet import dropped_characters, normalise
from noisynames.datasets import directory, surnames, tutorial
from noisynames.datasets.raw import RawNames
from noisynames.errors import UserError
from noisynames.files import read_record, read_recorded, write_record, write_text

SOURCES = ("surnames", "tutorial", "directory")


@dataclass(frozen=True)
class Dataset:
    """Names of several languages.

    Attributes:
        rows: (language, name) pairs, normalised, distinct, sorted.
        manifest: Where the names come from and what became of every line of the source.
    """

    rows: list[tuple[str, str]]
    manifest: dict[str, Any]

    @property
    def languages(self) -> list[str]:
        """The labels in sorted order; a class index is a position in this list."""
        return sorted({language for language, _ in self.rows})


def load(source: str, path: Path | None = None) -> Dataset:
    """Return the names of `source` as a tidy data set.

    Args:
        source: `surnames` (Faker's lists, offline), `tutorial` (the worksheet's archive) or
            `directory` (the user's own `<label>.txt` files).
        path: For `tutorial` an optional local copy, a zip file or a folder; for `directory` the
            folder; not used by `surnames`.

    Raises:
        UserError: The source is unknown, or cannot be read, or holds fewer than two labels.
    """
    if source == "surnames":
        raw = surnames.read()
    elif source == "tutorial":
        raw = tutorial.read(path)
    elif source == "directory":
        if path is None:
            raise UserError(
                "dataset.path: missing; source 'directory' needs a folder of .txt files"
            )
        raw = directory.read(path)
    else:
        raise UserError(f"dataset.source: {source!r} is not one of {', '.join(SOURCES)}")
    return tidy(raw)


def local_files(source: str, path: Path) -> list[Path]:
    """Return the files that `load` would read of a copy on this machine.

    Raises:
        UserError: The folder does not exist.
    """
    if path.is_file():
        return [path]
    folder = tutorial.names_below(path) if source == "tutorial" else path
    return directory.name_files(folder)[0]


def tidy(raw: RawNames) -> Dataset:
    """Normalise every name, keep the distinct ones of each label, and account for the rest.

    Raises:
        UserError: Fewer than two labels, or a label with no usable name.
    """
    if len(raw.names) < 2:
        raise UserError(
            f"{raw.place}: found {len(raw.names)} label(s); a classification needs at least 2"
        )
    rows: list[tuple[str, str]] = []
    dropped: list[dict[str, str]] = []
    characters: Counter[tuple[str, str]] = Counter()
    counts: dict[str, dict[str, int]] = {}
    languages_of: dict[str, list[str]] = defaultdict(list)
    for language in sorted(raw.names):
        seen: set[str] = set()
        for line in raw.names[language]:
            spaced = normalise(line)
            # "Park " beside "Park" would be one name in two parts of a split.
            name = spaced.strip()
            characters.update(dropped_characters(line))
            if outer := len(spaced) - len(name):
                characters[" ", "space around the name"] += outer
            if not name:
                reason = "nothing left after normalisation"
            elif name in seen:
                reason = "duplicate within its language after normalisation"
            else:
                seen.add(name)
                continue
            dropped.append({"language": language, "line": line, "reason": reason})
        if not seen:
            raise UserError(f"{raw.place}: label {language!r} holds no name in the alphabet")
        counts[language] = {"lines": len(raw.names[language]), "names": len(seen)}
        rows += [(language, name) for name in sorted(seen)]
        for name in seen:
            languages_of[name].append(language)
    shared = {name: langs for name, langs in sorted(languages_of.items()) if len(langs) > 1}
    manifest = {
        "source": raw.source,
        "version": raw.version,
        "licence": raw.licence,
        "sha256": hashlib.sha256(_csv_text(rows).encode()).hexdigest(),
        "languages": len(raw.names),
        "lines": sum(len(lines) for lines in raw.names.values()),
        "names": len(rows),
        "distinct_names": len(languages_of),
        "counts": counts,
        "shared_names": shared,
        "dropped_characters": [
            {"character": symbol, "reason": reason, "count": count}
            for (symbol, reason), count in sorted(characters.items())
        ],
        "dropped_lines": dropped,
        "left_out": raw.left_out,
    }
    return Dataset(rows, manifest)


NAMES, MANIFEST = "names.csv", "manifest.json"


def write(dataset: Dataset, folder: Path) -> None:
    """Write the table as CSV (language, name) and its manifest as JSON."""
    write_text(folder / NAMES, _csv_text(dataset.rows))
    write_record(folder / MANIFEST, dataset.manifest, files=[folder / NAMES])


def read_names(path: Path) -> list[tuple[str, str]]:
    """Read the (language, name) pairs that `write` wrote, checked against the manifest beside.

    Raises:
        UserError: A file is missing, or not what was written.
    """
    content = read_recorded(path, read_record(path.with_name(MANIFEST))).decode()
    rows = csv.DictReader(io.StringIO(content, newline=""))
    return [(row["language"], row["name"]) for row in rows]


def _csv_text(rows: list[tuple[str, str]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["language", "name"])
    writer.writerows(rows)
    return buffer.getvalue()
