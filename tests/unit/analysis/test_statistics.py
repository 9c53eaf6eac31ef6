import numpy as np
import pytest

from noisynames.analysis.statistics import (
    compare,
    log_rank,
    reached_by,
    sign_flip_test,
    smallest_p,
    t_band,
    t_interval,
)


def test_t_interval_by_hand() -> None:
    """Mean 3, standard deviation √2.5, t(0.975; 4) = 2.776445."""
    estimate = t_interval([1, 2, 3, 4, 5])
    assert estimate.n == 5
    assert estimate.mean == pytest.approx(3)
    assert estimate.low == pytest.approx(3 - 2.776445 * np.sqrt(2.5 / 5), abs=1e-5)
    assert estimate.high == pytest.approx(3 + 2.776445 * np.sqrt(2.5 / 5), abs=1e-5)


def test_one_seed_has_no_interval_and_none_is_an_error() -> None:
    one = t_interval([0.5])
    assert (one.mean, one.low, one.high, one.n) == (0.5, None, None, 1)
    with pytest.raises(ValueError, match="no values"):
        t_interval([])


@pytest.mark.parametrize("n", [5, 10])
def test_the_interval_covers_95_percent_of_the_time(n: int) -> None:
    _, low, high = t_band(np.random.default_rng(n).normal(1.0, 2.0, (n, 20_000)))
    assert 0.93 <= ((low <= 1) & (high >= 1)).mean() <= 0.97


def test_sign_flip_p_by_hand() -> None:
    """Of the 8 sign patterns of (1, 2, 3) two reach |6|, and four |4| or more."""
    assert sign_flip_test([1, 2, 3]) == pytest.approx(2 / 8)
    assert sign_flip_test([-1, 2, 3]) == pytest.approx(4 / 8)
    assert sign_flip_test([0, 0, 0]) == 1
    assert sign_flip_test([4]) == 1
    # Of 20 like differences 13 have one sign: a binomial test's p value, from random patterns.
    assert sign_flip_test([1] * 13 + [-1] * 7) == pytest.approx(0.263, abs=0.01)


def test_the_smallest_p_is_reached_when_all_seeds_agree() -> None:
    assert sign_flip_test([1, 2, 3, 4, 5]) == pytest.approx(1 / 16)
    assert smallest_p(5) == pytest.approx(1 / 16)
    assert sign_flip_test(np.arange(1, 11)) == pytest.approx(smallest_p(10))
    assert smallest_p(10_000) == smallest_p(14)
    assert sign_flip_test(np.arange(1, 101)) == pytest.approx(smallest_p(100), rel=1e-3)


@pytest.mark.parametrize("n", [10, 20])
def test_the_sign_flip_test_keeps_its_level_under_the_null(n: int) -> None:
    draws = np.random.default_rng(0).standard_t(3, (2_000, n))
    rejected = np.mean([sign_flip_test(row) <= 0.05 for row in draws])
    assert 0.035 <= rejected <= 0.065


def test_shares_reached_count_censored_runs() -> None:
    """Of three runs two reach the target, at 2 and 4; the third is watched until 5."""
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
    """Of p = 1/16 (twice) and 1, Holm makes 3/16, 3/16 and 1 at most."""
    zero = np.zeros(5)
    clear, mixed = np.arange(1, 6), np.array([1, -1, 1, -1, 0.0])
    adjusted = [c.p_adjusted for c in compare([(clear, zero), (zero, clear), (mixed, zero)])]
    assert adjusted == pytest.approx([3 / 16, 3 / 16, 1])


def test_verdicts() -> None:
    ten = np.arange(10.0)
    wobble = np.tile([1.0, -1.0], 5)
    higher, lower, none = compare([(ten + 1, 0 * ten), (-ten - 1, 0 * ten), (wobble, 0 * ten)])
    assert (higher.verdict, lower.verdict, none.verdict) == (
        "higher",
        "lower",
        "no difference detected",
    )


def test_five_seeds_are_too_few() -> None:
    (only,) = compare([(np.arange(1, 6), np.zeros(5))])
    assert only.p == pytest.approx(1 / 16)
    assert only.verdict == "too few seeds to tell"


def test_whether_seeds_suffice_depends_on_the_family() -> None:
    """6 seeds reach p = 1/32: enough for one comparison, not for two."""
    pair = (np.arange(1.0, 7), np.zeros(6))
    assert compare([pair])[0].verdict == "higher"
    assert {c.verdict for c in compare([pair, pair])} == {"too few seeds to tell"}


def test_a_pair_without_a_common_seed_is_no_number() -> None:
    empty = np.array([])
    nothing, something = compare([(empty, empty), (np.arange(1.0, 11), np.zeros(10))])
    assert nothing.difference.n == 0
    assert nothing.p is None
    assert something.verdict == "higher"


def test_times_that_are_all_the_same_do_not_differ() -> None:
    """Of these the statistic is 0 / 0."""
    assert log_rank(([9, 9], [True, True]), ([9, 9, 9], [True, True, True])) == 1.0
