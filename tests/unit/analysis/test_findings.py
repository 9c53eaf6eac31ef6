"""Numbers of the report, from runs with made-up outcomes."""

import numpy as np
import pandas as pd
import pytest
import yaml
from made_up import MODELS, RATES, SCHEMA, SEEDS, placed, quiet, tables_of
from scipy import stats

from noisynames.analysis.findings import accuracy, attention, costs, probes, training
from noisynames.config import resolve
from noisynames.grid import Grid


def test_a_placement_is_compared_with_the_others_within_a_model() -> None:
    found, _ = placed([0.6, 0.3, 0.6, 0.6], [0.6, 0.5, 0.5, 0.5])
    (record,) = [
        r
        for r in found["placements"]
        if (r["metric"], r["model"], r["a"], r["b"])
        == ("macro_accuracy", "rnn", "suffix", "prefix")
    ]
    assert record["verdict"] == "lower"
    assert record["mean"] == pytest.approx(-0.3, abs=0.01)


def test_gradients_are_summarised_as_a_factor_per_character() -> None:
    found, _ = placed([0.6] * 4, [0.6] * 4)
    stages = {(r["stage"], r["noise"]) for r in found["gradient_reach"]}
    assert ("initial", "0") in stages
    assert ("initial", "5") not in stages
    assert [r["mean"] for r in found["gradient_reach"]] == pytest.approx([0.5] * 10)
    assert [r["left"] for r in found["gradient_reach"]] == pytest.approx([0.5**4] * 10)
    assert found["memory_effects"][0]["mean"] == pytest.approx(-0.2)


def test_models_are_compared_with_baselines_separately() -> None:
    found, _ = placed([0.6] * 4, [0.4] * 4)
    verdicts = {
        (r["a"], r["b"]): r["verdict"]
        for r in found["baseline_comparisons"]
        if r["metric"] == "macro_accuracy" and r["noise"] == "5"
    }
    assert verdicts == {
        ("rnn", "ngrams"): "higher",
        ("gru", "ngrams"): "lower",
        ("rnn", "majority"): "higher",
        ("gru", "majority"): "higher",
    }
    assert {r["model"] for r in found["estimates"]} == {"rnn", "gru"}


def test_models_that_differ_only_in_rate_are_one_model() -> None:
    config = resolve({"models": {**RATES, "wide": {"cell": "gru", "hidden_size": 64}}}, SCHEMA)
    grid = Grid.of(config)
    assert grid.rates == {"rnn": ["rnn", "rnn_fast"], "gru": ["gru", "gru_fast"], "wide": ["wide"]}
    config["training"]["learning_rate"] = 0.1
    assert list(Grid.of(config).rates) == ["rnn_fast", "gru_fast", "wide"]


def test_the_best_rate_is_chosen_by_validation_not_by_test() -> None:
    """The GRU's fast runs validate better and test worse, but are chosen nevertheless."""
    found, _ = quiet(
        RATES,
        {"rnn": 0.5, "rnn_fast": 0.3, "gru": 0.6, "gru_fast": 0.4},
        validation={"rnn": 0.5, "rnn_fast": 0.3, "gru": 0.6, "gru_fast": 0.7},
    )
    rates = found["rates"]
    assert {r["model"]: r["seeds"] for r in rates["chosen"]} == {
        "rnn": {"0.005": SEEDS},
        "gru": {"0.1": SEEDS},
    }
    best = {r["model"]: r["mean"] for r in rates["best"] if r["metric"] == "macro_accuracy"}
    assert best == pytest.approx({"rnn": 0.5, "gru": 0.4}, abs=0.01)
    assert {(r["a"], r["b"]) for r in found["model_comparisons"]} == {("gru", "rnn")}


def test_without_validation_names_no_rate_is_chosen() -> None:
    found, _ = quiet(RATES, dict.fromkeys(RATES, 0.5))
    assert found["rates"]["chosen"] == []


def test_the_shipped_budget_has_four_models_at_four_rates() -> None:
    config = resolve(yaml.safe_load((SCHEMA.parents[2] / "config/budget.yaml").read_text()), SCHEMA)
    sizes = {name: len(names) for name, names in Grid.of(config).rates.items()}
    assert sizes == {
        "rnn_0_005": 4,
        "gru_0_005": 4,
        "gru_attention_0_005": 4,
        "lstm_0_005": 4,
    }


