"""The workflow inside another one: as a module, with and without a prefix, and included."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import starting
import yaml
from conftest import ROOT, TINY, Once, hashes, planned

pytestmark = pytest.mark.workflow

# Another workflow: the experiment three times, the last time with a rule of its own.
OUTER = f"""
configfile: "outer.yaml"

module plain:
    snakefile: "{ROOT}/Snakefile"
    config: config["tiny"]

use rule * from plain as plain_*

module first:
    snakefile: "{ROOT}/Snakefile"
    prefix: "first"
    config: config["tiny"]

use rule * from first as first_*

module second:
    snakefile: "{ROOT}/workflow/Snakefile"
    prefix: "in/second"
    config: config["tiny"]

use rule * from second as second_*

use rule train from second as second_train with:
    threads: 2

rule mine:
    default_target: True
    input:
        rules.plain_all.input,
        rules.first_all.input,
        rules.second_all.input,
"""

INCLUDING = """
configfile: "tiny.yaml"

include: "{snakefile}"

rule mine:
    input:
        rules.all.input,
"""


def run(folder: Path, *arguments: str) -> str:
    """The output of a folder's workflow."""
    done = starting.snakemake(["--cores", "2", *arguments], folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="session")
def outer(once: Once) -> Path:
    """A folder in which another workflow ran TINY three times; beside it, what Snakemake said."""

    def make(folder: Path) -> None:
        folder.mkdir()
        (folder / "Snakefile").write_text(OUTER)
        (folder / "outer.yaml").write_text(yaml.safe_dump({"mine": 1, "tiny": TINY}))
        folder.with_suffix(".txt").write_text(run(folder))

    return once("outer", make)


@pytest.fixture
def own(outer: Path, tmp_path: Path) -> Path:
    """A copy of that folder, to be changed."""
    return Path(shutil.copytree(outer, tmp_path / "outer"))


@pytest.mark.parametrize("prefix", ["", "first", "in/second"])
def test_as_a_module_it_writes_the_same_as_by_itself(outer: Path, tiny: Path, prefix: str) -> None:
    assert hashes(outer / prefix) == hashes(tiny)


def test_a_module_writes_nothing_beside_its_results(outer: Path) -> None:
    left = {path.name for path in outer.iterdir()}
    assert left == {"Snakefile", "outer.yaml", ".snakemake", "results", "first", "in"}
    assert [path.name for path in (outer / "first").iterdir()] == ["results"]


def test_the_surrounding_workflow_may_replace_a_rule(outer: Path) -> None:
    said = outer.with_suffix(".txt").read_text()
    jobs = re.findall(r"^(?:local)?rule (\w+_train):\n((?: +.*\n)+)", said, re.MULTILINE)
    threads = {(rule, "threads: 2" in properties) for rule, properties in jobs}
    assert threads == {("plain_train", False), ("first_train", False), ("second_train", True)}


def test_a_module_has_nothing_left_to_do(own: Path) -> None:
    assert "Nothing to be done" in run(own, "-n")
    (own / "first/results/runs/gru/noise0/seed0/losses.csv").unlink()
    jobs = planned(run(own, "-n"))
    assert jobs["first_train"] == 1
    assert {rule.split("_")[0] for rule in jobs} == {"first", "mine"}


def test_the_partial_report_stays_under_the_prefix(own: Path) -> None:
    shutil.rmtree(own / "in/second/results/runs/gru/noise2")
    assert "2 of 4 runs can be reported" in run(own, "second_report_partial")
    assert (own / "in/second/results/partial/report.html").is_file()
    assert not (own / "results/partial").exists()


def test_a_module_is_compared_with_the_path_in_its_config(own: Path, tiny: Path) -> None:
    """Relative to the folder where Snakemake runs, not to the prefix, where results are."""
    shutil.copytree(tiny / "results", own / "before")
    run(own, "first_compare", "--config", "tiny={compare_with: before}")
    assert "Nothing changed: 4 runs" in (own / "first/results/compare.html").read_text()


def test_a_prefix_that_would_break_a_command_line_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text(
        f'module nn:\n    snakefile: "{ROOT}/Snakefile"\n    prefix: "my bench"\n\n'
        "use rule * from nn\n"
    )
    done = subprocess.run(
        ["snakemake", "-n"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert done.stderr.splitlines()[-1] == (
        "module: found the prefix 'my bench', which is part of command lines;"
        " allowed: ASCII letters, digits and _@%+=:,./-"
    )


def test_deployed_by_snakedeploy_it_runs_with_the_config_that_was_deployed(tmp_path: Path) -> None:
    """What snakedeploy 0.17.1 writes, with the clone's path added."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    shutil.copy(ROOT / "config/smoke.yaml", tmp_path / "config/config.yaml")
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow/Snakefile").write_text(f"""
from snakemake.utils import min_version
min_version("6.10.0")
configfile: "config/config.yaml"
module noisynames:
    snakefile:
        "{ROOT}/workflow/Snakefile"
    config:
        config
use rule * from noisynames
""")
    jobs = planned(run(tmp_path, "-n"))
    assert (jobs["train"], jobs["report"], jobs["default"]) == (8, 1, 1)


@pytest.mark.parametrize("snakefile", ["Snakefile", "workflow/Snakefile"])
def test_when_included_its_jobs_are_its_own(
    tiny: Path, tiny_config: Path, tmp_path: Path, snakefile: str
) -> None:
    """Snakemake could take them as done, with the same inputs, parameters and commands."""
    folder = shutil.copytree(tiny, tmp_path / "including")
    (folder / "Snakefile").write_text(INCLUDING.format(snakefile=ROOT / snakefile))
    shutil.copy(tiny_config, folder)
    assert "Nothing to be done" in run(folder, "-n")
    (folder / "results/report.html").unlink()
    assert planned(run(folder, "-n")) == {"mine": 1, "report": 1}
    assert "Report: results/report.html" in run(folder)
    assert hashes(folder) == hashes(tiny)


def test_a_module_without_a_config_is_the_default_experiment(tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text(
        f'module nn:\n    snakefile: "{ROOT}/Snakefile"\n\nuse rule * from nn\n'
    )
    default = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    runs = len(default["models"]) * len(default["noise"]["levels"]) * default["seeds"]
    assert planned(run(tmp_path, "-n"))["train"] == runs == 120
