"""Looks at a growing number of seeds."""

import numpy as np
import pytest
from made_up import MODELS, SCHEMA, tables_of
from scipy import stats

from noisynames.analysis.findings import overview, pairs
from noisynames.analysis.statistics.comparing import Standard, compare
from noisynames.analysis.statistics.sequential import (
    nominal_levels,
    peeking_error,
    repeated_p,
    repeated_p_one_sided,
)
from noisynames.config import resolve
from noisynames.grid import Grid

LOOKS = (10, 20, 30, 40, 50)


def test_bounds_are_the_published_ones() -> None:
    """Lan and DeMets, O'Brien-Fleming type, 5 looks at 5 %, as in R's ldbounds."""
    bounds = stats.norm.isf(np.array(nominal_levels(LOOKS, 0.05)) / 2)
    assert bounds == pytest.approx([4.8769, 3.3569, 2.6803, 2.2898, 2.0310], abs=2e-4)


def test_the_error_of_looks_without_a_plan_is_the_published_one() -> None:
    """Armitage, McPherson and Rowe (1969): 5, 8.3, 14.2 and 19.3 % for 1, 2, 5 and 10 looks."""
    found = [peeking_error(range(1, n + 1), 0.05) for n in (1, 2, 5, 10)]
    assert found == pytest.approx([0.05, 0.083, 0.142, 0.193], abs=5e-4)


def test_a_p_value_of_a_look_is_worth_the_level_at_which_it_would_just_reject() -> None:
    for look, level in enumerate(nominal_levels(LOOKS, 0.05)):
        assert repeated_p(level, LOOKS, look) == pytest.approx(0.05, rel=0.01)
    assert repeated_p([0.03], (10,), 0).tolist() == [0.03], "one look is worth itself"
    assert repeated_p([1.0], LOOKS, 2).tolist() == [1]
    first, _ = nominal_levels((10, 20), 0.05)
    assert repeated_p(first, (10, 20), 0) == pytest.approx(0.05, rel=0.01)
    both = nominal_levels(LOOKS, 0.1)[3]
    assert repeated_p_one_sided(both / 2, LOOKS, 3) == pytest.approx(0.05, rel=0.01)


def test_an_early_look_is_stricter() -> None:
    rng = np.random.default_rng(0)
    pair = (rng.normal(1, 1, 10), np.zeros(10))
    (alone,), (first,) = (
        compare([pair], Standard(looks=looks)) for looks in ((10,), (10, 20, 30, 40))
    )
    assert alone.p == first.p
    assert alone.verdict == "higher"
    assert first.verdict == "undecided"
    assert first.detectable is not None
    assert alone.detectable is not None
    assert first.detectable > alone.detectable
    assert first.seeds_for_difference is not None
    assert first.seeds_for_difference > 10, "what one look settles with these, this one did not"


def test_the_findings_record_which_look_this_is() -> None:
    config = resolve({"models": MODELS, "comparison": {"looks": 4}, "seeds": 20}, SCHEMA)
    grid = Grid.of(config)
    tables = tables_of(grid, {(m, n): 0.5 for m in MODELS for n in ("0", "5")})
    looks = overview.find(tables, grid)["looks"]
    assert (looks["planned"], looks["this"]) == ([10, 20, 30, 40], 2)
    assert looks["level"] == pytest.approx(nominal_levels((10, 20, 30, 40), 0.05)[1])
    assert looks["unplanned"] == pytest.approx(0.142, abs=0.001)
    assert pairs.standard("final_loss", grid).look == 1
