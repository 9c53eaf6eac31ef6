"""How many seeds a paired t test needs, and what it can detect with a given number."""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

POWER = 0.8
MOST_SEEDS = 10_000
"""The most seeds that a config may ask for."""


def power(effect: ArrayLike, n: ArrayLike, alpha: ArrayLike) -> NDArray[np.float64]:
    """Return the probability that a two-sided paired t test detects an effect.

    An array version of statsmodels' `TTestPower`.

    Args:
        effect: Mean difference over the standard deviation of differences, at least 0.
        n: The number of seeds, at least 2.
        alpha: The level of the test.
    """
    n = np.asarray(n, dtype=float)
    limit, shift = stats.t.isf(np.asarray(alpha) / 2, n - 1), np.asarray(effect) * np.sqrt(n)
    # Where the other tail is too small for SciPy, it is NaN.
    other = np.nan_to_num(stats.nct.cdf(-limit, n - 1, shift))
    found: NDArray[np.float64] = stats.nct.sf(limit, n - 1, shift) + other
    return found


def equivalence_power(
    effect: ArrayLike, margin: ArrayLike, n: ArrayLike, alpha: ArrayLike
) -> NDArray[np.float64]:
    """Return the probability that two one-sided tests show an effect to be below a margin.

    Each of them may fail on its own side; that both fail is neglected, so small powers are a
    little understated. Source: Phillips (1990).

    Args:
        effect: As for `power`.
        margin: The margin over the standard deviation of differences.
        n: The number of seeds, at least 2.
        alpha: The level of each test.
    """
    n, effect, margin = (np.asarray(x, dtype=float) for x in (n, effect, margin))
    limit, error = stats.t.isf(alpha, n - 1), 1 / np.sqrt(n)
    missed = stats.nct.cdf(limit, n - 1, np.stack([margin - effect, margin + effect]) / error)
    shown: NDArray[np.float64] = 1 - np.nan_to_num(missed).sum(axis=0)
    return np.where(effect < margin, np.maximum(shown, 0), 0)


def fewest_seeds(
    power_of: Callable[[NDArray[np.int64]], NDArray[np.float64]], count: int
) -> NDArray[np.int64]:
    """Return the fewest seeds that reach the power POWER; 0 where MOST_SEEDS do not.

    Args:
        power_of: Maps numbers of seeds, shape (count,), to the power of each, which must grow.
        count: How many numbers to return.
    """
    low, high = np.full(count, 1), np.full(count, MOST_SEEDS + 1)
    while (high - low > 1).any():
        middle = np.maximum((low + high) // 2, 2)
        enough = power_of(middle) >= POWER
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(high > MOST_SEEDS, 0, high)


@cache
def detectable(n: int, alpha: float) -> float:
    """Return the smallest effect (see `power`) that n seeds detect with power POWER."""
    low, high = 0.0, 1.0
    while power(high, n, alpha) < POWER:
        high *= 2
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle, n, alpha) >= POWER else (middle, high)
    return high
