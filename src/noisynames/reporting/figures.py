"""Tables to SVG: one function a figure, one fixed look a model."""

import io
import os
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from noisynames.analysis.findings import Findings
from noisynames.analysis.statistics import reached_by, t_band
from noisynames.analysis.tables import Tables
from noisynames.errors import UserError
from noisynames.files import write_text
from noisynames.names.noise import Noise

# Okabe and Ito's palette for colour-blind readers, without the yellow that fades on white.
_COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
_DASHES: list[Any] = ["-", (0, (5, 1.5)), (0, (4, 1.5, 1, 1.5)), (0, (1.2, 1.2)), (0, (8, 2))]
_MARKERS = ["o", "s", "^", "D", "v", "P", "X"]
# Drawn in this colour, replaced by the page's own text colour: readable in light and in dark.
_INK = "#010203"
_SEQUENTIAL = "viridis"
SINGLE_SEEDS = 20
"""Of so many seeds the curves are drawn singly; more would make the page heavy and no clearer."""

_STYLE: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.facecolor": "none",
    "axes.grid": True,
    "grid.color": _INK,
    "grid.alpha": 0.12,
    "grid.linewidth": 0.6,
    "text.color": _INK,
    "text.parse_math": False,  # a label may hold dollars
    "xtick.color": _INK,
    "ytick.color": _INK,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "noisynames",
    "figure.constrained_layout.use": True,
}


RULE_GRAPH = {
    "dataset": [],
    "split": ["dataset"],
    "train": ["split"],
    "baseline": ["split"],
    "evaluate": ["train"],
    "probe": ["train"],
    "inspect_attention": ["train"],
    "aggregate": ["baseline", "evaluate", "inspect_attention", "probe", "train"],
    "plot": ["aggregate"],
    "report": ["aggregate", "dataset", "plot"],
}
"""Rules and what each waits for, as `snakemake --rulegraph` has it."""


class Look:
    """The colour, dashes and marker that a model has in every figure."""

    def __init__(self, models: Sequence[str]) -> None:
        self._rank = {model: i for i, model in enumerate(models)}

    def colour(self, model: str) -> str:
        """Return the model's Okabe–Ito colour."""
        return _COLOURS[self._rank[model] % len(_COLOURS)]

    def dashes(self, model: str) -> Any:
        """Return the model's line style."""
        return _DASHES[self._rank[model] % len(_DASHES)]

    def marker(self, model: str) -> str:
        """Return the model's marker."""
        return _MARKERS[self._rank[model] % len(_MARKERS)]


# The table that a figure is empty without, as it is where every run diverged.
_SHOWS = {
    "loss_by_noise": "losses",
    "loss_by_model": "losses",
    "loss_by_seconds": "losses",
    "cross": "accuracy",
    "accuracy_by_noise": "accuracy",
    "accuracy": "accuracy",
    "differences": "accuracy",
    "recall": "recall",
    "confusion": "confusion",
    "attention_examples": "attention_examples",
    "occlusion_examples": "attention_examples",
    "attention_position": "attention_position",
    "attention_noise": "attention",
    "memory": "probes",
    "gradients": "probes",
    "placements": "accuracy",
    "rates": "accuracy",
}

Draw = Callable[[Tables, Findings, Look], Figure]
FIGURES: dict[str, Draw] = {}


def _figure(draw: Draw) -> Draw:
    FIGURES[draw.__name__.removeprefix("_draw_")] = draw
    return draw


def draw(
    names: Sequence[str], tables: Tables, findings: Findings, folder: Path, processes: int = 1
) -> None:
    """Draw the figures `names` from the tables and statistics into `folder`, as `<name>.svg`.

    Args:
        names: Which figures.
        tables: As `tables.build` returns them.
        findings: As `findings.find` returns them.
        folder: Where they go.
        processes: How many processes share the work.

    Raises:
        UserError: There is no figure of that name.
    """
    for name in names:
        if name not in FIGURES:
            raise UserError(f"figure {name!r} is not one of {', '.join(FIGURES)}")
    tables = {name: _compared(table, tables["runs"]) for name, table in tables.items()}
    shares = [names[first::processes] for first in range(processes)]
    pool = _pool(processes) if processes > 1 else None
    if pool is None:
        _draw(names, tables, findings, folder)
        return
    with pool:
        drawn = [pool.submit(_draw, share, tables, findings, folder) for share in shares]
        for share in drawn:
            share.result()


def _pool(processes: int) -> ProcessPoolExecutor | None:
    """Return processes that share the work; None where the system has no semaphores for that.

    So it is where /dev/shm cannot be written, as in some containers.
    """
    try:
        return ProcessPoolExecutor(processes, get_context("fork"), initializer=_end_with_parent)
    except (OSError, ImportError, NotImplementedError) as error:
        print(f"figures: drawn in one process, since there are no semaphores ({error})")
        return None


def _end_with_parent() -> None:
    """Have this process end when the one that started it is killed; it would wait for work."""

    def wait() -> None:
        parent = parent_process()
        assert parent is not None
        parent.join()
        os._exit(1)

    Thread(target=wait, daemon=True).start()


