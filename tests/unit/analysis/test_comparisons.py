"""Lists of the findings compared with SciPy's results for the same runs.

Holm's method is the project's own, which `test_statistics.py` compares with statsmodels'.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_up import SCHEMA, tables_of
from scipy import stats

from noisynames.analysis.findings import (
    accuracy,
    attention,
    baselines,
    comparisons,
    overview,
    pairs,
    probes,
    rates,
    training,
)
from noisynames.analysis.findings.pairs import METRICS, Values
from noisynames.analysis.statistics.tests import holm
from noisynames.analysis.tables import Tables
from noisynames.config import resolve
from noisynames.grid import Grid

SEEDS = 6
MODELS: dict[str, Any] = {
    "rnn": {"cell": "rnn"},
    "gru": {"cell": "gru", "readout": "attention"},
    "wide": {"cell": "gru", "hidden_size": 64},
}
LOST = ("gru", "5", 2)
ODDS = 0.25  # a fifth is held out

Side = dict[int, float]
"""A value for each seed."""


def asked(models: dict[str, Any] = MODELS, **more: Any) -> Grid:
    noise = {"levels": [0, 5], "placement": ["suffix", "prefix"]}
    given = {"models": models, "noise": noise, "seeds": SEEDS}
    return Grid.of(resolve({**given, **more}, SCHEMA))


def made(grid: Grid) -> Tables:
    """Tables in which all metrics vary independently, and one run diverged."""
    chances = {(model, noise): 0.5 for model in grid.models for noise in grid.noises}
    tables = tables_of(grid, chances, lost={LOST: "diverged"})
    rng = np.random.default_rng(1)
    for name, columns in {
        "runs": ("final_loss", "loss_area", "held_out_loss", "macro_accuracy"),
        "accuracy": ("accuracy", "macro_accuracy", "macro_top3", "macro_f1", "macro_loss"),
        "baselines": ("accuracy", "macro_accuracy", "macro_top3", "macro_f1", "macro_loss"),
    }.items():
        for column in columns:
            tables[name][column] = rng.normal(0.5, 0.02, len(tables[name]))
    return tables


GRID = asked()
TABLES = made(GRID)


@pytest.fixture
def values() -> Values:
    return pairs.by_run(TABLES)


def side(metric: str, model: str, noise: str) -> Side:
    """A metric of the completed runs, looked up in the tables one by one."""
    runs = TABLES["runs"]
    rows = runs[(runs["model"] == model) & (runs["noise"] == noise) & (runs["status"] == "ok")]
    if metric == "generalisation_gap":
        return dict(zip(rows["seed"], rows["held_out_loss"] - rows["final_loss"], strict=True))
    return dict(zip(rows["seed"], rows[metric], strict=True))


def minus(a: Side, b: Side) -> Side:
    return {seed: a[seed] - b[seed] for seed in a if seed in b}


def check(found: Sequence[dict[str, Any]], differences: Sequence[Side]) -> None:
    """Whether the records of a family agree with the t test and Holm's method."""
    tests = [stats.ttest_1samp([*d.values()], 0) for d in differences]
    intervals = [test.confidence_interval(0.95) for test in tests]
    adjusted = [float(p or 0) for p in holm([test.pvalue for test in tests])]
    assert [r["n"] for r in found] == [len(d) for d in differences]
    assert [r["mean"] for r in found] == pytest.approx(
        [np.mean([*d.values()]) for d in differences]
    )
    assert [r["low"] for r in found] == pytest.approx([i.low for i in intervals])
    assert [r["high"] for r in found] == pytest.approx([i.high for i in intervals])
    assert [r["p"] for r in found] == pytest.approx([test.pvalue for test in tests])
    assert [r["p_adjusted"] for r in found] == pytest.approx(adjusted)
    margin = found[0]["margin"]
    if margin is not None:
        outside = [  # for a one-sided test, at most a half is known
            min(0.5, stats.t.sf((margin - abs(np.mean(d))) / stats.sem(d), len(d) - 1))
            for d in ([*side.values()] for side in differences)
        ]
        assert [r["p_equivalent"] for r in found] == pytest.approx(holm(outside))
    for record, p in zip(found, adjusted, strict=True):
        assert (record["verdict"] in ("higher", "lower")) == (p <= 0.05)


