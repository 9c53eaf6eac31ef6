"""What the report concludes from runs whose outcome is made up."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from noisynames.analysis import findings
from noisynames.analysis.tables import Tables
from noisynames.config import resolve
from noisynames.grid import Grid
from noisynames.names.noise import conditions
from noisynames.reporting.answers import questions
from noisynames.reporting.answers.study import Answer

SCHEMA = Path(__file__).parents[3] / "workflow/schemas/config.schema.yaml"
SEEDS = 10


def grid_of(config: dict[str, Any]) -> Grid:
    noise = config["noise"]
    return Grid(
        config["models"],
        [condition.name for condition in conditions(**noise)],
        noise["characters"],
        config["seeds"],
        {key: config["training"][key] for key in ("updates", "record_every", "learning_rate")},
        config["baselines"],
    )


def tables_of(grid: Grid, accuracy: dict[tuple[str, str], float], **more: Any) -> Tables:
    """Tables of runs with these accuracies, give or take a little; the loss is their opposite."""
    rng = np.random.default_rng(0)
    stands = {name: first for first, names in grid.rates.items() for name in names}
    runs = pd.DataFrame(
        {
            "model": model,
            "noise": noise,
            "seed": seed,
            "compared_as": stands[model],
            "status": "ok",
            "learning_rate": grid.models[model]["learning_rate"],
            "macro_accuracy": (a := accuracy[model, noise] + rng.normal(0, 0.003)),
            "final_loss": 1 - a,
            "loss_area": 1 - a,
            "held_out_loss": 2 - a,
            "validation_accuracy": more.get("validation", {}).get(model, np.nan),
            "validation_loss": 1.0,
        }
        for model, noise, seed in grid.cells
    )
    scores = runs.assign(trained_at=runs["noise"], tested_at=runs["noise"], macro_loss=1.0)
    for key in ("accuracy", "macro_top3", "macro_f1"):
        scores[key] = scores["macro_accuracy"]
    keys = ["model", "trained_at", "tested_at", "seed", "accuracy", "macro_accuracy"]
    keys += ["macro_top3", "macro_f1", "macro_loss"]
    accuracies = scores[keys]
    baselines = [
        accuracies[accuracies["model"] == grid.compared[0]].assign(
            model=name, macro_accuracy=0.5 if name == "ngrams" else 0.1
        )
        for name in grid.baselines
    ]
    probes = pd.DataFrame(
        {
            "model": model, "trained_at": noise, "seed": seed, "probe": probe,
            "distance": distance,
            "value": 0.5**distance if probe != "accuracy" else 0.8 - 0.05 * distance,
        }
        for model, noise, seed in grid.cells
        for probe in ("accuracy", "initial gradient", "trained gradient")
        for distance in range(5)
    )  # fmt: skip
    return {
        "runs": runs,
        "accuracy": accuracies,
        "baselines": pd.concat(baselines) if baselines else accuracies.iloc[:0],
        "probes": probes,
        "yardsticks": pd.DataFrame(
            [{"chance": 0.1, "majority": 0.2, "ceiling": 0.9, "macro_ceiling": 0.9, "leaked": 0}]
            * SEEDS
        ),
        "time_to_target": pd.DataFrame(
            {
                "model": model,
                "noise": noise,
                "seed": seed,
                "target": 1.0,
                "update": 9,
                "reached": 1,
            }
            for model, noise, seed in grid.cells
        ),
    }


MODELS = {"rnn": {"cell": "rnn"}, "gru": {"cell": "gru"}}
PLACES = {"levels": [0, 5], "placement": ["suffix", "prefix", "scattered"]}


def why(rnn: list[float], gru: list[float]) -> tuple[findings.Findings, list[str]]:
    """The findings, and what is said of placement, for accuracies at 0, 5, prefix, scattered."""
    config = resolve({"models": MODELS, "noise": PLACES, "seeds": SEEDS}, SCHEMA)
    grid = grid_of(config)
    assert grid.noises == ["0", "5", "5-prefix", "5-scattered"]
    values = {
        (model, noise): value
        for model, row in (("rnn", rnn), ("gru", gru))
        for noise, value in zip(grid.noises, row, strict=True)
    }
    found = findings.find(tables_of(grid, values), grid)
    third = questions.answer_all(found, config)[2]
    return found, [s for s in third.sentences if s.startswith(("rnn: ", "gru: "))]


def test_a_loss_behind_the_name_alone_is_one_of_memory() -> None:
    found, (rnn, gru) = why([0.6, 0.3, 0.6, 0.6], [0.6, 0.5, 0.5, 0.5])
    assert "loses only where noise stands last, so its loss is one of memory" in rnn
    assert "not detectably more where noise stands last" in gru
    (record,) = [
        r
        for r in found["placements"]
        if (r["metric"], r["model"], r["a"], r["b"])
        == ("macro_accuracy", "rnn", "suffix", "prefix")
    ]
    assert record["verdict"] == "lower"
    assert record["mean"] == pytest.approx(-0.3, abs=0.01)


def answers_of(models: dict[str, Any], accuracy: dict[str, float]) -> list[Answer]:
    """The answers for models of these accuracies at noise 0."""
    config = resolve({"models": models, "noise": {"levels": [0]}, "seeds": SEEDS}, SCHEMA)
    grid = grid_of(config)
    values = {(model, "0"): value for model, value in accuracy.items()}
    return questions.answer_all(findings.find(tables_of(grid, values), grid), config)


def test_each_lstm_is_said_to_differ_from_those_that_it_differs_from() -> None:
    models = MODELS | {"lstm": {"cell": "lstm"}, "deep": {"cell": "gru", "num_layers": 2}}
    accuracy = {"rnn": 0.5, "gru": 0.5, "lstm": 0.5, "deep": 0.7}
    verdict = answers_of(models, accuracy)[5].verdict
    assert verdict == "lstm: 2 of 6 differences detected; deep: 6 of 6 differences detected"


def test_an_lstm_at_another_rate_is_no_further_model_to_tell_of() -> None:
    models = MODELS | {"lstm": {"cell": "lstm"}, "fast": {"cell": "lstm", "learning_rate": 0.08}}
    accuracy = {"rnn": 0.5, "gru": 0.5, "lstm": 0.7, "fast": 0.1}
    verdict = answers_of(models, accuracy)[5].verdict
    assert verdict == "lstm: 4 of 4 differences detected; several layers not tested"


def test_an_lstm_alone_is_not_tested() -> None:
    answer = answers_of({"lstm": {"cell": "lstm"}}, {"lstm": 0.5})[5]
    assert answer.verdict == "several layers not tested; LSTM not tested"
    assert answer.sentences[1] == "lstm: there is nothing to compare with."


def test_a_budget_is_of_examples_where_an_update_takes_several() -> None:
    first = answers_of(MODELS, {"rnn": 0.5, "gru": 0.5})[0]
    assert first.sentences[0].startswith("After 80,000 updates at noise 0")
    batched = {"rnn": {"cell": "rnn"}, "gru": {"cell": "gru", "batch_size": 8}}
    first = answers_of(batched, {"rnn": 0.5, "gru": 0.5})[0]
    assert first.sentences[0].startswith("After 80,000 examples at noise 0")


def test_a_loss_everywhere_but_most_behind_is_partly_one_of_memory() -> None:
    _, (rnn, gru) = why([0.6, 0.3, 0.5, 0.5], [0.6, 0.6, 0.6, 0.6])
    assert "loses most where noise stands last" in rnn
    assert "no difference detected" in gru


def test_gradients_are_summed_up_as_a_factor_a_character() -> None:
    found, _ = why([0.6] * 4, [0.6] * 4)
    stages = {(r["stage"], r["noise"]) for r in found["gradient_reach"]}
    assert ("initial", "0") in stages
    assert ("initial", "5") not in stages
    assert [r["mean"] for r in found["gradient_reach"]] == pytest.approx([0.5] * 10)
    assert found["memory_effects"][0]["mean"] == pytest.approx(-0.2)


def test_models_are_held_against_baselines_apart_from_each_other() -> None:
    found, _ = why([0.6] * 4, [0.4] * 4)
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


RATES = {
    "rnn": {"cell": "rnn"},
    "rnn_fast": {"cell": "rnn", "learning_rate": 0.1},
    "gru": {"cell": "gru"},
    "gru_fast": {"cell": "gru", "learning_rate": 0.1},
}


def test_models_that_differ_in_rate_alone_are_one_model() -> None:
    config = resolve({"models": {**RATES, "wide": {"cell": "gru", "hidden_size": 64}}}, SCHEMA)
    grid = grid_of(config)
    assert grid.rates == {"rnn": ["rnn", "rnn_fast"], "gru": ["gru", "gru_fast"], "wide": ["wide"]}
    config["training"]["learning_rate"] = 0.1
    assert list(grid_of(config).rates) == ["rnn_fast", "gru_fast", "wide"]


def test_the_best_rate_is_chosen_by_validation_not_by_test() -> None:
    """The GRU's fast runs validate better and test worse: they are chosen all the same."""
    config = resolve({"models": RATES, "noise": {"levels": [0]}, "seeds": SEEDS}, SCHEMA)
    grid = grid_of(config)
    test = {"rnn": 0.5, "rnn_fast": 0.3, "gru": 0.6, "gru_fast": 0.4}
    tables = tables_of(
        grid,
        {(model, "0"): value for model, value in test.items()},
        validation={"rnn": 0.5, "rnn_fast": 0.3, "gru": 0.6, "gru_fast": 0.7},
    )
    found = findings.find(tables, grid)
    rates = found["rates"]
    assert {r["model"]: r["seeds"] for r in rates["chosen"]} == {
        "rnn": {"0.005": SEEDS},
        "gru": {"0.1": SEEDS},
    }
    best = {r["model"]: r["mean"] for r in rates["best"] if r["metric"] == "macro_accuracy"}
    assert best == pytest.approx({"rnn": 0.5, "gru": 0.4}, abs=0.01)
    assert {(r["a"], r["b"]) for r in found["model_comparisons"]} == {("gru", "rnn")}
    answer = questions.answer_all(found, config)[-1]
    assert "accuracy at noise 0: 0 of 1 differences kept, 1 reversed" in answer.verdict
    beyond = [s for s in answer.sentences if "beyond" in s]
    assert len(beyond) == 2
    assert beyond[0].startswith("rnn took the smallest rate that was tried, 0.005, in 10 of 10")
    assert beyond[1].startswith("gru took the largest rate that was tried, 0.1, in 10 of 10")