def _draw(names: Sequence[str], tables: Tables, findings: Findings, folder: Path) -> None:
    look = Look(_models(tables))
    for name in names:
        with mpl.rc_context(_STYLE):
            figure = (
                _nothing()
                if tables[_SHOWS.get(name, "runs")].empty
                else FIGURES[name](tables, findings, look)
            )
            buffer = io.StringIO()
            with warnings.catch_warnings():
                # Its own font only measures text here; a browser draws it, in one that has it.
                warnings.filterwarnings("ignore", r"Glyph .* missing from font")
                figure.savefig(
                    buffer, format="svg", dpi=120, metadata={"Date": None, "Creator": None}
                )
        write_text(folder / f"{name}.svg", _inlinable(buffer.getvalue(), name))


@_figure
def _draw_loss_by_noise(tables: Tables, findings: Findings, look: Look) -> Figure:
    """All models in one axes, a panel a noise level."""
    losses = tables["losses"]
    noises = _noises(tables)
    figure, panels = _panels(len(noises), width=4.2, height=3.6, sharey=True)
    for axes, noise in zip(panels, noises, strict=True):
        ends = []
        for model, table in _by_model(losses[losses["noise"] == noise]):
            mean = _curve(axes, table, look.colour(model), look.dashes(model), model, noise)
            ends.append((mean, model, look.colour(model)))
        axes.set(title=f"Noise {noise}", xlabel=_budget(tables))
        _thousands(axes)
        _label_ends(axes, ends, noise)
    panels[0].set_ylabel("Loss (Train), nats")
    return figure


@_figure
def _draw_loss_by_model(tables: Tables, findings: Findings, look: Look) -> Figure:
    """Each model alone, a line a noise level."""
    losses = tables["losses"]
    models = _models(tables)
    noises = _noises(tables)
    figure, panels = _panels(len(models), width=4.2, height=3.0, sharey=True)
    for axes, model in zip(panels, models, strict=True):
        ends = []
        for i, noise in enumerate(noises):
            table = losses[(losses["model"] == model) & (losses["noise"] == noise)]
            if table.empty:
                continue
            mean = _curve(axes, table, look.colour(model), _DASHES[i % 5], model, noise)
            ends.append((mean, f"noise {noise}", look.colour(model)))
        axes.set(title=model, xlabel=_budget(tables), ylabel="Loss (Train), nats")
        _thousands(axes)
        _label_ends(axes, ends)
    return figure


@_figure
def _draw_accuracy(tables: Tables, findings: Findings, look: Look) -> Figure:
    """Macro-averaged accuracy, tested at the noise trained at: every seed, mean and interval."""
    runs = tables["runs"]
    models = _models(tables)
    noises = _noises(tables)
    baselines = list(dict.fromkeys(r["baseline"] for r in findings["baselines"]))
    rows = len(models) + len(baselines)
    figure, panels = _panels(len(noises), width=4.2, height=0.42 * rows + 1.5, sharey=True)
    sticks = findings["yardsticks"]
    for axes, noise in zip(panels, noises, strict=True):
        for name, text in (("chance", "chance"), ("macro_ceiling", "ceiling")):
            axes.axvline(sticks[name]["mean"], color=_INK, lw=0.9, ls=(0, (3, 2)))
            axes.annotate(
                text,
                (sticks[name]["mean"], 1),
                (0, 2),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                ha="center",
                fontsize=7.5,
            )
        for i, model in enumerate(models):
            values = runs[(runs["model"] == model) & (runs["noise"] == noise)]["macro_accuracy"]
            values = values.dropna()
            jitter = 0.24 + 0.1 * np.linspace(-1, 1, len(values)) if len(values) > 1 else [0.24]
            seeds = axes.scatter(
                values, i + np.asarray(jitter)[: len(values)], s=9, alpha=0.5, lw=0,
                color=look.colour(model), marker=look.marker(model),
            )  # fmt: skip
            _tag(seeds, "seed", model, noise)
            for record in _select(
                findings["estimates"], metric="macro_accuracy", model=model, noise=noise
            ):
                _interval(axes, record, i, look, model, noise)
        if baselines:
            axes.axhline(len(models) - 0.4, color=_INK, lw=0.6)
        for i, baseline in enumerate(baselines, len(models)):
            for record in _select(
                findings["baselines"], metric="macro_accuracy", baseline=baseline, noise=noise
            ):
                _baseline(axes, record, i, noise)
        axes.set(xlim=(0, 1.0), xlabel="Macro-averaged held-out accuracy")
        axes.set_title(f"Noise {noise}", pad=16)
        axes.set_yticks(range(rows), [*models, *(f"{name} (baseline)" for name in baselines)])
        axes.set_ylim(rows - 0.4, -0.6)
    return figure


