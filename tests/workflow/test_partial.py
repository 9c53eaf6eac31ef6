"""The report of an unfinished experiment: the same rules, on the runs that exist."""

import os
import re
import shutil
from pathlib import Path

import pytest
import starting
from conftest import ROOT, Snakemake, hashes, planned
from test_reruns import Experiment, clone_to

pytestmark = pytest.mark.workflow

CONFIG = ROOT / "config/smoke.yaml"
DAMAGED = "results/runs/rnn/noise2/seed1/weights.safetensors"


def plan(it: Experiment) -> dict[str, int]:
    """What a dry run of the clone's report_partial would do."""
    command = ["report_partial", "-s", it.clone / "Snakefile", "-n", "--directory"]
    command += [it.folder, "--configfile", CONFIG]
    done = starting.snakemake([str(word) for word in command], ROOT)
    assert done.returncode == 0, done.stderr
    return planned(done.stdout)


def test_it_uses_the_intact_runs_and_changes_nothing_else(
    smoke: Path, tmp_path: Path, snakemake: Snakemake
) -> None:
    folder = shutil.copytree(smoke, tmp_path / "experiment")
    shutil.rmtree(folder / "results/runs/gru_attention/noise0")
    os.truncate(folder / DAMAGED, 100)
    before = hashes(folder)

    done = snakemake(folder, "report_partial", "--configfile", CONFIG, "--cores", "2")
    told = done.stdout + done.stderr
    assert f"missing: rnn noise 2 seed 1: {DAMAGED}: truncated or altered" in told
    assert told.count("not run, or failed") == 2
    assert "5 of 8 runs can be reported" in told
    page = (folder / "results/partial/report.html").read_text()
    assert "This is a partial report." in page
    assert "5 of 8 runs completed" in page
    assert len(re.findall(r'<tr class="bad">.*missing: ', page)) == 3
    after = hashes(folder)
    assert {name: after[name] for name in before} == before
    assert all(name.startswith("results/partial/") for name in set(after) - set(before))

    # What the complete experiment has in common with it is the same to the byte.
    same = [name for name in before if re.search(r"evaluation/rnn/noise0|probes/rnn/noise0", name)]
    assert len(same) == 8
    assert all(after[name.replace("results", "results/partial", 1)] == after[name] for name in same)

    it = Experiment(clone_to(tmp_path / "clone"), folder, {})
    assert plan(it) == {}
    it.edit("report/partials/methods.html")
    assert plan(it) == {"report_partial": 1}
    it.edit("src/noisynames/analysis/statistics/comparing.py")
    assert plan(it) == {"aggregate_partial": 1, "plot_partial": 1, "report_partial": 1}
    it.edit("src/noisynames/analysis/tables.py")
    assert {"find_missing", "aggregate_partial"} <= set(plan(it))
    it.edit("src/noisynames/training/run.py")
    assert not {rule for rule in plan(it) if "partial" not in rule} - {"find_missing"}


def test_without_any_run_it_is_one_line(tmp_path: Path, snakemake: Snakemake) -> None:
    done = snakemake(
        tmp_path, "report_partial", "--configfile", CONFIG, "--cores", "1", check=False
    )
    assert done.returncode == 1
    message = "noisynames: results/runs: all 8 runs are missing; nothing to report"
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not (tmp_path / "results/partial/missing.json").exists()
