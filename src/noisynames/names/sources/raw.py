"""What a source hands over: lines as they stand there, and where they come from."""

from dataclasses import dataclass, field, replace
from importlib.metadata import version


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
