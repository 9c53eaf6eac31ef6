"""The whole pipeline on a real Slurm: finished, cancelled, drained, killed, and the same bytes.

With both executors, without a shared disk, and by a class at once (of thirty in `make test-full`).
"""

import os
import shutil
import signal
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import s3
import slurm
import yaml
from conftest import ROOT, Installed, Snakemake, hashes
from filelock import FileLock
from slurm import Slurm, wait_until

pytestmark = pytest.mark.workflow

# The smallest experiment, and the last file that jobs make of it before they draw.
ONE_RUN = {
    "models": {"rnn": {"cell": "rnn", "hidden_size": 4}},
    "noise": {"levels": [2]},
    "seeds": [0],
    "baselines": [],
    "training": {"updates": 50, "record_every": 10},
}
TABLE = "results/tables/accuracy.csv"


@pytest.fixture
def cluster() -> Iterator[Slurm]:
    # One at a time, even if tests run in parallel.
    with FileLock(Path(tempfile.gettempdir(), "noisynames-slurm.lock")):
        if reason := slurm.why_not():
            if os.environ.get("NOISYNAMES_REQUIRE_SLURM"):
                pytest.fail(reason)
            pytest.skip(f"no Slurm: {reason}")
        with slurm.running() as it:
            yield it


@pytest.fixture
def environment(installed: Installed) -> dict[str, str]:
    """The environment of snakemake with cluster-generic, which is not part of the default one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return beside(installed("slurm", *project["optional-dependencies"]["slurm"]))


def beside(packages: Path) -> dict[str, str]:
    """The environment of snakemake with more packages, from a separate folder."""
    path = os.pathsep.join([str(packages), os.environ.get("PYTHONPATH", "")])
    return os.environ | {"PYTHONPATH": path}


class Experiment:
    """An experiment through a profile, started in a folder of its own."""

    def __init__(
        self, folder: Path, environment: dict[str, str], config: Path,
        profile: str = "slurm", clone: Path = ROOT,
    ) -> None:  # fmt: skip
        self.folder, self.environment, self.config = folder, environment, config
        self.profile, self.clone = profile, clone
        folder.mkdir(exist_ok=True)

    def start(self, *more: str) -> subprocess.Popen[str]:
        command = ["snakemake", "-s", str(self.clone / "Snakefile")]
        command += ["--configfile", str(self.config)]
        command += ["--profile", str(self.clone / "profiles" / self.profile)]
        command += ["--default-resources", f"slurm_partition={slurm.PARTITION}", "runtime=30"]
        command += ["mem_mb=500", "--cores", "2", "--latency-wait", "10"]
        command += ["--seconds-between-status-checks", "1", *more]
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def finish(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        output, _ = process.communicate(timeout=600)
        return process.returncode, output


def end_all(cluster: Slurm) -> None:
    """What docs/scaling.md says to type after snakemake was killed."""
    command = "scancel --name=noisynames --user=$(whoami)"
    assert command in (ROOT / "docs/scaling.md").read_text()
    subprocess.run(["sh", "-c", command], check=True)
    wait_until(lambda: not cluster.jobs(), 30, "the cancelled jobs to be gone")


def test_the_pipeline_runs_on_a_real_slurm(
    cluster: Slurm, environment: dict[str, str], tiny: Path, tiny_config: Path, tmp_path: Path
) -> None:
    experiment = Experiment(tmp_path / "experiment", environment, tiny_config)
    groups = ["--group-components", "cells=3", "tests=5"]
    node = cluster.run("sinfo", "--noheader", "--format=%n").strip()

    # A drained node takes no job until it is resumed. A job cancelled in the middle is reported.
    cluster.run("scontrol", "update", f"nodename={node}", "state=drain", "reason=test")
    process = experiment.start(*groups)
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

    # Snakemake is killed, but its jobs continue: they must be cancelled and the folder unlocked.
    process = experiment.start(*groups)
    wait_until(lambda: bool(cluster.jobs("RUNNING")), 60, "a job to run")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert cluster.jobs(), "a job lives on when snakemake is killed"
    end_all(cluster)
    status, output = experiment.finish(experiment.start("--unlock"))
    assert status == 0, output

    # The same command does the rest, with several runs per job, to the same bytes as locally.
    before = cluster.submitted()
    status, output = experiment.finish(experiment.start(*groups))
    assert status == 0, output
    assert 0 < cluster.submitted() - before < 9, "of 15 jobs"
    assert hashes(experiment.folder) == hashes(tiny)
    logs = {path.stem for path in (experiment.folder / "results/logs/slurm").iterdir()}
    assert {str(number + 1) for number in range(before, cluster.submitted())} <= logs


def test_without_a_shared_disk(
    cluster: Slurm,
    environment: dict[str, str],
    installed: Installed,
    snakemake: Snakemake,
    tmp_path: Path,
) -> None:
    """Jobs know only the bucket, and a clone of their own in a folder of their own."""
    config = tmp_path / "tiny.yaml"
    config.write_text(yaml.safe_dump(ONE_RUN))
    snakemake(tmp_path / "disk", TABLE, "--configfile", config, "--cores", "1")
    clone = a_clone(tmp_path / "clone", config)
    with s3.running(installed("s3", "-r", str(s3.PACKAGES))) as store:
        here = environment | store.environment
        here["PYTHONPATH"] = os.pathsep.join([str(store.packages), environment["PYTHONPATH"]])
        place = ["--default-storage-prefix", f"s3://{s3.BUCKET}/slurm"]
        # Started in the clone, from which the sources are taken.
        experiment = Experiment(clone, here, Path(config.name), clone=Path())
        asked = ["--workflow-profile", "profiles/s3", *place, "--group-components", "tests=20"]

        status, output = experiment.finish(experiment.start(TABLE, *asked))
        assert status == 0, output
        assert hashes(store.download("slurm", tmp_path / "bucket")) == hashes(tmp_path / "disk")
    results = [path for path in (clone / "results").rglob("*") if path.is_file()]
    assert {path.parent.name for path in results} == {"results", "slurm"}, "only logs of Slurm"


def a_clone(folder: Path, config: Path) -> Path:
    """A clone of this one as it stands, with what is not committed yet, and a config."""
    subprocess.run(["git", "clone", "--quiet", "--shared", ROOT, folder], check=True)
    listing = ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard"]
    files = subprocess.run(listing, capture_output=True, text=True, check=True).stdout.splitlines()
    for file in filter(lambda file: (ROOT / file).is_file(), files):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, folder / file)
    shutil.copy(config, folder)
    subprocess.run(["git", "-C", str(folder), "add", "--all"], check=True)
    return folder


@pytest.mark.parametrize("students", [3, pytest.param(30, marks=pytest.mark.full)])
def test_a_class_and_the_other_executor_share_the_cluster(
    cluster: Slurm, installed: Installed, tmp_path: Path, students: int
) -> None:
    config = tmp_path / "tiny.yaml"
    config.write_text(yaml.safe_dump(ONE_RUN))
    environment = beside(installed("slurm-executor", *slurm.EXECUTOR))
    other = Experiment(tmp_path / "other", environment, config, profile="slurm-plugin")
    process = other.start(TABLE, "--slurm-init-seconds-before-status-checks", "3")

    # Everyone submits an experiment with a seed of their own, to be merged later.
    command = f"snakemake -s {ROOT}/Snakefile --configfile {config} --cores 1 --until train"
    for seed in range(students):
        folder = tmp_path / f"student{seed}"
        folder.mkdir()
        subprocess.run(
            ["sbatch", f"--chdir={folder}", "--output=log", "--cpus-per-task=1", "--mem=400",
             f"--wrap={command} --config seeds=[{seed}]"],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    status, output = other.finish(process)
    assert status == 0, output
    assert (other.folder / TABLE).is_file()
    wait_until(lambda: not cluster.jobs(), 600, "all jobs to end")
    for seed in range(students):
        folder = tmp_path / f"student{seed}"
        run = folder / f"results/runs/rnn/noise2/seed{seed}/run.json"
        assert run.is_file(), (folder / "log").read_text()
    everyone = [str(tmp_path / f"student{seed}/results") for seed in range(students)]
    merge = ["noisynames", "merge", *everyone, "--into", str(tmp_path / "class/results")]
    done = subprocess.run(merge, capture_output=True, text=True, check=False)
    assert f"{students} seeds of {students} parts" in done.stdout, done.stderr
