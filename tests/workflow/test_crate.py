"""A finished experiment as a research object."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Snakemake, hashes

from noisynames.config import resolve

pytestmark = pytest.mark.workflow

CONFIG = ["--configfile", ROOT / "config/smoke.yaml", "--cores", "1"]
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def folder(smoke: Path, snakemake: Snakemake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smoke experiment with its crate."""
    folder = shutil.copytree(smoke, tmp_path_factory.mktemp("crate") / "experiment")
    snakemake(folder, *CONFIG, "crate")
    return folder


def graph(folder: Path) -> dict[str, dict[str, Any]]:
    """The entities of a crate by name."""
    content = json.loads((folder / "results/ro-crate-metadata.json").read_text())
    return {entity["@id"]: entity for entity in content["@graph"]}


def links(value: Any) -> Iterator[str]:
    """The names to which an entity's properties link."""
    if isinstance(value, list):
        for item in value:
            yield from links(item)
    elif isinstance(value, dict):
        if value.keys() == {"@id"}:
            yield value["@id"]
        else:
            for item in value.values():
                yield from links(item)


def test_everything_that_a_crate_names_exists(folder: Path) -> None:
    entities = graph(folder)
    for name, entity in entities.items():
        if entity["@type"] == "Dataset" or "File" in entity["@type"]:
            assert (folder / "results" / name).exists(), name
            assert name == "./" or any(name in links(e.get("hasPart")) for e in entities.values())
        assert all(link in entities or link.startswith("https://") for link in links(entity))
    assert entities["./"]["name"] == "Smoke test"
    assert (
        "the models rnn, gru_attention at the noise levels 0, 2, with 2 seeds each"
        in (entities["./"]["description"])
    )


def test_a_crate_changes_no_result_and_is_reproducible(
    smoke: Path, folder: Path, snakemake: Snakemake
) -> None:
    made = hashes(folder)
    others = {name: it for name, it in made.items() if "crate" not in name}
    assert others == hashes(smoke)
    snakemake(folder, *CONFIG, "-f", "crate")
    assert hashes(folder) == made


def test_a_crate_holds_all_that_is_needed_to_make_its_results_again(folder: Path) -> None:
    """Snakemake's command in the folder alone, without the clone."""
    command = ["snakemake", "-s", "results/crate/Snakefile", "--cores", "2"]
    environment = {name: it for name, it in os.environ.items() if name != "PYTHONPATH"}
    done = [
        subprocess.run(
            [*command, *more], cwd=folder, capture_output=True, text=True, check=True,
            env=environment,
        ).stdout
        for more in (["-n"], ["-f", "results/runs/rnn/noise2/seed1/run.json"])
    ]  # fmt: skip
    assert "Nothing to be done" in done[0]


def test_an_unfinished_experiment_is_not_a_research_object(smoke: Path, tmp_path: Path) -> None:
    shutil.copytree(smoke / "results/dataset", tmp_path / "results/dataset")
    command = [sys.executable, "-m", "noisynames", "crate", "--results", "results"]
    command += ["--config", json.dumps(resolve({})), "--output", "results/ro-crate-metadata.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("noisynames: results/report.html: no such file")
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["dataset"]


def test_the_validator_of_research_objects_accepts_it(folder: Path, tmp_path: Path) -> None:
    program = os.environ.get("NOISYNAMES_ROC_VALIDATOR")
    if not program:
        pytest.skip(
            "NOISYNAMES_ROC_VALIDATOR is not set: pip install -r tests/workflow/roc-validator.lock"
            " in an environment of its own, and set it to its bin/rocrate-validator"
        )
    python, cache = Path(program).with_name("python"), tmp_path / "cache"
    context = [HERE / "offline_context.py", cache, HERE / "ro-crate-context.json"]
    subprocess.run([str(word) for word in [python, *context]], check=True)

    def validate(results: Path) -> subprocess.CompletedProcess[str]:
        command = [program, "-y", "--disable-color", "validate", "--offline", "--cache-path", cache]
        command += ["--profile-identifier", "workflow-run-crate", "--no-paging", "-v", results]
        return subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, check=False
        )

    done = validate(folder / "results")
    assert done.returncode == 0, done.stdout
    assert "RO-Crate is a valid workflow-run-crate-0.5" in done.stdout
    # And it does check: a crate without its workflow is refused.
    other = shutil.copytree(folder / "results", tmp_path / "other")
    content = (other / "ro-crate-metadata.json").read_text()
    (other / "ro-crate-metadata.json").write_text(content.replace("ComputationalWorkflow", "Thing"))
    assert validate(other).returncode != 0
