"""Comparing results with other results: the rule, and the data in a real report."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, Snakemake, planned

pytestmark = pytest.mark.workflow
SMOKE = ["--configfile", ROOT / "config/smoke.yaml"]


def compare(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "noisynames", "compare", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_rule_compares_with_other_results_and_reruns_nothing(
    smoke: Path, snakemake: Snakemake, tmp_path: Path
) -> None:
    own = shutil.copytree(smoke, tmp_path / "own", symlinks=True)
    other = f"compare_with={smoke / 'results'}"
    jobs = planned(snakemake(own, *SMOKE, "-n", "compare", "--config", other).stdout)
    assert jobs == {"compare": 1}
    snakemake(own, *SMOKE, "--cores", "1", "compare", "--config", other)
    page = (own / "results/compare.html").read_text()
    assert "Nothing changed: 8 runs identical to the byte." in page
    refused = snakemake(own, *SMOKE, "-n", "compare", check=False)
    assert refused.returncode != 0
    assert "compare_with: found null; allowed: a results folder" in refused.stdout


def test_a_report_carries_the_content_of_its_folder_in_a_tenth_of_the_size(
    smoke: Path, tmp_path: Path
) -> None:
    report = smoke / "results/report.html"
    done = compare(report, smoke / "results", "--output", tmp_path / "compare.html")
    assert (done.returncode, done.stderr.strip()) == (0, str(tmp_path / "compare.html"))
    assert done.stdout == "Nothing changed: 8 runs identical to the byte.\n"
    page = report.read_text()
    blocks = [part.split("</script>")[0] for part in page.split('id="carried-')[1:]]
    assert len(blocks) == 2
    assert sum(map(len, blocks)) < len(page) / 10
