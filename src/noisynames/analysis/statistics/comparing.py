"""Verdicts on families of paired comparisons."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from noisynames.analysis.statistics.intervals import Estimate, t_interval
from noisynames.analysis.statistics.power import (
    detectable,
    equivalence_power,
    fewest_seeds,
    power,
)
from noisynames.analysis.statistics.tests import (
    equivalence_test,
    holm,
    sign_flip_test,
    smallest_p,
    t_test,
)

ALPHA = 0.05
_LEAST_SPREAD = 1e-9
"""Below this, differences are taken to vary as little as this."""
Verdict = Literal["higher", "lower", "same", "undecided"]
Pair = tuple[ArrayLike, ArrayLike]


@dataclass(frozen=True)
class Standard:
    """What a family of comparisons is judged by.

    Attributes:
        margin: Differences below it do not matter; None where any does.
        alpha: The level, family-wise.
    """

    margin: float | None = None
    alpha: float = ALPHA


@dataclass(frozen=True)
class Comparison:
    """A paired difference a − b over seeds, and what may be said of it.

    Attributes:
        difference: The mean difference and its t interval.
        p: Of the paired t test; None with fewer than two seeds.
        p_adjusted: After Holm's correction over the family; it decides.
        p_exact: Of the sign-flip test, which assumes less; None with fewer than two seeds.
        exact_reaches: Whether that could reach the level at all, with these seeds in this family.
        agrees: Whether it decides as the t test does; None where it cannot reach the level.
        margin: Differences below it do not matter; None where any does.
        p_equivalent: Of the tests that the difference is smaller than the margin, after Holm's
            correction; None without a margin.
        verdict: `same` where the difference is shown to be smaller than the margin; else `higher`
            or `lower`, where it is shown not to be 0: that is how a stands against b.
        seeds_for_margin: Of an undecided comparison, the fewest seeds that would detect a
            difference as large as the margin with 80 % power, given how these differences vary;
            None where the verdict is another, or 10,000 would not do.
        seeds_for_difference: The fewest that would settle it with 80 % power if the observed
            difference is the true one: show that it is not 0, or that it is below the margin.
        detectable: The smallest difference that these seeds detect with 80 % power.
        reason: Why there is no test at all, else None.
    """

    difference: Estimate
    p: float | None = None
    p_adjusted: float | None = None
    p_exact: float | None = None
    exact_reaches: bool = False
    agrees: bool | None = None
    margin: float | None = None
    p_equivalent: float | None = None
    verdict: Verdict = "undecided"
    seeds_for_margin: int | None = None
    seeds_for_difference: int | None = None
    detectable: float | None = None
    reason: str | None = None


def compare(pairs: Sequence[Pair], standard: Standard = Standard()) -> list[Comparison]:
    """Compare a with b in each of a family of pairs, paired by seed.

    Args:
        pairs: The family: each pair holds two arrays of shape (seeds,), in the same order of seeds.
        standard: What they are judged by.

    Returns:
        One comparison a pair. Pairs of fewer than two seeds are no members of the family.
    """
    differences = [np.asarray(a, float) - np.asarray(b, float) for a, b in pairs]
    tested = [d for d in differences if d.size > 1]
    judged = iter(_judged(tested, standard))
    return [next(judged) if d.size > 1 else _untested(d, standard) for d in differences]


def _untested(difference: NDArray[np.float64], standard: Standard) -> Comparison:
    if difference.size:
        one = "one seed: a difference, and nothing to say how much it varies"
        return Comparison(t_interval(difference), margin=standard.margin, reason=one)
    nothing = Estimate(float("nan"), None, None, 0)
    return Comparison(nothing, margin=standard.margin, reason="no seed completed on both sides")


def _judged(differences: Sequence[NDArray[np.float64]], standard: Standard) -> list[Comparison]:
    """Return a comparison for each member of a family."""
    margin, alpha = standard.margin, standard.alpha
    p, p_exact = _each(differences, t_test), _each(differences, sign_flip_test)
    adjusted, adjusted_exact = _holm(p), _holm(p_exact)
    equivalent = np.ones(len(differences))
    if margin is not None:
        equivalent = _holm(_each(differences, lambda x: equivalence_test(x, margin)))
    detected, same = adjusted <= alpha, equivalent <= alpha
    level = _stopped_at(detected, alpha)
    is_open = ~(detected | same)
    wanted = np.zeros((len(differences), 2), dtype=np.int64)
    wanted[is_open] = _seeds_needed(
        list(compress(differences, is_open)), margin, level, _stopped_at(same, alpha)
    )
    found = []
    for i, d in enumerate(differences):
        estimate = t_interval(d)
        verdict: Verdict = "undecided"
        if same[i]:
            verdict = "same"
        elif detected[i]:
            verdict = "higher" if estimate.mean > 0 else "lower"
        reaches = smallest_p(d.size) * len(differences) <= alpha
        found.append(
            Comparison(
                estimate,
                p=float(p[i]),
                p_adjusted=float(adjusted[i]),
                p_exact=float(p_exact[i]),
                exact_reaches=reaches,
                agrees=bool(detected[i] == (adjusted_exact[i] <= alpha)) if reaches else None,
                margin=margin,
                p_equivalent=None if margin is None else float(equivalent[i]),
                verdict=verdict,
                seeds_for_margin=int(wanted[i, 0]) or None,
                seeds_for_difference=int(wanted[i, 1]) or None,
                detectable=float(detectable(d.size, level) * d.std(ddof=1)),
            )
        )
    return found


def _each(
    differences: Sequence[NDArray[np.float64]],
    test: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return a p value for each, those of as many seeds tested at once."""
    p = np.empty(len(differences))
    sizes = np.array([d.size for d in differences])
    for n in set(sizes.tolist()):
        p[sizes == n] = test(np.column_stack(list(compress(differences, sizes == n))))
    return p


def _holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array(holm(p.tolist()), dtype=float)


def _stopped_at(rejected: NDArray[np.bool_], alpha: float) -> float:
    """Return the level at which Holm's method stopped: that of the first that it did not reject."""
    return alpha / max(1, int((~rejected).sum()))


def _seeds_needed(
    differences: Sequence[NDArray[np.float64]],
    margin: float | None,
    level: float,
    level_same: float,
) -> NDArray[np.int64]:
    """Return the seeds that would settle it if the margin, or the mean, is the true difference.

    Returns:
        Shape (pairs, 2), 0 where there is no such number; see `Comparison`.
    """
    count = len(differences)
    spread = np.maximum([d.std(ddof=1) for d in differences], _LEAST_SPREAD)
    effect = np.array([abs(d.mean()) for d in differences]) / spread
    limit = (margin or 0.0) / spread
    for_margin = fewest_seeds(lambda n: power(limit, n, level), count)
    for_difference = fewest_seeds(
        lambda n: np.maximum(
            power(effect, n, level), equivalence_power(effect, limit, n, level_same)
        ),
        count,
    )
    return np.column_stack([for_margin, for_difference])
