"""Which figures there are."""

import re
import subprocess
import sys
from typing import Any

import pytest
from conftest import ROOT
from made_up import MODELS, RATES, SCHEMA, grid_of

from noisynames.config import resolve
from noisynames.reporting import gallery

PARTIALS = "".join(path.read_text() for path in (ROOT / "report/partials").glob("*.html"))
SOMETIMES = {
    "placements", "rates", "attention_examples", "occlusion_examples", "attention_position",
    "attention_noise",
}  # fmt: skip


def figures_of(**config: Any) -> set[str]:
    resolved = resolve({"models": MODELS, "noise": {"levels": [0, 5]}, **config}, SCHEMA)
    return set(gallery.applying(grid_of(resolved)))


@pytest.mark.parametrize(
    ("config", "further"),
    [
        ({}, set()),
        ({"noise": {"levels": [0, 5], "placement": ["suffix", "prefix"]}}, {"placements"}),
        ({"models": RATES}, {"rates"}),
        (
            {"models": {"gru": {"cell": "gru", "readout": "attention"}}},
            SOMETIMES - {"placements", "rates"},
        ),
    ],
    ids=["one of each", "two placements", "two rates", "attention"],
)
def test_an_experiment_has_the_figures_that_apply_to_it(
    config: dict[str, Any], further: set[str]
) -> None:
    assert figures_of(**config) == set(gallery.ALL) - SOMETIMES | further


def test_every_figure_has_one_place_in_the_page() -> None:
    placed = re.findall(r'{{ figure\("(\w+)"\) }}', PARTIALS)
    assert sorted(placed) == sorted(gallery.ALL)


def test_the_workflow_can_ask_which_figures_there_are_at_no_cost() -> None:
    heavy = {"pandas", "matplotlib", "seaborn", "scipy", "jinja2", "torch"}
    program = f"import noisynames.reporting.gallery, sys; print({heavy} & {{*sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
