"""Tests of paired differences, many at once: each column of an array is one comparison."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

EXACT_UP_TO = 14
_AT_ONCE = 64
"""How many columns are tested together: 2^14 sign patterns for each fit in a cache."""
_ROUNDING = 1e-12
"""Sums that differ by less than this share are the same sum, added in a different order."""


def t_test(differences: ArrayLike, odds: float = 0.0) -> NDArray[np.float64]:
    """Return the two-sided p value of a paired t test of mean 0, for each column.

    Assumes that the differences, or at least their mean, are about normal; see docs/statistics.md.

    Args:
        differences: Shape (seeds, columns), at least two seeds.
        odds: Above 0 for the corrected resampled test, for new names; see `intervals.t_band`.
    """
    mean, error, n = _moments(differences, odds)
    p: NDArray[np.float64] = 2 * stats.t.sf(_ratio(np.abs(mean), error), n - 1)
    return p


def equivalence_test(
    differences: ArrayLike, margin: float, odds: float = 0.0
) -> NDArray[np.float64]:
    """Return the p value of two one-sided t tests that the mean is nearer to 0 than `margin`.

    A small one shows that it is. Source: Schuirmann (1987); an array version of statsmodels'
    `ttost_paired`.

    Args:
        differences: Shape (seeds, columns), at least two seeds.
        margin: Above 0, in the unit of the differences.
        odds: As for `t_test`.
    """
    mean, error, n = _moments(differences, odds)
    p: NDArray[np.float64] = stats.t.sf(_ratio(margin - np.abs(mean), error), n - 1)
    return p


def _moments(
    differences: ArrayLike, odds: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Return the mean of each column, its standard error, and the number of seeds."""
    x = np.asarray(differences, dtype=float)
    return x.mean(axis=0), x.std(axis=0, ddof=1) * np.sqrt(1 / len(x) + odds), len(x)


def _ratio(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a / b, where 0 / 0 is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(a == 0, 0.0, a / b)


def sign_flip_test(differences: ArrayLike) -> NDArray[np.float64]:
    """Return the two-sided p value of a paired permutation test of mean 0, for each column.

    Under the null hypothesis each seed's difference is equally likely to have the other sign;
    nothing else is assumed. Up to 14 seeds, all 2^n sign patterns are counted; beyond, 2^14 random
    ones, the same for all tests with as many seeds. Source: Fisher, The Design of Experiments
    (1935), §21; a version of SciPy's `permutation_test` for many comparisons.

    Args:
        differences: Shape (seeds, columns), at least one seed.
    """
    x = np.asarray(differences, dtype=float)
    n = len(x)
    signs = _all_signs(n) if n <= EXACT_UP_TO else _random_signs(n)
    seen = np.abs(x.sum(axis=0)) * (1 - _ROUNDING)
    blocks = range(0, x.shape[1], _AT_ONCE)
    counts = [
        (np.abs(signs @ x[:, i : i + _AT_ONCE]) >= seen[i : i + _AT_ONCE]).sum(axis=0)
        for i in blocks
    ]
    count: NDArray[np.float64] = np.concatenate([np.zeros(0), *counts])
    # The observed pattern is among all patterns; random ones are counted together with it.
    seen_too = 0 if n <= EXACT_UP_TO else 1
    return (count + seen_too) / (len(signs) + seen_too)


@cache
def _all_signs(n: int) -> NDArray[np.float64]:
    """Return half of the sign patterns, shape (2^(n − 1), n); the others are their negatives."""
    bits = (np.arange(2 ** (n - 1))[:, None] >> np.arange(n)) & 1
    return np.where(bits, -1.0, 1.0)


@cache
def _random_signs(n: int) -> NDArray[np.float64]:
    return np.random.default_rng(0).choice([-1.0, 1.0], size=(2**EXACT_UP_TO, n))


def smallest_p(n: int) -> float:
    """Return the smallest two-sided p value that the sign-flip test can give for n seeds."""
    return min(1.0, 2.0 / 2.0 ** min(n, EXACT_UP_TO))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return the p values of one family, adjusted by Holm's step-down method.

    A test that could not be made (None) is not a member of the family, and stays None. Source: Holm
    (1979). statsmodels' `multipletests` gives the same, but takes 50 ms, since it collects garbage.
    """
    made = np.array([p for p in p_values if p is not None])
    order = np.argsort(made)
    adjusted = np.empty(len(made))
    steps = made[order] * np.arange(len(made), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    found = iter(adjusted.tolist())
    return [None if p is None else next(found) for p in p_values]
