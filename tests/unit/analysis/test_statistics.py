import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import ttost_paired

from noisynames.analysis.statistics.comparing import Comparison, Standard, compare
from noisynames.analysis.statistics.intervals import t_band, t_interval
from noisynames.analysis.statistics.power import (
    detectable,
    equivalence_power,
    fewest_seeds,
    power,
)
from noisynames.analysis.statistics.survival import log_rank, reached_by
from noisynames.analysis.statistics.tests import (
    equivalence_test,
    holm,
    sign_flip_test,
    smallest_p,
    t_test,
)


def test_t_interval_by_hand() -> None:
    """Mean 3, standard deviation √2.5, t(0.975; 4) = 2.776445."""
    estimate = t_interval([1, 2, 3, 4, 5])
    assert estimate.n == 5
    assert estimate.mean == pytest.approx(3)
    assert estimate.low == pytest.approx(3 - 2.776445 * np.sqrt(2.5 / 5), abs=1e-5)
    assert estimate.high == pytest.approx(3 + 2.776445 * np.sqrt(2.5 / 5), abs=1e-5)


def test_one_seed_has_no_interval_and_no_seed_is_an_error() -> None:
    one = t_interval([0.5])
    assert (one.mean, one.low, one.high, one.n) == (0.5, None, None, 1)
    with pytest.raises(ValueError, match=r"^no values$"):
        t_interval([])


@pytest.mark.parametrize("n", [5, 10])
def test_the_interval_covers_95_percent_of_the_time(n: int) -> None:
    _, low, high = t_band(np.random.default_rng(n).normal(1.0, 2.0, (n, 20_000)))
    assert 0.93 <= ((low <= 1) & (high >= 1)).mean() <= 0.97


def flip(*differences: float) -> float:
    """The sign-flip test of a single comparison."""
    return float(sign_flip_test(np.array([differences]).T)[0])


def of(*differences: float, margin: float | None = None) -> Comparison:
    """A comparison in a family of its own."""
    (only,) = compare([(np.array(differences), np.zeros(len(differences)))], Standard(margin))
    return only


def test_sign_flip_p_by_hand() -> None:
    """Of the 8 sign patterns of (1, 2, 3) two reach |6|, and four |4| or more."""
    assert flip(1, 2, 3) == pytest.approx(2 / 8)
    assert flip(-1, 2, 3) == pytest.approx(4 / 8)
    assert flip(0, 0, 0) == 1
    assert flip(4) == 1
    # Of 20 equal differences, 13 have one sign: a binomial test's p value, from random patterns.
    assert flip(*[1] * 13, *[-1] * 7) == pytest.approx(0.263, abs=0.01)


