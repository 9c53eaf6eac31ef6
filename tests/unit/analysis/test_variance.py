"""Where the variance comes from: the estimator, and its use in the findings."""

from typing import Any

import numpy as np
import pytest
import yaml
from made_up import SCHEMA, tables_of

from noisynames.analysis.findings import pairs, variance
from noisynames.analysis.statistics.variance import shares
from noisynames.config import resolve
from noisynames.grid import Grid


def test_shares_add_up_and_without_variance_there_are_none() -> None:
    rng = np.random.default_rng(0)
    both = shares([rng.normal(0, 1, 9), rng.normal(0, 1, 5), np.ones(7)])
    assert sum(one.share or 0 for one in both) == pytest.approx(1)
    assert (both[2].share, both[2].low, both[2].high, both[2].n) == (0, 0, 0, 7)
    assert shares([[1, 1], [2, 2]])[0].share is None


def grid_of_sources(**more: Any) -> Any:
    sources = [["split", "weights", "order", "noise"], ["split"], ["weights"]]
    models = {"gru": {"cell": "gru", "sweep": {"seeds_vary": sources}}, **more}
    return Grid.of(resolve({"models": models, "noise": {"levels": [0]}, "seeds": 10}, SCHEMA))


def test_a_model_with_one_varied_source_is_not_compared() -> None:
    grid = grid_of_sources(rnn={"cell": "rnn"})
    assert grid.compared == ["gru_all", "rnn"]
    assert grid.variants == {"gru_all": ["gru_all", "gru_split", "gru_weights"], "rnn": ["rnn"]}


def test_each_source_has_its_share() -> None:
    grid = grid_of_sources()
    tables = tables_of(grid, {(name, "0"): 0.5 for name in grid.models})
    values = pairs.by_run(tables)
    spread = {"gru_all": 0.02, "gru_split": 0.02, "gru_weights": 0.01}
    planted = {
        key: (series - series.mean()) / series.std() * spread[key[1]]
        for key, series in values.items()
    }
    found = [r for r in variance.variance(planted, grid) if r["metric"] == "macro_accuracy"]
    assert [(r["source"], r["model"]) for r in found] == [
        ("split", "gru_all"),
        ("weights", "gru_all"),
    ]
    assert [r["share"] for r in found] == pytest.approx([0.8, 0.2])
    assert found[0]["deviation"] == pytest.approx(0.02)
    assert found[0]["together"] == pytest.approx(0.8), "together they make less than they add to"


def test_a_share_names_its_source_and_a_single_seed_of_all_sources_is_not_compared() -> None:
    grid = grid_of_sources()
    tables = tables_of(grid, {(name, "0"): 0.5 for name in grid.models})
    values = pairs.by_run(tables)
    one = {key: series[:1] if key[1] == "gru_all" else series for key, series in values.items()}
    found = variance.variance(one, grid)
    assert [(r["metric"], r["model"], r["noise"], r["source"]) for r in found] == [
        (metric, "gru_all", "0", source)
        for metric in ("final_loss", "held_out_loss", "macro_accuracy")
        for source in ("split", "weights")
    ]
    assert {r["together"] for r in found} == {None}
    assert {r["n"] for r in found} == {10}
    none = {key: series for key, series in values.items() if key[1] != "gru_all"}
    assert {r["together"] for r in variance.variance(none, grid)} == {None}
    short = {key: series[:1] if key[1] == "gru_split" else series for key, series in values.items()}
    assert variance.variance(short, grid) == [], "one source alone is no share"
    two = {key: series[:2] for key, series in values.items()}
    assert {r["n"] for r in variance.variance(two, grid)} == {2}


def test_without_single_sources_there_are_no_records_of_them() -> None:
    grid = Grid.of(resolve({"seeds": 10}, SCHEMA))
    tables = tables_of(grid, {(m, n): 0.5 for m in grid.models for n in grid.noises})
    assert variance.variance(pairs.by_run(tables), grid) == []


def test_the_shipped_config_has_every_source_alone_and_all_together() -> None:
    config = resolve(
        yaml.safe_load((SCHEMA.parents[2] / "config/variance.yaml").read_text()), SCHEMA
    )
    grid = Grid.of(config)
    assert {name: len(arms) for name, arms in grid.variants.items()} == {
        "rnn_all": 5,
        "gru_all": 5,
        "gru_attention_all": 5,
        "lstm_all": 5,
    }


def test_where_all_seeds_hold_out_the_same_names_there_are_no_verdicts_for_new_ones() -> None:
    config = resolve({"seeds_vary": ["weights"]}, SCHEMA)
    assert Grid.of(config).odds is None
    assert Grid.of(resolve({}, SCHEMA)).odds == pytest.approx(0.25)