def judged_by(found: Sequence[dict[str, Any]], metric: str) -> None:
    """Whether records have the margin of their metric, and verdicts for new names if possible."""
    assert {r["margin"] for r in found} == {GRID.margins[metric]}
    is_held_out = metric in ("held_out_loss", "macro_accuracy")
    assert {r["new_low"] is not None for r in found} == {is_held_out}


PAIRS = [("gru", "rnn"), ("wide", "rnn"), ("wide", "gru")]


@pytest.mark.parametrize("metric", comparisons.COMPARED)
def test_models_are_compared_pair_by_pair_at_each_noise(values: Values, metric: str) -> None:
    found = [r for r in comparisons.model_comparisons(values, GRID) if r["metric"] == metric]
    assert [r["noise"] for r in found] == ["0"] * 3 + ["5"] * 3 + ["5-prefix"] * 3
    assert [(r["a"], r["b"]) for r in found] == PAIRS * 3
    for noise in GRID.noises:
        family = [r for r in found if r["noise"] == noise]
        sides = [minus(side(metric, a, noise), side(metric, b, noise)) for a, b in PAIRS]
        check(family, sides)
    judged_by(found, metric)


@pytest.mark.parametrize("metric", comparisons.COMPARED)
def test_noises_are_compared_with_the_lowest_within_a_model(values: Values, metric: str) -> None:
    found = [r for r in comparisons.noise_effects(values, GRID) if r["metric"] == metric]
    expected = [(model, noise) for noise in ("5", "5-prefix") for model in MODELS]
    assert [(r["model"], r["noise"]) for r in found] == expected
    assert {r["against"] for r in found} == {"0"}
    check(found, [minus(side(metric, m, n), side(metric, m, "0")) for m, n in expected])
    judged_by(found, metric)


@pytest.mark.parametrize("metric", comparisons.COMPARED)
def test_an_interaction_is_how_a_difference_changes(values: Values, metric: str) -> None:
    found = [r for r in comparisons.interactions(values, GRID) if r["metric"] == metric]
    expected = [(a, b, noise) for noise in ("5", "5-prefix") for a, b in PAIRS]
    assert [(r["a"], r["b"], r["noise"]) for r in found] == expected
    assert {r["against"] for r in found} == {"0"}
    check(
        found,
        [
            minus(
                minus(side(metric, a, n), side(metric, b, n)),
                minus(side(metric, a, "0"), side(metric, b, "0")),
            )
            for a, b, n in expected
        ],
    )
    judged_by(found, metric)


@pytest.mark.parametrize("metric", ["final_loss", "macro_accuracy"])
def test_placements_are_compared_at_the_same_level(values: Values, metric: str) -> None:
    found = [r for r in comparisons.placements(values, GRID) if r["metric"] == metric]
    assert [(r["model"], r["level"], r["a"], r["b"]) for r in found] == [
        (model, 5, "suffix", "prefix") for model in MODELS
    ]
    check(found, [minus(side(metric, m, "5"), side(metric, m, "5-prefix")) for m in MODELS])
    judged_by(found, metric)


def test_estimates_have_an_interval_for_these_names_and_a_wider_one_for_new_names(
    values: Values,
) -> None:
    found = comparisons.estimates(values, GRID)
    assert [(r["metric"], r["noise"], r["model"]) for r in found] == [
        (metric, noise, model) for metric in METRICS for noise in GRID.noises for model in MODELS
    ]
    by_key = {(r["metric"], r["noise"], r["model"]): r for r in found}
    for metric in ("macro_accuracy", "loss_area"):
        record, seeds = by_key[metric, "5", "gru"], [*side(metric, "gru", "5").values()]
        assert record["n"] == 5
        low, high = stats.t.interval(0.95, 4, np.mean(seeds), stats.sem(seeds))
        assert (record["mean"], record["low"], record["high"]) == pytest.approx(
            (np.mean(seeds), low, high)
        )
    wide = by_key["macro_accuracy", "5", "gru"]
    seeds = [*side("macro_accuracy", "gru", "5").values()]
    error = np.std(seeds, ddof=1) * math.sqrt(1 / 5 + ODDS)
    expected = stats.t.interval(0.95, 4, np.mean(seeds), error)
    assert (wide["new_low"], wide["new_high"]) == pytest.approx(expected)
    assert by_key["loss_area", "5", "gru"]["new_low"] is None
    accuracies = TABLES["accuracy"].query("model == 'rnn' and trained_at == '0'")
    assert by_key["macro_f1", "0", "rnn"]["mean"] == pytest.approx(accuracies["macro_f1"].mean())


