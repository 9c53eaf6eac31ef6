"""Names and their languages from any source, through one function."""

import csv
import hashlib
import io
from collections import Counter, defaultdict
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from noisynames.errors import UserError
from noisynames.files import read_record, read_recorded, write_record, write_text
from noisynames.names.alphabet import (
    ALPHABETS,
    WORKSHEET,
    WORKSHEET_NOISE,
    Alphabet,
    Form,
    alphabet_of,
    check_characters,
    dropped_characters,
    is_symbol,
    normalise,
    symbol_counts,
)
from noisynames.names.sources.raw import RawNames, Source, all_romanised


def _described(package: str) -> dict[str, Source]:
    """Return the sources that the modules of a package describe, by module name."""
    found = iter_modules(import_module(package).__path__, f"{package}.")
    modules = [import_module(module.name) for module in found]
    return {
        module.__name__.rpartition(".")[2]: module.SOURCE
        for module in modules
        if hasattr(module, "SOURCE")
    }


SOURCES = _described("noisynames.names.sources")
"""Every source by its name; a new one is a new module in `names/sources`."""


@dataclass(frozen=True)
class Dataset:
    """Names of several languages.

    Attributes:
        rows: (language, name) pairs, normalised, distinct, sorted.
        manifest: Where the names come from and what became of every line of the source.
        alphabet: The alphabet of the names, and of the noise that may be added.
    """

    rows: list[tuple[str, str]]
    manifest: dict[str, Any]
    alphabet: Alphabet

    @property
    def languages(self) -> list[str]:
        """The labels in sorted order; a class index is a position in this list."""
        return sorted({language for language, _ in self.rows})


@dataclass(frozen=True)
class Spelling:
    """How names are spelt.

    Attributes:
        alphabet: `worksheet`: its 57 symbols; other letters lose their marks, or are dropped.
            `data`: every symbol that occurs, unchanged, and the noise characters.
        min_symbol_count: How often a symbol must occur in the distinct lines of all labels to be in
            an alphabet made from the data.
        transliterate: Whether names are transliterated to Latin letters first; None leaves that to
            the source.
        noise_characters: The characters that noise is drawn from.
    """

    alphabet: str = "worksheet"
    min_symbol_count: int = 1
    transliterate: bool | None = None
    noise_characters: str = WORKSHEET_NOISE

    def __post_init__(self) -> None:
        if self.alphabet not in ALPHABETS:
            raise UserError(
                f"dataset.alphabet: {self.alphabet!r} is not one of {', '.join(ALPHABETS)}"
            )
        if self.min_symbol_count < 1 or (not self.of_data and self.min_symbol_count > 1):
            allowed = "at least 1" if self.of_data else "1 with the alphabet 'worksheet'"
            raise UserError(
                f"dataset.min_symbol_count: found {self.min_symbol_count}; allowed: {allowed}"
            )
        check_characters(self.noise_characters, None if self.of_data else WORKSHEET)

    @property
    def of_data(self) -> bool:
        """Whether the alphabet is made from the names."""
        return self.alphabet == "data"

    @property
    def form(self) -> Form:
        """The Unicode normalisation form of the names."""
        return "NFC" if self.of_data else "NFD"


def load(source: str, path: Path | None = None, spelling: Spelling | None = None) -> Dataset:
    """Return the names of `source` as a tidy data set.

    Args:
        source: One of SOURCES.
        path: Where the names are, if the source takes a path.
        spelling: How names are spelt; None means as in the worksheet.

    Raises:
        UserError: The source is unknown, cannot be read, or holds fewer than two labels.
    """
    spelling = spelling or Spelling()
    check_path(source, path)
    described, latin = SOURCES[source], spelling.transliterate
    latin = described.is_latin if latin is None else latin
    raw = described.read(path, latin)
    return tidy(all_romanised(raw) if latin else raw, spelling)


def check_path(source: str, path: Path | None) -> None:
    """Refuse a path for a source that takes none, and no path for a source that needs one.

    Raises:
        UserError: The path is refused, or there is no such source.
    """
    if source not in SOURCES:
        raise UserError(f"dataset.source: {source!r} is not one of {', '.join(SOURCES)}")
    described = SOURCES[source]
    if path is not None and not described.path:
        raise UserError(f"dataset.path: not used by source {source!r}; leave it out")
    if path is None and described.needs_path:
        raise UserError(f"dataset.path: missing; source {source!r} needs {described.path}")


