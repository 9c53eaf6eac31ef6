"""What a source hands over: lines as they stand there, and where they come from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RawNames:
    """Names as a source lists them, before normalisation.

    Attributes:
        names: Label to lines, in the source's order, with repetitions.
        source, version, licence: Provenance, for the manifest.
        place: What an error message calls the source (a path or a URL).
    """

    names: dict[str, list[str]]
    source: str
    version: str
    licence: str
    place: str