def losses(*curves: list[float]) -> dict[str, pd.DataFrame]:
    """A table of the losses of one model, one curve per seed, a point every ten updates."""
    rows = [
        ("gru", "0", seed, 10 * i, loss)
        for seed, curve in enumerate(curves)
        for i, loss in enumerate(curve, 1)
    ]
    columns = ["model", "noise", "seed", "update", "loss"]
    return {"losses": pd.DataFrame(rows, columns=columns)}


def test_a_mean_curve_is_over_the_seeds_that_completed() -> None:
    """Means 2 and 1.5; with two seeds t(0.975; 1) = 12.7062, and half the interval is t/2 · 2."""
    (curve,) = training.curves(losses([1.0, 0.5], [3.0, 2.5], [9.0]))
    assert (curve["n"], curve["update"]) == (2, [10, 20])
    assert curve["mean"] == [2.0, 1.5]
    assert curve["low"] == pytest.approx([2 - 12.7062, 1.5 - 12.7062], abs=1e-4)
    assert curve["high"] == pytest.approx([2 + 12.7062, 1.5 + 12.7062], abs=1e-4)


def test_a_single_seed_has_a_curve_without_a_band() -> None:
    (curve,) = training.curves(losses([1.0, 0.5]))
    assert (curve["n"], curve["mean"], curve["low"], curve["high"]) == (1, [1.0, 0.5], None, None)


def test_where_no_seed_completed_the_curve_is_empty_with_the_last_mean() -> None:
    found = losses([1.0], [3.0])
    later = found["losses"].assign(seed=2, update=20, loss=4.0).head(1)
    (curve,) = training.curves({"losses": pd.concat([found["losses"], later])})
    assert (curve["n"], curve["mean"], curve["last"]) == (0, None, 4.0)


def test_a_curve_uses_the_losses_in_the_table() -> None:
    (curve,) = training.curves(losses([1.234567891]))
    assert curve["mean"] == [1.2345679]


def test_the_share_of_runs_at_the_target_is_a_step_function() -> None:
    grid = Grid.of(resolve({"models": {"gru": {"cell": "gru"}}, "noise": {"levels": [0]}}, SCHEMA))
    table = pd.DataFrame(
        {
            "model": "gru", "noise": "0", "target": 1.5, "seed": range(4),
            "update": [10, 20, 40, 40], "reached": [1, 1, 1, 0],
        }
    )  # fmt: skip
    found = training.time_to_target({"time_to_target": table}, grid)
    (group,) = found["groups"]
    assert found["target"] == 1.5
    assert (group["runs"], group["reached"], group["median"]) == (4, 3, 30)
    assert group["times"] == [10, 20, 40]
    assert group["shares"] == pytest.approx([0.25, 0.5, 0.75])


def test_recall_is_a_mean_over_seeds_under_the_training_noise() -> None:
    rows = [
        ("gru", "0", "0", 0, "Elvish", 0.5),
        ("gru", "0", "0", 1, "Elvish", 0.75),
        ("gru", "0", "5", 0, "Elvish", 0.1),
    ]
    columns = ["model", "trained_at", "tested_at", "seed", "language", "recall"]
    assert accuracy.recall({"recall": pd.DataFrame(rows, columns=columns)}) == [
        {"language": "Elvish", "model": "gru", "trained_at": "0", "recall": 0.625}
    ]


def test_the_most_common_mistake_of_a_language_is_a_wrong_answer() -> None:
    config = resolve({"models": MODELS, "noise": {"levels": [0]}, "seeds": SEEDS}, SCHEMA)
    grid = Grid.of(config)
    tables = tables_of(grid, dict.fromkeys([("rnn", "0"), ("gru", "0")], 0.5))
    tables["confusion"] = pd.concat(
        [tables["confusion"], tables["confusion"].assign(prediction="Quenya", share=0.1)]
    )
    found = accuracy.commonest_mistakes(tables)
    assert [(r["model"], r["language"], r["prediction"], r["share"]) for r in found] == [
        ("gru", "Elvish", "Klingon", 0.3),
        ("gru", "Klingon", "Elvish", 0.4),
        ("rnn", "Elvish", "Klingon", 0.3),
        ("rnn", "Klingon", "Elvish", 0.4),
    ]


