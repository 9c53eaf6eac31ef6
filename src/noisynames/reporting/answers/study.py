"""What every answer is made from, and what it is."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from noisynames.reporting.answers.words import Record

if TYPE_CHECKING:  # findings are read, and nothing here computes one
    from noisynames.analysis.findings.summary import Findings

DETECTED = ("higher", "lower")


@dataclass(frozen=True)
class Answer:
    """One question and what the numbers say.

    Attributes:
        question: As the worksheet asks it.
        verdict: The answer in a few words.
        sentences: The answer with its numbers, each with its interval.
        evidence: Anchor of the section that shows it.
        seeds: The smallest number of seeds behind a number of the answer; None if none is.
    """

    question: str
    verdict: str
    sentences: list[str]
    evidence: str
    seeds: int | None


class Study:
    """The findings with the names that questions need: reference model, lowest and top noise."""

    def __init__(self, findings: "Findings", config: Mapping[str, Any]) -> None:
        self.findings = findings
        self.models: Mapping[str, Any] = config["models"]
        self.low, self.top = findings["quietest"], findings["noisiest"]
        self.noise: Mapping[str, Any] = config["noise"]
        self.updates = config["training"]["updates"]
        batched = any(spec["batch_size"] > 1 for spec in self.models.values())
        self.budget = f"{self.updates:,} {'examples' if batched else 'updates'}"
        plain = [m for m, s in self.models.items() if s["cell"] == "rnn" and s["readout"] == "last"]
        self.reference = (plain or list(self.models))[0]

    def select(self, records: str, **match: Any) -> list[Record]:
        """Return the records of the findings in which every key has the value given."""
        return [
            r
            for r in self.findings[records]
            if all(r[key] == value for key, value in match.items())
        ]

    def ranked(self, metric: str, noise: str, best_first: int = 1) -> list[Record]:
        """Return every model's estimate at a noise, the lowest first, or with −1 the highest."""
        found = self.select("estimates", metric=metric, noise=noise)
        return sorted(found, key=lambda r: best_first * float(r["mean"]))


Answering = Callable[[Study], Answer | None]

QUESTIONS: dict[float, Answering] = {}
"""What answers each question, by its place, as the modules of this folder were imported."""


def question(place: float) -> Callable[[Answering], Answering]:
    """Register a function that answers a question.

    It returns None where the experiment does not ask that.

    Args:
        place: The report tells answers in this order; 3.5 stands between 3 and 4.

    Raises:
        ValueError: Another question has that place.
    """

    def register(answering: Answering) -> Answering:
        if place in QUESTIONS:
            raise ValueError(f"two questions have the place {place}")
        QUESTIONS[place] = answering
        return answering

    return register


def fewest_seeds(records: Iterable[Record]) -> int | None:
    """Return the smallest number of seeds behind some records; None if there are none."""
    return min((int(r["n"]) for r in records), default=None)


def not_tested(question: str, why: str, evidence: str) -> Answer:
    """Return the answer to a question that this run did not ask."""
    return Answer(question, "not tested", [why], evidence, None)


def undecided(records: list[Record]) -> str:
    """Return the verdict where none is higher or lower."""
    is_open = any(r["verdict"] == "undecided" for r in records)
    return "undecided" if is_open else "the same for practical purposes"


def against(reference: str, records: Iterable[Record]) -> tuple[list[str], list[str]]:
    """Return the models detected to be lower, and higher, than the reference."""
    lower: list[str] = []
    higher: list[str] = []
    for r in records:
        if r["verdict"] not in DETECTED:
            continue
        other = r["a"] if r["b"] == reference else r["b"]
        other_is_higher = (r["verdict"] == "higher") == (r["a"] == other)
        (higher if other_is_higher else lower).append(other)
    return lower, higher