@_figure
def _draw_differences(tables: Tables, findings: Findings, look: Look) -> Figure:
    """Forest plot of the paired differences in macro-averaged accuracy."""
    records = [r for r in findings["model_comparisons"] if r["metric"] == "macro_accuracy"]
    noises = list(dict.fromkeys(r["noise"] for r in records))
    rows = max((sum(r["noise"] == n for r in records) for n in noises), default=1)
    figure, panels = _panels(max(len(noises), 1), width=4.6, height=0.34 * rows + 1.3, sharey=True)
    for axes, noise in zip(panels, noises, strict=False):
        shown = [r for r in records if r["noise"] == noise]
        axes.axvline(0, color=_INK, lw=0.9)
        for i, record in enumerate(shown):
            if record["n"] == 0:
                continue
            detected = record["verdict"] in ("higher", "lower")
            if record["low"] is not None:
                line = axes.plot([record["low"], record["high"]], [i, i], color=_INK, lw=1.6)[0]
                _tag(line, "interval", record["a"], noise)
            dot = axes.plot(
                record["mean"], i, "o", ms=6, mec=_INK, mfc=_INK if detected else "none"
            )[0]
            _tag(dot, "mean", record["a"], noise)
            axes.annotate(
                _p_text(record["p_adjusted"]),
                (1, i),
                (4, 0),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                va="center",
                fontsize=7.5,
                annotation_clip=False,
            )
        axes.set_yticks(range(len(shown)), [f"{r['a']} − {r['b']}" for r in shown])
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.margins(x=0.12)
        axes.set(title=f"Noise {noise}", xlabel="Difference in macro-averaged accuracy")
    return figure


@_figure
def _draw_cross(tables: Tables, findings: Findings, look: Look) -> Figure:
    """Macro-averaged accuracy: trained at one noise level, tested at another."""
    records = pd.DataFrame(findings["cross"])
    records = records[records["metric"] == "macro_accuracy"] if len(records) else records
    models = _models(tables)
    noises = _noises(tables)
    side = 0.62 * len(noises) + 1.1
    figure, panels = _panels(len(models), width=max(side, 2.3), height=side)
    for axes, model in zip(panels, models, strict=True):
        if records.empty:
            continue
        matrix = (
            records[records["model"] == model]
            .pivot(index="trained_at", columns="tested_at", values="mean")
            .reindex(index=noises, columns=noises)
            .astype(float)
        )
        sns.heatmap(
            matrix, ax=axes, vmin=0, vmax=1, cmap=_SEQUENTIAL, annot=True, fmt=".2f", cbar=False,
            square=True, linewidths=1.5, linecolor="none", rasterized=False,
        )  # fmt: skip
        axes.set(title=model, xlabel="tested at noise", ylabel="trained at noise")
        axes.tick_params(length=0)
    return figure


@_figure
def _draw_recall(tables: Tables, findings: Findings, look: Look) -> Figure:
    """Recall of every language, mean over seeds, tested at the noise trained at."""
    recall = tables["recall"]
    own = recall[recall["trained_at"] == recall["tested_at"]]
    models = _models(tables)
    matrix = own.pivot_table(
        index="language", columns=["model", "trained_at"], values="recall", aggfunc="mean"
    )
    columns = [(m, n) for m in models for n in _noises(tables)]
    matrix = matrix.reindex(columns=pd.MultiIndex.from_tuples(columns))
    figure, (axes,) = _panels(
        1, width=0.85 * len(columns) + 2.0, height=0.24 * max(len(matrix), 4) + 1.4
    )
    sns.heatmap(
        matrix, ax=axes, vmin=0, vmax=1, cmap=_SEQUENTIAL, annot=True, fmt=".2f",
        annot_kws={"size": 7.5}, cbar=False,
    )  # fmt: skip
    axes.set_xticks(
        np.arange(len(columns)) + 0.5, [f"{m}\nnoise {n}" for m, n in columns], rotation=0
    )
    axes.tick_params(length=0, labelsize=8)
    axes.set(xlabel="", ylabel="")
    return figure


@_figure
def _draw_confusion(tables: Tables, findings: Findings, look: Look) -> Figure:
    """Row-normalised confusion matrices, mean over seeds, tested at the noise trained at."""
    confusion = tables["confusion"]
    own = confusion[confusion["trained_at"] == confusion["tested_at"]]
    models = _models(tables)
    noises = _noises(tables)
    languages = sorted(own["language"].astype(str).unique())
    side = min(max(0.17 * len(languages), 1.6), 7.5)
    width, height = len(noises) * (side + 0.3) + 2.1, len(models) * (side + 0.5) + 1.2
    # Laid out by hand: measuring every rotated label takes longer than all other figures together.
    with mpl.rc_context({"figure.constrained_layout.use": False}):
        figure = Figure(figsize=(width, height))
    figure.subplots_adjust(1.0 / width, 1.1 / height, 1 - 1.0 / width, 1 - 0.3 / height, 0.1, 0.15)
    grid = figure.subplots(len(models), len(noises), squeeze=False, sharex=True, sharey=True)
    ticks = np.arange(len(languages)) + 0.5
    for row, model in zip(grid, models, strict=True):
        for axes, noise in zip(row, noises, strict=True):
            cell = own[(own["model"] == model) & (own["trained_at"] == noise)]
            matrix = cell.pivot_table(index="language", columns="prediction", values="share")
            matrix = matrix.reindex(index=languages, columns=languages)
            mesh = axes.pcolormesh(
                matrix.to_numpy(float), vmin=0, vmax=1, cmap=_SEQUENTIAL, rasterized=True
            )
            axes.set_xticks(ticks, languages, rotation=90)
            axes.set_yticks(ticks, languages)
            axes.grid(visible=False)
            axes.tick_params(length=0, labelsize=7)
            axes.set_title(f"{model}, noise {noise}")
    grid[0, 0].invert_yaxis()
    for axes in grid[:, 0]:
        axes.set_ylabel("true language")
    for axes in grid[-1]:
        axes.set_xlabel("predicted language")
    beside = grid[0, -1].get_position()
    place = (1 - 0.85 / width, beside.y0, 0.12 / width, beside.height)
    figure.colorbar(mesh, cax=figure.add_axes(place), label="share of the language's names")
    return figure


