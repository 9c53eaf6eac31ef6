"""The list of figures."""

import re
import subprocess
import sys
from typing import Any

import pytest
from conftest import ROOT
from made_up import MODELS, RATES, SCHEMA

from noisynames.config import resolve
from noisynames.grid import Grid
from noisynames.reporting import gallery

PARTIALS = "".join(path.read_text() for path in (ROOT / "report/partials").glob("*.html"))
ATTENTION = {
    "attention_examples", "occlusion_examples", "attention_position", "attention_noise",
    "card_attention",
}  # fmt: skip
PLACES = {"placements", "headline_placement"}
RATE = {"rates", "card_rates"}
FURTHER = {"card_deeper", "card_batches", "card_sweeps", "card_variance"}
SOMETIMES = ATTENTION | PLACES | RATE | FURTHER


def figures_of(**config: Any) -> set[str]:
    resolved = resolve({"models": MODELS, "noise": {"levels": [0, 5]}, **config}, SCHEMA)
    return set(gallery.applying(Grid.of(resolved)))


@pytest.mark.parametrize(
    ("config", "further"),
    [
        ({}, set()),
        ({"noise": {"levels": [0, 5], "placement": ["suffix", "prefix"]}}, PLACES),
        ({"models": RATES}, RATE),
        ({"models": {**MODELS, "attends": {"cell": "gru", "readout": "attention"}}}, ATTENTION),
        ({"models": {**MODELS, "lstm": {"cell": "lstm"}}}, {"card_deeper"}),
        ({"models": {**MODELS, "b": {"cell": "gru", "batch_size": 4}}}, {"card_batches"}),
        ({"models": {**MODELS, "b": {"cell": "gru", "hidden_size": 4}}}, set()),
        ({"models": {"b": {"cell": "gru", "sweep": {"hidden_size": [4, 8, 9]}}}}, {"card_sweeps"}),
        ({"models": {**MODELS, "b": {"cell": "gru", "seeds_vary": ["split"]}}}, {"card_variance"}),
    ],
    ids=[
        "one of each",
        "two places",
        "two rates",
        "attention",
        "lstm",
        "batches",
        "two sizes",
        "sizes",
        "sources",
    ],
)
def test_an_experiment_has_the_figures_that_apply_to_it(
    config: dict[str, Any], further: set[str]
) -> None:
    assert figures_of(**config) == set(gallery.ALL) - SOMETIMES | further


def test_every_figure_has_one_place_in_the_page() -> None:
    placed = re.findall(r'{{ figure\("(\w+)"\) }}', PARTIALS)
    of_answers = {name for name, figure in gallery.ALL.items() if figure.question}
    of_headlines = {name for name in gallery.ALL if name.startswith("headline_")}
    assert sorted(placed) == sorted(set(gallery.ALL) - of_answers - of_headlines)


def test_the_workflow_can_list_the_figures_at_no_cost() -> None:
    heavy = {"pandas", "matplotlib", "seaborn", "scipy", "jinja2", "torch"}
    program = f"import noisynames.reporting.gallery, sys; print({heavy} & {{*sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
