"""The most confident mistakes: of a part of the seeds where it is tested, of all in the tables."""

from collections import Counter
from collections.abc import Iterable
from heapq import nsmallest
from itertools import islice
from typing import NamedTuple

MOST = 12
"""How many are kept."""


class Mistake(NamedTuple):
    """A wrong prediction for a held-out name.

    Attributes:
        name: The name.
        language: Its language.
        prediction: The language predicted instead.
        probability: The prediction's probability with the most confident seed.
        seeds: With how many seeds the model predicts that.
        held_out: With how many seeds the name is held out.
    """

    name: str
    language: str
    prediction: str
    probability: float
    seeds: int
    held_out: int


Wrong = tuple[str, str, str, float]
"""A name, its language, the prediction and its probability."""


def most_confident(seeds: Iterable[tuple[Iterable[str], Iterable[Wrong]]]) -> list[Mistake]:
    """Return the most confident mistakes, the most confident one first.

    Args:
        seeds: For each seed, its held-out names and the wrong predictions for them, all under one
            noise.
    """
    wrong = [(names, [*mistakes]) for names, mistakes in seeds]
    # One of the most confident mistakes of all is one of the most confident of some seed.
    leading = [each for _, mistakes in wrong for each in nsmallest(MOST, mistakes, key=_rank)]
    surest: dict[tuple[str, str, str], float] = {}
    for each in sorted(leading, key=_rank):
        surest.setdefault(each[:3], each[3])
    chosen = dict(islice(surest.items(), MOST))
    times = Counter(each[:3] for _, mistakes in wrong for each in mistakes if each[:3] in chosen)
    asked = {name for name, _, _ in chosen}
    held_out = Counter(name for names, _ in wrong for name in asked & {*names})
    return [
        Mistake(*mistake, probability, times[mistake], held_out[mistake[0]])
        for mistake, probability in chosen.items()
    ]


def _rank(wrong: Wrong) -> tuple[float, str, str, str]:
    """Return what orders mistakes: the most confident first, of equal ones by name."""
    name, language, prediction, probability = wrong
    return -probability, name, language, prediction
