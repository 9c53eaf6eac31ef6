"""Verdicts on families of paired comparisons."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from noisynames.analysis.statistics.intervals import Estimate, t_interval
from noisynames.analysis.statistics.power import (
    detectable,
    equivalence_power,
    fewest_seeds,
    power,
)
from noisynames.analysis.statistics.sequential import (
    nominal_levels,
    repeated_p,
    repeated_p_one_sided,
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
"""A standard deviation of differences below this is taken to be this."""
Verdict = Literal["higher", "lower", "same", "undecided"]
Pair = tuple[ArrayLike, ArrayLike]


@dataclass(frozen=True)
class Standard:
    """The standard by which a family of comparisons is judged.

    Attributes:
        margin: Differences below it do not matter; None if all matter.
        odds: For what is measured on held-out names: how many names a seed holds out for each name
            that it does not. None where nothing can be said about new names.
        alpha: The family-wise level.
        looks: The numbers of seeds at which looks were planned; a single look spends the whole
            level.
        look: Which of them this is, from 0.
    """

    margin: float | None = None
    odds: float | None = None
    alpha: float = ALPHA
    looks: tuple[int, ...] = (1,)
    look: int = 0


@dataclass(frozen=True)
class Comparison:
    """A paired difference a − b over seeds, and what can be said about it.

    Attributes:
        difference: The mean difference and its t interval.
        p: The p value of the paired t test; None with fewer than two seeds.
        p_adjusted: The same after Holm's correction over the family; the verdict follows from it.
        p_exact: The p value of the sign-flip test, which assumes less; None with fewer than two
            seeds.
        exact_reaches: Whether the sign-flip test could reach the level at all, with these seeds in
            this family.
        agrees: Whether it decides as the t test does; None where it cannot reach the level.
        margin: Differences below it do not matter; None if all matter.
        p_equivalent: The p value of the tests that the difference is smaller than the margin,
            after Holm's correction; None without a margin.
        below_margin: Whether those tests show it; None without a margin.
        verdict: `higher` or `lower`, of a against b, where the difference is shown not to be 0,
            however small it is; else `same`, where it is shown to be below the margin; else
            `undecided`. So more seeds overturn a verdict only if it was wrong, or to detect a
            difference that does not matter.
        seeds_for_margin: For an undecided comparison, the fewest seeds that would detect a
            difference as large as the margin with 80 % power, given how these differences vary;
            None for other verdicts, or if 10,000 are not enough.
        seeds_for_difference: The fewest that would settle it with 80 % power if the observed
            difference is the true one: show that it is not 0, or that it is below the margin.
        detectable: The smallest difference that these seeds detect with 80 % power.
        reason: Why there is no test at all, else None.
        new_low, new_high, new_p_adjusted, new_verdict: The interval, the p value and the verdict
            for new names of the same languages, whereas the others are for these names; None where
            the standard has no odds.
    """

    difference: Estimate
    p: float | None = None
    p_adjusted: float | None = None
    p_exact: float | None = None
    exact_reaches: bool = False
    agrees: bool | None = None
    margin: float | None = None
    p_equivalent: float | None = None
    below_margin: bool | None = None
    verdict: Verdict = "undecided"
    seeds_for_margin: int | None = None
    seeds_for_difference: int | None = None
    detectable: float | None = None
    reason: str | None = None
    new_low: float | None = None
    new_high: float | None = None
    new_p_adjusted: float | None = None
    new_verdict: Verdict | None = None


def compare(pairs: Sequence[Pair], standard: Standard = Standard()) -> list[Comparison]:
    """Compare a with b in each of a family of pairs, paired by seed.

    Args:
        pairs: The family: each pair holds two arrays of shape (seeds,), in the same order of seeds.
        standard: The standard by which they are judged.

    Returns:
        One comparison per pair. Pairs of fewer than two seeds are not members of the family.
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
    here = _decided(differences, standard)
    exact = _each(differences, sign_flip_test)
    detected_exactly = _holm(repeated_p(exact, standard.looks, standard.look)) <= alpha
    wanted = _seeds_needed(differences, standard, here)
    level = _at_this_look(_stopped_at(here.detected, alpha), standard)
    reach = _at_this_look(alpha / max(1, len(differences)), standard) * len(differences)
    found = [
        Comparison(
            t_interval(d),
            p=float(here.p[i]),
            p_adjusted=float(here.adjusted[i]),
            p_exact=float(exact[i]),
            exact_reaches=(reaches := smallest_p(d.size) * len(differences) <= reach),
            agrees=bool(here.detected[i] == detected_exactly[i]) if reaches else None,
            margin=margin,
            p_equivalent=None if margin is None else float(here.equivalent[i]),
            below_margin=None if margin is None else bool(here.same[i]),
            verdict=here.verdicts[i],
            seeds_for_margin=int(wanted[i, 0]) or None,
            seeds_for_difference=int(wanted[i, 1]) or None,
            detectable=float(detectable(d.size, level) * d.std(ddof=1)),
        )
        for i, d in enumerate(differences)
    ]
    return found if standard.odds is None else _of_new_names(found, differences, standard)


