"""The whole pipeline on a real Slurm: finished, cancelled, drained, killed, and the same bytes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import slurm
from conftest import ROOT, hashes
from slurm import Slurm, wait_until

pytestmark = pytest.mark.workflow

PLUGIN = "snakemake-executor-plugin-cluster-generic"


@pytest.fixture
def cluster() -> Iterator[Slurm]:
    if reason := slurm.why_not():
        if os.environ.get("NOISYNAMES_REQUIRE_SLURM"):
            pytest.fail(reason)
        pytest.skip(f"no Slurm: {reason}")
    with slurm.running() as it:
        yield it


@pytest.fixture
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of snakemake with the executor, which is no part of everyone's."""
    folder = tmp_path_factory.mktemp("plugin")
    project = (ROOT / "pyproject.toml").read_text()
    (pin,) = [line for line in project.splitlines() if line.startswith("slurm = ")]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
    subprocess.run([*command, str(folder), pin.split('"')[1]], check=True)
    return os.environ | {"PYTHONPATH": str(folder)}


class Experiment:
    """config/smoke.yaml through profiles/slurm in a folder of its own."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self.environment = folder, environment
        folder.mkdir()

    def start(self, *more: str) -> subprocess.Popen[str]:
        command = ["snakemake", "-s", str(ROOT / "Snakefile"), "--directory", str(self.folder)]
        command += ["--configfile", str(ROOT / "config/smoke.yaml")]
        command += ["--profile", str(ROOT / "profiles/slurm")]
        command += ["--default-resources", f"slurm_partition={slurm.PARTITION}", "runtime=30"]
        command += ["mem_mb=500", "--group-components", "cells=4", "tests=7", "--cores", "2"]
        command += ["--latency-wait", "10", "--seconds-between-status-checks", "1", *more]
        return subprocess.Popen(
            command, cwd=ROOT, env=self.environment, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def finish(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        output, _ = process.communicate(timeout=200)
        return process.returncode, output


def end_all(cluster: Slurm) -> None:
    """What docs/scaling.md says to type after snakemake was killed."""
    command = "scancel --name=noisynames --user=$(whoami)"
    assert command in (ROOT / "docs/scaling.md").read_text()
    subprocess.run(["sh", "-c", command], check=True)
    wait_until(lambda: not cluster.jobs(), 30, "the cancelled jobs to be gone")


def test_the_pipeline_on_a_real_slurm(
    cluster: Slurm, environment: dict[str, str], smoke: Path, tmp_path: Path
) -> None:
    experiment = Experiment(tmp_path / "experiment", environment)
    node = cluster.run("sinfo", "--noheader", "--format=%n").strip()

    # A drained node takes no job; resumed, it goes on. A job cancelled in the middle is told.
    cluster.run("scontrol", "update", f"nodename={node}", "state=drain", "reason=test")
    process = experiment.start()
    wait_until(lambda: bool(cluster.jobs("PENDING")), 60, "a job to be pending")
    assert not cluster.jobs("RUNNING")
    assert process.poll() is None
    cluster.run("scontrol", "update", f"nodename={node}", "state=resume")
    wait_until(lambda: bool(cluster.jobs("RUNNING")), 60, "a job to run")
    (cancelled, *_) = cluster.jobs("RUNNING")
    cluster.run("scancel", cancelled)
    status, output = experiment.finish(process)
    assert status != 0, output
    assert "Error in group cells" in output
    assert not (experiment.folder / "results/report.html").exists()

    # Snakemake is killed, its jobs run on: they are to be cancelled, the folder unlocked.
    process = experiment.start()
    wait_until(lambda: bool(cluster.jobs("RUNNING")), 60, "a job to run")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert cluster.jobs(), "a job lives on when snakemake is killed"
    end_all(cluster)
    status, output = experiment.finish(experiment.start("--unlock"))
    assert status == 0, output

    # The same command does the rest, several cells a job, to the bytes of a local run.
    before = cluster.submitted()
    status, output = experiment.finish(experiment.start())
    assert status == 0, output
    assert 0 < cluster.submitted() - before < 12
    assert hashes(experiment.folder) == hashes(smoke)
    logs = {path.stem for path in (experiment.folder / "results/logs/slurm").iterdir()}
    assert {str(number + 1) for number in range(before, cluster.submitted())} <= logs
