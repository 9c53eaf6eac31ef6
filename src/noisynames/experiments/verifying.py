"""Trains recorded runs again on this machine, and tells whether they are the same to the bit."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noisynames.errors import UserError
from noisynames.files import read_bytes, read_record, read_recorded, sha256
from noisynames.grid import LOSSES, RECORD, WEIGHTS
from noisynames.grid import split_file as files_of_split
from noisynames.models.spec import ModelSpec
from noisynames.names import splits
from noisynames.names.alphabet import WORKSHEET_NOISE, Alphabet
from noisynames.names.noise import Noise
from noisynames.randomness import Seed
from noisynames.runs import NUMBERS, contents
from noisynames.training.hyperparameters import Hyperparameters
from noisynames.training.run import train

AGREES, DIFFERS, UNKNOWN = "agrees", "differs", "cannot be verified"


@dataclass(frozen=True)
class Verdict:
    """The outcome for one run.

    Attributes:
        run: Its folder, relative to the results.
        outcome: AGREES, DIFFERS or UNKNOWN.
        reason: What differs, or why it cannot be verified.
    """

    run: str
    outcome: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.outcome}: {self.run}" + (f" ({self.reason})" if self.reason else "")


def verify(results: Path, count: int) -> Iterator[Verdict]:
    """Train some recorded runs again, and yield the verdict on each.

    Args:
        results: A results folder, from this machine or another.
        count: How many runs to train, spread evenly over all; if there are fewer, all of them.

    Raises:
        UserError: There is no run.
    """
    records = sorted((results / "runs").glob(f"*/noise*/seed*/{RECORD}"))
    if not records:
        raise UserError(f"{results}: found no run (runs/MODEL/noiseN/seedN/{RECORD})")
    count = min(count, len(records))
    for i in range(count):
        yield _verified(results, records[i * len(records) // count])


def _verified(results: Path, file: Path) -> Verdict:
    run = str(file.parent.relative_to(results))
    try:
        record = read_record(file)
        for name in (LOSSES, WEIGHTS):
            read_recorded(file.with_name(name), record)
        if reason := _why_unknown(record):
            return Verdict(run, UNKNOWN, reason)
        seed = Seed(record["seed"], record.get("kept", {}))
        split_file = files_of_split(results, seed.of("split"))
        if not split_file.exists():
            return Verdict(run, UNKNOWN, f"{split_file} does not exist")
        content = read_bytes(split_file)
        if sha256(content) != record["split"]:
            return Verdict(run, DIFFERS, f"it was trained on a different split from {split_file}")
        split = splits.parsed(content, Alphabet.on_record(record))
    except UserError as error:
        return Verdict(run, DIFFERS, str(error).split(";", maxsplit=1)[0])
    spec, plan = ModelSpec(**record["spec"]), Hyperparameters(**record["hyperparameters"])
    noise = Noise.named(record["noise"], record["noise_characters"] or WORKSHEET_NOISE)
    found = contents(train(spec, split, noise, seed, plan, record["engine"]))
    others = [name for name, content in found.items() if sha256(content) != record["files"][name]]
    if others:
        return Verdict(run, DIFFERS, f"different {' and '.join(others)}")
    return Verdict(run, AGREES)


def _why_unknown(record: dict[str, Any]) -> str:
    """Return why a run need not be the same here; empty if it must be."""
    if record["spec"]["cell"] == "custom":
        return "a custom model, whose module is not in the record"
    if record["engine"] != "compiled":
        return f"trained by {record['engine']}, whose results depend on the machine"
    if record.get("numbers") != NUMBERS:
        return f"has version {record.get('numbers', 1)} of the numbers; this is version {NUMBERS}"
    return ""