def _of_new_names(
    found: Sequence[Comparison], differences: Sequence[NDArray[np.float64]], standard: Standard
) -> list[Comparison]:
    """Return comparisons with what can be said about names that are not in the data set."""
    odds = standard.odds or 0.0
    there = _decided(differences, standard, odds)
    intervals = [t_interval(d, odds=odds) for d in differences]
    return [
        replace(
            comparison,
            new_low=intervals[i].low,
            new_high=intervals[i].high,
            new_p_adjusted=float(there.adjusted[i]),
            new_verdict=there.verdicts[i],
        )
        for i, comparison in enumerate(found)
    ]


class _Decided(NamedTuple):
    """The results of a family's tests: arrays of shape (pairs,), and as many verdicts."""

    p: NDArray[np.float64]
    adjusted: NDArray[np.float64]
    equivalent: NDArray[np.float64]
    detected: NDArray[np.bool_]
    same: NDArray[np.bool_]
    verdicts: list[Verdict]


def _decided(
    differences: Sequence[NDArray[np.float64]], standard: Standard, odds: float = 0.0
) -> _Decided:
    """Test a family; with `odds`, for new names."""
    margin = standard.margin
    p = _each(differences, lambda x: t_test(x, odds))
    equivalent = np.ones(len(p))
    if margin is not None:
        one_sided = _each(differences, lambda x: equivalence_test(x, margin, odds))
        equivalent = _holm(repeated_p_one_sided(one_sided, standard.looks, standard.look))
    adjusted = _holm(repeated_p(p, standard.looks, standard.look))
    detected, same = adjusted <= standard.alpha, equivalent <= standard.alpha
    verdicts: list[Verdict] = []
    for i, d in enumerate(differences):
        if detected[i]:
            verdicts.append("higher" if d.mean() > 0 else "lower")
        else:
            verdicts.append("same" if same[i] else "undecided")
    return _Decided(p, adjusted, equivalent, detected, same, verdicts)


def _each(
    differences: Sequence[NDArray[np.float64]],
    test: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return a p value for each; those with the same number of seeds are tested at once."""
    p = np.empty(len(differences))
    sizes = np.array([d.size for d in differences])
    for n in set(sizes.tolist()):
        p[sizes == n] = test(np.column_stack(list(compress(differences, sizes == n))))
    return p


def _holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array(holm(p.tolist()), dtype=float)


def _stopped_at(rejected: NDArray[np.bool_], alpha: float) -> float:
    """Return the level at which Holm's method stopped: that of the first test not rejected."""
    return alpha / max(1, int((~rejected).sum()))


def _at_this_look(level: float, standard: Standard) -> float:
    """Return the level at which this look tests, if that of all looks together is `level`."""
    return nominal_levels(standard.looks, level)[standard.look]


def _seeds_needed(
    differences: Sequence[NDArray[np.float64]], standard: Standard, found: _Decided
) -> NDArray[np.int64]:
    """Return how many seeds would settle the undecided comparisons.

    Returns:
        Shape (pairs, 2): the seeds needed if the margin is the true difference, and if the mean
        is; 0 where there is no such number. See `Comparison`.
    """
    wanted = np.zeros((len(differences), 2), dtype=np.int64)
    is_open = ~(found.detected | found.same)
    if not is_open.any():
        return wanted
    shown = list(compress(differences, is_open))
    spread = np.maximum([d.std(ddof=1) for d in shown], _LEAST_SPREAD)
    effect = np.array([abs(d.mean()) for d in shown]) / spread
    limit = (standard.margin or 0.0) / spread
    level, level_same = (_stopped_at(x, standard.alpha) for x in (found.detected, found.same))
    wanted[is_open, 0] = fewest_seeds(lambda n: power(limit, n, level), len(shown))
    settling = fewest_seeds(
        lambda n: np.maximum(
            power(effect, n, level), equivalence_power(effect, limit, n, level_same)
        ),
        len(shown),
    )
    # An early look tests at less than the level of all looks together, so these may be too few.
    more = np.maximum(settling, [d.size + 1 for d in shown])
    wanted[is_open, 1] = np.where(settling == 0, 0, more)
    return wanted