@_figure
def _draw_loss_by_seconds(tables: Tables, findings: Findings, look: Look) -> Figure:
    """Training loss against the seconds of training, at each model's median pace."""
    losses, timings = tables["losses"], tables["timings"]
    noises = _noises(tables)
    figure, panels = _panels(len(noises), width=4.2, height=3.2, sharey=True)
    for axes, noise in zip(panels, noises, strict=True):
        for model, table in _by_model(losses[losses["noise"] == noise]):
            cost = timings[(timings["model"] == model) & (timings["noise"] == noise)]
            pace = float((cost["training_seconds"] / cost["updates"]).median())
            _curve(
                axes, table.assign(update=table["update"] * pace), look.colour(model),
                look.dashes(model), model, noise, seeds=False,
            )  # fmt: skip
        axes.set(title=f"Noise {noise}", xlabel="Seconds of training")
    panels[0].set_ylabel("Loss (Train), nats")
    _legend_below(figure, tables, look)
    return figure


@_figure
def _draw_time_to_target(tables: Tables, findings: Findings, look: Look) -> Figure:
    """The share of runs that reached the target loss, against updates."""
    table = tables["time_to_target"]
    noises = _noises(tables)
    figure, panels = _panels(len(noises), width=4.2, height=2.6, sharey=True)
    budget = float(table["update"].max())
    for axes, noise in zip(panels, noises, strict=True):
        for model, cell in _by_model(table[table["noise"] == noise]):
            times, shares = reached_by(cell["update"], cell["reached"])
            x, y = [0.0, *times, budget], [0.0, *shares, shares[-1]]
            line = axes.step(
                x, y, where="post", color=look.colour(model), ls=look.dashes(model), lw=1.8
            )[0]
            _tag(line, "mean", model, noise)
        axes.set(title=f"Noise {noise}", xlabel=_budget(tables), ylim=(-0.04, 1.06))
        _thousands(axes)
    panels[0].set_ylabel("Share of runs at the target")
    _legend_below(figure, tables, look)
    return figure


@_figure
def _draw_accuracy_by_noise(tables: Tables, findings: Findings, look: Look) -> Figure:
    """Accuracy and mean rank of every model against noise, trained and tested at the same level."""
    noises = _noises(tables)
    figure, (left, right) = _panels(2, width=4.2, height=3.2)
    for axes, records in (
        (left, _select(findings["estimates"], metric="macro_accuracy")),
        (right, findings["ranks"]),
    ):
        ends = []
        for model in _models(tables):
            own = {r["noise"]: r for r in records if r["model"] == model}
            shown = [noise for noise in noises if noise in own]
            if not shown:
                continue
            x = [noises.index(noise) for noise in shown]
            y = [own[noise]["mean"] for noise in shown]
            line = axes.plot(
                x, y, color=look.colour(model), ls=look.dashes(model), marker=look.marker(model),
                lw=1.8, ms=6,
            )[0]  # fmt: skip
            _tag(line, "mean", model)
            for position, noise in zip(x, shown, strict=True):
                if own[noise]["low"] is not None:
                    bar = axes.plot(
                        [position] * 2, [own[noise]["low"], own[noise]["high"]],
                        color=look.colour(model), lw=1.2,
                    )[0]  # fmt: skip
                    _tag(bar, "band", model)
            ends.append(((x[-1] + 0.02, y[-1]), model, look.colour(model)))
        known = _select(findings["baselines"], metric="macro_accuracy") if axes is left else []
        for baseline in dict.fromkeys(r["baseline"] for r in known):
            own = {r["noise"]: r["mean"] for r in known if r["baseline"] == baseline}
            x = [i for i, noise in enumerate(noises) if noise in own]
            y = [own[noises[i]] for i in x]
            line = axes.plot(x, y, color=_INK, lw=0.9, ls=(0, (1, 2)), marker="o", mfc="none")[0]
            _tag(line, "mean", baseline)
            ends.append(((x[-1] + 0.02, y[-1]), f"{baseline} (baseline)", _INK))
        axes.set_xticks(range(len(noises)), noises)
        axes.set_xlabel("Noise")
        if axes is right:
            axes.invert_yaxis()
            axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        else:
            axes.set_ylim(0, None)
        _label_ends(axes, ends)
    left.set(title="Macro-averaged accuracy", ylabel="Accuracy")
    right.set(title="Mean rank by accuracy", ylabel="Rank (1 is best)")
    return figure


