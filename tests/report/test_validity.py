import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, Snakemake

from noisynames.reporting.figures.workflow import RULE_GRAPH, shown_waits


def test_the_page_is_valid_html(smoke: Path) -> None:
    npx = shutil.which("npx")
    if not npx:
        pytest.skip("npx is not on the PATH: the validator html-validate comes from npm")
    done = subprocess.run(
        [
            npx, "--yes", "html-validate@9.7.1", "--config",
            ROOT / "tests/report/.htmlvalidate.json", smoke / "results/report.html",
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_in_the_report_are_those_of_snakemake(smoke: Path, snakemake: Snakemake) -> None:
    import re

    done = snakemake(smoke, "--configfile", ROOT / "config/smoke.yaml", "--rulegraph", "dot", "-F")
    names = dict(re.findall(r'(\d+)\[label = "(\w+)"', done.stdout))
    edges = {(names[a], names[b]) for a, b in re.findall(r"(\d+) -> (\d+)", done.stdout)}
    edges -= {(a, b) for a, b in edges if b == "all"}
    assert edges == {(need, rule) for rule, needs in RULE_GRAPH.items() for need in needs}


def test_an_arrow_is_drawn_for_every_wait_that_does_not_follow() -> None:
    after: dict[str, set[str]] = {}  # of a rule, all that follows on it by arrows
    for rule in reversed(RULE_GRAPH):
        next_ones = {b for a, b in shown_waits() if a == rule}
        assert all(not next_ones & after[other] for other in next_ones), "one follows from others"
        after[rule] = next_ones.union(*(after[other] for other in next_ones))
    assert all(rule in after[need] for rule, needs in RULE_GRAPH.items() for need in needs)


def test_snakemakes_own_report_holds_the_page_and_captions(
    smoke: Path, snakemake: Snakemake
) -> None:
    import zipfile

    archive = smoke / "snakemake-report.zip"
    snakemake(smoke, "--configfile", ROOT / "config/smoke.yaml", "--report", archive)
    with zipfile.ZipFile(archive) as content:
        names = content.namelist()
        assert any(name.endswith("report.html") and "data" in name for name in names), names
        text = content.read(
            next(n for n in names if n.endswith("report.html") and "/data" not in n)
        )
    assert "t intervals over seeds" in text.decode()
    for label in ("short answer", "accuracy", "Confusion matrices of every model and noise"):
        assert f'"{label}"' in text.decode(), (
            "figures are told apart by topic and by what they show"
        )
    assert "To cite" in text.decode(), "the first page says what this is"
