"""What a source hands over: lines as they stand there, and where they come from."""

from dataclasses import dataclass, field


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
