"""It runs from anywhere: not activated, not installed, whatever else is on the PATH."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from conftest import ROOT

pytestmark = pytest.mark.workflow

CONFIG = """
models: {rnn: {cell: rnn, hidden_size: 4}}
noise: {levels: [0]}
seeds: 1
baselines: [majority]
training: {updates: 100, record_every: 100}
"""


def run_in(folder: Path, target: str, *snakemake: str | Path, **environment: str) -> None:
    """Run CONFIG to a file, in a folder and an environment of its own."""
    (folder / "my.yaml").write_text(CONFIG)
    command = [*snakemake, "-s", ROOT / "Snakefile", "--directory", folder]
    command += ["--configfile", folder / "my.yaml", "--cores", "2", target]
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [str(word) for word in command], env={**inherited, **environment}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / target).is_file()


def test_without_an_activated_environment_and_beside_another_noisynames(tmp_path: Path) -> None:
    other = tmp_path / "bin"
    other.mkdir()
    for name in ("noisynames", "python"):
        (other / name).write_text("#!/bin/sh\necho another environment >&2\nexit 3\n")
        (other / name).chmod(0o755)
    program = Path(sys.executable).with_name("snakemake")
    run_in(tmp_path, "results/report.html", program, PATH=f"{other}:/usr/bin:/bin")


def test_in_an_environment_that_has_the_dependencies_but_not_the_package(tmp_path: Path) -> None:
    """As conda makes it from environment.yml: the clone that is run is imported."""
    venv.create(tmp_path / "bare", symlinks=True)
    python = tmp_path / "bare/bin/python"
    bare = next((tmp_path / "bare/lib").glob("python*/site-packages"))
    # The packages, but none of the .pth files among them, by which a clone is installed.
    (bare / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    absent = subprocess.run(
        [python, "-I", "-c", "import numba, snakemake, torch; import noisynames"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "No module named 'noisynames'" in absent.stderr
    # The default profile asks for the logger, which is in the package.
    run_in(
        tmp_path,
        "results/tables/accuracy.csv",
        python,
        "-m",
        "snakemake",
        "--workflow-profile",
        "none",
    )


def test_the_command_line_is_a_module_and_prints_its_version() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "noisynames", "--version"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "noisynames 0.1.0\n"
