"""Whole jobs on an older processor, emulated: training, predictions and attention."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from noisynames.names import dataset as datasets
from noisynames.names import splits

OLD = "Nehalem"
"""A processor of 2008: no AVX, no fused multiply-add; the oldest that NumPy's wheels run on."""
MODEL = {"cell": "gru", "readout": "attention", "hidden_size": 16, "learning_rate": 0.005}
TESTED = ["--noise", "0", "--noise", "5", "--trained-at", "5", "--noise-characters", ".,;'"]


def jobs(folder: Path, split: Path, python: list[str], **environment: str) -> dict[str, bytes]:
    """Train, predict and inspect with an interpreter; return what it wrote, without times."""
    plan = {**MODEL, "updates": 2_000, "record_every": 1_000}
    train = ["train", "--model", "reader", "--noise", "5", "--seed", "0", "--split", str(split)]
    train += ["--settings", json.dumps(plan), "--output", str(folder)]
    of_run = [str(folder / "seed0/run.json"), "--split", str(split), *TESTED]
    evaluate = ["evaluate", *of_run, "--settings", '{"keep": "all"}']
    attend = ["inspect-attention", *of_run]
    attend += ["--settings", '{"keep": "all", "names_per_language": 2}']
    for command in (
        train,
        [*evaluate, "--output", str(folder / "evaluation.csv")],
        [*attend, "--output", str(folder / "attention.csv")],
    ):
        subprocess.run(
            [*python, "-m", "noisynames", *command], check=True, capture_output=True, cwd=folder,
            env=os.environ | environment,
        )  # fmt: skip
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in files
        if path.name != "timing.json"
    }


def test_an_older_processor_writes_the_same_files(tmp_path: Path) -> None:
    qemu = shutil.which("qemu-x86_64")
    if not qemu:
        if os.environ.get("NOISYNAMES_REQUIRE_TARGETS"):
            pytest.fail("qemu-x86_64 is not on the PATH, and here it must be")
        pytest.skip("qemu-x86_64 is not on the PATH: Debian's qemu-user")
    split = tmp_path / "seed0.csv"
    splits.write(splits.split_names(datasets.load("surnames").rows, 0), split)
    here, old = tmp_path / "here", tmp_path / "old"
    here.mkdir()
    old.mkdir()
    expected = jobs(here, split, [sys.executable])
    found = jobs(
        old,
        split,
        [qemu, "-cpu", OLD, sys.executable],
        NOISYNAMES_CACHE=str(tmp_path / "kernels"),  # compiled on and for that processor
        OPENBLAS_CORETYPE=OLD,
    )
    assert {"seed0/losses.csv", "seed0/weights.safetensors", "evaluation.csv", "attention.csv"} <= {
        *found
    }
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []
