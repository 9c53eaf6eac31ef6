"""The most confident mistakes: of a part of the seeds where it is tested, of all in the tables."""

from collections import Counter
from collections.abc import Iterable
from heapq import nsmallest
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
    held_out: Counter[str] = Counter()
    times: Counter[tuple[str, str, str]] = Counter()
    surest: dict[tuple[str, str, str], float] = {}
    for names, wrong in seeds:
        held_out.update({*names})
        for name, language, prediction, probability in wrong:
            mistake = (name, language, prediction)
            times[mistake] += 1
            surest[mistake] = max(probability, surest.get(mistake, 0.0))
    return [
        Mistake(*mistake, probability, times[mistake], held_out[mistake[0]])
        for mistake, probability in nsmallest(
            MOST, surest.items(), key=lambda item: (-item[1], *item[0])
        )
    ]
