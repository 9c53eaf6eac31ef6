"""The look of every figure: one style, and the marks that figures share.

A figure is drawn once, at the size at which it is shown: 96 of the page's pixels are an inch.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from noisynames.imports import without
from noisynames.reporting import words

if TYPE_CHECKING:  # imported by the functions that draw: the workflow only lists the figures
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

    from noisynames.analysis.tables import Tables

FULL, HALF = 10.0, 4.85
"""Widths in inches: of the text, and of a figure that has another beside it."""

# Okabe and Ito's palette for colour-blind readers, without the yellow that fades on white.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
DASHES: list[Any] = ["-", (0, (5, 1.5)), (0, (4, 1.5, 1, 1.5)), (0, (1.2, 1.2)), (0, (8, 2))]
MARKERS = ["o", "s", "^", "D", "v", "P", "X"]

# Replaced by the page's own text colour, so that it is readable on light and on dark pages.
INK = "#010203"
# Replaced by the page's background.
PAPER = "#fdfeff"
SEQUENTIAL = "viridis"
MOST_TICKS = 60
"""More labels than this along an axis would run together, so that some are left out."""

STYLE: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 9.5,
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
    """The label, colour, dashes and marker of each model, the same in every figure."""

    def __init__(self, models: Sequence[str], labels: Mapping[str, str]) -> None:
        self._rank = {model: i for i, model in enumerate(models)}
        self._labels = labels

    def label(self, model: str, most: int = 24) -> str:
        """Return the model's label, shortened to at most `most` characters."""
        return words.shortened(self._labels.get(model, model), most)

    def colour(self, model: str) -> str:
        """Return the model's Okabe–Ito colour."""
        return COLOURS[self._rank[model] % len(COLOURS)]

    def dashes(self, model: str) -> Any:
        """Return the model's line style."""
        return DASHES[self._rank[model] % len(DASHES)]

    def marker(self, model: str) -> str:
        """Return the model's marker."""
        return MARKERS[self._rank[model] % len(MARKERS)]

    def tip(self, record: Mapping[str, Any], model: str, noise: str = "", unit: str = "") -> str:
        """Return the text shown when a mark is pointed at: model, noise, mean, interval."""
        under = f", noise {noise}" if noise else ""
        shown = words.interval(record, signs="p_adjusted" in record)
        return f"{self._labels.get(model, model)}{under}: {shown}{unit}"


