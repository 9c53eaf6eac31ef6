"""Planned contrasts, found from specifications."""

from typing import Any

import pandas as pd
import pytest
import yaml
from made_up import MODELS, SCHEMA, placed, quiet, tables_of

from noisynames.analysis.findings import contrasts, pairs, sweeps
from noisynames.analysis.findings.comparisons import COMPARED
from noisynames.analysis.findings.contrasts import steps
from noisynames.config import resolve
from noisynames.grid import Grid


def of(models: dict[str, Any], **more: Any) -> list[tuple[str, str, str]]:
    grid = Grid.of(resolve({"models": models, **more}, SCHEMA))
    return steps({name: grid.models[name] for name in grid.compared})


def shipped(name: str) -> list[tuple[str, str, str]]:
    return of(**yaml.safe_load((SCHEMA.parents[2] / "config" / name).read_text()))


def test_the_worksheets_models_differ_in_one_respect_each() -> None:
    assert shipped("config.yaml") == [
        ("cell", "gru", "rnn"),
        ("cell", "lstm", "rnn"),
        ("readout", "gru_attention", "gru"),
        ("cell", "lstm", "gru"),
        ("batch_size", "gru_b16", "gru"),
        ("num_layers", "lstm_2", "lstm"),
    ]


def test_a_rate_in_proportion_goes_with_the_batch_size_and_neighbours_are_contrasted() -> None:
    assert shipped("batching.yaml") == [
        ("batch_size", "batch_8", "batch_1"),
        ("batch_size", "batch_64", "batch_8"),
        ("batch_size", "batch_512", "batch_64"),
    ]
    rates = {"a": {"cell": "gru"}, "b": {"cell": "gru", "batch_size": 8, "learning_rate": 0.01}}
    assert of(rates) == [], "two respects"
    assert of({**rates, "b": {"cell": "gru", "batch_size": 8}}) == [("batch_size", "b", "a")]


def test_an_optimizer_comes_with_its_own_rate_and_a_momentum_with_one_in_proportion() -> None:
    found = {frozenset((a, b)): respect for respect, a, b in shipped("optimizers.yaml")}
    assert found[frozenset(("rnn", "rnn_adam"))] == "optimizer"
    assert found[frozenset(("rnn", "rnn_momentum"))] == "momentum"
    assert found[frozenset(("rnn", "rnn_clipped"))] == "clip_norm"
    assert found[frozenset(("rnn_adam", "gru_adam"))] == "cell"
    assert frozenset(("rnn_adam", "rnn_clipped")) not in found
    assert frozenset(("rnn", "gru_adam")) not in found


def test_more_is_held_against_less_in_whatever_order() -> None:
    models = {
        "deep": {"cell": "gru", "num_layers": 3},
        "flat": {"cell": "gru"},
        "both": {"cell": "gru", "bidirectional": True},
        "middle": {"cell": "gru", "num_layers": 2},
    }
    assert of(models) == [
        ("num_layers", "deep", "middle"),
        ("bidirectional", "both", "flat"),
        ("num_layers", "middle", "flat"),
    ]


def test_what_belongs_to_a_cell_is_no_respect_of_its_own() -> None:
    heads = {"cell": "transformer", "num_heads": 8}
    assert of({"gru": {"cell": "gru"}, "it": heads}) == [("cell", "it", "gru")]
    assert of({"few": {"cell": "transformer"}, "it": heads}) == [("num_heads", "it", "few")]


def test_a_rate_alone_is_no_contrast() -> None:
    assert of({"a": {"cell": "gru"}, "b": {"cell": "gru", "learning_rate": 0.1}}) == []


def test_a_label_is_no_respect() -> None:
    labelled = {"cell": "lstm", "label": "Long"}
    assert of({"gru": {"cell": "gru"}, "it": labelled}) == [("cell", "it", "gru")]


def test_contrasts_are_a_family_apart_from_all_pairs() -> None:
    """Three models in a row: two contrasts, three pairs."""
    models = {**MODELS, "top": {"cell": "gru", "readout": "mean"}}
    grid = Grid.of(resolve({"models": models, "noise": {"levels": [0]}, "seeds": 10}, SCHEMA))
    tables = tables_of(grid, {("rnn", "0"): 0.5, ("gru", "0"): 0.5, ("top", "0"): 0.506})
    values = pairs.by_run(tables)
    found = [
        r
        for r in contrasts.planned_contrasts(tables, values, grid)
        if r["metric"] == "macro_accuracy" and r["model"] is None
    ]
    assert [(r["a"], r["b"], r["a_value"], r["b_value"]) for r in found] == [
        ("gru", "rnn", "gru", "rnn"),
        ("top", "gru", "mean", "last"),
    ]
    least = min(found, key=lambda r: r["p"])
    assert least["p_adjusted"] == pytest.approx(2 * least["p"])


