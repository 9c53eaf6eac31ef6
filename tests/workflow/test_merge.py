"""Merged results of several machines: what `noisynames merge` takes, refuses and leaves to do."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import Snakemake, hashes, planned

from noisynames.errors import UserError
from noisynames.experiments.merging import merge
from noisynames.files import read_record, write_record

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def parts(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """TINY from two machines: seed 0 here, both seeds there."""
    folder = tmp_path_factory.mktemp("parts")
    one = shutil.copytree(tiny / "results", folder / "one/results")
    for path in [*one.glob("runs/*/*/seed1"), *one.glob("splits/seed1.*")]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    two = shutil.copytree(tiny / "results", folder / "two/results")
    return one, two


def test_merged_results_need_no_training_and_record_where_they_come_from(
    parts: tuple[Path, Path], tiny: Path, tiny_config: Path, snakemake: Snakemake, tmp_path: Path
) -> None:
    program = shutil.which("noisynames")
    assert program
    into = tmp_path / "all/results"
    command = [program, "merge", *map(str, parts), "--into", str(into)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "seeds: [0, 1]" in done.stdout
    config = ["--configfile", tiny_config]
    jobs = planned(snakemake(into.parent, *config, "-n").stdout)
    assert set(jobs) == {
        "baseline", "evaluate", "probe", "inspect_attention", "reference", "aggregate", "plot",
        "report",
    }  # fmt: skip
    snakemake(into.parent, *config, "--cores", "2")
    page = (into / "report.html").read_text()
    assert 'id="table-parts"' in page
    assert str(parts[1]) in page
    everything, whole = hashes(into.parent), hashes(tiny)
    for name in ("results/report.html", "results/merged.json"):
        everything.pop(name)
        whole.pop(name, None)
    assert everything == whole
    assert "Nothing to be done" in snakemake(into.parent, *config, "-n").stdout


def altered(part: Path, tmp_path: Path, file: str, **content: object) -> Path:
    """A copy of a part with a changed record that has a valid checksum."""
    copy = shutil.copytree(part, tmp_path / "other/results")
    record = read_record(copy / file)
    files = [copy / file.rpartition("/")[0] / name for name in record.pop("files", {})]
    write_record(copy / file, {**record, **content}, files)
    return copy


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (
            "runs/gru/noise0/seed0/run.json",
            {"engine": "autograd"},
            "runs/gru/noise0/seed0/run.json: differs from ",
        ),
        ("splits/seed0.json", {"train": 3}, "splits/seed0.json: differs from "),
        ("dataset/manifest.json", {"version": "2"}, "dataset/manifest.json: differs from "),
        (
            "runs/gru/noise0/seed1/run.json",
            {"hyperparameters": {"updates": 7}},
            "runs/gru/noise0/seed1/run.json: hyperparameters differs from gru/noise0 in ",
        ),
    ],
)
def test_parts_that_disagree_are_refused_by_name(
    parts: tuple[Path, Path], tmp_path: Path, file: str, content: dict[str, object], message: str
) -> None:
    other = altered(parts[1], tmp_path, file, **content)
    with pytest.raises(UserError) as caught:
        merge([parts[0], other], tmp_path / "all")
    assert message in str(caught.value)
    assert not (tmp_path / "all").exists()
    assert list(tmp_path.glob(".*.part")) == []


def test_a_damaged_part_is_refused(parts: tuple[Path, Path], tmp_path: Path) -> None:
    copy = shutil.copytree(parts[1], tmp_path / "damaged")
    losses = copy / "runs/gru/noise0/seed1/losses.csv"
    losses.write_text(losses.read_text()[:-3])
    with pytest.raises(UserError, match=r"losses\.csv: truncated or altered"):
        merge([parts[0], copy], tmp_path / "all")


def test_nothing_is_written_over(parts: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    (tmp_path / "all/mine").write_text("")
    with pytest.raises(UserError, match="exists and is not empty"):
        merge(parts, tmp_path / "all")
    with pytest.raises(UserError, match="found 1 results folder"):
        merge(parts[:1], tmp_path / "new")
    with pytest.raises(UserError, match=r"names\.csv: no such file"):
        merge([parts[0], tmp_path / "nowhere"], tmp_path / "new")


def test_a_merged_part_keeps_its_own_parts(parts: tuple[Path, Path], tmp_path: Path) -> None:
    merge(parts, tmp_path / "both")
    shutil.copytree(parts[0], tmp_path / "third")
    content = merge([tmp_path / "both", tmp_path / "third"], tmp_path / "all")
    folders = [part["folder"] for part in content["parts"]]
    assert folders == [str(parts[0]), str(parts[1]), str(tmp_path / "third")]
    written = json.loads((tmp_path / "all/merged.json").read_text())
    assert written["parts"] == content["parts"]
    assert content["parts"][0]["seeds"] == [0]
