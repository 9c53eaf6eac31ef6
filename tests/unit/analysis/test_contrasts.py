"""Planned contrasts, and curves over a sweep."""

import pandas as pd
import pytest
from made_up import MODELS, SCHEMA, placed, quiet, tables_of

from noisynames.analysis.findings import contrasts, pairs, sweeps
from noisynames.analysis.findings.comparisons import COMPARED
from noisynames.config import resolve
from noisynames.grid import Grid


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


def test_a_model_trained_under_noise_is_compared_with_itself_trained_without() -> None:
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


def test_a_contrast_says_what_differs_and_where() -> None:
    grid = Grid.of(resolve({"models": MODELS, "noise": {"levels": [0, 5]}, "seeds": 10}, SCHEMA))
    tables = tables_of(grid, dict.fromkeys([(m, n) for m in MODELS for n in ("0", "5")], 0.5))
    found = contrasts.planned_contrasts(tables, pairs.by_run(tables), grid)
    of_models = [r for r in found if r["respect"] == "cell"]
    assert [(r["metric"], r["noise"]) for r in of_models] == [
        (metric, noise) for metric in COMPARED for noise in ("0", "5")
    ]
    assert {(r["a"], r["b"], r["a_value"], r["b_value"], r["model"]) for r in of_models} == {
        ("gru", "rnn", "gru", "rnn", None)
    }
    of_noise = [r for r in found if r["respect"] == "trained_noise"]
    assert {r["metric"] for r in of_noise} == {"macro_accuracy", "held_out_loss"}
    assert {(r["noise"], r["a_value"], r["b_value"]) for r in of_noise} == {
        ("0", "5", "0"),
        ("5", "5", "0"),
    }
    assert {(r["model"], r["a"], r["b"]) for r in of_noise} == {
        (m, f"{m} trained at noise 5", f"{m} trained at noise 0") for m in MODELS
    }
    margins = {r["metric"]: r["margin"] for r in found}
    assert margins == {metric: grid.margins[metric] for metric in COMPARED}


def test_a_sweep_is_a_curve_from_the_smallest_to_the_largest() -> None:
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


def test_a_curve_leaves_out_models_without_a_run() -> None:
    models = {"gru": {"cell": "gru", "sweep": {"hidden_size": [8, 16]}}}
    grid = Grid.of(resolve({"models": models, "noise": {"levels": [0]}, "seeds": 10}, SCHEMA))
    values = pairs.by_run(tables_of(grid, {("gru_8", "0"): 0.5, ("gru_16", "0"): 0.5}))
    there = {key: series for key, series in values.items() if key[1] == "gru_16"}
    assert {tuple(r["models"]) for r in sweeps.sweeps(there, grid)} == {("gru_16",)}


def test_findings_have_the_lists_that_the_report_reads() -> None:
    found, _ = placed([0.6] * 4, [0.4] * 4)
    assert set(found) == {
        "alpha", "attention", "attention_agreement", "attention_effects", "attention_positions",
        "baseline_comparisons", "baselines", "commonest_mistakes", "confidence",
        "confusion_order", "cross", "curves", "estimates", "exact_up_to", "families",
        "final_points", "gradient_reach", "gradients", "interactions", "label_name", "labels",
        "leaked_names", "looks", "margins", "memory", "memory_effects", "metrics",
        "model_comparisons", "most_accurate", "noise_effects", "noisiest", "placements",
        "planned_contrasts", "power", "quietest", "random_loss", "ranks", "rates", "recall",
        "runs", "seeds", "smallest_p", "sweeps", "time_to_target", "variance", "yardsticks",
    }  # fmt: skip


def test_every_list_of_comparisons_says_what_is_corrected_together() -> None:
    found, _ = placed([0.6] * 4, [0.4] * 4)
    lists = {
        name
        for name, records in found.items()
        if isinstance(records, list) and records and "p_adjusted" in records[0]
    }
    assert lists | {"rates", "time_to_target", "attention_effects"} == set(found["families"])


def test_margins_are_for_metrics_that_are_compared() -> None:
    margins = resolve({}, SCHEMA)["comparison"]["margin"]
    assert set(margins) == set(COMPARED)