def test_attention_by_position_counts_the_seeds_with_a_name_that_long() -> None:
    models = {"gru": {"cell": "gru", "readout": "attention"}}
    grid = Grid.of(resolve({"models": models, "noise": {"levels": [0]}, "seeds": 2}, SCHEMA))
    rows = [(0, 0, 0.6), (0, 1, 0.4), (1, 0, 0.8)]
    table = pd.DataFrame(rows, columns=["seed", "from_end", "weight"])
    table = table.assign(model="gru", trained_at="0", tested_at="0")
    near, far = attention.positions({"attention_position": table}, grid)
    assert (near["quantity"], near["model"], near["trained_at"]) == ("weight", "gru", "0")
    assert (near["from_end"], near["n"], near["mean"]) == (0, 2, pytest.approx(0.7))
    assert (far["from_end"], far["n"], far["low"]) == (1, 1, None)


def test_gradients_are_logarithms_relative_to_the_last_character() -> None:
    """A seed's norms fall by 0.6 or 0.4 at every step, each seed with its own scale."""
    config = resolve({"models": MODELS, "noise": {"levels": [0, 5]}, "seeds": SEEDS}, SCHEMA)
    grid = Grid.of(config)
    arms = [(model, noise) for model in MODELS for noise in ("0", "5")]
    tables = tables_of(grid, dict.fromkeys(arms, 0.5))
    table = tables["probes"]
    is_norm = table["probe"] != "accuracy"
    base = np.where(table["seed"] % 2, 0.4, 0.6)
    table["value"] = np.where(is_norm, (3 + table["seed"]) * base ** table["distance"], 0.5)
    found = probes.gradients(tables, grid)
    assert [(r["stage"], r["noise"], r["model"]) for r in found[::5]] == [
        ("initial", "0", "rnn"), ("initial", "0", "gru"), ("trained", "0", "rnn"),
        ("trained", "0", "gru"), ("trained", "5", "rnn"), ("trained", "5", "gru"),
    ]  # fmt: skip
    assert [r["distance"] for r in found[:5]] == [0, 1, 2, 3, 4]
    middle = (np.log10(0.4) + np.log10(0.6)) / 2
    assert [r["mean"] for r in found[:5]] == pytest.approx([d * middle for d in range(5)])
    assert found[0]["n"] == SEEDS
    tables["probes"] = table[is_norm | (table["distance"] < 4)]  # the longest suffix is of 3
    reach = probes.gradient_reach(tables, grid)
    slopes = np.tile(np.log10([0.6, 0.4]), SEEDS // 2)
    low, high = stats.t.interval(0.95, SEEDS - 1, middle, stats.sem(slopes))
    assert len(reach) == 6
    for record in reach:
        assert record["mean"] == pytest.approx(10**middle)
        assert (record["low"], record["high"]) == pytest.approx((10**low, 10**high))
        assert (record["n"], record["left"]) == (SEEDS, pytest.approx(10 ** (3 * middle)))


def test_a_norm_of_zero_has_a_finite_logarithm() -> None:
    config = resolve({"models": MODELS, "noise": {"levels": [0]}, "seeds": SEEDS}, SCHEMA)
    grid = Grid.of(config)
    tables = tables_of(grid, dict.fromkeys([("rnn", "0"), ("gru", "0")], 0.5))
    is_last = tables["probes"]["distance"] == 4
    tables["probes"].loc[is_last, "value"] = 0.0
    last = [r["mean"] for r in probes.gradients(tables, grid) if r["distance"] == 4]
    assert last == [-38.0] * 4
    assert np.isfinite([r["mean"] for r in probes.gradient_reach(tables, grid)]).all()


def test_costs_are_medians_over_runs() -> None:
    rows = [
        ("gru", "0", 0, "compiled", 100, 1.0, 0.5, 300.0),
        ("gru", "0", 1, "compiled", 100, 2.0, 0.7, 310.0),
        ("gru", "0", 2, "compiled", 100, 4.0, 0.6, 320.0),
        ("own", "0", 0, "autograd", 100, 8.0, 3.0, 900.0),
    ]
    columns = [
        "model", "noise", "seed", "engine", "updates", "training_seconds", "startup_seconds",
        "peak_memory_mb",
    ]  # fmt: skip
    found = costs.find(pd.DataFrame(rows, columns=columns))
    assert found["costs"][0] == {
        "model": "gru", "engine": "compiled", "runs": 3, "seconds": 2.0, "startup": 0.6,
        "rate": 50.0, "memory": 310.0,
    }  # fmt: skip
    assert found["paces"] == [
        {"model": "gru", "noise": "0", "pace": 0.02},
        {"model": "own", "noise": "0", "pace": 0.08},
    ]
    assert found["engines"] == {"compiled": 3, "autograd": 1}
