"""What a source is, and what it hands over: lines as they stand there, and where they come from."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True)
class RawNames:
    """Names as a source lists them, before normalisation.

    Attributes:
        names: Label to lines, in the source's order, with repetitions.
        source, version, licence: Provenance, for the manifest.
        place: What an error message calls the source (a path or a URL).
        left_out: What lies beside the names and is not read, with the reason.
    """

    names: dict[str, list[str]]
    source: str
    version: str
    licence: str
    place: str
    left_out: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """A source of names. The module that describes it as SOURCE, in this folder, gives its name.

    Attributes:
        read: From `dataset.path`, and whether names in Latin letters are wanted, to the names.
        path: What `dataset.path` leads to; "" if the source takes none.
        needs_path: Whether there is nothing to read without it.
        is_latin: Whether names are put into Latin letters if `dataset.transliterate` is null.
        files: From a path to the files that are read there: an edit to one is an edit to the names.
    """

    read: Callable[[Path | None, bool], RawNames]
    path: str = ""
    needs_path: bool = False
    is_latin: bool = False
    files: Callable[[Path], list[Path]] = lambda path: [path]


def romanised(name: str) -> str:
    """Return a name in Latin letters.

    Other scripts go through anyascii; so do Latin letters that the worksheet's alphabet would lose
    (ł, ß). A name all in one case (a script without capitals, a romanisation in capitals) gets an
    initial capital, so that letter case says nothing of the language.
    """
    from anyascii import anyascii

    latin = anyascii(name)
    return latin.capitalize() if latin.islower() or latin.isupper() else latin


def all_romanised(raw: RawNames) -> RawNames:
    """Return a source with each line as `romanised` has it."""
    return replace(
        raw,
        names={label: [romanised(line) for line in lines] for label, lines in raw.names.items()},
        version=f"{raw.version}, anyascii {version('anyascii')}",
    )
