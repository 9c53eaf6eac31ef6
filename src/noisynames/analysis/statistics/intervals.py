"""Means over seeds, and intervals around them."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds and its t interval.

    Attributes:
        mean: The mean.
        low, high: The 95 % interval; None with fewer than two seeds.
        n: The number of seeds.
    """

    mean: float
    low: float | None
    high: float | None
    n: int


def t_band(
    values: ArrayLike, confidence: float = CONFIDENCE, odds: float = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean and Student's t interval over the first axis.

    Args:
        values: Shape (seeds, …), at least one seed.
        confidence: Coverage of the interval, in (0, 1).
        odds: How many names a seed holds out for each name that it does not. Seeds that split the
            same names are not independent samples of names: with `odds` above 0 the interval is the
            corrected resampled one, for new names (Nadeau and Bengio, "Inference for the
            generalization error", 2003), with the variance s² (1 / n + odds).

    Returns:
        mean, low, high: Shape (…); low and high are NaN with a single seed.

    Raises:
        ValueError: There is no seed at all.
    """
    x = np.asarray(values, dtype=float)
    n = len(x)
    if n == 0:
        raise ValueError("no values")
    mean = x.mean(axis=0)
    if n == 1:
        return mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    half = _quantile(confidence, n - 1) * x.std(axis=0, ddof=1) * np.sqrt(1 / n + odds)
    return mean, mean - half, mean + half


@cache
def _quantile(confidence: float, df: int) -> float:
    return float(stats.t.ppf((1 + confidence) / 2, df))


def t_interval(values: ArrayLike, confidence: float = CONFIDENCE, odds: float = 0.0) -> Estimate:
    """Return the mean of `values`, shape (seeds,), with Student's t interval; see `t_band`."""
    x = np.asarray(values, dtype=float)
    mean, low, high = (float(value) for value in t_band(x, confidence, odds))
    if x.size == 1:
        return Estimate(mean, None, None, 1)
    return Estimate(mean, low, high, int(x.size))
