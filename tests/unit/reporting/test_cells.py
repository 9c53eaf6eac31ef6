"""The text in the cells of the report's tables."""

from typing import Any

import pytest

from noisynames.reporting import cells


def pair(a: str, b: str, mean: float | None, verdict: str) -> dict[str, Any]:
    return {"metric": "macro_accuracy", "a": a, "b": b, "mean": mean, "verdict": verdict}


def test_a_matrix_shows_each_pair_from_both_sides() -> None:
    records = [pair("b", "a", 0.04, "higher"), pair("c", "a", -0.01, "undecided")]
    lines = cells.matrix(records, ["a", "b", "c"])
    assert [line.model for line in lines] == ["a", "b", "c"]
    (none, of_b, of_c), (from_b, *_), (from_c, unknown, _) = (line.cells for line in lines)
    assert none is None
    assert unknown is None
    assert of_b == cells.Pair("−4.0", "lower", "down", 1.0)
    assert from_b == cells.Pair("+4.0", "higher", "up", 1.0)
    assert of_c == cells.Pair("+1.0", "undecided", "up", 0.25)
    assert from_c == cells.Pair("−1.0", "undecided", "down", 0.25)


def test_a_pair_without_a_seed_has_an_empty_cell() -> None:
    (first, _) = cells.matrix([pair("b", "a", None, "undecided")], ["a", "b"])
    assert first.cells == [None, None]


@pytest.mark.parametrize(
    ("row", "key", "shown"),
    [
        ({"model": "gru"}, "model", "GRU"),
        ({"mean": 0.5, "metric": "macro_accuracy"}, "mean", "50.0\u00a0%"),
        ({"mean": 0.5, "metric": "macro_accuracy", "p_adjusted": 0.1}, "mean", "+50.0"),
        ({"mean": 0.5, "metric": "final_loss"}, "mean", "0.500"),
        ({"recall": 0.25}, "recall", "25.0\u00a0%"),
        ({"low": None}, "low", "–"),
        ({"update": 300}, "update", "300"),
    ],
)
def test_values_are_shown_as_people_read_them(row: dict[str, Any], key: str, shown: str) -> None:
    assert cells.text(row, key, {"gru": "GRU"}) == shown