@_figure
def _draw_attention_examples(tables: Tables, findings: Findings, look: Look) -> Figure:
    """The weights on every character of a few held-out names, with and without noise."""
    return _names_with(tables, "weight", "attention weight", _SEQUENTIAL, 0, 1)


@_figure
def _draw_occlusion_examples(tables: Tables, findings: Findings, look: Look) -> Figure:
    """What leaving a character out takes from the prediction, for the same names."""
    strongest = float(tables["attention_examples"]["occlusion"].abs().max())
    return _names_with(
        tables, "occlusion", "loss of log-probability, nats", "PuOr_r", -strongest, strongest
    )


def _names_with(
    tables: Tables, column: str, label: str, colours: str, low: float, high: float
) -> Figure:
    """Draw a number for each character of the example names, a row a name, the character in it."""
    weights = tables["attention_examples"]
    own = weights[weights["trained_at"] == weights["tested_at"]]
    models = list(dict.fromkeys(own["model"]))
    noises = _noises(tables)
    rows = max(own.groupby(["model", "trained_at"])["name"].nunique(), default=1)
    figure = Figure(figsize=(4.4 * max(len(noises), 1), max(len(models), 1) * (0.25 * rows + 0.9)))
    grid = figure.subplots(max(len(models), 1), max(len(noises), 1), squeeze=False)
    norm, colour_map = Normalize(low, high), mpl.colormaps[colours]
    for line, model in zip(grid, models, strict=False):
        for axes, noise in zip(line, noises, strict=True):
            cell = own[(own["model"] == model) & (own["trained_at"] == noise)]
            names = list(dict.fromkeys(zip(cell["language"], cell["name"], strict=True)))
            row = [names.index(key) for key in zip(cell["language"], cell["name"], strict=True)]
            matrix = np.full((len(names), int(own["position"].max()) + 1), np.nan)
            matrix[row, cell["position"]] = cell[column]
            axes.pcolormesh(matrix, norm=norm, cmap=colour_map, rasterized=True)
            for x, y, character, value in zip(
                cell["position"], row, cell["character"], cell[column], strict=True
            ):
                red, green, blue, _ = colour_map(norm(value))
                is_dark = 0.3 * red + 0.59 * green + 0.11 * blue < 0.55
                axes.text(
                    x + 0.5, y + 0.5, character, ha="center", va="center", fontsize=8,
                    color="#ffffff" if is_dark else "#000000",
                )  # fmt: skip
            axes.set_yticks(np.arange(len(names)) + 0.5, [language for language, _ in names])
            axes.set_xticks(
                np.arange(0, matrix.shape[1], 2) + 0.5, range(1, matrix.shape[1] + 1, 2)
            )
            axes.invert_yaxis()
            axes.grid(visible=False)
            axes.tick_params(length=0, labelsize=8)
            axes.set(title=f"{model}, noise {noise}", xlabel="character")
    scale = ScalarMappable(norm, colour_map)
    figure.colorbar(scale, ax=grid.ravel().tolist(), label=label, fraction=0.025)
    return figure


@_figure
def _draw_attention_noise(tables: Tables, findings: Findings, look: Look) -> Figure:
    """The weight on noise beside the share of characters that are noise."""
    tested = findings["noisiest"]
    records = [r for r in findings["attention"] if r["tested_at"] == tested]
    rows = list(dict.fromkeys((r["model"], r["trained_at"]) for r in records))
    figure, (axes,) = _panels(1, width=5.4, height=0.45 * max(len(rows), 1) + 1.2)
    for i, (model, trained) in enumerate(rows):
        own = {
            r["quantity"]: r for r in records if (r["model"], r["trained_at"]) == (model, trained)
        }
        _interval(axes, own["on_noise"], i, look, model, trained)
        share = axes.plot(own["noise_share"]["mean"], i, "|", color=_INK, ms=14, mew=1.6)[0]
        _tag(share, "mean", model, trained)
    axes.set_yticks(range(len(rows)), [f"{model}, trained at noise {n}" for model, n in rows])
    axes.set_ylim(max(len(rows), 1) - 0.4, -0.6)
    axes.set(xlim=(0, 1), xlabel=f"Share of attention on noise, tested at noise {tested}")
    return figure


@_figure
def _draw_attention_position(tables: Tables, findings: Findings, look: Look) -> Figure:
    """Mean weight by position from the end, a line a noise level, with the t band over seeds."""
    position = tables["attention_position"]
    own = position[position["trained_at"] == position["tested_at"]]
    models = list(dict.fromkeys(own["model"]))
    noises = _noises(tables)
    figure, panels = _panels(max(len(models), 1), width=4.6, height=3.0, sharey=True)
    for axes, model in zip(panels, models, strict=False):
        for i, noise in enumerate(noises):
            cell = own[(own["model"] == model) & (own["trained_at"] == noise)]
            wide = cell.pivot(index="seed", columns="from_end", values="weight").dropna(axis=1)
            if wide.empty:
                continue
            mean, low, high = t_band(wide.to_numpy())
            x = wide.columns.to_numpy(float)
            colour = _COLOURS[i % len(_COLOURS)]
            line = axes.plot(
                x, mean, color=colour, ls=_DASHES[i % 5], marker=_MARKERS[i % 7], ms=4,
                label=f"noise {noise}",
            )[0]  # fmt: skip
            _tag(line, "mean", model, noise)
            band = axes.fill_between(x, low, high, color=colour, alpha=0.2, lw=0)
            _tag(band, "band", model, noise)
        axes.set(title=model, xlabel="Characters from the end (0 is the last one)")
        axes.set_ylim(bottom=0)
        axes.legend(frameon=False, title="trained and tested at")
    panels[0].set_ylabel("Mean attention weight")
    return figure


