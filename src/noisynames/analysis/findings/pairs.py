"""Values over seeds, and comparisons of them that are paired by seed."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from noisynames.analysis.statistics import Comparison, compare, t_interval
from noisynames.analysis.tables import Tables
from noisynames.columns import SCORES

METRICS = {
    "final_loss": "final training loss (nats)",
    "loss_area": "mean training loss over the run (nats)",
    "held_out_loss": "held-out loss, macro-averaged (nats)",
    "generalisation_gap": "held-out loss minus final training loss (nats)",
    "macro_accuracy": "macro-averaged held-out accuracy",
    **{name: score.words for name, score in SCORES.items()},
}

Record = dict[str, Any]
Key = tuple[str, str, str]
"""A metric, a model (or baseline) and a noise."""
Values = dict[Key, pd.Series]
"""Each metric × model × noise as a series over the seeds that completed."""
Pair = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Two arrays of shape (seeds,), in the same order of seeds."""


def by_run(tables: Tables) -> Values:
    """Return each of METRICS × model × noise as a series over the seeds that completed."""
    runs = tables["runs"][tables["runs"]["status"] == "ok"]
    runs = runs.assign(generalisation_gap=runs["held_out_loss"] - runs["final_loss"])
    accuracy = tables["accuracy"]
    own = accuracy[accuracy["trained_at"] == accuracy["tested_at"]]
    own = own.rename(columns={"trained_at": "noise"})
    wide = runs.merge(own[["model", "noise", "seed", *SCORES]], on=["model", "noise", "seed"])
    return {
        (metric, str(key[0]), str(key[1])): group.set_index("seed")[metric]
        for key, group in wide.groupby(["model", "noise"])
        for metric in METRICS
    }


def estimate(values: ArrayLike) -> Record:
    """Return the mean of values, shape (seeds,), with its interval: mean, low, high, n."""
    return asdict(t_interval(values))


def paired(values: Values, a: Key, b: Key) -> Pair:
    """Return two of the values at the seeds that both have."""
    at_both = _aligned(values, [a, b])
    return at_both[:, 0], at_both[:, 1]


def paired_change(values: Values, a: tuple[Key, Key], b: tuple[Key, Key]) -> Pair:
    """Return two differences of values at the seeds that all four have."""
    at_all = _aligned(values, [*a, *b])
    return at_all[:, 0] - at_all[:, 1], at_all[:, 2] - at_all[:, 3]


def _aligned(values: Values, keys: Sequence[Key]) -> NDArray[np.float64]:
    """Return values at the seeds that all of them have, shape (seeds, keys)."""
    empty = pd.Series(dtype=float)
    table = pd.concat([values.get(key, empty) for key in keys], axis=1, join="inner")
    return table.to_numpy(float)


def compared(asked: Sequence[Record], pairs: Sequence[Pair]) -> list[Record]:
    """Compare the two sides of each pair; all pairs are one family.

    Args:
        asked: What each pair is, which its record begins with.
        pairs: As many.
    """
    found = zip(asked, compare(pairs), strict=True)
    return [{**what, **_record(comparison)} for what, comparison in found]


def _record(comparison: Comparison) -> Record:
    difference = asdict(comparison.difference)
    if comparison.difference.n == 0:
        difference["mean"] = None
    return {
        **difference,
        "p": comparison.p,
        "p_adjusted": comparison.p_adjusted,
        "verdict": comparison.verdict,
    }