def test_ranks_use_the_seeds_that_every_model_has(values: Values) -> None:
    found = comparisons.ranks(values, GRID)
    assert [(r["noise"], r["model"]) for r in found] == [
        (n, m) for n in GRID.noises for m in MODELS
    ]
    for noise in GRID.noises:
        sides = [side("macro_accuracy", model, noise) for model in MODELS]
        common = [seed for seed in range(SEEDS) if all(seed in s for s in sides)]
        ranks = stats.rankdata([[-s[seed] for seed in common] for s in sides], axis=0)
        there = [r for r in found if r["noise"] == noise]
        assert [r["n"] for r in there] == [len(common)] * 3
        assert [r["mean"] for r in there] == pytest.approx(ranks.mean(axis=1))


@pytest.mark.parametrize(
    ("metric", "column"), [("macro_accuracy", "macro_accuracy"), ("held_out_loss", "macro_loss")]
)
def test_every_model_is_compared_with_each_baseline(
    values: Values, metric: str, column: str
) -> None:
    records = baselines.comparisons(TABLES, values, GRID)
    found = [r for r in records if r["metric"] == metric]
    assert [(r["noise"], r["b"], r["a"]) for r in found] == [
        (noise, baseline, model)
        for noise in GRID.noises
        for baseline in ("ngrams", "majority")
        for model in MODELS
    ]
    table = TABLES["baselines"]
    for noise in GRID.noises:
        for baseline in ("ngrams", "majority"):
            rows = table[(table["model"] == baseline) & (table["trained_at"] == noise)]
            theirs = dict(zip(rows["seed"], rows[column], strict=True))
            family = [r for r in found if (r["noise"], r["b"]) == (noise, baseline)]
            check(family, [minus(side(metric, model, noise), theirs) for model in MODELS])
    judged_by(found, metric)


def test_baselines_are_reported_at_the_noise_that_they_were_fitted_at() -> None:
    across = TABLES["baselines"].assign(tested_at="9", macro_loss=99.0)
    both = {**TABLES, "baselines": pd.concat([TABLES["baselines"], across])}
    found = {(r["metric"], r["baseline"], r["noise"]): r for r in baselines.baselines(both, GRID)}
    assert len(found) == 5 * 2 * 3
    rows = TABLES["baselines"].query("model == 'ngrams' and trained_at == '5'")
    record = found["held_out_loss", "ngrams", "5"]
    assert (record["n"], record["mean"]) == (SEEDS, pytest.approx(rows["macro_loss"].mean()))
    assert found["macro_f1", "ngrams", "5"]["mean"] == pytest.approx(rows["macro_f1"].mean())


def test_without_baselines_there_are_no_records_of_them(values: Values) -> None:
    grid = asked(baselines=[])
    assert baselines.baselines(TABLES, grid) == []
    assert baselines.comparisons(TABLES, values, grid) == []


def test_every_model_is_reported_under_every_noise_that_it_was_tested_under() -> None:
    across = TABLES["accuracy"].assign(tested_at="5", macro_accuracy=0.25, macro_loss=3.0)
    across = across[across["trained_at"] == "0"]
    tables = {**TABLES, "accuracy": pd.concat([TABLES["accuracy"], across])}
    found = accuracy.cross(tables, GRID)
    keys = ("metric", "model", "trained_at", "tested_at")
    assert [tuple(r[key] for key in keys) for r in found] == [
        (metric, model, *noises)
        for model in MODELS
        for noises in (("0", "0"), ("0", "5"), ("5", "5"), ("5-prefix", "5-prefix"))
        for metric in ("macro_accuracy", "macro_loss")
    ]
    assert (found[2]["mean"], found[3]["mean"], found[2]["n"]) == (0.25, 3.0, SEEDS)


def test_the_most_accurate_model_is_best_on_average_over_noises() -> None:
    series = {
        ("macro_accuracy", model, noise): pd.Series([mean])
        for model, means in {"rnn": (0.9, 0.1), "gru": (0.6, 0.6), "wide": (0.5, 0.6)}.items()
        for noise, mean in zip(("0", "5"), means, strict=True)
    }
    assert accuracy.most_accurate(series, GRID) == "gru"
    assert accuracy.most_accurate({}, GRID) == "rnn"


