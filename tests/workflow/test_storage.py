"""Results in an S3 bucket instead of a folder: the same bytes, no partial object, none missing."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import s3
from conftest import ROOT, Installed, Snakemake, hashes, planned
from s3 import S3

pytestmark = pytest.mark.workflow

PREFIX = "a/tiny"


@pytest.fixture(scope="module")
def store(installed: Installed) -> Iterator[S3]:
    with s3.running(installed("s3", "-r", str(s3.PACKAGES))) as it:
        yield it


def test_the_pipeline_in_a_bucket(
    store: S3, tiny: Path, tiny_config: Path, snakemake: Snakemake, tmp_path: Path
) -> None:
    asked = ["--configfile", tiny_config, *store.arguments(PREFIX), "--cores", "2"]

    # Killed in the middle, while jobs train or put their output into the bucket.
    command = ["snakemake", "-s", ROOT / "Snakefile", "--directory", tmp_path / "killed", *asked]
    process = subprocess.Popen(
        [str(word) for word in command], cwd=ROOT, env=os.environ | store.environment,
        start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while not any(key.endswith("losses.csv") for key in store.objects(PREFIX)):
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    left = hashes(store.download(PREFIX, tmp_path / "left"))
    local = hashes(tiny)
    assert 0 < len(left) < len(local)
    assert left.items() <= local.items()

    # On another machine, which has none of it, the same command does the rest.
    there = tmp_path / "there"
    said = snakemake(there, *asked, **store.environment).stderr
    assert "storage" not in said, "a line for each file"
    assert not (there / "results").exists()
    assert hashes(store.download(PREFIX, tmp_path / "bucket")) == local

    # A missing object is made again with all that depends on it, and nothing else.
    store.delete(f"{PREFIX}/results/runs/gru/noise0/seed0/losses.csv")
    jobs = planned(snakemake(there, *asked, "-n", **store.environment).stdout)
    once = ("train", "evaluate", "probe", "inspect_attention", "aggregate", "plot", "report")
    assert jobs == dict.fromkeys(once, 1)


def test_an_unfinished_report_is_refused_where_runs_cannot_be_seen(
    store: S3, snakemake: Snakemake, tmp_path: Path
) -> None:
    asked = ["--configfile", ROOT / "config/smoke.yaml", *store.arguments("b"), "--cores", "1"]
    done = snakemake(tmp_path / "b", *asked, "report_partial", check=False, **store.environment)
    assert done.returncode == 1
    assert "copy them into ./results" in done.stderr


FAILING = """
rule fail:
    output: "done.txt"
    log: "why.log"
    shell: "echo because of this > {log}; exit 1"
"""


def test_the_log_of_a_failed_job_is_shown_under_its_address(store: S3, tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text(FAILING)
    asked = ["--logger", "noisynames", "--show-failed-logs", "--cores", "1", *store.arguments("c")]
    done = subprocess.run(
        ["snakemake", *asked], cwd=tmp_path, env=os.environ | store.environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Its log, s3://lab/c/why.log:\nbecause of this\n" in done.stderr
    assert store.objects("c") == ["c/why.log"]