@pytest.mark.parametrize("n", [2, 5, 9])
def test_sign_flips_agree_with_scipys_one_comparison_at_a_time(n: int) -> None:
    drawn = np.random.default_rng(n).normal(0.5, 1, (n, 70))
    one_by_one = [
        stats.permutation_test((x,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
        for x in drawn.T
    ]
    assert sign_flip_test(drawn) == pytest.approx(one_by_one)


def test_the_smallest_p_is_reached_when_all_seeds_agree() -> None:
    assert flip(1, 2, 3, 4, 5) == pytest.approx(1 / 16)
    assert smallest_p(5) == pytest.approx(1 / 16)
    assert flip(*range(1, 11)) == pytest.approx(smallest_p(10))
    assert smallest_p(10_000) == smallest_p(14)
    assert flip(*range(1, 101)) <= smallest_p(100)


@pytest.mark.parametrize("n", [10, 20])
def test_the_sign_flip_test_keeps_its_level_under_the_null(n: int) -> None:
    draws = np.random.default_rng(0).standard_t(3, (n, 2_000))
    assert 0.035 <= np.mean(sign_flip_test(draws) <= 0.05) <= 0.065


def test_t_tests_agree_with_scipy_and_statsmodels() -> None:
    drawn = np.random.default_rng(1).normal(0.2, 1, (7, 20))
    assert t_test(drawn) == pytest.approx(stats.ttest_1samp(drawn, 0).pvalue)
    theirs = [ttost_paired(x, np.zeros(7), -1, 1)[0] for x in drawn.T]
    assert equivalence_test(drawn, 1.0) == pytest.approx(theirs)


def test_tests_for_new_names_use_the_corrected_error() -> None:
    """Nadeau and Bengio's: of the variance s² (1 / n + odds)."""
    drawn = np.random.default_rng(2).normal(0.2, 1, (7, 20))
    mean, error = drawn.mean(0), drawn.std(0, ddof=1) * np.sqrt(1 / 7 + 0.25)
    assert t_test(drawn, 0.25) == pytest.approx(2 * stats.t.sf(np.abs(mean) / error, 6))
    outside = stats.t.sf((1 - np.abs(mean)) / error, 6)
    assert equivalence_test(drawn, 1.0, 0.25) == pytest.approx(outside)


def test_no_p_value_of_random_patterns_is_zero() -> None:
    """The observed pattern counts, too: it is one of 2^14 random ones and itself."""
    assert flip(*range(1, 101)) == pytest.approx(1 / (2**14 + 1))


@pytest.mark.filterwarnings("error")
def test_differences_that_do_not_vary_are_certain() -> None:
    assert t_test([[0.0, 1.0]] * 3).tolist() == [1.0, 0.0]
    assert equivalence_test([[0.0, 1.0]] * 3, 0.5).tolist() == [0.0, 1.0]


def test_power_agrees_with_statsmodels() -> None:
    theirs = TTestPower()
    assert power(0.7, 12, 0.01) == pytest.approx(theirs.power(0.7, 12, 0.01))
    assert detectable(12, 0.05) == pytest.approx(theirs.solve_power(None, 12, 0.05, 0.8), rel=1e-4)
    needed = fewest_seeds(lambda n: power([0.5, 2.0, 0.01], n, 0.05), 3)
    assert needed[:2].tolist() == [
        np.ceil(theirs.solve_power(effect, None, 0.05, 0.8)) for effect in (0.5, 2.0)
    ]
    assert needed[2] == 0, "more than 10,000"


@pytest.mark.parametrize(("effect", "margin", "n"), [(0.0, 1.0, 10), (0.5, 1.0, 30), (0.3, 2.0, 5)])
def test_the_power_to_show_equivalence_is_what_simulations_find(
    effect: float, margin: float, n: int
) -> None:
    drawn = np.random.default_rng(n).normal(effect, 1, (n, 20_000))
    found = np.mean(equivalence_test(drawn, margin) <= 0.05)
    assert equivalence_power(effect, margin, n, 0.05) == pytest.approx(found, abs=0.01)


def test_a_verdict_for_new_names_is_harder_to_reach() -> None:
    pair = (np.arange(10.0) - 2, np.zeros(10))
    (found,) = compare([pair], Standard(odds=0.25))
    assert (found.verdict, found.new_verdict) == ("higher", "undecided")
    assert found.new_low is not None
    assert found.difference.low is not None
    assert found.new_low < 0 < found.difference.low
    (of_these_alone,) = compare([pair])
    assert (of_these_alone.new_verdict, of_these_alone.new_low) == (None, None)


def test_equivalence_is_harder_to_show_for_new_names() -> None:
    pair = (np.tile([1.0, -1.0], 10), np.zeros(20))
    (found,) = compare([pair], Standard(margin=0.6, odds=0.25))
    assert (found.verdict, found.new_verdict) == ("same", "undecided")
    (wide,) = compare([pair], Standard(margin=2.0, odds=0.25))
    assert (wide.verdict, wide.new_verdict) == ("same", "same")


def test_shares_reached_count_censored_runs() -> None:
    """Of three runs, two reach the target, at 2 and 4; the third is censored at 5."""
    times, shares = reached_by([2, 4, 5], [True, True, False])
    assert dict(zip(times, shares, strict=True)) == pytest.approx({2: 1 / 3, 4: 2 / 3, 5: 2 / 3})


def test_log_rank_tells_early_from_late_and_nothing_from_nothing() -> None:
    early, late = (np.arange(1, 9), np.ones(8, bool)), (np.arange(21, 29), np.ones(8, bool))
    never = (np.full(8, 30), np.zeros(8, bool))
    assert log_rank(early, late) == pytest.approx(0, abs=0.001)
    assert log_rank(early, never) == pytest.approx(0, abs=0.001)
    assert log_rank(early, early) == pytest.approx(1)
    assert log_rank(never, never) == 1
    assert log_rank(early, ([], [])) is None


def test_holm_by_hand() -> None:
    assert holm([0.01, None, 0.04, 0.03]) == pytest.approx([0.03, None, 0.06, 0.06])
    assert holm([None]) == [None]


def test_holm_agrees_with_statsmodels() -> None:
    p = np.random.default_rng(2).uniform(0, 0.2, 30).round(2)
    assert holm(p.tolist()) == pytest.approx(multipletests(p, method="holm")[1])


def test_a_family_is_corrected_together() -> None:
    """Of p = 0.0132 (that of 1 to 5: t = 4.243, 4 df) and 1, Holm makes 0.0265 and 1."""
    zero, clear, mixed = np.zeros(5), np.arange(1, 6), np.array([1, -1, 1, -1, 0.0])
    found = compare([(clear, zero), (mixed, zero)])
    assert [c.p for c in found] == pytest.approx([0.01324, 1], abs=1e-4)
    assert [c.p_adjusted for c in found] == pytest.approx([0.02647, 1], abs=1e-4)


def test_verdicts() -> None:
    ten = np.arange(10.0)
    assert of(*(ten + 1), margin=2.0).verdict == "higher"
    assert of(*(-ten - 1), margin=2.0).verdict == "lower"
    assert of(*np.tile([1.0, -1.0], 5), margin=2.0).verdict == "same"
    assert of(*np.tile([1.0, -1.0], 5), margin=0.5).verdict == "undecided"
    assert of(*np.tile([1.0, -1.0], 5)).verdict == "undecided", "any difference matters"


def test_a_difference_that_does_not_matter_is_reported_as_small() -> None:
    found = of(0.1, 0.12, 0.11, 0.09, margin=0.5)
    assert (found.verdict, found.below_margin) == ("higher", True)
    large = of(1.1, 1.12, 1.11, 1.09, margin=0.5)
    assert (large.verdict, large.below_margin) == ("higher", False)
    assert of(0.1, 0.12, 0.11, 0.09).below_margin is None


def test_two_seeds_that_agree_closely_are_enough() -> None:
    assert of(1.0, 1.01, margin=0.05).verdict == "higher"
    assert of(1.0, 2.0, margin=0.05).verdict == "undecided"


def test_the_exact_test_is_reported_where_it_can_reach_the_level() -> None:
    few = of(1, 1.1, 1.2)
    assert (few.verdict, few.exact_reaches, few.agrees) == ("higher", False, None)
    assert few.p_exact == pytest.approx(1 / 4)
    enough = of(1, 1.1, 1.2, 1.3, 1.1, 0.9)
    assert (enough.exact_reaches, enough.agrees) == (True, True)
    # One outlying seed makes the t test miss what all seeds agree on.
    wild = of(1, 1, 1, 1, 1, 100)
    assert (wild.verdict, wild.agrees) == ("undecided", False)


def test_whether_the_exact_test_can_depends_on_the_family() -> None:
    """6 seeds reach p = 1/32: enough for one comparison, not for two."""
    pair = (np.arange(1.0, 7), np.zeros(6))
    assert compare([pair])[0].exact_reaches
    assert not any(c.exact_reaches for c in compare([pair, pair]))


def test_an_undecided_comparison_says_how_many_seeds_would_settle_it() -> None:
    """Mean 0, standard deviation 1.054: a margin of 0.5 is an effect of 0.474."""
    found = of(*np.tile([1.0, -1.0], 5), margin=0.5)
    assert found.seeds_for_margin == np.ceil(TTestPower().solve_power(0.4743, None, 0.05, 0.8))
    assert found.seeds_for_difference == 40, "to show that there is none that matters"
    assert found.detectable == pytest.approx(detectable(10, 0.05) * 1.0541, rel=1e-4)
    assert of(*np.tile([1.0, -1.0], 5)).seeds_for_margin is None
    settled = of(*np.arange(1, 11), margin=0.5)
    assert (settled.seeds_for_margin, settled.seeds_for_difference) == (None, None)


def test_a_pair_without_two_common_seeds_is_no_test() -> None:
    empty = np.array([])
    nothing, one, something = compare(
        [(empty, empty), ([2.0], [1.0]), (np.arange(1.0, 11), np.zeros(10))]
    )
    assert (nothing.difference.n, nothing.p, nothing.verdict) == (0, None, "undecided")
    assert nothing.reason == "no seed completed on both sides"
    assert (one.difference.mean, one.p, one.verdict) == (1, None, "undecided")
    assert str(one.reason).startswith("one seed")
    assert (something.verdict, something.reason) == ("higher", None)
    assert something.p_adjusted == something.p, "the others are no members of its family"


def test_times_that_are_all_the_same_do_not_differ() -> None:
    """For these, the statistic is 0 / 0."""
    assert log_rank(([9, 9], [True, True]), ([9, 9, 9], [True, True, True])) == 1.0