def test_languages_mistaken_for_each_other_are_side_by_side() -> None:
    rows = [("a", "c", 0.4), ("c", "a", 0.3), ("b", "d", 0.5), ("a", "b", 0.1)]
    rows += [(language, language, 0.5) for language in "abcd"]
    table = pd.DataFrame(rows, columns=["language", "prediction", "share"])
    own = table.assign(trained_at="0", tested_at="0")
    across = table.assign(trained_at="0", tested_at="5", share=0.9)
    order = "".join(accuracy.confusion_order({"confusion": pd.concat([own, across])}))
    assert order in ("dbac", "cabd")
    two = own[own["language"].isin(["a", "c"]) & own["prediction"].isin(["a", "c"])]
    assert accuracy.confusion_order({"confusion": two.iloc[::-1]}) == ["a", "c"]


def test_groups_of_languages_are_as_close_as_their_members_on_average() -> None:
    """By their nearest members alone, c would join a and b before d."""
    shares = {"ab": 0.4, "ac": 0.3, "bd": 0.25, "cd": 0.2}
    rows = [(*pair[::way], share) for pair, share in shares.items() for way in (1, -1)]
    table = pd.DataFrame(rows, columns=["language", "prediction", "share"])
    found = accuracy.confusion_order({"confusion": table.assign(trained_at="0", tested_at="0")})
    assert "".join(found) in ("bacd", "dcab")


def test_yardsticks_and_counts_of_runs_are_reported() -> None:
    tables = {**TABLES, "yardsticks": TABLES["yardsticks"].assign(chance=[0.1, 0.3] * 3, leaked=2)}
    found = overview.find(tables, GRID)
    assert found["runs"] == {"planned": 54, "ok": 53, "diverged": 1, "missing": 0}
    assert (found["seeds"], found["quietest"], found["noisiest"]) == (SEEDS, "0", "5")
    assert found["random_loss"] == pytest.approx(-math.log(0.2))
    assert found["leaked_names"] == 2 * SEEDS
    assert found["yardsticks"]["chance"]["mean"] == pytest.approx(0.2)
    assert found["yardsticks"]["ceiling"] == {"mean": 0.9, "low": 0.9, "high": 0.9, "n": SEEDS}
    assert (found["alpha"], found["confidence"], found["power"]) == (0.05, 0.95, 0.8)
    assert found["smallest_p"] == 2 / 2**SEEDS
    assert found["looks"]["planned"] == [SEEDS]
    assert (found["looks"]["this"], found["looks"]["level"]) == (1, 0.05)
    assert found["looks"]["unplanned"] == pytest.approx(0.142, abs=5e-4)
    assert (found["label_name"], found["margins"]) == ("language", GRID.margins)
    assert set(found["labels"]) == set(MODELS)


def test_a_second_look_is_marked_and_tests_at_its_own_level() -> None:
    grid = asked(seeds=20, comparison={"looks": [10, 20, 30]})
    looks = overview.find(tables_of(grid, {c[:2]: 0.5 for c in grid.cells}), grid)["looks"]
    assert (looks["planned"], looks["this"]) == ([10, 20, 30], 2)
    assert 0 < looks["level"] < 0.05


def attended() -> Tables:
    """Attention of the GRU at each training and test noise; seeds vary."""
    rng = np.random.default_rng(2)
    keys = [(t, s, seed) for t in GRID.noises for s in GRID.noises for seed in range(SEEDS)]
    table = pd.DataFrame(keys, columns=["trained_at", "tested_at", "seed"]).assign(model="gru")
    for column in (
        "last_character", "last_letter", "on_noise", "noise_share", "entropy",
        "occlusion_agreement",
    ):  # fmt: skip
        table[column] = rng.normal(0.5, 0.05, len(table))
    gone = (table["trained_at"] == "5") & (table["seed"] == 2)
    return {"attention": table[~gone]}


def test_attention_is_reported_for_each_quantity_trained_and_tested() -> None:
    tables = attended()
    tables["attention"].loc[tables["attention"]["tested_at"] == "0", "entropy"] = np.nan
    found = attention.attention(tables, GRID)
    assert len(found) == 9 * 6 - 3
    record = next(
        r
        for r in found
        if (r["quantity"], r["trained_at"], r["tested_at"]) == ("on_noise", "5", "0")
    )
    rows = tables["attention"].query("trained_at == '5' and tested_at == '0'")
    assert (record["model"], record["n"]) == ("gru", 5)
    assert record["mean"] == pytest.approx(rows["on_noise"].mean())