def test_a_model_trained_under_noise_is_held_against_itself_trained_without() -> None:
    """Both sides are tested under the same noise."""
    grid = Grid.of(resolve({"models": MODELS, "noise": {"levels": [0, 5]}, "seeds": 10}, SCHEMA))
    own = tables_of(grid, dict.fromkeys([(m, n) for m in MODELS for n in ("0", "5")], 0.5))
    across = own["accuracy"].assign(
        tested_at=lambda t: t["trained_at"].map({"0": "5", "5": "0"}),
        macro_accuracy=lambda t: t["macro_accuracy"] + t["trained_at"].map({"0": -0.2, "5": -0.1}),
    )
    tables = {**own, "accuracy": pd.concat([own["accuracy"], across])}
    found = {
        (r["noise"], r["a"]): r
        for r in contrasts.planned_contrasts(tables, pairs.by_run(own), grid)
        if r["respect"] == "trained_noise" and r["metric"] == "macro_accuracy"
    }
    helped = found["5", "gru trained at noise 5"]
    assert (helped["b"], helped["verdict"]) == ("gru trained at noise 0", "higher")
    assert helped["mean"] == pytest.approx(0.2, abs=0.01)
    assert found["0", "gru trained at noise 5"]["mean"] == pytest.approx(-0.1, abs=0.01)
    assert len(found) == 4


def test_steps_of_a_sweep_are_contrasts_of_neighbours() -> None:
    sweep = {"hidden_size": [16, 8, 32], "num_layers": [1, 2]}
    assert set(of({"gru": {"cell": "gru", "sweep": sweep}})) == {
        ("hidden_size", "gru_16_1", "gru_8_1"),
        ("hidden_size", "gru_32_1", "gru_16_1"),
        ("hidden_size", "gru_16_2", "gru_8_2"),
        ("hidden_size", "gru_32_2", "gru_16_2"),
        ("num_layers", "gru_8_2", "gru_8_1"),
        ("num_layers", "gru_16_2", "gru_16_1"),
        ("num_layers", "gru_32_2", "gru_32_1"),
    }


def test_a_sweep_is_a_curve_from_the_least_to_the_most() -> None:
    models = {"gru": {"cell": "gru", "sweep": {"hidden_size": [16, 8, 32]}}, "rnn": {"cell": "rnn"}}
    accuracy = {"gru_8": 0.3, "gru_16": 0.5, "gru_32": 0.6, "rnn": 0.2}
    found, _ = quiet(models, accuracy)
    (curve,) = [r for r in found["sweeps"] if r["metric"] == "macro_accuracy"]
    assert (curve["respect"], curve["noise"]) == ("hidden_size", "0")
    assert curve["models"] == ["gru_8", "gru_16", "gru_32"]
    assert curve["values"] == [8, 16, 32]
    assert curve["mean"] == pytest.approx([0.3, 0.5, 0.6], abs=0.005)
    alone = {r["model"]: r for r in found["estimates"] if r["metric"] == "macro_accuracy"}
    assert curve["low"] == [alone[model]["low"] for model in curve["models"]]
    assert curve["n"] == [10, 10, 10]


def test_a_curve_leaves_out_what_has_no_run() -> None:
    models = {"gru": {"cell": "gru", "sweep": {"hidden_size": [8, 16]}}}
    grid = Grid.of(resolve({"models": models, "noise": {"levels": [0]}, "seeds": 10}, SCHEMA))
    values = pairs.by_run(tables_of(grid, {("gru_8", "0"): 0.5, ("gru_16", "0"): 0.5}))
    there = {key: series for key, series in values.items() if key[1] == "gru_16"}
    assert {tuple(r["models"]) for r in sweeps.sweeps(there, grid)} == {("gru_16",)}


def test_every_list_of_comparisons_says_what_is_corrected_together() -> None:
    found, _ = placed([0.6] * 4, [0.4] * 4)
    lists = {
        name
        for name, records in found.items()
        if isinstance(records, list) and records and "p_adjusted" in records[0]
    }
    assert lists | {"rates", "time_to_target", "attention_effects"} == set(found["families"])


def test_margins_are_of_metrics_that_are_compared() -> None:
    margins = resolve({}, SCHEMA)["comparison"]["margin"]
    assert set(margins) == set(COMPARED)
