"""Labels that look like something else, from the name files to the report."""

import io
import re
from pathlib import Path

import pandas as pd
import pytest
from conftest import Once, Snakemake

LABELS = ["01", "1", "1.0", "1e0", "NA", "US$ and A$", "bad $_$ x", "true"]

CONFIG = """
dataset: {source: directory, path: names}
models:
  "true": {cell: gru, readout: attention, hidden_size: 4}
  "null": {cell: rnn, hidden_size: 4}
noise: {levels: [0, 1]}
seeds: 2
training: {updates: 200, record_every: 100}
"""


@pytest.fixture(scope="session")
def experiment(once: Once, snakemake: Snakemake) -> Path:
    """An experiment on such labels, with names that are only beside its config."""

    def make(folder: Path) -> None:
        names = folder / "config/names"
        names.mkdir(parents=True)
        for i, label in enumerate(LABELS):
            lines = [f"{'ABCDEFGH'[i]}{a}{b}" for a in "aeiou" for b in "lmnr"]
            (names / f"{label}.txt").write_text("\n".join(lines))
        (names / "OTHER.TXT").write_text("left out")
        (names / ".#01.txt").symlink_to("someone@host.1234")
        config = folder / "config/my.yaml"
        config.write_text(CONFIG)
        snakemake(folder, "--configfile", config, "--cores", "2")

    return once("labels", make)


def test_labels_are_unchanged_in_every_table(experiment: Path) -> None:
    for name in ("recall", "confusion"):
        text = (experiment / f"results/tables/{name}.csv").read_text()
        table = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
        assert sorted(set(table["language"])) == LABELS, name
        assert set(table["model"]) == {"true", "null"}


@pytest.mark.parametrize("figure", ["confusion", "recall", "attention_examples"])
def test_labels_are_drawn_as_they_are(experiment: Path, figure: str) -> None:
    svg = (experiment / f"results/figures/{figure}.svg").read_text()
    drawn = set(re.findall(r"<text [^>]*>([^<]*)</text>", svg))
    assert set(LABELS) <= drawn


def test_the_confusion_figure_has_cells(experiment: Path) -> None:
    """With labels read as numbers, it silently had only axes."""
    svg = (experiment / "results/figures/confusion.svg").read_text()
    assert svg.count("<image") == 2 + 1, "a matrix for each of two noises, and the scale"
    every = (experiment / "results/figures/confusions.svg").read_text()
    assert every.count("<image") == 4, "a matrix for each model and noise"


def test_what_is_left_out_is_reported(experiment: Path) -> None:
    log = (experiment / "results/logs/dataset.log").read_text()
    assert "left out: .#01.txt (hidden)" in log
    assert "left out: OTHER.TXT (its name does not end in .txt)" in log


def test_a_file_that_is_not_read_does_not_make_anything_run_again(
    experiment: Path, snakemake: Snakemake
) -> None:
    names = experiment / "config/names"
    (names / ".hidden.txt").write_text("Roe")
    (names / "more").mkdir()
    (names / "more/Dutch.txt").write_text("Roe")
    done = snakemake(experiment, "--configfile", experiment / "config/my.yaml", "-n")
    assert "Nothing to be done" in done.stdout + done.stderr
