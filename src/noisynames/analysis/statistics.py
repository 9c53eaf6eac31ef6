"""Intervals, paired tests and verdicts over seeds: pure functions of arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

CONFIDENCE = 0.95
ALPHA = 0.05
EXACT_UP_TO = 14
Verdict = Literal["higher", "lower", "no difference detected", "too few seeds to tell"]


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds and its t interval.

    Attributes:
        mean: The mean.
        low, high: The 95 % interval; None with fewer than two seeds.
        n: Seeds.
    """

    mean: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Comparison:
    """A paired difference a − b over seeds.

    Attributes:
        difference: The mean difference and its t interval.
        p: Exact two-sided sign-flip p value; None with no seed.
        p_adjusted: After Holm's correction over the family it was tested in.
        verdict: `higher` or `lower` says where a stands against b.
    """

    difference: Estimate
    p: float | None
    p_adjusted: float | None
    verdict: Verdict


def t_band(
    values: ArrayLike, confidence: float = CONFIDENCE
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean and Student's t interval over the first axis.

    Args:
        values: Shape (seeds, …), at least one seed.
        confidence: Coverage of the interval, in (0, 1).

    Returns:
        mean, low, high: Shape (…); low and high are NaN with a single seed.

    Raises:
        ValueError: No seed at all.
    """
    x = np.asarray(values, dtype=float)
    n = len(x)
    if n == 0:
        raise ValueError("no values")
    mean = x.mean(axis=0)
    if n == 1:
        return mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    quantile = float(stats.t.ppf((1 + confidence) / 2, n - 1))
    half = quantile * x.std(axis=0, ddof=1) / np.sqrt(n)
    return mean, mean - half, mean + half


def t_interval(values: ArrayLike, confidence: float = CONFIDENCE) -> Estimate:
    """Return the mean of `values`, shape (seeds,), with Student's t interval; see `t_band`."""
    x = np.asarray(values, dtype=float)
    mean, low, high = (float(value) for value in t_band(x, confidence))
    if x.size == 1:
        return Estimate(mean, None, None, 1)
    return Estimate(mean, low, high, int(x.size))


def sign_flip_test(differences: ArrayLike) -> float:
    """Return the two-sided p value of a paired permutation test of mean 0.

    Under the null hypothesis each seed's difference is as likely to have the other sign. Up to 14
    seeds all 2^n sign patterns are counted; beyond, 2^14 random ones, the same for all tests of as
    many seeds. Source: Fisher, The Design of Experiments (1935), §21; SciPy's `permutation_test`
    and `monte_carlo_test`.

    Args:
        differences: Shape (seeds,), at least one.
    """
    x = np.asarray(differences, dtype=float)
    if x.size == 1 or not x.any():
        return 1.0
    if x.size <= EXACT_UP_TO:
        exact = stats.permutation_test(
            (x,), np.mean, permutation_type="samples", vectorized=True, n_resamples=np.inf
        )
        return float(exact.pvalue)
    flips = _random_signs(x.size)
    drawn = stats.monte_carlo_test(
        x, lambda size: flips * x, np.mean, vectorized=True, n_resamples=len(flips)
    )
    return float(drawn.pvalue)


@cache
def _random_signs(n: int) -> NDArray[np.float64]:
    return np.random.default_rng(0).choice([-1.0, 1.0], size=(2**EXACT_UP_TO, n))


def smallest_p(n: int) -> float:
    """Return the smallest two-sided p value that the sign-flip test can give for n seeds."""
    return min(1.0, 2.0 / 2.0 ** min(n, EXACT_UP_TO))


def log_rank(a: tuple[ArrayLike, ArrayLike], b: tuple[ArrayLike, ArrayLike]) -> float | None:
    """Return the two-sided p value of the log-rank test that two times are distributed alike.

    Args:
        a: Times, shape (runs,), and whether each was reached (False: censored there).
        b: The same of the other group.

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
        The times of the steps and the share from each on (Kaplan–Meier).
    """
    cdf = stats.ecdf(_censored(times, reached)).cdf
    return cdf.quantiles.tolist(), cdf.probabilities.tolist()


def _censored(times: ArrayLike, reached: ArrayLike) -> Any:
    return stats.CensoredData.right_censored(
        np.asarray(times, float), ~np.asarray(reached, dtype=bool)
    )


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return p values adjusted for being one family, by Holm's step-down method.

    A test that could not be made (None) is no member of the family, and stays None.
    """
    from statsmodels.stats.multitest import multipletests

    made = [p for p in p_values if p is not None]
    if not made:
        return [None] * len(p_values)
    adjusted = iter(multipletests(made, method="holm")[1].tolist())
    return [None if p is None else next(adjusted) for p in p_values]


def compare(pairs: Sequence[tuple[ArrayLike, ArrayLike]], alpha: float = ALPHA) -> list[Comparison]:
    """Compare a with b in each of a family of pairs, paired by seed.

    Args:
        pairs: The family: each pair holds two arrays of shape (seeds,), in the same order of seeds.
        alpha: Family-wise level of Holm's correction.

    Returns:
        One comparison a pair. Where even the smallest possible p value, times the size of the
        family, would not reach `alpha`, the verdict is `too few seeds to tell`.
    """
    differences = [np.asarray(a, float) - np.asarray(b, float) for a, b in pairs]
    p_values = [sign_flip_test(d) if d.size else None for d in differences]
    family = sum(p is not None for p in p_values)
    result = []
    for d, p, adjusted in zip(differences, p_values, holm(p_values), strict=True):
        if adjusted is None:
            nothing = Estimate(float("nan"), None, None, 0)
            result.append(Comparison(nothing, None, None, "too few seeds to tell"))
            continue
        estimate = t_interval(d)
        verdict: Verdict
        if adjusted <= alpha:
            verdict = "higher" if estimate.mean > 0 else "lower"
        elif smallest_p(d.size) * family > alpha:
            verdict = "too few seeds to tell"
        else:
            verdict = "no difference detected"
        result.append(Comparison(estimate, p, adjusted, verdict))
    return result
