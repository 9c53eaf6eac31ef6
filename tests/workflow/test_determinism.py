"""The same config gives the same bytes, whatever else the machine does."""

from pathlib import Path

import pytest
from conftest import ROOT, Snakemake, hashes

pytestmark = pytest.mark.workflow

SMOKE = ["--configfile", ROOT / "config/smoke.yaml"]
ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


def test_another_machine_gives_the_same_bytes(
    smoke: Path, snakemake: Snakemake, tmp_path: Path
) -> None:
    """One core, another folder, order, hash seed, time zone and a locale without Unicode."""
    folder = tmp_path / "elsewhere"
    environment = {"PYTHONHASHSEED": "123", "TZ": "Asia/Kathmandu", **ASCII}
    last = "results/runs/rnn/noise2/seed1/losses.csv"
    snakemake(folder, last, *SMOKE, "--cores", "1", **environment)
    snakemake(folder, *SMOKE, "--cores", "1", **environment)
    expected = hashes(smoke)
    assert len(expected) >= 70
    assert hashes(folder) == expected


@pytest.mark.full
@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "0"},
        {"PYTHONHASHSEED": "4294967295", "LC_ALL": "C.UTF-8"},
        {"TZ": "America/St_Johns"},
        {**ASCII, "OMP_NUM_THREADS": "2"},
    ],
)
def test_the_environment_does_not_change_a_byte(
    smoke: Path, snakemake: Snakemake, tmp_path: Path, environment: dict[str, str]
) -> None:
    snakemake(tmp_path, *SMOKE, "--cores", "2", **environment)
    assert hashes(tmp_path) == hashes(smoke)