def test_attention_is_compared_with_the_lowest_noise_and_with_uniform_weights() -> None:
    tables = attended()
    table = tables["attention"]

    def looks(column: str, noise: str) -> Side:
        rows = table[(table["trained_at"] == noise) & (table["tested_at"] == noise)]
        return dict(zip(rows["seed"], rows[column], strict=True))

    found = attention.effects(tables, GRID)
    assert [(r["quantity"], r["model"], r["noise"], r["against"]) for r in found] == [
        (quantity, "gru", noise, "0")
        for noise in ("5", "5-prefix")
        for quantity in ("last_character", "on_noise")
    ]
    quiet = looks("last_character", "0")
    sides = []
    for noise in ("5", "5-prefix"):
        sides.append(minus(looks("last_character", noise), quiet))
        sides.append(minus(looks("on_noise", noise), looks("noise_share", noise)))
    check(found, sides)


def test_agreement_of_seeds_is_reported_for_compared_models() -> None:
    rows = [("gru", "0", 0.5, 3), ("other", "0", 0.7, 4)]
    table = pd.DataFrame(rows, columns=["model", "trained_at", "agreement", "names"])
    assert attention.agreement({"attention_agreement": table}, GRID) == [
        {"model": "gru", "trained_at": "0", "agreement": 0.5, "names": 3}
    ]
    none = asked({"rnn": {"cell": "rnn"}})
    assert attention.agreement({}, none) == attention.positions({}, none) == []
    assert attention.attention({}, none) == attention.effects({}, none) == []


def test_updates_to_the_target_are_compared_by_the_log_rank_test() -> None:
    rng = np.random.default_rng(3)
    rows = [
        (m, n, s, 1.5, int(rng.integers(1, 9)) * 10, int(rng.random() < 0.7))
        for m, n, s in GRID.cells
    ]
    columns = ["model", "noise", "seed", "target", "update", "reached"]
    table = pd.DataFrame(rows, columns=columns)
    found = training.time_to_target({"time_to_target": table}, GRID)
    assert [(r["noise"], r["a"], r["b"]) for r in found["tests"]] == [
        (noise, a, b) for noise in GRID.noises for a, b in PAIRS
    ]
    assert [(g["model"], g["noise"]) for g in found["groups"]] == [
        (model, noise) for model in MODELS for noise in GRID.noises
    ]

    def times(model: str, noise: str) -> Any:
        cell = table[(table["model"] == model) & (table["noise"] == noise)]
        return stats.CensoredData.right_censored(cell["update"], cell["reached"] == 0)

    for noise in GRID.noises:
        p = [stats.logrank(times(a, noise), times(b, noise)).pvalue for a, b in PAIRS]
        there = [r for r in found["tests"] if r["noise"] == noise]
        assert [r["p"] for r in there] == pytest.approx(p)
        assert [r["p_adjusted"] for r in there] == pytest.approx(holm(p))


def test_with_fewer_than_half_at_the_target_there_is_no_median() -> None:
    table = pd.DataFrame(
        [(m, n, s, 1.5, 10 * (s + 1), int(s < 2)) for m, n, s in GRID.cells],
        columns=["model", "noise", "seed", "target", "update", "reached"],
    )
    (group, *_) = training.time_to_target({"time_to_target": table}, GRID)["groups"]
    assert (group["runs"], group["reached"], group["median"]) == (6, 2, None)


