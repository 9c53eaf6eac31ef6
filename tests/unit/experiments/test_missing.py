"""Which runs of a grid can be reported if some are damaged or were never trained."""

import os
from pathlib import Path

import pytest

from noisynames import runs
from noisynames.errors import UserError
from noisynames.experiments import missing
from noisynames.files import read_record
from noisynames.grid import LOSSES, RECORD, TIMING, WEIGHTS, Grid, run_folder, split_file
from noisynames.models.spec import ModelSpec, Parameters
from noisynames.names import splits
from noisynames.names.noise import Noise
from noisynames.training.hyperparameters import Hyperparameters
from noisynames.training.run import train

SPLIT = splits.split_names(
    [(label, f"{label}{a}{b}") for label in ("Ba", "Do") for a in "abcd" for b in "efgh"], 0
)
PLAN = Hyperparameters(updates=4, learning_rate=0.05, record_every=2)
GRID = Grid(
    models={"rnn": {"cell": "rnn", "hidden_size": 2, "readout": "last"}},
    noises=["0"],
    noise_characters="abc",
    seeds=[0, 1, 2],
    training={"updates": 4, "record_every": 2, "learning_rate": 0.05},
    baselines=[],
)
FIRST, SECOND, THIRD = GRID.cells


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Of three seeds, 0 and 1 were trained."""
    spec = ModelSpec("rnn", hidden_size=2)
    for seed in (0, 1):
        splits.write(SPLIT, tmp_path / f"splits/seed{seed}.csv")
        split = splits.read(tmp_path / f"splits/seed{seed}.csv")
        run = train(spec, split, Noise(0), seed, PLAN, "autograd")
        folder = run_folder(tmp_path, ("rnn", "0", seed))
        runs.write_run(folder, run, spec, PLAN, split, "rnn", Noise(0), seed)
        runs.write_timing(folder / TIMING, run, PLAN.updates)
    return tmp_path


def test_only_a_run_that_does_not_exist_is_missing(results: Path) -> None:
    assert missing.find(results, GRID) == {THIRD: "not run, or failed"}


@pytest.mark.parametrize("file", [LOSSES, WEIGHTS, RECORD, TIMING])
def test_a_run_with_a_damaged_file_is_missing(results: Path, file: str) -> None:
    path = run_folder(results, SECOND) / file
    os.truncate(path, path.stat().st_size // 2)
    reasons = missing.find(results, GRID)
    assert set(reasons) == {SECOND, THIRD}
    assert reasons[SECOND].startswith(f"{path}: truncated or altered")


def test_a_run_of_a_different_config_is_missing(results: Path) -> None:
    longer = {**GRID.training, "updates": 6}
    grid = Grid(GRID.models, GRID.noises, "abc", [0], longer, [])
    assert "trained with updates 4, the config says 6" in missing.find(results, grid)[FIRST]


def test_weights_are_read_once(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    real = runs.read_parameters

    def counted(folder: Path, record: dict[str, object]) -> Parameters:
        read.append(folder)
        return real(folder, record)

    monkeypatch.setattr(runs, "read_parameters", counted)
    missing.find(results, GRID)
    assert read == [run_folder(results, cell) for cell in (FIRST, SECOND)]


def test_runs_in_the_record_are_left_out(results: Path) -> None:
    record = results / "missing.json"
    os.truncate(run_folder(results, SECOND) / LOSSES, 1)
    missing.write(results, GRID, record)
    files = [run_folder(results, cell) / RECORD for cell in GRID.cells]
    of_seeds = [split_file(results, seed) for seed in GRID.seeds]
    assert missing.without(record, files, of_seeds) == (files[:1], of_seeds[:1])
    assert missing.without(None, files, of_seeds) == (files, of_seeds)
    assert missing.with_runs(record, GRID.seeds, of_seeds) == ([0], of_seeds[:1])
    assert missing.with_runs(None, GRID.seeds, of_seeds) == (GRID.seeds, of_seeds)
    assert set(missing.read(record, results, GRID)) == {SECOND, THIRD}
    assert missing.read(None, results, GRID) == {}


def test_nothing_is_written_where_there_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="all 3 runs are missing; nothing to report"):
        missing.write(tmp_path, GRID, tmp_path / "missing.json")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_record_is_refused(results: Path) -> None:
    record = results / "missing.json"
    missing.write(results, GRID, record)
    assert read_record(record)["seeds"] == [0, 1]
    record.write_text(record.read_text().replace("not run", "no run"))
    with pytest.raises(UserError, match="truncated or altered"):
        missing.without(record, [], [])
