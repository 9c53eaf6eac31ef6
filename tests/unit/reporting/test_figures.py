"""Figures with labels of any number and length."""

import html
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from made_up import MODELS, SCHEMA, tables_of
from matplotlib.figure import Figure

from noisynames.analysis.findings import summary
from noisynames.config import resolve
from noisynames.grid import Grid
from noisynames.names.noise import conditions
from noisynames.reporting import drawing
from noisynames.reporting.figures import accuracy, noise, training, workflow
from noisynames.reporting.figures.look import MOST_TICKS, STYLE, Look

LONG = "A label that is longer than any margin"
MANY = [f"{LONG} {i:03d} $x$ & y" for i in range(300)]


def drawn(folder: Path, name: str, labels: list[str], **models: dict[str, Any]) -> str:
    """A figure as drawn for models and names with these labels."""
    config = resolve({"models": models or MODELS, "noise": {"levels": [0, 5]}, "seeds": 2}, SCHEMA)
    grid = Grid.of(config)
    tables = tables_of(grid, dict.fromkeys([(m, n) for m in grid.models for n in grid.noises], 0.5))
    arms = tables["accuracy"].drop_duplicates(["model", "trained_at"])
    keys = ["model", "trained_at", "tested_at"]
    own = pd.DataFrame({"language": labels, "prediction": labels, "share": 1.0})
    tables["confusion"] = arms[keys].merge(own, how="cross")
    tables["recall"] = tables["accuracy"].merge(own[["language"]], how="cross").assign(recall=0.5)
    findings = summary.find(tables, grid)
    findings["paces"] = [
        {"model": m, "noise": n, "pace": 1e-6} for m in grid.models for n in grid.noises
    ]
    drawing.draw([name], tables, findings, folder)
    return (folder / f"{name}.svg").read_text()


def texts(svg: str) -> list[str]:
    return [html.unescape(text) for text in re.findall(r"<text [^>]*>([^<]*)</text>", svg)]


@pytest.mark.parametrize("name", ["confusion", "recall"])
def test_of_too_many_labels_only_some_are_shown_and_the_axis_says_so(
    tmp_path: Path, name: str
) -> None:
    svg = drawn(tmp_path, name, MANY)
    named = [text for text in texts(svg) if text.startswith("A label")]
    assert 0 < len(set(named)) <= MOST_TICKS
    assert all(len(text) <= 24 for text in named)
    assert any("one in 5 of 300 is named" in text for text in texts(svg))


def test_a_shortened_label_has_the_whole_text_in_its_title(tmp_path: Path) -> None:
    svg = drawn(tmp_path, "recall", MANY[:4])
    assert f"<title>{html.escape(MANY[0])}</title>" in svg
    assert "A label that is longer…" in texts(svg)


def test_a_long_name_of_a_model_is_shortened_and_shown_in_full_when_pointed_at(
    tmp_path: Path,
) -> None:
    label = "A model whose label goes on and on and on, and $on$"
    svg = drawn(
        tmp_path, "accuracy", ["a", "b"], gru={"cell": "gru", "label": label}, rnn={"cell": "rnn"}
    )
    assert "A model whose label goe…" in texts(svg)
    assert f'data-tip="{html.escape(label)}, noise 5: ' in svg


def test_no_band_of_a_loss_goes_below_zero() -> None:
    """The interval of two different seeds begins far below 0."""
    update = [100, 200]
    mean = {"update": update, "n": 2, "mean": [0.4, 0.3], "low": [-2.0, -1.0], "high": [2.8, 1.6]}
    curves = [{"model": "gru", "noise": "0", **mean}]
    losses = pd.DataFrame(
        [("gru", "0", seed, at, 0.3 * seed) for seed in (0, 1) for at in update],
        columns=["model", "noise", "seed", "update", "loss"],
    )
    runs = pd.DataFrame({"model": ["gru"], "noise": ["0"], "batch_size": [1]})
    tables, look = {"losses": losses, "runs": runs}, Look(["gru"], {})
    for figure in (training.loss_by_noise, training.loss_by_model):
        axes = figure(tables, {"curves": curves}, look).axes[0]
        (band,) = [patch for patch in axes.collections if ":band:" in str(patch.get_gid())]
        heights = np.asarray(band.get_paths()[0].vertices, float)[:, 1]
        assert heights.min() == 0
        assert heights.max() == pytest.approx(2.8)
        assert axes.get_ylim()[0] == 0


@pytest.mark.parametrize("levels", [[0, 5], [0, 1, 2, 5, 10], [*range(40)]])
@pytest.mark.parametrize("placements", [["suffix"], ["suffix", "prefix", "substitution"]])
def test_names_of_noises_have_room_however_many_there_are(
    levels: list[int], placements: list[str]
) -> None:
    noises = [condition.name for condition in conditions(levels, placements)]
    runs = pd.DataFrame({"model": "gru", "noise": noises})
    keys = [{"trained_at": a, "tested_at": b} for a in noises for b in noises]
    cross = [{"metric": "macro_accuracy", "model": "gru", "mean": 0.5, **key} for key in keys]
    with mpl.rc_context(STYLE):
        figure = noise.cross({"runs": runs}, {"cross": cross}, Look(["gru"], {"gru": "GRU"}))
        figure.draw_without_rendering()
        panel = figure.axes[0]
        for axis in (panel.xaxis, panel.yaxis):
            boxes = [label.get_window_extent() for label in axis.get_ticklabels()]
            assert len(boxes) >= min(len(noises), 7)
            assert not any(one.overlaps(other) for one, other in pairwise(boxes))
        assert bool(panel.texts) == (len(noises) <= 12)


@pytest.mark.parametrize("placements", [["suffix"], ["suffix", "prefix", "substitution"]])
def test_heads_of_the_recall_have_room(placements: list[str]) -> None:
    models, noises = ["rnn", "gru", "lstm"], [c.name for c in conditions([0, 5], placements)]
    runs = pd.DataFrame([{"model": m, "noise": n} for m in models for n in noises])
    keys = [{"model": m, "trained_at": n} for m in models for n in noises]
    rows = [{"language": language, "recall": 0.5, **key} for language in "ab" for key in keys]
    look = Look(models, {"rnn": "RNN", "gru": "GRU with attention", "lstm": "LSTM"})
    with mpl.rc_context(STYLE):
        figure = accuracy.recall({"runs": runs}, {"recall": rows}, look)
        figure.draw_without_rendering()
        heads = figure.axes[0].xaxis.get_ticklabels()
        boxes = [head.get_window_extent() for head in heads]
        assert len(boxes) == len(keys)
        assert not any(one.overlaps(other) for one, other in pairwise(boxes))


def test_every_arrow_of_the_rules_begins_and_ends_at_a_box() -> None:
    figure: Figure = workflow.rules({}, {}, Look([], {}))
    figure.draw_without_rendering()
    texts = figure.axes[0].texts
    boxes = [t.get_bbox_patch().get_window_extent().padded(3) for t in texts if t.get_text()]  # type: ignore[union-attr]
    arrows = [arrow for t in texts if (arrow := getattr(t, "arrow_patch", None)) is not None]
    assert len(arrows) == len(workflow.shown_waits())
    for arrow in arrows:
        points = arrow.get_transform().transform(arrow.get_path().vertices)
        touched = [box for box in boxes if any(box.contains(*point) for point in points)]
        assert len(touched) >= 2, "where it comes from, and where it leads"
