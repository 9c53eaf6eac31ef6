"""It runs from anywhere: not activated, not installed, whatever else is on the PATH."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

pytestmark = pytest.mark.workflow

CONFIG = """
models: {rnn: {cell: rnn, hidden_size: 4}}
noise: {levels: [0]}
seeds: 1
training: {updates: 100, record_every: 100}
"""


def test_without_an_activated_environment_and_beside_another_noisynames(tmp_path: Path) -> None:
    other = tmp_path / "bin"
    other.mkdir()
    for name in ("noisynames", "python"):
        (other / name).write_text("#!/bin/sh\necho another environment >&2\nexit 3\n")
        (other / name).chmod(0o755)
    (tmp_path / "my.yaml").write_text(CONFIG)
    command = [Path(sys.executable).with_name("snakemake"), "-s", ROOT / "Snakefile"]
    command += ["--directory", tmp_path, "--configfile", tmp_path / "my.yaml", "--cores", "2"]
    environment = {**os.environ, "PATH": f"{other}:/usr/bin:/bin"}
    done = subprocess.run(
        [str(word) for word in command], env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "results/report.html").is_file()


def test_the_command_line_is_a_module_and_says_its_version() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "noisynames", "--version"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "noisynames 0.1.0\n"
