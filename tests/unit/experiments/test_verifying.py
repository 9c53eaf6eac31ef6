"""Recorded runs are trained again and compared bit for bit."""

from dataclasses import replace
from pathlib import Path

import pytest

from noisynames import runs
from noisynames.errors import UserError
from noisynames.experiments.verifying import AGREES, DIFFERS, UNKNOWN, verify
from noisynames.files import read_record, write_record
from noisynames.models.spec import ModelSpec
from noisynames.names import splits
from noisynames.names.noise import Noise
from noisynames.names.splits import Split
from noisynames.training.hyperparameters import Hyperparameters
from noisynames.training.run import train

SPLIT = Split(
    [("a", f"aa{c}{d}") for c in "aeiou" for d in "aeiou"]
    + [("b", f"zz{c}{d}") for c in "bcdfg" for d in "bcdfg"],
    [("a", "aaao"), ("b", "zzzt")],
)
PLAN = Hyperparameters(updates=60, learning_rate=0.05, record_every=20)
SPECS = {
    "gru": ModelSpec("gru", "attention", 8),
    "rnn": ModelSpec("rnn", "last", 8),
}
NOISES = {"gru": 2, "rnn": 0}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two models with two seeds."""
    for seed in (0, 1):
        split_file = tmp_path / f"splits/seed{seed}.csv"
        splits.write(SPLIT, split_file)
        split = splits.read(split_file)
        for model, spec in SPECS.items():
            noise = Noise(NOISES[model])
            folder = tmp_path / f"runs/{model}/noise{noise.name}/seed{seed}"
            run = train(spec, split, noise, seed, PLAN)
            runs.write_run(folder, run, spec, PLAN, split, model, noise, seed)
    return tmp_path


def test_untouched_runs_agree_and_a_sample_is_spread_over_them(results: Path) -> None:
    every = [verdict.run for verdict in verify(results, 100)]
    assert every == [f"runs/{m}/noise{NOISES[m]}/seed{s}" for m in SPECS for s in (0, 1)]
    some = list(verify(results, 2))
    assert [verdict.run for verdict in some] == ["runs/gru/noise2/seed0", "runs/rnn/noise0/seed0"]
    assert {verdict.outcome for verdict in some} == {AGREES}


@pytest.mark.parametrize("file", ["run.json", "losses.csv", "weights.safetensors"])
def test_an_altered_byte_is_found(results: Path, file: str) -> None:
    path = results / "runs/rnn/noise0/seed1" / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    (bad,) = [verdict for verdict in verify(results, 10) if verdict.outcome != AGREES]
    assert (bad.run, bad.outcome) == ("runs/rnn/noise0/seed1", DIFFERS)
    assert file in bad.reason
    assert str(bad).startswith("differs: runs/rnn/noise0/seed1 (")


def test_a_record_that_is_intact_but_untrue_is_found(results: Path) -> None:
    """The record has a different learning rate from the run, with checksums that match."""
    path = results / "runs/gru/noise2/seed0/run.json"
    record = read_record(path)
    record["hyperparameters"]["learning_rate"] = 0.04
    write_record(path, record)
    (bad,) = [verdict for verdict in verify(results, 10) if verdict.outcome != AGREES]
    assert bad.reason == "different losses.csv and weights.safetensors"


def test_a_different_split_is_found(results: Path) -> None:
    splits.write(replace(SPLIT, test=[("a", "aaae"), ("b", "zzzt")]), results / "splits/seed1.csv")
    found = {verdict.run: verdict for verdict in verify(results, 10)}
    assert found["runs/rnn/noise0/seed0"].outcome == AGREES
    assert "a different split" in found["runs/rnn/noise0/seed1"].reason


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("engine", "autograd", "trained by autograd"),
        ("numbers", 1, "has version 1 of the numbers"),
        ("spec", {"cell": "custom", "module": "mine:Mine"}, "a custom model"),
    ],
)
def test_it_says_what_it_cannot_verify(results: Path, key: str, value: object, reason: str) -> None:
    path = results / "runs/gru/noise2/seed0/run.json"
    record = read_record(path)
    write_record(path, {**record, key: value})
    (other,) = [verdict for verdict in verify(results, 10) if verdict.outcome != AGREES]
    assert other.outcome == UNKNOWN
    assert reason in other.reason


def test_without_its_split_a_run_cannot_be_verified(results: Path) -> None:
    (results / "splits/seed1.csv").unlink()
    others = [verdict for verdict in verify(results, 10) if verdict.outcome != AGREES]
    assert [verdict.outcome for verdict in others] == [UNKNOWN] * 2
    assert all("seed1.csv does not exist" in verdict.reason for verdict in others)


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="found no run"):
        list(verify(tmp_path, 8))