@_figure
def _draw_memory(tables: Tables, findings: Findings, look: Look) -> Figure:
    """Accuracy behind a suffix of each length, a panel a training noise."""
    noises = _noises(tables)
    figure, panels = _panels(len(noises), width=4.2, height=3.2, sharey=True)
    for axes, noise in zip(panels, noises, strict=True):
        chance = findings["yardsticks"]["chance"]["mean"]
        axes.axhline(chance, color=_INK, lw=0.9, ls=(0, (3, 2)))
        axes.annotate("chance", (0, chance), (2, -9), textcoords="offset points", fontsize=7.5)
        ends = []
        for model in _models(tables):
            records = _select(findings["memory"], model=model, noise=noise)
            if records:
                end = _distances(axes, records, look, model, noise)
                ends.append((end, model, look.colour(model)))
        axes.set(title=f"Trained at noise {noise}", xlabel="Distractors behind the name")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(bottom=0)
        _label_ends(axes, ends, noise)
    for axes in panels[::2]:
        axes.set_ylabel("Macro-averaged accuracy")
    return figure


@_figure
def _draw_gradients(tables: Tables, findings: Findings, look: Look) -> Figure:
    """Gradient norms by distance from the end: before training, and after it under each noise."""
    noises = _noises(tables)
    asked = [("initial", findings["quietest"]), *(("trained", noise) for noise in noises)]
    figure, panels = _panels(len(asked), width=4.2, height=3.0, sharey=True)
    for axes, (stage, noise) in zip(panels, asked, strict=True):
        ends = []
        for model in _models(tables):
            records = _select(findings["gradients"], model=model, noise=noise, stage=stage)
            if records:
                shown = "" if stage == "initial" else noise
                end = _distances(axes, records, look, model, shown)
                ends.append((end, model, look.colour(model)))
        title = "Before training" if stage == "initial" else f"Trained at noise {noise}"
        axes.set(title=title, xlabel="Characters from the end (0 is the last one)")
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.yaxis.set_major_formatter(_power_of_ten)
        _label_ends(axes, ends)
    for axes in panels[::2]:
        axes.set_ylabel("Gradient norm (last character: 1)")
    return figure


def _distances(
    axes: Axes, records: list[dict[str, Any]], look: Look, model: str, noise: str
) -> tuple[float, float]:
    """Draw means over distance with their band; return the last point."""
    x = [r["distance"] for r in records]
    mean = [r["mean"] for r in records]
    if all(r["low"] is not None for r in records):
        low, high = ([r[key] for r in records] for key in ("low", "high"))
        band = axes.fill_between(x, low, high, color=look.colour(model), alpha=0.2, lw=0)
        _tag(band, "band", model, noise)
    line = axes.plot(x, mean, color=look.colour(model), ls=look.dashes(model), lw=1.8)[0]
    _tag(line, "mean", model, noise)
    return x[-1], mean[-1]


@_figure
def _draw_placements(tables: Tables, findings: Findings, look: Look) -> Figure:
    """What noise at each placement takes from accuracy, a panel a level."""
    effects = _select(findings["noise_effects"], metric="macro_accuracy")
    levels = sorted({Noise.named(r["noise"]).level for r in effects})
    models = _models(tables)
    figure, panels = _panels(max(len(levels), 1), width=5.2, height=3.2, sharey=True)
    for axes, level in zip(panels, levels, strict=True):
        there = [r for r in effects if Noise.named(r["noise"]).level == level]
        placements = list(dict.fromkeys(Noise.named(r["noise"]).placement for r in there))
        axes.axhline(0, color=_INK, lw=0.9)
        for i, model in enumerate(models):
            shift = 0.5 * (i - (len(models) - 1) / 2) / max(len(models), 1)
            for record in there:
                if record["model"] != model or record["mean"] is None:
                    continue
                x = placements.index(Noise.named(record["noise"]).placement) + shift
                if record["low"] is not None:
                    bar = axes.plot(
                        [x, x], [record["low"], record["high"]], color=look.colour(model), lw=2
                    )[0]
                    _tag(bar, "band", model, record["noise"])
                dot = axes.plot(
                    x, record["mean"], look.marker(model), color=look.colour(model), ms=6.5,
                    mec="#ffffff", mew=0.7,
                )[0]  # fmt: skip
                _tag(dot, "mean", model, record["noise"])
        axes.set_xticks(range(len(placements)), placements)
        axes.set(title=f"Level {level}", xlabel="Placement of the noise")
    panels[0].set_ylabel(f"Accuracy minus that at noise {findings['quietest']}")
    _legend_below(figure, tables, look, marked=True)
    return figure


