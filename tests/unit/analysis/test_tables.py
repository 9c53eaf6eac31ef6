"""From files of runs to tables: the content of each row, their order, and what is refused."""

import math
import shutil
from collections.abc import Hashable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from noisynames.analysis import tables
from noisynames.config import resolve
from noisynames.errors import UserError
from noisynames.evaluation import attention, scores
from noisynames.evaluation.jobs import Columns, columns_of, write, write_with_tables
from noisynames.evaluation.probes import PROBE_COLUMNS
from noisynames.evaluation.scores import Predictions
from noisynames.grid import TIMINGS, Cell, Grid, run_folder, split_file
from noisynames.models.spec import ModelSpec, spec_from
from noisynames.models.weights import initial_parameters
from noisynames.names import splits
from noisynames.names.splits import Split
from noisynames.runs import write_run, write_timing
from noisynames.settings import call
from noisynames.training.hyperparameters import Hyperparameters
from noisynames.training.run import Run

SPLIT = Split(
    [("a", f"Aa{c}o") for c in "bcdf"] + [("b", f"Bb{c}t") for c in "ghjk"],
    [("a", "Aama"), ("a", "Aana"), ("b", "Bbpt"), ("b", "Bbqt")],
    [("a", "Aava"), ("b", "Bbwt")],
)
MODELS = {
    "top": {"cell": "gru", "readout": "attention", "hidden_size": 4},
    "low": {"cell": "rnn", "hidden_size": 3, "learning_rate": 0.01},
}
FALLING = [1.0, 0.9, 0.8, 0.3, 0.5, 0.2, 0.1]
"""Losses; the target is half of log 2, 0.347, and the fourth is the first below it."""


def asked(**more: Any) -> Grid:
    """Two models at two noises, neither in alphabetical order, with two seeds."""
    given: dict[str, Any] = {"models": MODELS, "noise": {"levels": [5, 10]}, "seeds": [0, 1]}
    given["training"] = {"updates": 70, "record_every": 10}
    return Grid.of(resolve({**given, **more}))


def train(results: Path, grid: Grid, cell: Cell, losses: list[float], at: int | None) -> None:
    """Write a run with these losses, a point every ten updates."""
    model, noise, seed = cell
    spec: ModelSpec = spec_from(grid.models[model])
    plan: Hyperparameters = call(Hyperparameters, {**grid.training, **grid.models[model]})
    points = [(10 * i, loss) for i, loss in enumerate(losses, 1)]
    run = Run("compiled", initial_parameters(spec, 57, 2, seed), points, at, training_seconds=2.5)
    folder = run_folder(results, cell)
    condition = next(c for c in grid.conditions if c.name == noise)
    write_run(folder, run, spec, plan, SPLIT, model, condition, grid.drawn(cell))
    write_timing(folder / "timing.json", run, plan.updates)


def predicted(grid: Grid, seed: int, right: float) -> Predictions:
    """Predictions of a seed that gives the right label a share, and so is always wrong on Bbqt."""
    share = np.array([[right, 1 - right], [right, 1 - right], [1 - right, right], [0.8, 0.2]])
    logs = np.log(np.tile(share, (len(grid.noises), 1)))
    return Predictions.of(seed, grid.conditions, SPLIT.test, SPLIT.languages, logs)


def looked(grid: Grid, seed: int) -> Columns:
    """Attention to three characters of one name; seeds look differently."""
    weight = [0.2, 0.3, 0.5] if seed % 2 else [0.1, 0.2, 0.7]
    rows = [
        (seed, noise, "a", "Ana", i, "Ana"[i], weight[i], 0, 0.1 * i)
        for noise in grid.noises
        for i in range(3)
    ]
    return columns_of(rows, attention.ATTENTION_COLUMNS)