def new_panels(
    count: int,
    height: float,
    across: int = 2,
    width: float = FULL,
    sharey: bool | Literal["col"] = False,
) -> "tuple[Figure, list[Axes]]":
    """Return a figure with `count` axes, at most `across` of them in a row.

    Args:
        count: The number of axes, at least 1.
        height: The height of each row, in inches.
        across: The most axes in a row.
        width: The width of the figure, in inches.
        sharey: Whether axes share a scale; see `matplotlib.figure.Figure.subplots`.
    """
    from matplotlib.figure import Figure

    across = min(count, across)
    down = -(-count // across)
    figure = Figure(figsize=(width, height * down))
    grid = figure.subplots(down, across, squeeze=False, sharey=sharey)
    axes: list[Axes] = grid.ravel().tolist()
    for unused in axes[count:]:
        unused.remove()
    return figure, axes[:count]


def models_in(tables: "Tables") -> list[str]:
    """Return all models, including those whose runs all diverged."""
    return list(dict.fromkeys(tables["runs"]["model"]))


def noises_in(tables: "Tables") -> list[str]:
    """Return all noise conditions, including those under which all runs diverged."""
    return list(dict.fromkeys(tables["runs"]["noise"]))


def select(records: list[dict[str, Any]], **match: Any) -> list[dict[str, Any]]:
    """Return the records of the findings in which every key has the value given."""
    return [r for r in records if all(r[key] == value for key, value in match.items())]


def draw_interval(
    axes: "Axes",
    record: Mapping[str, Any],
    place: float,
    look: Look,
    model: str,
    noise: str,
    upright: bool = False,
    hollow: bool = False,
) -> None:
    """Draw a mean with its interval, in the colour and marker of its model.

    Args:
        axes: Where to draw it.
        record: mean, low, high.
        place: Its row; if upright, its column.
        look: The look of the models.
        model: The model.
        noise: The noise that it was trained under.
        upright: Whether the interval is vertical.
        hollow: Whether the marker is a ring.
    """
    colour, tip = look.colour(model), look.tip(record, model, noise)
    if record["low"] is not None:
        ends, where = [record["low"], record["high"]], [place, place]
        line = axes.plot(*((where, ends) if upright else (ends, where)), color=colour, lw=2)[0]
        tag(line, "band", model, noise)
    at = (place, record["mean"]) if upright else (record["mean"], place)
    dot = axes.plot(
        *at, look.marker(model), color=colour, ms=6.5, mew=1.4 if hollow else 0.7,
        mfc=PAPER if hollow else colour, mec=colour if hollow else PAPER,
    )[0]  # fmt: skip
    tag(dot, "mean", model, noise, tip)


def draw_baseline(
    axes: "Axes", record: Mapping[str, Any], y: float, noise: str, hollow: bool = True
) -> None:
    """Draw a baseline's mean and interval in ink, the colour of no model."""
    name = record["baseline"]
    if record["low"] is not None:
        line = axes.plot([record["low"], record["high"]], [y, y], color=INK, lw=1.2)[0]
        tag(line, "band", name, noise)
    dot = axes.plot(record["mean"], y, "o", ms=6, mec=INK, mfc="none" if hollow else INK)[0]
    tag(dot, "mean", name, noise, f"{name}, noise {noise}: {words.interval(record)}")


def label_ends(
    axes: "Axes", ends: list[tuple[tuple[float, float], str, str]], noise: str | None = None
) -> None:
    """Write each line's name beside its end, moved just enough to keep names apart and inside.

    Args:
        axes: Axes with their final limits.
        ends: The last point, the name and the colour of each line.
        noise: The noise the lines were trained under, if their names are to be hidden with it.
    """
    if not ends:
        return
    from matplotlib.transforms import blended_transform_factory

    inches = float(axes.figure.get_size_inches()[1])  # type: ignore[union-attr]
    height = 72 * inches * axes.get_position().height
    across = axes.transAxes.inverted().transform(
        axes.transData.transform([point for point, _, _ in ends])
    )
    places = spread(across[:, 1], 11 / height, 5.5 / height, 1.0)  # above the axis
    mixed = blended_transform_factory(axes.transData, axes.transAxes)
    for ((x, _), text, colour), y in zip(ends, places, strict=True):
        label = axes.annotate(
            text, (x, float(y)), (5, 0), xycoords=mixed, textcoords="offset points", va="center",
            fontsize=8, color=colour, fontweight="bold", annotation_clip=False,
        )  # fmt: skip
        if noise is not None:
            tag(label, "label", text, noise)


def spread(places: ArrayLike, gap: float, low: float, high: float) -> NDArray[np.float64]:
    """Return places moved as little as possible, to be `gap` apart and between low and high.

    The least squares solution is an isotonic regression of the places less their share of the gaps
    (Best and Chakravarti, 1990). Where there is too little room, they are evenly spaced.

    Args:
        places: Shape (count,), in any order; the order is kept.
        gap: The least distance between two places.
        low: The lowest place allowed.
        high: The highest place allowed.
    """
    wanted = np.asarray(places, float)
    count = len(wanted)
    gap = min(gap, (high - low) / max(count - 1, 1))
    order = np.argsort(wanted, kind="stable")
    steps = gap * np.arange(count)
    free = rising(wanted[order] - steps)
    apart = np.empty(count)
    apart[order] = np.clip(free, low, max(low, high - gap * (count - 1))) + steps
    return apart


def rising(values: ArrayLike) -> NDArray[np.float64]:
    """Return the nearest non-decreasing values, in least squares.

    By the max-min formula of isotonic regression (Robertson, Wright and Dykstra, 1988, theorem
    1.4.4). SciPy has it too, but takes 0.25 s to import, a twentieth of the time of all figures.

    Args:
        values: Shape (count,).
    """
    sums = np.concatenate([[0.0], np.cumsum(values)])
    first, last = np.ogrid[: len(sums) - 1, : len(sums) - 1]
    means = (sums[last + 1] - sums[first]) / np.maximum(last + 1 - first, 1)
    least = np.minimum.accumulate(means[:, ::-1], axis=1)[:, ::-1]  # over ends from here on
    risen: NDArray[np.float64] = np.where(first <= last, least, -np.inf).max(0, initial=-np.inf)
    return risen


def legend_below(figure: "Figure", tables: "Tables", look: Look, marked: bool = False) -> None:
    """Name the models below the axes, for figures without room for labels at the ends of lines."""
    from matplotlib.lines import Line2D

    lines = [
        Line2D([], [], color=look.colour(m), ls="", marker=look.marker(m), label=look.label(m))
        if marked
        else Line2D([], [], color=look.colour(m), ls=look.dashes(m), lw=1.8, label=look.label(m))
        for m in models_in(tables)
    ]
    figure.legend(handles=lines, loc="outside lower center", ncols=6, frameon=False, handlelength=3)


def heat_map(axes: "Axes", shares: "pd.DataFrame", **style: Any) -> None:
    """Draw shares as colours, in per cent; `name_ticks` can name rows and columns.

    Args:
        axes: Where to draw them.
        shares: Values from 0 to 1.
        style: Arguments of `seaborn.heatmap`.
    """
    # seaborn imports SciPy's densities and clustering, which no heat map needs: most of its import.
    with without("scipy.stats", "scipy.cluster"):
        import seaborn as sns

    # Names that seaborn writes, it also draws, to see whether they overlap.
    unnamed = {"xticklabels": False, "yticklabels": False}
    scale = {"vmin": 0, "vmax": 100, "cmap": SEQUENTIAL}
    sns.heatmap(100 * shares, ax=axes, fmt=".0f", **scale, **unnamed, **style)
    axes.grid(visible=False)


def name_ticks(axis: "Axis", places: ArrayLike, texts: Sequence[str], most: int = 24) -> None:
    """Put labels of any length and number along an axis.

    Long ones are shortened, with the whole text in their title; if there are too many, only some
    are shown, and the axis says so.
    """
    every = max(1, -(-len(texts) // MOST_TICKS))  # there may be no texts
    shown = list(texts)[::every]
    labels = [words.shortened(text, most) for text in shown]
    ticks = axis.set_ticks(np.asarray(places)[::every], labels)
    for tick, text in zip(ticks, shown, strict=False):
        if len(text) > most:
            tick.label1.set_gid(f"whole:{text}")
    if every > 1:
        said = axis.get_label_text()
        axis.set_label_text(f"{said} (one in {every} of {len(texts)} is named)".strip())


def percentages(axis: "Axis") -> None:
    """Write shares along an axis as percentages."""
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=f"{words.NO_BREAK}%"))


def tag(artist: "Artist", part: str, model: str, noise: str = "", tip: str = "") -> None:
    """Mark what an artist shows, so that the report can show and hide it, and give its value."""
    artist.set_gid(f"series:{part}:{model}:{noise}:{tip}")