@_figure
def _draw_rates(tables: Tables, findings: Findings, look: Look) -> Figure:
    """Loss and accuracy at every learning rate, a row of panels a noise."""
    rates = findings["rates"]
    noises = _noises(tables)
    figure, panels = _panels(2 * len(noises), width=4.2, height=3.0, sharey="col")
    labels = {"final_loss": "Final loss (Train), nats", "macro_accuracy": "Macro-averaged accuracy"}
    asked = [(noise, metric) for noise in noises for metric in labels]
    for axes, (noise, metric) in zip(panels, asked, strict=True):
        ends = []
        for model in rates["models"]:
            records = sorted(
                _select(rates["estimates"], metric=metric, model=model, noise=noise),
                key=lambda r: r["rate"],
            )
            if not records:
                continue
            x, mean = [r["rate"] for r in records], [r["mean"] for r in records]
            line = axes.plot(
                x, mean, color=look.colour(model), ls=look.dashes(model), marker=look.marker(model),
                lw=1.8, ms=5,
            )[0]  # fmt: skip
            _tag(line, "mean", model, noise)
            for record in records:
                if record["low"] is not None:
                    bar = axes.plot(
                        [record["rate"]] * 2, [record["low"], record["high"]],
                        color=look.colour(model), lw=1.2,
                    )[0]  # fmt: skip
                    _tag(bar, "band", model, noise)
            ends.append(((x[-1], mean[-1]), model, look.colour(model)))
        axes.set_xscale("log")
        known = sorted({r["rate"] for r in rates["estimates"]})
        axes.set_xticks(known, [f"{rate:g}" for rate in known])
        axes.minorticks_off()
        axes.set(title=f"Noise {noise}", xlabel="Learning rate", ylabel=labels[metric])
        axes.set_ylim(bottom=0)
        _label_ends(axes, ends, noise)
    return figure


@_figure
def _draw_rules(tables: Tables, findings: Findings, look: Look) -> Figure:
    """The rules of the workflow, from left to right in the order in which they must run."""
    depth: dict[str, int] = {}  # counted from the last rule, which is 0
    for rule in reversed(RULE_GRAPH):
        waiting = [depth[other] for other, needs in RULE_GRAPH.items() if rule in needs]
        depth[rule] = min(waiting, default=1) - 1
    first = min(depth.values())
    depth = {rule: d - first for rule, d in depth.items()}
    columns = {d: [rule for rule in RULE_GRAPH if depth[rule] == d] for d in depth.values()}
    place = {
        rule: (d, (len(rules) - 1) / 2 - i)
        for d, rules in columns.items()
        for i, rule in enumerate(rules)
    }
    figure, (axes,) = _panels(1, width=9.0, height=2.0)
    axes.set_axis_off()
    for need, rule in shown_waits():
        axes.annotate(
            "", place[rule], place[need], zorder=1,
            arrowprops={
                "arrowstyle": "-|>", "color": _INK, "alpha": 0.6, "shrinkA": 26, "shrinkB": 32,
            },
        )  # fmt: skip
    for rule in RULE_GRAPH:
        axes.text(
            *place[rule], rule, ha="center", va="center", fontsize=8.5, zorder=2,
            bbox={"boxstyle": "round,pad=0.4", "fc": "none", "ec": _INK, "lw": 0.8},
        )  # fmt: skip
    axes.set(xlim=(-0.5, max(columns) + 0.5), ylim=(-1.9, 1.9))
    return figure


def shown_waits() -> list[tuple[str, str]]:
    """Return the waits of RULE_GRAPH that do not follow from others, each (before, after)."""
    return [
        (need, rule)
        for rule, needs in RULE_GRAPH.items()
        for need in needs
        if not any(_waits_for(other, need) for other in needs)
    ]


def _waits_for(rule: str, other: str) -> bool:
    """Whether a rule waits for another, or for one that does."""
    return any(need == other or _waits_for(need, other) for need in RULE_GRAPH[rule])


def _nothing() -> Figure:
    figure, (axes,) = _panels(1, width=5.0, height=0.8)
    axes.set_axis_off()
    axes.text(0, 0.5, "No run completed that this figure could show.", va="center")
    return figure


