"""Verdicts on changes from one experiment to another."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

from noisynames.analysis.statistics.changes import Change, Sample, changes


def simulated(drop: float, arms: int = 1, times: int = 200) -> float:
    """How often an arm of ten seeds is found to be lower after a drop, in one of two metrics."""
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(times):
        seeds = rng.normal(0.55, 0.01, 10)  # the effect of a seed's split on both
        values = seeds + rng.normal(0, 0.008, (2, arms, 2, 10))
        verdicts = [
            change.verdict
            for metric in values
            for change in changes([Sample(a, b - drop, paired=True) for a, b in metric], 0.01)
        ]
        found += "lower" in verdicts
    return found / times


def test_a_planted_drop_is_found_and_nothing_where_there_is_none() -> None:
    assert simulated(0.02) >= 0.95
    assert simulated(0.0) <= 0.05
    assert simulated(0.0, arms=8) <= 0.05


def test_changes_agree_with_scipy() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(0.5, 0.02, 10), rng.normal(0.51, 0.05, 7)
    two, pair = changes([Sample(a, b, False), Sample(a[:7], b, True)], margin=0.02)
    welch, paired = stats.ttest_ind(b, a, equal_var=False), stats.ttest_rel(b, a[:7])
    assert two.p == pytest.approx(welch.pvalue)
    assert pair.p == pytest.approx(paired.pvalue)
    assert (two.low, two.high) == pytest.approx(tuple(welch.confidence_interval()))
    assert (pair.low, pair.high) == pytest.approx(tuple(paired.confidence_interval()))
    shifted = stats.ttest_ind(b, a - 0.02, equal_var=False, alternative="greater").pvalue
    below = stats.ttest_ind(b, a + 0.02, equal_var=False, alternative="less").pvalue
    (alone,) = changes([Sample(a, b, False)], margin=0.02)
    assert alone.p_equivalent == pytest.approx(max(shifted, below))


def of(before: list[float], after: list[float], margin: float | None = None) -> Change:
    """A paired change in a family of its own."""
    (only,) = changes([Sample(np.array(before), np.array(after), paired=True)], margin)
    return only


def test_a_change_has_the_verdict_of_after_against_before() -> None:
    seeds = [0.5, 0.52, 0.49, 0.51]
    higher = of(seeds, [x + d for x, d in zip(seeds, [0.1, 0.11, 0.09, 0.1], strict=True)])
    assert higher.verdict == "higher"
    assert higher.mean == pytest.approx(0.1)
    lower = of(seeds, [x - d for x, d in zip(seeds, [0.1, 0.11, 0.09, 0.1], strict=True)])
    assert lower.verdict == "lower"
    assert lower.mean == pytest.approx(-0.1)
    assert (lower.margin, lower.p_equivalent, lower.below_margin) == (None, None, None)


def test_a_change_shown_to_be_below_the_margin_is_the_same() -> None:
    wobble = [0.001, -0.001, 0.002, -0.002]
    same = of([0.5] * 4, [0.5 + x for x in wobble], margin=0.02)
    assert (same.verdict, same.below_margin, same.margin) == ("same", True, 0.02)
    unsure = of([0.5] * 4, [0.5 + 20 * x for x in wobble], margin=0.02)
    assert (unsure.verdict, unsure.below_margin) == ("undecided", False)


def test_a_family_of_changes_is_corrected_together_without_those_untested() -> None:
    rng = np.random.default_rng(3)
    samples = [Sample(rng.normal(0, 1, 6), rng.normal(1.5, 1, 6), paired=True) for _ in range(3)]
    lonely = Sample(np.array([1.0]), np.array([2.0]), paired=True)
    found = changes([*samples, lonely], margin=2.0)
    p_values = [stats.ttest_rel(s.after, s.before).pvalue for s in samples]
    assert [c.p_adjusted for c in found[:3]] == pytest.approx(
        multipletests(p_values, method="holm")[1]
    )
    one_sided = [ttost_paired(s.after, s.before, -2, 2)[0] for s in samples]
    assert [c.p_equivalent for c in found[:3]] == pytest.approx(
        multipletests(one_sided, method="holm")[1]
    )
    assert (found[3].p, found[3].verdict, found[3].margin) == (None, "undecided", 2.0)


def test_a_change_without_a_test_says_why() -> None:
    one = of([0.5], [0.7])
    assert one.mean == pytest.approx(0.2)
    assert one.low is None
    assert str(one.reason).startswith("one seed on a side")
    none = of([], [])
    assert (none.mean, none.p, none.reason) == (None, None, "no seed completed on both sides")
    two = np.array([0.5, 0.6])
    (unequal,) = changes([Sample(two, two[:1], paired=False)], None)
    assert unequal.p is None
    assert unequal.mean == pytest.approx(-0.05)
    (empty,) = changes([Sample(two, two[:0], paired=False)], None)
    assert (empty.mean, empty.reason) == (None, "no seed completed on both sides")


def test_seeds_that_all_change_alike_are_certain() -> None:
    moved = of([1.0, 2.0], [2.0, 3.0], margin=0.5)
    assert (moved.p, moved.verdict, moved.p_equivalent) == (0.0, "higher", 1.0)
    still = of([1.0, 2.0], [1.0, 2.0], margin=0.5)
    assert (still.p, still.verdict, still.p_equivalent) == (1.0, "same", 0.0)
    at_the_margin = of([1.0, 2.0], [1.5, 2.5], margin=0.5)
    assert at_the_margin.p_equivalent == 0.5
    (apart,) = changes([Sample(np.ones(2), np.full(3, 3.0), paired=False)], None)
    assert (apart.p, apart.low, apart.high) == (0.0, 2.0, 2.0)
