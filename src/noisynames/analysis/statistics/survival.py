"""Times until an event, some of them censored."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


def log_rank(a: tuple[ArrayLike, ArrayLike], b: tuple[ArrayLike, ArrayLike]) -> float | None:
    """Return the two-sided p value of the log-rank test that two groups of times do not differ.

    Args:
        a: Times, shape (runs,), and whether each was reached (False: censored there).
        b: The same for the other group.

    Returns:
        The p value; None where a group is empty.

    Source: Mantel (1966); SciPy's `logrank`.
    """
    if not (np.size(a[1]) and np.size(b[1])):
        return None
    if not (np.any(a[1]) or np.any(b[1])):
        return 1.0  # nothing was observed in either group
    times = np.concatenate([np.asarray(a[0], float), np.asarray(b[0], float)])
    if np.all(times == times[0]):
        return 1.0  # nothing differs, and the statistic is 0 / 0
    result = stats.logrank(_censored(*a), _censored(*b))
    return float(result.pvalue)


def reached_by(times: ArrayLike, reached: ArrayLike) -> tuple[list[float], list[float]]:
    """Return the share of runs that reached a target, as a step function of the time.

    Args:
        times: When each run reached it, or where it was censored; shape (runs,).
        reached: Whether it did, shape (runs,).

    Returns:
        The times of the steps, and the share from each step on (Kaplan–Meier).
    """
    cdf = stats.ecdf(_censored(times, reached)).cdf
    return cdf.quantiles.tolist(), cdf.probabilities.tolist()


def _censored(times: ArrayLike, reached: ArrayLike) -> Any:
    return stats.CensoredData.right_censored(
        np.asarray(times, float), ~np.asarray(reached, dtype=bool)
    )
