"""What an answer is, and what every answer is made from."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from noisynames.names.noise import Noise
from noisynames.reporting import words
from noisynames.reporting.words import Record

if TYPE_CHECKING:  # findings are read, and nothing here computes one
    from noisynames.analysis.findings.summary import Findings

DETECTED = ("higher", "lower")


@dataclass(frozen=True)
class Answer:
    """One question and what the numbers say.

    Attributes:
        question: The question, in the words of the worksheet if it is there.
        line: The answer, in at most 20 words.
        statistics: The numbers behind it, one sentence each, with intervals and tests.
        evidence: Anchor of the section that shows more.
        seeds: The smallest number of seeds behind a number of the answer; None if none is.
        figure: Name of the small figure that shows it; None if there is nothing to show.
        why: At most two sentences, where the data support a cause.
    """

    question: str
    line: str
    statistics: list[str]
    evidence: str
    seeds: int | None
    figure: str | None = None
    why: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Unasked:
    """A question that this experiment did not ask.

    Attributes:
        question: What could be asked.
        why: Why it was not.
        command: The command that would ask it; None if that depends on the user's own config.
    """

    question: str
    why: str
    command: str | None = None


class Study:
    """The findings, with what answers need: the reference model, the lowest and the top noise."""

    def __init__(self, findings: "Findings", config: Mapping[str, Any]) -> None:
        self.findings = findings
        there = {r["model"] for r in findings["estimates"]} or {*config["models"]}
        # The compared ones; one stands for several that differ only in their learning rate.
        self.models: Mapping[str, Any] = {m: s for m, s in config["models"].items() if m in there}
        self.every: Mapping[str, Any] = config["models"]
        self.low, self.top = findings["quietest"], findings["noisiest"]
        self.noise: Mapping[str, Any] = config["noise"]
        self.updates = config["training"]["updates"]
        batched = any(spec["batch_size"] > 1 for spec in self.models.values())
        self.budget = f"{self.updates:,} {'names' if batched else 'updates'}"
        plain = [m for m, s in self.models.items() if s["cell"] == "rnn" and s["readout"] == "last"]
        self.reference = (plain or list(self.models))[0]
        self.label_name = findings["label_name"]

    @property
    def noises(self) -> list[str]:
        """The lowest and the top noise; a single entry if they are the same."""
        return list(dict.fromkeys((self.low, self.top)))

    def label(self, model: str) -> str:
        """Return what a model is called in a sentence: `LSTM (2 layers)`, without a comma."""
        return words.in_sentence(str(self.findings["labels"].get(model, model)))

    def names(self, models: Iterable[str]) -> str:
        """Return some models as a list in a sentence."""
        return words.listed(self.label(model) for model in models)

    def under(self, noise: str) -> str:
        """Return a noise as a phrase of a sentence: `without noise`, `under noise 5`."""
        return "without noise" if Noise.named(noise).level == 0 else f"under noise {noise}"

    def select(self, records: str, **match: Any) -> list[Record]:
        """Return the records of the findings in which every key has the value given."""
        return [
            r
            for r in self.findings[records]
            if all(r[key] == value for key, value in match.items())
        ]

    def ranked(self, metric: str, noise: str, best_first: int = 1) -> list[Record]:
        """Return every model's estimate at a noise, lowest first; with −1, highest first."""
        found = self.select("estimates", metric=metric, noise=noise)
        return sorted(found, key=lambda r: best_first * float(r["mean"]))

    def each(self, records: Iterable[Record]) -> str:
        """Return each model with its estimate and interval."""
        return "; ".join(f"{self.label(r['model'])} {words.interval(r)}" for r in records)

    def pair(self, record: Record) -> str:
        """Return the two sides of a comparison of models."""
        return f"{self.label(record['a'])} − {self.label(record['b'])}"

    def against(self, model: str, records: Iterable[Record]) -> tuple[list[str], list[str]]:
        """Return the models that are detected to be lower, and higher, than a model."""
        lower: list[str] = []
        higher: list[str] = []
        for r in records:
            if r["verdict"] in DETECTED:
                other = r["a"] if r["b"] == model else r["b"]
                other_is_higher = (r["verdict"] == "higher") == (r["a"] == other)
                (higher if other_is_higher else lower).append(other)
        return lower, higher

    def leaders(self, metric: str, noise: str, best_first: int) -> list[str]:
        """Return the best model, and those not detected to be behind it by more than a margin."""
        ranked = [str(r["model"]) for r in self.ranked(metric, noise, best_first)]
        if not ranked:
            return []
        pairs = self.select("model_comparisons", metric=metric, noise=noise)
        own = [r for r in pairs if ranked[0] in (r["a"], r["b"]) and not close(r)]
        behind = {model for side in self.against(ranked[0], own) for model in side}
        return [model for model in ranked if model not in behind]


def close(record: Record) -> bool:
    """Whether a difference, detected or not, is shown to be too small to matter."""
    return record["verdict"] == "same" or bool(record["below_margin"])


def says(record: Record) -> str:
    """Return what a comparison says about its first side: `2.1 points higher`, `the same`."""
    verdict, metric = record["verdict"], words.measured(record)
    if record["mean"] is None:
        return "not known"
    amount = words.change(abs(record["mean"]), metric).lstrip("+")
    unit = "points" if metric in words.SHARES else "nats"
    if verdict in DETECTED:
        return f"{amount} {unit} {verdict}"
    if verdict == "same":
        return "the same for practical purposes"
    return f"undecided ({words.change(record['mean'], metric)} {unit})"


def statistic(record: Record) -> str:
    """Return a paired difference with its interval, test and verdict, and what would settle it."""
    small = ", by less than matters" if record["verdict"] in DETECTED and close(record) else ""
    return f"{words.difference(record)}: {VERDICTS[record['verdict']]}{small}{_exactly(record)}"


def _exactly(record: Record) -> str:
    """Return what to add to the t test: the exact test, or how many more seeds are needed."""
    verdict, n, settles = record["verdict"], record["n"], record["seeds_for_difference"]
    if record["reason"]:
        return f" ({record['reason']})"
    if verdict == "undecided" and settles is not None:
        more = settles - n
        return f" ({more} more {words.plural('seed', more)}, {settles} in all, would settle it)"
    if verdict in DETECTED and not record["exact_reaches"]:
        return f" (by the t test; {words.seeds(n)} are too few for the exact test)"
    if record["agrees"] is False:
        return " (by the t test; the exact test does not agree)"
    return ""


VERDICTS = {
    "higher": "higher",
    "lower": "lower",
    "same": "the same for practical purposes",
    "undecided": "undecided",
}
"""Verdicts in words."""

Answering = Callable[[Study], Answer | Unasked | None]

QUESTIONS: dict[float, Answering] = {}
"""The function that answers each question, by place; modules of this folder add theirs."""


def question(place: float) -> Callable[[Answering], Answering]:
    """Register a function that answers a question.

    The function returns None where the experiment does not ask the question.

    Args:
        place: The place of the answer in the report; 3.5 is between 3 and 4.

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


def settled(records: Iterable[Record]) -> str:
    """Return what can be said where no difference was found."""
    verdicts = {r["verdict"] for r in records}
    if verdicts == {"same"}:
        return "all are the same for practical purposes"
    return "no difference is detected"
