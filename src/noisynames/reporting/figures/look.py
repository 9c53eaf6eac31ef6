"""The look of every figure: one style, and the marks that figures share."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # imported where they draw: the workflow imports figures to know which there are
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from noisynames.analysis.tables import Tables

# Okabe and Ito's palette for colour-blind readers, without the yellow that fades on white.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
DASHES: list[Any] = ["-", (0, (5, 1.5)), (0, (4, 1.5, 1, 1.5)), (0, (1.2, 1.2)), (0, (8, 2))]
MARKERS = ["o", "s", "^", "D", "v", "P", "X"]

# Drawn in this colour, replaced by the page's own text colour: readable in light and in dark.
INK = "#010203"
SEQUENTIAL = "viridis"

STYLE: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.facecolor": "none",
    "axes.grid": True,
    "grid.color": INK,
    "grid.alpha": 0.12,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "text.parse_math": False,  # a label may hold dollars
    "xtick.color": INK,
    "ytick.color": INK,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "noisynames",
    "figure.constrained_layout.use": True,
}


class Look:
    """The colour, dashes and marker that a model has in every figure."""

    def __init__(self, models: Sequence[str]) -> None:
        self._rank = {model: i for i, model in enumerate(models)}

    def colour(self, model: str) -> str:
        """Return the model's Okabe–Ito colour."""
        return COLOURS[self._rank[model] % len(COLOURS)]

    def dashes(self, model: str) -> Any:
        """Return the model's line style."""
        return DASHES[self._rank[model] % len(DASHES)]

    def marker(self, model: str) -> str:
        """Return the model's marker."""
        return MARKERS[self._rank[model] % len(MARKERS)]


def new_panels(
    count: int, width: float, height: float, sharey: bool | Literal["col"] = False
) -> "tuple[Figure, list[Axes]]":
    """Return a figure of `count` axes, at most two a row where they are wide, four where not."""
    from matplotlib.figure import Figure

    across = min(count, 2 if width > 2.9 else 4)
    down = -(-count // across)
    figure = Figure(figsize=(width * across, height * down))
    grid = figure.subplots(down, across, squeeze=False, sharey=sharey)
    axes: list[Axes] = grid.ravel().tolist()
    for unused in axes[count:]:
        unused.remove()
    return figure, axes[:count]


def models_in(tables: "Tables") -> list[str]:
    """Return all models, also those whose runs all diverged."""
    return list(dict.fromkeys(tables["runs"]["model"]))


def noises_in(tables: "Tables") -> list[str]:
    """Return all noise conditions, also those under which all runs diverged."""
    return list(dict.fromkeys(tables["runs"]["noise"]))


def select(records: list[dict[str, Any]], **match: Any) -> list[dict[str, Any]]:
    """Return the records of the findings in which every key has the value given."""
    return [r for r in records if all(r[key] == value for key, value in match.items())]


def draw_interval(
    axes: "Axes", record: dict[str, Any], y: float, look: Look, model: str, noise: str
) -> None:
    """Draw a mean with its interval, in the colour and marker of its model."""
    if record["low"] is not None:
        line = axes.plot([record["low"], record["high"]], [y, y], color=look.colour(model), lw=2.2)[
            0
        ]
        tag(line, "band", model, noise)
    dot = axes.plot(
        record["mean"], y, look.marker(model), color=look.colour(model), ms=6.5, mec="#ffffff",
        mew=0.7,
    )[0]  # fmt: skip
    tag(dot, "mean", model, noise)


def label_ends(
    axes: "Axes", ends: list[tuple[tuple[float, float], str, str]], noise: str | None = None
) -> None:
    """Write each line's name beside its end, pushed apart where ends are close."""
    low, high = axes.get_ylim()
    gap = 0.075 * (high - low)
    places: NDArray[np.float64] = np.array([y for (_, y), _, _ in ends])
    order = np.argsort(places, kind="stable")
    for lower, upper in pairwise(order):
        places[upper] = max(places[upper], places[lower] + gap)
    for ((x, _), text, colour), y in zip(ends, places, strict=True):
        label = axes.annotate(
            text, (x, float(y)), (5, 0), textcoords="offset points", va="center", fontsize=8,
            color=colour, fontweight="bold", annotation_clip=False,
        )  # fmt: skip
        if noise is not None:
            tag(label, "label", text, noise)


def legend_below(figure: "Figure", tables: "Tables", look: Look, marked: bool = False) -> None:
    """Name the models below the axes, where ends of lines have no room for labels."""
    from matplotlib.lines import Line2D

    lines = [
        Line2D([], [], color=look.colour(m), ls="", marker=look.marker(m), label=m)
        if marked
        else Line2D([], [], color=look.colour(m), ls=look.dashes(m), lw=1.8, label=m)
        for m in models_in(tables)
    ]
    figure.legend(handles=lines, loc="outside lower center", ncols=4, frameon=False, handlelength=3)


def tag(artist: "Artist", part: str, model: str, noise: str | str = "") -> None:
    """Mark what an artist shows, so that the report can show and hide it."""
    artist.set_gid(f"series:{part}:{model}:{noise}")