def test_a_rate_below_one_that_diverged_is_not_the_largest_tried() -> None:
    models = RATES | {"gru_wild": {"cell": "gru", "learning_rate": 0.5}}
    config = resolve({"models": models, "noise": {"levels": [0]}, "seeds": SEEDS}, SCHEMA)
    grid = grid_of(config)
    accuracy = {(model, "0"): 0.5 for model in RATES} | {("gru_wild", "0"): np.nan}
    validation = {"rnn": 0.3, "rnn_fast": 0.5, "gru": 0.3, "gru_fast": 0.5}
    found = findings.find(tables_of(grid, accuracy, validation=validation), grid)
    (sentence,) = [s for s in questions.answer_all(found, config)[-1].sentences if "beyond" in s]
    assert sentence.startswith("rnn took the largest rate that was tried, 0.1, in 10 of 10")


def test_without_validation_names_no_rate_is_chosen() -> None:
    config = resolve({"models": RATES, "noise": {"levels": [0]}, "seeds": SEEDS}, SCHEMA)
    grid = grid_of(config)
    found = findings.find(tables_of(grid, dict.fromkeys([(m, "0") for m in RATES], 0.5)), grid)
    assert found["rates"]["chosen"] == []
    assert questions.answer_all(found, config)[-1].verdict == "not tested"


def test_the_shipped_budget_has_four_models_at_four_rates() -> None:
    config = resolve(yaml.safe_load((SCHEMA.parents[2] / "config/budget.yaml").read_text()), SCHEMA)
    sizes = {name: len(names) for name, names in grid_of(config).rates.items()}
    assert sizes == {"rnn": 4, "gru": 4, "gru_attention": 4, "lstm": 4}
