"""Training loss: by noise, by model, by seconds, time to a target, learning rates."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from noisynames.reporting.figures.look import (
    DASHES,
    Look,
    draw_interval,
    label_ends,
    legend_below,
    models_in,
    new_panels,
    noises_in,
    percentages,
    select,
    tag,
)
from noisynames.reporting.figures.registry import BOUNDS, MODEL, NOISE, Numbers, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from noisynames.analysis.findings.summary import Findings
    from noisynames.analysis.tables import Tables

SINGLE_SEEDS = 20
"""The most seeds to draw single curves for; more would make the page heavy and no clearer."""

_POINTS = 8
"""How many points of each curve are in the table below a figure."""
_LINES = """
    Thin lines: single seeds{% if findings.seeds > MOST %}, the first MOST of them{% endif %}. Thick
    lines: the mean of all. Band: {{ band() }}""".replace("MOST", str(SINGLE_SEEDS))


def _some_points(tables: "Tables", findings: "Findings") -> list[dict[str, Any]]:
    """Return a few points of each mean curve."""
    return [
        {
            **{key: curve[key] for key in ("model", "noise")},
            **{key: curve[key] and curve[key][i] for key in ("update", "mean", "low", "high")},
        }
        for curve in findings["curves"]
        if curve["n"]
        for i in np.unique(np.linspace(0, len(curve["update"]) - 1, _POINTS).astype(int))
    ]


_CURVES = Numbers(
    "Mean training loss (nats) with its 95 % t interval at some recorded points",
    [MODEL, NOISE, ("Update", "update", True), *BOUNDS],
    _some_points,
)


@figure(
    shows="losses",
    alt="Training loss against updates, all models, one panel per noise level",
    caption="""
        Each point averages the losses of {{ config.training.record_every | thousands }}
        {{ "names" if batched else "updates" }}.
    """
    + _LINES
    + ".",
    numbers=_CURVES,
)
def loss_by_noise(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """All models together, one panel per noise level."""
    noises = noises_in(tables)
    figure, panels = new_panels(len(noises), height=3.1, sharey=True)
    for axes, noise in zip(panels, noises, strict=True):
        ends = []
        for curve in _curves(tables, findings, noise=noise):
            model = curve["model"]
            _draw_seeds(axes, tables, curve, look)
            end = _draw_mean(axes, curve, curve["update"], look, look.dashes(model))
            ends.append((end, look.label(model), look.colour(model)))
        axes.set(title=f"Noise {noise}", xlabel=_budget(tables))
        axes.set_ylim(bottom=0)
        _thousands(axes)
        label_ends(axes, ends, noise)
    panels[0].set_ylabel("Loss (Train), nats")
    return figure


@figure(
    shows="losses",
    alt="Training loss against updates, one panel per model, one line per noise level",
    caption="The same means, one panel for each model, one line for each noise level.",
    numbers=replace(_CURVES, caption=f"{_CURVES.caption}, as above"),
)
def loss_by_model(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """One panel per model, one line per noise level."""
    models = models_in(tables)
    noises = noises_in(tables)
    figure, panels = new_panels(len(models), height=2.15, across=3, sharey=True)
    for axes, model in zip(panels, models, strict=True):
        ends = []
        for curve in _curves(tables, findings, model=model):
            dashes = DASHES[noises.index(curve["noise"]) % 5]
            end = _draw_mean(axes, curve, curve["update"], look, dashes)
            ends.append((end, f"noise {curve['noise']}", look.colour(model)))
        axes.set(title=look.label(model, 36), xlabel=_budget(tables))
        axes.set_ylim(bottom=0)
        _thousands(axes)
        label_ends(axes, ends)
    for axes in panels[::3]:
        axes.set_ylabel("Loss (Train), nats")
    return figure


@figure(
    shows="losses",
    alt="Training loss against seconds of training, all models, one panel per noise level",
    caption="""
        The same mean losses against the time spent in updates, at each model's median pace on
        this machine. {% if findings.engines | length > 1 %}Not all
        models were trained by the same engine (see <a href="#provenance">the table of
        costs</a>), and the compiled one makes an update some hundred times faster, so this
        compares engines too. {% endif %}Time differs from machine to machine; it is not tested.
    """,
    numbers=Numbers(
        "Mean training loss (nats) against seconds of training",
        [MODEL, NOISE, ("Seconds", "seconds", True), *BOUNDS],
        lambda tables, findings: [
            {**r, "seconds": r["update"] * _paces(findings)[r["model"], r["noise"]]}
            for r in _some_points(tables, findings)
        ],
    ),
)
def loss_by_seconds(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """Training loss against the seconds of training, at each model's median pace."""
    noises = noises_in(tables)
    paces = _paces(findings)
    figure, panels = new_panels(len(noises), height=2.5, sharey=True)
    for axes, noise in zip(panels, noises, strict=True):
        for curve in _curves(tables, findings, noise=noise):
            model = curve["model"]
            seconds = np.array(curve["update"]) * paces[model, noise]
            _draw_mean(axes, curve, seconds, look, look.dashes(model))
        axes.set(title=f"Noise {noise}", xlabel="Seconds of training")
        axes.set_ylim(bottom=0)
    panels[0].set_ylabel("Loss (Train), nats")
    legend_below(figure, tables, look)
    return figure


