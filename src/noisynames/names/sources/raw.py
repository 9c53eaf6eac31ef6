"""What a source is, and what it returns: lines as they are there, and where they come from."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True)
class RawNames:
    """Names as a source lists them, before normalisation.

    Attributes:
        names: The lines of each label, in the source's order, with repetitions.
        source, version, licence: The provenance, for the manifest.
        place: The source as error messages call it (a path or a URL).
        left_out: Files beside the names that are not read, each with the reason.
    """

    names: dict[str, list[str]]
    source: str
    version: str
    licence: str
    place: str
    left_out: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """A source of names, named after the module in this folder that has it as SOURCE.

    Attributes:
        read: Returns the names, given `dataset.path` and whether Latin letters are wanted.
        path: What `dataset.path` is; "" if the source takes none.
        needs_path: Whether there is nothing to read without it.
        is_latin: Whether names are transliterated if `dataset.transliterate` is null.
        files: Returns the files read from a path; an edit to one is an edit to the names.
    """

    read: Callable[[Path | None, bool], RawNames]
    path: str = ""
    needs_path: bool = False
    is_latin: bool = False
    files: Callable[[Path], list[Path]] = lambda path: [path]


def romanised(name: str) -> str:
    """Return a name in Latin letters.

    anyascii transliterates other scripts, and Latin letters that the worksheet's alphabet would
    lose (ł, ß). A name all in one case (a script without capitals, a romanisation in capitals) gets
    an initial capital, so that letter case does not reveal the language.
    """
    from anyascii import anyascii

    latin = anyascii(name)
    return latin.capitalize() if latin.islower() or latin.isupper() else latin


def all_romanised(raw: RawNames) -> RawNames:
    """Return a source with each line romanised."""
    return replace(
        raw,
        names={label: [romanised(line) for line in lines] for label, lines in raw.names.items()},
        version=f"{raw.version}, anyascii {version('anyascii')}",
    )
