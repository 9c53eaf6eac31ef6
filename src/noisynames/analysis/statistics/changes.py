"""Verdicts on a family of changes from one experiment to another, paired by seed or two-sample."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from noisynames.analysis.statistics.comparing import ALPHA, Verdict
from noisynames.analysis.statistics.intervals import CONFIDENCE
from noisynames.analysis.statistics.tests import holm


@dataclass(frozen=True)
class Sample:
    """What is measured before and after a change.

    Attributes:
        before, after: One value for each seed; if paired, in the same order of seeds.
        paired: Whether the values are paired by seed.
    """

    before: NDArray[np.float64]
    after: NDArray[np.float64]
    paired: bool


@dataclass(frozen=True)
class Change:
    """A change, after − before, and what can be said about it.

    Attributes:
        mean: The change of the mean; None where one side has no seed.
        low, high: Its 95 % interval, for this change alone; None without a test.
        p: The p value of the paired t test or of Welch's; None without a test.
        p_adjusted: The same after Holm's correction over the family; the verdict follows from it.
        margin: A change below it does not matter; None if all matter.
        p_equivalent: The p value of two one-sided tests that the change is below the margin,
            corrected in the same way; None without a margin or a test.
        below_margin: Whether those tests show it.
        verdict: `higher` or `lower`, of after against before; else `same`, where the change is
            shown to be below the margin; else `undecided`.
        reason: Why there is no test, else None.
    """

    mean: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    margin: float | None = None
    p_equivalent: float | None = None
    below_margin: bool | None = None
    verdict: Verdict = "undecided"
    reason: str | None = None


def changes(family: Sequence[Sample], margin: float | None, alpha: float = ALPHA) -> list[Change]:
    """Test every change of a family; changes without a test are not members of it.

    Args:
        family: What was measured before and after.
        margin: A change below it does not matter; None if all matter.
        alpha: The family-wise level.
    """
    tests = [_test(sample, margin) for sample in family]
    adjusted = holm([test and test[2] for test in tests])
    equivalent = holm([test and test[3] for test in tests])
    found = []
    for sample, test, p, same in zip(family, tests, adjusted, equivalent, strict=True):
        mean = _mean(sample)
        if test is None or p is None:
            found.append(Change(mean, margin=margin, reason=_why_untested(sample)))
            continue
        below = None if margin is None else same is not None and same <= alpha
        verdict: Verdict = "same" if below else "undecided"
        if p <= alpha and mean:
            verdict = "higher" if mean > 0 else "lower"
        low, high, raw, _ = test
        found.append(Change(mean, low, high, raw, p, margin, same, below, verdict))
    return found


def _mean(sample: Sample) -> float | None:
    if not (sample.before.size and sample.after.size):
        return None
    return float(sample.after.mean() - sample.before.mean())


def _test(sample: Sample, margin: float | None) -> tuple[float, float, float, float | None] | None:
    """Return the interval and the p values of difference and equivalence; None if untestable."""
    n, m = sample.before.size, sample.after.size
    if min(n, m) < 2:
        return None
    if sample.paired:
        difference = sample.after - sample.before
        error, df = difference.std(ddof=1) / np.sqrt(n), n - 1.0
    else:  # Welch (1947), which does not assume equal variances
        parts = np.array([sample.before.var(ddof=1) / n, sample.after.var(ddof=1) / m])
        error = np.sqrt(parts.sum())
        below = (parts**2 / [n - 1, m - 1]).sum()
        df = parts.sum() ** 2 / below if below else n + m - 2.0
    mean = float(sample.after.mean() - sample.before.mean())
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, df) * error)
    p = 2 * _tail(abs(mean), error, df)
    same = None if margin is None else _tail(margin - abs(mean), error, df)
    return mean - half, mean + half, p, same


def _tail(amount: float, error: float, df: float) -> float:
    """Return the probability of a t value above amount / error; 0 or 1 without any spread."""
    if error == 0:
        return 0.5 if amount == 0 else float(amount < 0)
    return float(stats.t.sf(amount / error, df))


def _why_untested(sample: Sample) -> str:
    if not (sample.before.size and sample.after.size):
        return "no seed completed on both sides"
    return "one seed on a side: a difference, and nothing to say how much it varies"