def measure(results: Path, grid: Grid, right: Mapping[int, float]) -> None:
    """Write what the jobs on every arm write, for these seeds."""
    for noise in grid.noises:
        for model in [*grid.models, *grid.baselines]:
            for part, seeds in grid.parts.items():
                path = Path(model, f"noise{noise}{part}.csv")
                there = [seed for seed in seeds if seed in right]
                validation = [
                    {"seed": s, "validation_accuracy": 0.25 + s / 8, "validation_loss": 1.5}
                    for s in there
                ]
                write_with_tables(
                    [predicted(grid, seed, right[seed]) for seed in there],
                    Predictions.rows,
                    scores.PREDICTION_COLUMNS,
                    partial(scores.score, trained_at=noise),
                    results / "evaluation" / path,
                    **({"validation": validation} if model in grid.models else {}),
                )
                probes = [(s, "accuracy", d, 1.0 - d / 4) for s in there for d in range(2)]
                write(columns_of(probes, PROBE_COLUMNS), results / "probes" / path)
                if model in grid.attention_models:
                    write_with_tables(
                        [looked(grid, seed) for seed in there],
                        dict,
                        attention.ATTENTION_COLUMNS,
                        attention.tables_of,
                        results / "attention" / path,
                    )


def experiment(
    results: Path, grid: Grid, right: Mapping[int, float], diverged: Mapping[Cell, int] = {}
) -> None:
    """Write all files of an experiment in which all runs of a seed have this accuracy."""
    for seed in grid.seeds:
        splits.write(SPLIT, split_file(results, seed))
    for cell in grid.cells:
        at = diverged.get(cell)
        train(results, grid, cell, FALLING if at is None else FALLING[: at // 10], at)
    measure(results, grid, right)


def row_of(table: pd.DataFrame, cell: Cell) -> dict[Hashable, Any]:
    """The only row of a run."""
    model, noise, seed = cell
    is_of = (table["model"] == model) & (table["noise"] == noise) & (table["seed"] == seed)
    (row,) = table[is_of].to_dict("records")
    return row


RIGHT = {0: 0.9, 1: 0.6}
LOST = ("low", "10", 1)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of an experiment with baselines, in which one run diverged at update 25."""
    folder = tmp_path_factory.mktemp("results")
    experiment(folder, asked(), RIGHT, {LOST: 25})
    return folder


@pytest.fixture
def built(results: Path) -> tables.Tables:
    return tables.build(results, asked())


def test_the_tables_are_those_in_the_grid(built: tables.Tables) -> None:
    assert sorted(built) == sorted(asked().tables)


def test_a_run_has_a_row_in_the_order_of_the_config(built: tables.Tables) -> None:
    rows = built["runs"]
    assert [*zip(rows["model"], rows["noise"], rows["seed"], strict=True)] == asked().cells
    assert rows.columns.tolist() == [
        "model", "noise", "seed", "compared_as", "status", "reason", "diverged_at", "engine",
        "cell", "readout", "hidden_size", "num_layers", "bidirectional", "num_heads", "module",
        "options", "parameters", "updates", "learning_rate", "batch_size", "final_loss",
        "loss_area", "held_out_loss", "macro_accuracy", "validation_accuracy", "validation_loss",
    ]  # fmt: skip


def test_a_run_is_reported_with_its_losses_and_scores(built: tables.Tables) -> None:
    run = row_of(built["runs"], ("low", "5", 1))
    assert (run["compared_as"], run["status"], run["reason"], run["engine"]) == (
        "low", "ok", "", "compiled",
    )  # fmt: skip
    assert (run["cell"], run["hidden_size"], run["updates"], run["batch_size"]) == ("rnn", 3, 70, 1)
    assert run["parameters"] == 3 * (57 + 3 + 1) + 2 * (3 + 1)
    assert run["learning_rate"] == 0.01
    assert pd.isna(run["diverged_at"])
    assert run["final_loss"] == pytest.approx(np.mean(FALLING[-5:]))
    assert run["loss_area"] == pytest.approx(np.mean(FALLING))
    assert run["macro_accuracy"] == pytest.approx((2 / 2 + 1 / 2) / 2)
    losses = [-math.log(0.6), -math.log(0.6), -math.log(0.6), -math.log(0.2)]
    assert run["held_out_loss"] == pytest.approx(np.mean(losses), abs=1e-6)
    assert (run["validation_accuracy"], run["validation_loss"]) == (0.375, 1.5)


def test_a_run_that_diverged_says_where_and_has_no_outcome(built: tables.Tables) -> None:
    run = row_of(built["runs"], LOST)
    assert (run["status"], run["diverged_at"]) == ("diverged", 25)
    outcome = ("final_loss", "loss_area", "held_out_loss", "macro_accuracy")
    assert [pd.isna(run[key]) for key in outcome] == [True] * 4


def test_counts_stay_whole_where_some_runs_have_none(built: tables.Tables) -> None:
    """A run that did not diverge has no update at which it did; 25 must not become 25.0."""
    written = built["runs"].to_csv(index=False).splitlines()
    rows = [dict(zip(written[0].split(","), row.split(","), strict=True)) for row in written[1:]]
    assert [row["diverged_at"] for row in rows] == ["", "", "", "", "", "", "", "25"]
    keys = ("hidden_size", "num_layers", "updates", "batch_size")
    assert [rows[0][key] for key in keys] == ["4", "1", "70", "1"]


def test_losses_are_the_recorded_points_of_each_run_in_turn(built: tables.Tables) -> None:
    rows = built["losses"]
    assert rows.columns.tolist() == ["model", "noise", "seed", "update", "loss"]
    by_run = dict(iter(rows.groupby(["model", "noise", "seed"], sort=False)))
    assert list(by_run) == asked().cells
    assert by_run["top", "5", 1]["update"].tolist() == [10, 20, 30, 40, 50, 60, 70]
    assert by_run["top", "5", 1]["loss"].tolist() == FALLING
    assert by_run[LOST]["loss"].tolist() == FALLING[:2]


def test_losses_that_are_whole_numbers_are_read_as_numbers(tmp_path: Path) -> None:
    grid = asked(models={"low": MODELS["low"]}, noise={"levels": [0]}, seeds=[0], baselines=[])
    experiment(tmp_path, grid, {0: 0.9})
    train(tmp_path, grid, ("low", "0", 0), [2.0, 1.0], None)
    assert tables.build(tmp_path, grid)["losses"]["loss"].dtype == float


def test_the_target_is_half_the_loss_of_a_guess_and_a_run_that_never_reached_it_is_censored(
    built: tables.Tables,
) -> None:
    rows = built["time_to_target"]
    columns = ["model", "noise", "seed", "target", "update", "reached"]
    assert rows.columns.tolist() == columns
    assert rows["target"].tolist() == pytest.approx([math.log(2) / 2] * 8)
    there, lost = row_of(rows, ("top", "10", 0)), row_of(rows, LOST)
    assert (there["update"], there["reached"]) == (40, 1)
    assert (lost["update"], lost["reached"]) == (25, 0)


def test_a_run_that_reaches_exactly_the_target_has_reached_it(tmp_path: Path) -> None:
    grid = asked(models={"low": MODELS["low"]}, noise={"levels": [0]}, seeds=[0], baselines=[])
    experiment(tmp_path, grid, {0: 0.9})
    at, above = math.log(2) / 2, 0.5
    for losses, expected in (([above, at - 1e-9], (20, 1)), ([above, above], (70, 0))):
        train(tmp_path, grid, ("low", "0", 0), losses, None)
        (row,) = tables.build(tmp_path, grid)["time_to_target"].to_dict("records")
        assert (row["update"], row["reached"]) == expected


def test_scores_are_by_training_and_test_noise(built: tables.Tables) -> None:
    rows = built["accuracy"]
    assert rows.columns.tolist()[:4] == ["model", "trained_at", "tested_at", "seed"]
    keys = [*zip(*(rows[key] for key in rows.columns[:4]), strict=True)]
    assert keys == [
        (model, trained, tested, seed)
        for model in MODELS
        for trained in ("5", "10")
        for tested in ("5", "10")
        for seed in (0, 1)
    ]
    assert rows["accuracy"].tolist() == [0.75] * 16
    assert built["recall"].shape[0] == 16 * 2
    assert set(built["confusion"]["seeds"]) == {2}


def test_mistakes_are_those_of_every_arm(built: tables.Tables) -> None:
    rows = built["mistakes"]
    assert rows["name"].tolist() == ["Bbqt"] * 4
    assert [*zip(rows["model"], rows["trained_at"], strict=True)] == [
        ("top", "5"), ("top", "10"), ("low", "5"), ("low", "10"),
    ]  # fmt: skip
    assert set(rows["seeds"]) == {2}


def test_yardsticks_have_a_row_for_each_seed(built: tables.Tables) -> None:
    rows = built["yardsticks"]
    assert rows["seed"].tolist() == [0, 1]
    assert rows["chance"].tolist() == [0.5, 0.5]


def test_baselines_attention_and_probes_have_their_model_and_noise(built: tables.Tables) -> None:
    assert built["baselines"]["model"].unique().tolist() == ["ngrams", "majority"]
    assert len(built["baselines"]) == 2 * 2 * 2 * 2
    assert built["attention"]["model"].unique().tolist() == ["top"]
    assert built["attention_position"]["trained_at"].unique().tolist() == ["5", "10"]
    assert built["attention_agreement"]["names"].tolist() == [1, 1]
    assert built["attention_examples"]["seed"].unique().tolist() == [0]
    probes = built["probes"].iloc[0].to_dict()
    assert probes == {
        "model": "top", "trained_at": "5", "seed": 0, "probe": "accuracy", "distance": 0,
        "value": 1.0,
    }  # fmt: skip
    assert len(built["probes"]) == 2 * 2 * 2 * 2


def test_an_experiment_without_baselines_or_attention_has_no_tables_of_them(
    tmp_path: Path,
) -> None:
    grid = asked(models={"low": MODELS["low"]}, noise={"levels": [0]}, baselines=[])
    experiment(tmp_path, grid, RIGHT)
    assert sorted(tables.build(tmp_path, grid)) == sorted(grid.tables)


def test_a_missing_run_has_a_row_and_does_not_count_anywhere_else(tmp_path: Path) -> None:
    """Its seed has no runs at all, so that baselines leave it out, too."""
    grid = asked(models={"low": MODELS["low"]}, noise={"levels": [0]}, baselines=["majority"])
    experiment(tmp_path, grid, RIGHT)
    gone = run_folder(tmp_path, ("low", "0", 0))
    for file in gone.iterdir():
        file.unlink()
    work = tmp_path / "work"
    measure(work, grid, {1: 0.9})
    found = tables.build(tmp_path, grid, work, {("low", "0", 0): "killed"})
    absent, there = found["runs"].to_dict("records")
    assert (there["status"], there["reason"]) == ("ok", "")
    assert (absent["status"], absent["reason"]) == ("missing", "killed")
    assert (absent["compared_as"], absent["seed"]) == ("low", 0)
    assert pd.isna(absent["final_loss"])
    for name in ("losses", "accuracy", "yardsticks", "time_to_target", "probes", "baselines"):
        assert set(found[name]["seed"]) == {1}, name


def test_tables_of_several_parts_cover_all_their_seeds(tmp_path: Path) -> None:
    """Seeds 0, 2 and 100 are tested in two jobs; means weigh each job by its seeds."""
    grid = asked(models={"top": MODELS["top"]}, noise={"levels": [0]}, seeds=[0, 2, 100])
    experiment(tmp_path, grid, {0: 0.9, 2: 0.9, 100: 0.3})
    found = tables.build(tmp_path, grid)
    confusion = found["confusion"].set_index(["tested_at", "language", "prediction"])
    assert confusion["share"]["0", "a", "a"] == pytest.approx(2 / 3)
    assert confusion["share"]["0", "b", "b"] == pytest.approx((0.5 + 0.5 + 0) / 3)
    assert set(confusion["seeds"]) == {3}
    assert confusion.columns.tolist() == ["model", "trained_at", "share", "seeds"]
    mistakes = found["mistakes"].set_index("name")
    assert mistakes["seeds"].to_dict() == {"Bbqt": 3, "Aama": 1, "Aana": 1, "Bbpt": 1}
    assert mistakes["held_out"].to_dict() == dict.fromkeys(mistakes.index, 3)
    assert mistakes["probability"]["Bbqt"] == pytest.approx(0.8)
    assert set(mistakes["model"] + mistakes["trained_at"]) == {"top0"}
    assert found["attention_examples"]["seed"].unique().tolist() == [0]
    (agreement,) = found["attention_agreement"].to_dict("records")
    assert agreement == {
        "model": "top", "trained_at": "0", "agreement": pytest.approx(1), "names": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"training": {"updates": 80, "record_every": 10}}, "updates 70"),
        ({"models": {**MODELS, "low": {**MODELS["low"], "hidden_size": 5}}}, "hidden_size 3"),
        ({"noise": {"levels": [5, 10], "characters": "."}}, "noise_characters"),
        ({"seeds_vary": ["weights"]}, "kept"),
    ],
)
def test_a_run_of_a_different_config_is_refused(results: Path, given: Any, says: str) -> None:
    with pytest.raises(UserError, match=rf"seed\d: trained with {says}"):
        tables.build(results, asked(**given))


def test_the_label_of_a_model_does_not_change_a_run(results: Path) -> None:
    models = {**MODELS, "low": {**MODELS["low"], "label": "the low one"}}
    assert tables.read_run(results, asked(models=models), ("low", "5", 0))["seed"] == 0


@pytest.mark.parametrize("file", ["evaluation/low/noise10.csv", "attention/top/noise5.csv"])
def test_altered_rows_are_refused_though_only_their_checksums_are_read(
    results: Path, tmp_path: Path, file: str
) -> None:
    copy = tmp_path / "results"
    shutil.copytree(results, copy)
    with (copy / file).open("a") as altered:
        altered.write("\n")
    with pytest.raises(UserError, match=rf"{file}: truncated or altered"):
        tables.build(copy, asked())


def test_timings_have_a_row_for_each_run_with_its_machine(results: Path) -> None:
    rows = tables.timings(results, asked().cells)
    assert [*zip(rows["model"], rows["noise"], rows["seed"], strict=True)] == asked().cells
    assert rows.columns.tolist() == [
        "model", "noise", "seed", "updates", "training_seconds", "startup_seconds",
        "peak_memory_mb", "engine", "processor", "cores", "system", "python",
    ]  # fmt: skip
    assert set(rows["training_seconds"]) == {2.5}


def test_tables_are_read_as_they_were_written(built: tables.Tables, tmp_path: Path) -> None:
    tables.write({"accuracy": built["accuracy"]}, tmp_path, "findings.json", {"seeds": 2})
    costs = pd.DataFrame({"model": ["01"], "training_seconds": [2.5]})
    tables.write({"timings": costs}, tmp_path, TIMINGS, {"paces": [1]})
    found, says = tables.read(tmp_path)
    pd.testing.assert_frame_equal(found["accuracy"], tables.as_written(built["accuracy"]))
    assert found["timings"].to_dict("records") == [{"model": "01", "training_seconds": 2.5}]
    assert (says["seeds"], says["paces"]) == (2, [1])


def test_tables_are_read_from_files_in_several_folders_and_none_may_be_left_out(
    built: tables.Tables, tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    tables.write({"accuracy": built["accuracy"]}, here, "findings.json", {"seeds": 2})
    tables.write({"timings": pd.DataFrame({"model": ["rnn"]})}, there, TIMINGS, {})
    files = [*there.iterdir(), *here.iterdir()]
    found, says = tables.read_files(files)
    assert [*found] == ["accuracy", "timings"]
    assert says["seeds"] == 2
    for left_out in files:
        with pytest.raises(UserError, match=f"^tables: found no {left_out.name}; allowed: every"):
            tables.read_files([file for file in files if file != left_out])


def test_numbers_are_rounded_from_those_in_their_file() -> None:
    table = pd.DataFrame({"name": ["NA", ""], "recall": [0.12500000002, np.nan]})
    found = tables.as_written(table)
    assert found["recall"].tolist()[0] == 0.125
    assert found["name"].tolist() == ["NA", ""]


def test_a_missing_value_is_none_in_a_record() -> None:
    table = pd.DataFrame({"n": pd.array([1, None], "Int64"), "x": [np.nan, 0.5]})
    assert tables.records(table) == [{"n": 1, "x": None}, {"n": None, "x": 0.5}]