def _panels(
    count: int, width: float, height: float, sharey: bool | Literal["col"] = False
) -> tuple[Figure, list[Axes]]:
    """Return a figure of `count` axes, at most two a row where they are wide, four where not."""
    across = min(count, 2 if width > 2.9 else 4)
    down = -(-count // across)
    figure = Figure(figsize=(width * across, height * down))
    grid = figure.subplots(down, across, squeeze=False, sharey=sharey)
    axes: list[Axes] = grid.ravel().tolist()
    for unused in axes[count:]:
        unused.remove()
    return figure, axes[:count]


def _budget(tables: Tables) -> str:
    """Return what the horizontal axis of a loss curve counts."""
    batches = tables["runs"]["batch_size"].dropna()
    return "Iterations (updates)" if (batches == 1).all() else "Examples seen"


def _compared(table: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Leave out models that stand in for another at another learning rate."""
    if "model" not in table.columns or table.empty:
        return table
    others = runs.loc[runs["model"] != runs["compared_as"], "model"]
    return table[~table["model"].isin(others)].reset_index(drop=True)


def _models(tables: Tables) -> list[str]:
    """Return all models, also those whose runs all diverged."""
    return list(dict.fromkeys(tables["runs"]["model"]))


def _noises(tables: Tables) -> list[str]:
    """Return all noise conditions, also those under which all runs diverged."""
    return list(dict.fromkeys(tables["runs"]["noise"]))


def _by_model(table: pd.DataFrame) -> Iterable[tuple[str, pd.DataFrame]]:
    return ((str(model), group) for model, group in table.groupby("model", sort=False))


def _select(records: list[dict[str, Any]], **match: Any) -> list[dict[str, Any]]:
    return [r for r in records if all(r[key] == value for key, value in match.items())]


def _curve(
    axes: Axes,
    table: pd.DataFrame,
    colour: str,
    dashes: Any,
    model: str,
    noise: str,
    seeds: bool = True,
) -> tuple[float, float]:
    """Draw every seed thin, the mean thick and its t band; return the mean's last point."""
    wide = table.pivot_table(index="seed", columns="update", values="loss")
    updates = wide.columns.to_numpy(float)
    for _, values in wide.head(SINGLE_SEEDS).iterrows() if seeds else ():
        line = axes.plot(updates, values.to_numpy(float), color=colour, lw=0.5, alpha=0.25)[0]
        _tag(line, "seed", model, noise)
    complete = wide.dropna()
    if complete.empty:
        last = wide.mean().to_numpy(float)
        return float(updates[-1]), float(last[-1])
    mean, low, high = t_band(complete.to_numpy(float))
    if len(complete) > 1:
        band = axes.fill_between(updates, low, high, color=colour, alpha=0.2, lw=0)
        _tag(band, "band", model, noise)
    line = axes.plot(updates, mean, color=colour, ls=dashes, lw=1.8)[0]
    _tag(line, "mean", model, noise)
    return float(updates[-1]), float(mean[-1])


def _interval(
    axes: Axes, record: dict[str, Any], y: float, look: Look, model: str, noise: str
) -> None:
    if record["low"] is not None:
        line = axes.plot([record["low"], record["high"]], [y, y], color=look.colour(model), lw=2.2)[
            0
        ]
        _tag(line, "band", model, noise)
    dot = axes.plot(
        record["mean"], y, look.marker(model), color=look.colour(model), ms=6.5, mec="#ffffff",
        mew=0.7,
    )[0]  # fmt: skip
    _tag(dot, "mean", model, noise)


def _baseline(axes: Axes, record: dict[str, Any], y: float, noise: str) -> None:
    """Draw a baseline's mean and interval: hollow and in ink, unlike any model."""
    if record["low"] is not None:
        line = axes.plot([record["low"], record["high"]], [y, y], color=_INK, lw=1.2)[0]
        _tag(line, "band", record["baseline"], noise)
    dot = axes.plot(record["mean"], y, "o", ms=6, mec=_INK, mfc="none")[0]
    _tag(dot, "mean", record["baseline"], noise)


def _label_ends(
    axes: Axes, ends: list[tuple[tuple[float, float], str, str]], noise: str | None = None
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
            _tag(label, "label", text, noise)


def _legend_below(figure: Figure, tables: Tables, look: Look, marked: bool = False) -> None:
    """Name the models below the axes, where ends of lines have no room for labels."""
    lines = [
        Line2D([], [], color=look.colour(m), ls="", marker=look.marker(m), label=m)
        if marked
        else Line2D([], [], color=look.colour(m), ls=look.dashes(m), lw=1.8, label=m)
        for m in _models(tables)
    ]
    figure.legend(handles=lines, loc="outside lower center", ncols=4, frameon=False, handlelength=3)


def _power_of_ten(exponent: float, _: float) -> str:
    """Return 10 to an exponent as text, which needs no formula."""
    return "10" + f"{exponent:g}".translate(str.maketrans("-0123456789.", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹·"))


def _p_text(p: float | None) -> str:
    if p is None:
        return "p —"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


_TAG = re.compile(r'id="series:([^:"]+):([^:"]+):([^:"]*)"')


def _tag(artist: Artist, part: str, model: str, noise: str | str = "") -> None:
    """Mark what an artist shows, so that the report can show and hide it."""
    artist.set_gid(f"series:{part}:{model}:{noise}")


def _thousands(axes: Axes) -> None:
    """Write updates as 20k, at most six of them, so that labels keep apart."""
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(lambda x, _: f"{x / 1000:g}k" if x >= 1000 else f"{x:g}")


def _inlinable(svg: str, name: str) -> str:
    """Return the SVG element fit to stand in a page with others.

    Ids get the figure's name in front, tags become data attributes, the ink takes the page's text
    colour, and the size follows the page.
    """
    svg = svg[svg.index("<svg") :]
    svg = _TAG.sub(r'class="series" data-part="\1" data-model="\2" data-noise="\3"', svg)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    svg = re.sub(r'xlink:href="#([^"]+)"', rf'xlink:href="#{name}-\1"', svg)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    return svg.replace(_INK, "currentColor")
