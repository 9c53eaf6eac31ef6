"""How often verdicts are wrong: smaller versions of the simulations for docs/statistics.md."""

import re
from pathlib import Path

import pytest
import verdicts

DOCS = Path(__file__).parents[3] / "docs/statistics.md"


@pytest.mark.parametrize("n", [3, 5, 10])
def test_a_family_has_a_false_verdict_in_five_percent_of_cases(n: int) -> None:
    found = verdicts.false_verdicts("normal", n, 5_000)
    assert found["single"] == pytest.approx(0.05, abs=0.015)
    assert found["family"] == pytest.approx(0.05, abs=0.015)
    assert found["pairs"] == pytest.approx(0.05, abs=0.015)


def test_it_is_wrong_more_often_with_skewed_differences_as_the_page_says() -> None:
    skewed = verdicts.false_verdicts("skewed (exponential)", 5, 5_000)
    assert skewed["single"] > 0.08
    assert skewed["pairs"] < 0.05, "differences of two models that are skewed alike are not"
    assert verdicts.false_verdicts("heavy-tailed (t, 3 df)", 5, 5_000)["family"] < 0.05


@pytest.mark.parametrize("n", [3, 5, 10])
def test_models_that_differ_by_the_margin_are_seldom_called_the_same(n: int) -> None:
    assert verdicts.false_equivalence("normal", n, 2, 20_000) <= 0.055


@pytest.mark.parametrize("effect", [0.3, 0.5, 1.0, 2.0])
def test_stated_power_is_the_power_found(effect: float) -> None:
    _, stated, found = verdicts.stated_and_found_power(effect, verdicts.ALPHA, 5_000)
    assert stated >= 0.8
    assert stated == pytest.approx(found, abs=0.04)


def test_seeds_are_about_these_names_and_the_corrected_interval_about_new_ones() -> None:
    """With two models that are equal on the population, the sign-flip test finds 15 % different."""
    found = verdicts.called_on_new_names(1_000)
    assert found["exact"] == pytest.approx(0.155, abs=0.04)
    assert found["corrected"] <= 0.06


def test_planned_looks_after_every_ten_seeds_keep_the_level() -> None:
    found = verdicts.called_by_peeking(2_000)
    assert found["planned"] <= 0.06
    assert found["unplanned"] == pytest.approx(0.142, abs=0.03)


def test_planted_shares_are_recovered() -> None:
    means, covered = verdicts.recovered_shares(10, 300)
    assert means == pytest.approx(verdicts.PLANTED, abs=0.1)
    assert covered == pytest.approx(0.95, abs=0.03)


def test_the_page_has_the_tables_that_are_printed() -> None:
    heads = re.findall(r"^\| .*\|\n(?=\|---)", "".join(verdicts.tables(100)), re.MULTILINE)
    assert len(heads) == 6
    page = DOCS.read_text(encoding="utf-8")
    assert [head for head in heads if head not in page] == []