def test_memory_is_accuracy_by_distance_and_its_effect_the_longest_minus_none() -> None:
    rng = np.random.default_rng(4)
    table = TABLES["probes"].assign(value=rng.uniform(0.3, 0.7, len(TABLES["probes"])))
    table = table[~((table["model"] == "rnn") & (table["seed"] == 0) & (table["distance"] == 4))]
    found = probes.memory({"probes": table}, GRID)
    distances = {"rnn": 4, "gru": 5, "wide": 5}  # the distances that all seeds have
    assert [(r["noise"], r["model"], r["distance"]) for r in found] == [
        (n, m, d) for n in GRID.noises for m in MODELS for d in range(distances[m])
    ]

    def at(model: str, noise: str, distance: int) -> Side:
        rows = table[
            (table["probe"] == "accuracy") & (table["model"] == model)
            & (table["trained_at"] == noise) & (table["distance"] == distance)
        ]  # fmt: skip
        return dict(zip(rows["seed"], rows["value"], strict=True))

    record = next(r for r in found if (r["noise"], r["model"], r["distance"]) == ("5", "gru", 3))
    assert record["mean"] == pytest.approx(np.mean([*at("gru", "5", 3).values()]))
    assert record["metric"] == "macro_accuracy"
    effects = probes.memory_effects({"probes": table}, GRID)
    assert [(r["noise"], r["model"]) for r in effects] == [
        (n, m) for n in GRID.noises for m in MODELS
    ]
    for noise in GRID.noises:
        family = [r for r in effects if r["noise"] == noise]
        longest = {model: distances[model] - 1 for model in MODELS}
        check(family, [minus(at(m, noise, longest[m]), at(m, noise, 0)) for m in MODELS])
    judged_by(effects, "macro_accuracy")


RATES = {
    "rnn": {"cell": "rnn"},
    "rnn_fast": {"cell": "rnn", "learning_rate": 0.1},
    "gru": {"cell": "gru"},
    "gru_fast": {"cell": "gru", "learning_rate": 0.1},
}


def test_models_are_compared_at_the_usual_rate_and_at_the_best_of_each_seed() -> None:
    grid = asked(RATES, noise={"levels": [0]})
    tables = tables_of(grid, {(model, "0"): 0.5 for model in RATES})
    runs = tables["runs"]
    rng = np.random.default_rng(5)
    for column in ("final_loss", "macro_accuracy", "validation_accuracy"):
        runs[column] = rng.normal(0.5, 0.05, len(runs))
    is_tied = runs["seed"] == 3
    runs.loc[is_tied, "validation_accuracy"] = 0.5
    runs.loc[is_tied, "validation_loss"] = np.where(runs["learning_rate"] == 0.1, 1, 2)[is_tied]
    found = rates.find(tables, grid)
    assert found["models"] == {"rnn": ["rnn", "rnn_fast"], "gru": ["gru", "gru_fast"]}

    def usual(metric: str, model: str) -> Side:
        rows = runs[runs["model"] == model]
        return dict(zip(rows["seed"], rows[metric], strict=True))

    def chosen(seed: int, model: str) -> str:
        """By validation accuracy, then by the lower validation loss."""
        if seed == 3:
            return f"{model}_fast"
        both = (model, f"{model}_fast")
        return max(both, key=lambda name: usual("validation_accuracy", name)[seed])

    def best(metric: str, model: str) -> Side:
        return {s: usual(metric, chosen(s, model))[s] for s in range(SEEDS)}

    for metric in ("final_loss", "macro_accuracy"):
        for name, of in (("single", usual), ("best", best)):
            family = [r for r in found[f"{name}_comparisons"] if r["metric"] == metric]
            assert [(r["noise"], r["a"], r["b"]) for r in family] == [("0", "gru", "rnn")]
            check(family, [minus(of(metric, "gru"), of(metric, "rnn"))])
            judged_by(family, metric)
        means = {r["model"]: r["mean"] for r in found["best"] if r["metric"] == metric}
        assert means == pytest.approx(
            {model: np.mean([*best(metric, model).values()]) for model in ("rnn", "gru")}
        )
    counts = {r["model"]: r["seeds"] for r in found["chosen"]}
    for model in ("rnn", "gru"):
        fast = sum(chosen(seed, model) == f"{model}_fast" for seed in range(SEEDS))
        assert counts[model] == {"0.005": SEEDS - fast, "0.1": fast}
    estimates = [
        (r["metric"], r["model"], r["noise"], r["rate"], r["seeds"]) for r in found["estimates"]
    ]
    assert estimates == [
        (metric, model, "0", rate, SEEDS)
        for model in ("rnn", "gru")
        for rate in (0.005, 0.1)
        for metric in ("final_loss", "macro_accuracy", "validation_accuracy")
    ]


def test_without_several_rates_there_are_no_records_of_them() -> None:
    found = rates.find(TABLES, GRID)
    assert found == {
        "models": {}, "estimates": [], "chosen": [], "best": [], "single_comparisons": [],
        "best_comparisons": [],
    }  # fmt: skip
