"""Values over seeds, and their comparisons, paired by seed.

Every comparison in the findings is a flat record. It begins with what is compared: `metric`,
`noise`, `a`, `b` and others, described by the function that makes the list. Then come

    mean            mean over seeds of a − b; null without a seed
    low, high       its 95 % t interval, for this comparison alone; null with fewer than two seeds
    n               number of seeds that both sides completed
    p               two-sided p value of the paired t test; null, like all p values, where n < 2
    p_adjusted      the same after Holm's correction over the family (and, with several looks, over
                    all of them); where it is at most `alpha`, a difference is detected
    p_exact         p value of the exact sign-flip test, uncorrected
    exact_reaches   whether the exact test could reach `alpha` at all, with n seeds in this family
    agrees          whether the exact test, corrected in the same way, decides as the t test does;
                    null where it could not reach `alpha`
    margin          a difference below it does not matter; null if all matter
    p_equivalent    p value of the test that the difference is below the margin, corrected in the
                    same way; null without a margin
    below_margin    whether p_equivalent is at most `alpha`: then a difference, detected or not, is
                    too small to matter; null without a margin
    verdict         `higher` or `lower`, of a against b, where a difference is detected, however
                    small; else `same`, where it is below the margin; else `undecided`
    seeds_for_margin      if undecided: how many seeds in all have 80 % power to detect a
                    difference as large as the margin; null without a margin, or if 10,000 do not
    seeds_for_difference  if undecided: how many seeds in all would settle it with 80 % power, as a
                    difference or as one too small to matter, if the observed one is the true one;
                    null if 10,000 would not
    detectable      the smallest difference that these n seeds had 80 % power to detect
    reason          why there was no test, in words, where n < 2; else null
    new_low, new_high, new_p_adjusted, new_verdict
                    like `low`, `high`, `p_adjusted` and `verdict`, but for new names of the same
                    languages: seeds split one set of names, so they agree more than other
                    sets of names would. Given for held-out accuracy and loss; otherwise, and
                    where all seeds hold out the same names, null

Seeds needed and `detectable` assume that the observed spread is the true one, and use the level at
which Holm's correction stopped in this family. `findings["families"]` says in words what is
corrected together in each list.
"""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from noisynames.analysis.statistics.comparing import Comparison, Standard, compare
from noisynames.analysis.statistics.intervals import t_interval
from noisynames.analysis.tables import Tables
from noisynames.columns import SCORES
from noisynames.grid import Grid

METRICS = {
    "final_loss": "final training loss (nats)",
    "loss_area": "mean training loss over the run (nats)",
    "held_out_loss": "held-out loss, macro-averaged (nats)",
    "generalisation_gap": "held-out loss minus final training loss (nats)",
    "macro_accuracy": "macro-averaged held-out accuracy",
    **{name: score.words for name, score in SCORES.items()},
}

HELD_OUT = ("held_out_loss", "macro_accuracy", *SCORES)
"""Metrics that are measured only on held-out names, and so might hold for new ones."""

Record = dict[str, Any]
Key = tuple[str, str, str]
"""A metric, a model (or baseline) and a noise."""
Values = dict[Key, pd.Series]
"""Each metric × model × noise as a series over the seeds that completed."""
Pair = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Two arrays of shape (seeds,), in the same order of seeds."""


_EMPTY = pd.Series(dtype=float)


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
    return {**vars(t_interval(values))}


def estimate_of(metric: str, values: ArrayLike, grid: Grid) -> Record:
    """Return an estimate of a metric, with its interval for new names: new_low, new_high.

    They are None where the metric is not one of HELD_OUT, with one seed, and where all seeds hold
    out the same names.
    """
    wide = None
    if metric in HELD_OUT and grid.odds is not None:
        wide = t_interval(values, odds=grid.odds)
    return {
        **estimate(values),
        "new_low": wide and wide.low,
        "new_high": wide and wide.high,
    }


def paired(values: Values, a: Key, b: Key) -> Pair:
    """Return two of the values for the seeds that both have."""
    at_both = _aligned(values, [a, b])
    return at_both[:, 0], at_both[:, 1]


def paired_change(values: Values, a: tuple[Key, Key], b: tuple[Key, Key]) -> Pair:
    """Return two differences of values for the seeds that all four have."""
    at_all = _aligned(values, [*a, *b])
    return at_all[:, 0] - at_all[:, 1], at_all[:, 2] - at_all[:, 3]


def _aligned(values: Values, keys: Sequence[Key]) -> NDArray[np.float64]:
    """Return values for the seeds that all of them have, shape (seeds, keys)."""
    series = [values.get(key, _EMPTY) for key in keys]
    seeds = series[0].index
    if any(not other.index.equals(seeds) for other in series):  # cheap to check, and rarely true
        seeds = reduce(pd.Index.intersection, (other.index for other in series))
        series = [other.loc[seeds] for other in series]
    return np.column_stack([other.to_numpy(float) for other in series])


def standard(metric: str, grid: Grid) -> Standard:
    """Return the standard for comparisons in a metric: one of METRICS, or another quantity."""
    odds = grid.odds if metric in HELD_OUT else None
    return Standard(grid.margins.get(metric), odds, looks=grid.looks, look=grid.look)


def compared(asked: Sequence[Record], pairs: Sequence[Pair], by: Standard) -> list[Record]:
    """Compare the two sides of each pair; all pairs are one family.

    Args:
        asked: What each pair is; its record begins with this.
        pairs: The values, one pair for each of `asked`.
        by: The standard by which they are judged.

    Returns:
        One record for each pair, as described at the top of this file.
    """
    found = zip(asked, compare(pairs, by), strict=True)
    return [{**what, **_record(comparison)} for what, comparison in found]


def _record(comparison: Comparison) -> Record:
    record = {**vars(comparison.difference), **vars(comparison)}
    del record["difference"]
    return {**record, "mean": record["mean"] if record["n"] else None}
