"""What a short answer is, and the sentences that several share."""

from collections.abc import Callable
from dataclasses import dataclass

from noisynames.names.noise import PLACEMENTS, Noise
from noisynames.randomness import SOURCES
from noisynames.reporting.answers.study import Study, close
from noisynames.reporting.words import Record, listed, percent, seeds, whole_points


@dataclass(frozen=True)
class ShortAnswer:
    """What a reader with one minute should take away.

    Attributes:
        sentences: Three to five of them.
        figure: Name of the figure beside them.
    """

    sentences: list[str]
    figure: str


Answering = Callable[[Study], ShortAnswer | None]

HEADLINES: dict[int, Answering] = {}
"""The functions that may give the short answer, by turn; the first that returns one gives it."""


def headline(turn: int) -> Callable[[Answering], Answering]:
    """Register a function that gives the short answer where the config varies its subject.

    Args:
        turn: Functions with a lower turn are asked first.

    Raises:
        ValueError: Another function has that turn.
    """

    def register(answering: Answering) -> Answering:
        if turn in HEADLINES:
            raise ValueError(f"two short answers have the turn {turn}")
        HEADLINES[turn] = answering
        return answering

    return register


def spread_of(record: Record) -> str:
    """Return the interval of the size of a difference of shares, in points, in brackets."""
    if record["low"] is None:
        return ""
    low, high = sorted(abs(100 * record[key]) for key in ("low", "high"))
    if record["low"] * record["high"] < 0:
        low = -low
    return f" (95 % interval {low:.1f} to {high:.1f} points)".replace("-", "−")


def who_is_best(study: Study, noise: str) -> str:
    """Say which model recognises most held-out names under a noise, by how much, how surely."""
    ranked = study.ranked("macro_accuracy", noise, best_first=-1)
    if not ranked:
        return ""
    where = study.under(noise)
    where = where[0].upper() + where[1:]
    best = ranked[0]
    share = percent(best["mean"], 0)
    if len(ranked) == 1:
        return f"{where}, {study.label(best['model'])} recognises {share} of the held-out names."
    pairs = study.select("model_comparisons", metric="macro_accuracy", noise=noise)
    leaders = study.leaders("macro_accuracy", noise, best_first=-1)
    if len(leaders) == 1:
        second = ranked[1]["model"]
        (margin,) = (r for r in pairs if {r["a"], r["b"]} == {best["model"], second})
        return (
            f"{where}, {study.label(best['model'])} is the best model: it recognises {share} of "
            f"the held-out names, {whole_points(margin['mean'])} more than the next, "
            f"{study.label(second)}{spread_of(margin)}."
        )
    last = ranked[-1]
    reach = f"from {percent(last['mean'], 0)} to {share} of the held-out names"
    if len(leaders) == len(ranked):
        if all(close(r) for r in pairs):
            return f"{where}, all models do equally well for practical purposes: {reach}."
        return f"{where}, no model is best beyond doubt: they recognise {reach}."
    own = [r for r in pairs if {r["a"], r["b"]} <= set(leaders)]
    if all(close(r) for r in own):
        alike = "do equally well for practical purposes"
    else:
        alike = "cannot be told apart"
        lowest = percent(min(r["mean"] for r in ranked if r["model"] in leaders), 0)
        share = share if lowest == share else f"{lowest} to {share}"
    share = f"{share} of the held-out names"
    behind = [r for r in ranked if r["model"] not in leaders]
    rest = (
        f"{study.label(behind[0]['model'])} follows with {percent(behind[0]['mean'], 0)}"
        if len(behind) == 1
        else f"the others reach {percent(behind[-1]['mean'], 0)} to {percent(behind[0]['mean'], 0)}"
    )
    in_order = [model for model in study.models if model in leaders]
    return f"{where}, {study.names(in_order)} {alike} ({share}); {rest}."


def simpler_method(study: Study) -> str:
    """Say where a baseline does better than every network; nothing where it does not."""
    ahead = []
    for noise in study.noises:
        found = study.select("baselines", metric="macro_accuracy", noise=noise, baseline="ngrams")
        against = [
            r
            for r in study.select("baseline_comparisons", metric="macro_accuracy", noise=noise)
            if r["b"] == "ngrams"
        ]
        if against and all(r["verdict"] == "lower" for r in against):
            ahead += [f"{percent(r['mean'], 0)} {study.under(noise)}" for r in found]
    if not ahead:
        return ""
    return (
        f"No network is needed for the best result: logistic regression on character n-grams "
        f"recognises {listed(ahead)}."
    )


def how_sure(study: Study) -> str:
    """Say from how many seeds and runs the numbers are."""
    runs, count = study.findings["runs"], study.findings["seeds"]
    left_out = [
        f"{runs[what]} {what} {'run' if runs[what] == 1 else 'runs'}"
        for what in ("diverged", "missing")
        if runs[what]
    ]
    without = f"; left out: {listed(left_out)}" if left_out else ""
    if count == 1:
        return f"One seed only, so nothing here can be tested{without}."
    varied = all({*spec["seeds_vary"]} == {*SOURCES} for spec in study.models.values())
    own = ": each splits the names anew and draws its own noise and initial weights"
    return f"All numbers are means over {seeds(count)}{own if varied else ''}{without}."


def junk(study: Study) -> str:
    """Return the top noise in words: `0 to 6 junk characters after the name`."""
    noise = Noise.named(study.top)
    return f"0 to {noise.level + 1} junk characters {PLACEMENTS[noise.placement].where}"