def local_files(source: str, path: Path) -> list[Path]:
    """Return the files that `load` would read from a copy on this machine.

    Raises:
        UserError: The folder does not exist.
    """
    return SOURCES[source].files(path)


def tidy(raw: RawNames, spelling: Spelling) -> Dataset:
    """Normalise every name, keep the distinct ones of each label, and account for the rest.

    Raises:
        UserError: There are fewer than two labels, or a label has no usable name.
    """
    if len(raw.names) < 2:
        raise UserError(
            f"{raw.place}: found {len(raw.names)} label(s); a classification needs at least 2"
        )
    alphabet, described = _alphabet(raw, spelling)
    rows: list[tuple[str, str]] = []
    dropped: list[dict[str, str]] = []
    characters: Counter[tuple[str, str]] = Counter()
    counts: dict[str, dict[str, int]] = {}
    languages_of: dict[str, list[str]] = defaultdict(list)
    for language in sorted(raw.names):
        seen: set[str] = set()
        for line in raw.names[language]:
            spaced = normalise(line, alphabet, spelling.form)
            # Otherwise "Park " and "Park" would be one name in two parts of a split.
            name = spaced.strip()
            characters.update(dropped_characters(line, alphabet, spelling.form))
            if outer := len(spaced) - len(name):
                characters[" ", "space around the name"] += outer
            if not any(map(str.isprintable, name)):
                reason = "nothing left after normalisation"
            elif name in seen:
                reason = "duplicate within its language after normalisation"
            else:
                seen.add(name)
                continue
            dropped.append({"language": language, "line": line, "reason": reason})
        if not seen:
            raise _without_names(raw, language, spelling)
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
        "alphabet": described,
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
    return Dataset(rows, manifest, alphabet)


def _alphabet(raw: RawNames, spelling: Spelling) -> tuple[Alphabet, dict[str, Any]]:
    """Return the alphabet of some names, and what the manifest says about it."""
    if not spelling.of_data:
        return WORKSHEET, {"rule": spelling.alphabet, "symbols": WORKSHEET.symbols}
    distinct = [line for lines in raw.names.values() for line in {line.strip() for line in lines}]
    counts = symbol_counts(distinct)
    alphabet = alphabet_of(counts, spelling.min_symbol_count, spelling.noise_characters)
    return alphabet, {
        "rule": spelling.alphabet,
        "symbols": alphabet.symbols,
        "min_symbol_count": spelling.min_symbol_count,
        "counts": {symbol: counts[symbol] for symbol in alphabet.symbols},
    }


def _without_names(raw: RawNames, language: str, spelling: Spelling) -> UserError:
    """Return the error for a label without usable names, with what would make some usable."""
    place = f"{raw.place}: label {language!r}"
    if not any(is_symbol(symbol) for symbol in "".join(raw.names[language]) if symbol != " "):
        return UserError(f"{place} holds no name in the alphabet")
    if spelling.of_data:
        return UserError(
            f"{place} holds no name of symbols that occur {spelling.min_symbol_count} times; "
            "lower dataset.min_symbol_count"
        )
    return UserError(
        f"{place} holds no name in the alphabet of the worksheet; "
        "set dataset.alphabet to data, or dataset.transliterate to true"
    )


NAMES, MANIFEST = "names.csv", "manifest.json"


def write(dataset: Dataset, folder: Path) -> None:
    """Write the table as CSV (language, name) and its manifest as JSON."""
    write_text(folder / NAMES, _csv_text(dataset.rows))
    write_record(folder / MANIFEST, dataset.manifest, files=[folder / NAMES])


def read(path: Path) -> Dataset:
    """Read the names that `write` wrote, checked against their manifest.

    Raises:
        UserError: A file is missing or damaged.
    """
    manifest = read_record(path.with_name(MANIFEST))
    content = read_recorded(path, manifest).decode()
    lines = csv.DictReader(io.StringIO(content, newline=""))
    rows = [(line["language"], line["name"]) for line in lines]
    return Dataset(rows, manifest, Alphabet(manifest["alphabet"]["symbols"]))


def _csv_text(rows: list[tuple[str, str]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["language", "name"])
    writer.writerows(rows)
    return buffer.getvalue()