@figure(
    alt="Share of runs that reached the target loss, against updates",
    caption="""
        Share of runs whose recorded training loss reached {{ findings.time_to_target.target |
        number }} nats, half the loss of a uniform guess, by number of {{ "examples" if batched
        else "updates" }}. Each step is one seed of {{ seeds() }}. Runs that never reached it
        are censored at their last update; there is no band.
    """,
    numbers=Numbers(
        "Runs that reached the target loss, and the median updates it took",
        [
            MODEL,
            NOISE,
            ("Runs", "runs", True),
            ("Reached it", "reached", True),
            ("Median updates", "median_updates", True),
        ],
        lambda tables, findings: [
            {**r, "median_updates": None if r["median"] is None else f"{r['median']:,.0f}"}
            for r in findings["time_to_target"]["groups"]
        ],
    ),
)
def time_to_target(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """The share of runs that reached the target loss, against updates."""
    noises = noises_in(tables)
    figure, panels = new_panels(len(noises), height=2.2, sharey=True)
    budget = float(tables["time_to_target"]["update"].max())
    for axes, noise in zip(panels, noises, strict=True):
        for group in select(findings["time_to_target"]["groups"], noise=noise):
            if not group["runs"]:
                continue
            model, shares = group["model"], group["shares"]
            x, y = [0.0, *group["times"], budget], [0.0, *shares, shares[-1]]
            line = axes.step(
                x, y, where="post", color=look.colour(model), ls=look.dashes(model), lw=1.8
            )[0]
            reached = f"{group['reached']} of {group['runs']} runs reached the target"
            tag(line, "mean", model, noise, f"{look.label(model, 60)}, noise {noise}: {reached}")
        axes.set(title=f"Noise {noise}", xlabel=_budget(tables), ylim=(-0.04, 1.06))
        percentages(axes.yaxis)
        _thousands(axes)
    panels[0].set_ylabel("Share of runs at the target")
    legend_below(figure, tables, look)
    return figure


@figure(
    shows="accuracy",
    applies=lambda grid: any(len(names) > 1 for names in grid.rates.values()),
    alt="Final training loss and held-out accuracy against the learning rate, one row per noise",
    caption="""
        Final training loss and macro-averaged held-out accuracy at every learning rate. Line:
        mean; bars: {{ band() }}. Runs that diverged are left out; the table below says how many
        completed.
    """,
    numbers=Numbers(
        "Final training loss (nats), held-out and validation accuracy at every rate",
        [
            MODEL,
            NOISE,
            ("Learning rate", "rate_text", True),
            ("What", "metric", False),
            *BOUNDS,
            ("Seeds", "n", True),
        ],
        lambda tables, findings: [
            {**r, "rate_text": f"{r['rate']:g}"} for r in findings["rates"]["estimates"]
        ],
    ),
)
def rates(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """Loss and accuracy at every learning rate, one row of panels per noise level."""
    rates = findings["rates"]
    noises = noises_in(tables)
    figure, panels = new_panels(2 * len(noises), height=2.6, sharey="col")
    labels = {"final_loss": "Final loss (Train), nats", "macro_accuracy": "Macro-averaged accuracy"}
    asked = [(noise, metric) for noise in noises for metric in labels]
    for axes, (noise, metric) in zip(panels, asked, strict=True):
        ends = []
        for model in rates["models"]:
            records = sorted(
                select(rates["estimates"], metric=metric, model=model, noise=noise),
                key=lambda r: r["rate"],
            )
            if not records:
                continue
            x, mean = [r["rate"] for r in records], [r["mean"] for r in records]
            line = axes.plot(x, mean, color=look.colour(model), ls=look.dashes(model), lw=1.8)[0]
            tag(line, "mean", model, noise)
            for record in records:
                draw_interval(axes, record, record["rate"], look, model, noise, upright=True)
            ends.append(((x[-1], mean[-1]), look.label(model), look.colour(model)))
        axes.set_xscale("log")
        known = sorted({r["rate"] for r in rates["estimates"]})
        axes.set_xticks(known, [f"{rate:g}" for rate in known])
        axes.minorticks_off()
        axes.set(title=f"Noise {noise}", xlabel="Learning rate", ylabel=labels[metric])
        axes.set_ylim(bottom=0)
        if metric == "macro_accuracy":
            percentages(axes.yaxis)
        label_ends(axes, ends, noise)
    return figure


def _curves(tables: "Tables", findings: "Findings", **match: str) -> Iterable[dict[str, Any]]:
    """Return the mean curves of the compared models, for one noise or one model."""
    shown = models_in(tables)
    return (curve for curve in select(findings["curves"], **match) if curve["model"] in shown)


def _draw_seeds(axes: "Axes", tables: "Tables", curve: dict[str, Any], look: Look) -> None:
    """Draw the curves of an arm's first seeds as thin lines."""
    model, noise = curve["model"], curve["noise"]
    losses = tables["losses"]
    cell = losses[(losses["model"] == model) & (losses["noise"] == noise)]
    wide = cell.pivot_table(index="seed", columns="update", values="loss")
    for _, values in wide.head(SINGLE_SEEDS).iterrows():
        line = axes.plot(
            curve["update"], values.to_numpy(float), color=look.colour(model), lw=0.5, alpha=0.25
        )[0]
        tag(line, "seed", model, noise)


def _draw_mean(
    axes: "Axes", curve: dict[str, Any], x: Any, look: Look, dashes: Any
) -> tuple[float, float]:
    """Draw the mean of a curve as a thick line, with its band cut at 0, the least loss.

    Returns:
        Its last point; where no seed completed, the mean over the seeds that got there.
    """
    model, noise = curve["model"], curve["noise"]
    colour = look.colour(model)
    if curve["n"] > 1:
        low = np.maximum(curve["low"], 0)
        band = axes.fill_between(x, low, curve["high"], color=colour, alpha=0.2, lw=0)
        tag(band, "band", model, noise)
    if curve["n"]:
        line = axes.plot(x, curve["mean"], color=colour, ls=dashes, lw=1.8)[0]
        last = {key: curve[key] and curve[key][-1] for key in ("mean", "low", "high")}
        tag(line, "mean", model, noise, look.tip(last, model, noise, " nats at the end"))
    return float(x[-1]), curve["mean"][-1] if curve["n"] else curve["last"]


def _paces(findings: "Findings") -> dict[tuple[str, str], float]:
    """Return the median seconds that an update of each arm took."""
    return {(r["model"], r["noise"]): r["pace"] for r in findings["paces"]}


def _budget(tables: "Tables") -> str:
    """Return what the horizontal axis of a loss curve counts."""
    batches = tables["runs"]["batch_size"].dropna()
    return "Iterations (updates)" if (batches == 1).all() else "Examples seen"


def _thousands(axes: "Axes") -> None:
    """Write updates as 20k, with at most six labels, so that they do not overlap."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(lambda x, _: f"{x / 1000:g}k" if x >= 1000 else f"{x:g}")
