"""Marks that figures share."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from noisynames.reporting import words
from noisynames.reporting.figures.look import rising, spread


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=12))
def test_labels_are_kept_apart_inside_and_in_order(places: list[float]) -> None:
    apart = spread(places, 0.05, 0, 1)
    assert apart.min() >= -1e-9
    assert apart.max() <= 1 + 1e-9
    order = np.argsort(places, kind="stable")
    assert (np.diff(apart[order]) >= 0.05 - 1e-9).all()


def test_labels_with_room_stay_where_they_are() -> None:
    assert spread([0.9, 0.1, 0.5], 0.05, 0, 1) == pytest.approx([0.9, 0.1, 0.5])


def test_labels_that_overlap_are_moved_equally_in_both_directions() -> None:
    assert spread([0.5, 0.5], 0.1, 0, 1) == pytest.approx([0.45, 0.55])


def test_too_many_labels_are_spaced_evenly() -> None:
    assert spread([1.0] * 5, 0.5, 0, 1) == pytest.approx([0, 0.25, 0.5, 0.75, 1])


@pytest.mark.parametrize(
    ("noun", "many"),
    [("language", "languages"), ("city", "cities"), ("day", "days"), ("class", "classes")],
)
def test_a_noun_has_its_plural(noun: str, many: str) -> None:
    assert words.plural(noun) == many
    assert words.plural(noun, 1) == noun


def test_shares_are_percentages_and_losses_are_not() -> None:
    share = {"metric": "macro_accuracy", "mean": 0.5661, "low": 0.5571, "high": 0.5752}
    assert words.interval(share) == "56.6\u00a0% [55.7, 57.5]"
    loss = {**share, "metric": "final_loss"}
    assert words.interval(loss) == "0.566 [0.557, 0.575]"
    change = {**share, "mean": -0.0109}
    assert words.interval(change, signs=True) == "−1.1\u00a0points [+55.7, +57.5]"


def test_a_long_label_is_shortened_and_a_short_one_is_not() -> None:
    assert words.shortened("GRU + attention", 24) == "GRU + attention"
    assert words.shortened("a" * 40, 10) == "aaaaaaaaa…"


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=12))
def test_values_rise_as_in_scipys_isotonic_regression(values: list[float]) -> None:
    assert rising(values) == pytest.approx(isotonic_regression(values).x, abs=1e-9)


def test_heat_maps_do_not_import_the_parts_of_scipy_that_they_do_not_need() -> None:
    """In a process of its own, since others import them. Cells keep their colours and numbers."""
    code = """
import sys
import pandas as pd
from noisynames.reporting.figures.look import heat_map, new_panels
_, (axes,) = new_panels(1, height=2)
heat_map(axes, pd.DataFrame([[0.125, 1.0]]), annot=True, cbar=False)
assert not {"scipy.stats", "scipy.cluster", "scipy.optimize"} & sys.modules.keys()
print([text.get_text() for text in axes.texts], axes.collections[0].get_array().ravel())
import scipy.cluster.hierarchy, scipy.stats
print(scipy.stats.norm.cdf(0))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["['12', '100'] [ 12.5 100. ]", "0.5"]
