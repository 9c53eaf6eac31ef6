"""Training loss: by noise, by model, by seconds, time to a target, learning rates."""

from collections.abc import Iterable
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from noisynames.analysis.findings import Findings
from noisynames.analysis.statistics import reached_by, t_band
from noisynames.analysis.tables import Tables
from noisynames.reporting.figures.look import (
    DASHES,
    Look,
    label_ends,
    legend_below,
    models_in,
    new_panels,
    noises_in,
    select,
    tag,
)
from noisynames.reporting.figures.registry import figure

SINGLE_SEEDS = 20
"""Of so many seeds the curves are drawn singly; more would make the page heavy and no clearer."""


@figure(shows="losses")
def loss_by_noise(tables: Tables, findings: Findings, look: Look) -> Figure:
    """All models in one axes, one panel per noise level."""
    losses = tables["losses"]
    noises = noises_in(tables)
    figure, panels = new_panels(len(noises), width=4.2, height=3.6, sharey=True)
    for axes, noise in zip(panels, noises, strict=True):
        ends = []
        for model, table in _by_model(losses[losses["noise"] == noise]):
            mean = _curve(axes, table, look.colour(model), look.dashes(model), model, noise)
            ends.append((mean, model, look.colour(model)))
        axes.set(title=f"Noise {noise}", xlabel=_budget(tables))
        _thousands(axes)
        label_ends(axes, ends, noise)
    panels[0].set_ylabel("Loss (Train), nats")
    return figure


@figure(shows="losses")
def loss_by_model(tables: Tables, findings: Findings, look: Look) -> Figure:
    """Each model alone, one line per noise level."""
    losses = tables["losses"]
    models = models_in(tables)
    noises = noises_in(tables)
    figure, panels = new_panels(len(models), width=4.2, height=3.0, sharey=True)
    for axes, model in zip(panels, models, strict=True):
        ends = []
        for i, noise in enumerate(noises):
            table = losses[(losses["model"] == model) & (losses["noise"] == noise)]
            if table.empty:
                continue
            mean = _curve(axes, table, look.colour(model), DASHES[i % 5], model, noise)
            ends.append((mean, f"noise {noise}", look.colour(model)))
        axes.set(title=model, xlabel=_budget(tables), ylabel="Loss (Train), nats")
        _thousands(axes)
        label_ends(axes, ends)
    return figure


@figure(shows="losses")
def loss_by_seconds(tables: Tables, findings: Findings, look: Look) -> Figure:
    """Training loss against the seconds of training, at each model's median pace."""
    losses, timings = tables["losses"], tables["timings"]
    noises = noises_in(tables)
    figure, panels = new_panels(len(noises), width=4.2, height=3.2, sharey=True)
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
    legend_below(figure, tables, look)
    return figure


@figure()
def time_to_target(tables: Tables, findings: Findings, look: Look) -> Figure:
    """The share of runs that reached the target loss, against updates."""
    table = tables["time_to_target"]
    noises = noises_in(tables)
    figure, panels = new_panels(len(noises), width=4.2, height=2.6, sharey=True)
    budget = float(table["update"].max())
    for axes, noise in zip(panels, noises, strict=True):
        for model, cell in _by_model(table[table["noise"] == noise]):
            times, shares = reached_by(cell["update"], cell["reached"])
            x, y = [0.0, *times, budget], [0.0, *shares, shares[-1]]
            line = axes.step(
                x, y, where="post", color=look.colour(model), ls=look.dashes(model), lw=1.8
            )[0]
            tag(line, "mean", model, noise)
        axes.set(title=f"Noise {noise}", xlabel=_budget(tables), ylim=(-0.04, 1.06))
        _thousands(axes)
    panels[0].set_ylabel("Share of runs at the target")
    legend_below(figure, tables, look)
    return figure


@figure(shows="accuracy")
def rates(tables: Tables, findings: Findings, look: Look) -> Figure:
    """Loss and accuracy at every learning rate, a row of panels a noise."""
    rates = findings["rates"]
    noises = noises_in(tables)
    figure, panels = new_panels(2 * len(noises), width=4.2, height=3.0, sharey="col")
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
            line = axes.plot(
                x, mean, color=look.colour(model), ls=look.dashes(model), marker=look.marker(model),
                lw=1.8, ms=5,
            )[0]  # fmt: skip
            tag(line, "mean", model, noise)
            for record in records:
                if record["low"] is not None:
                    bar = axes.plot(
                        [record["rate"]] * 2, [record["low"], record["high"]],
                        color=look.colour(model), lw=1.2,
                    )[0]  # fmt: skip
                    tag(bar, "band", model, noise)
            ends.append(((x[-1], mean[-1]), model, look.colour(model)))
        axes.set_xscale("log")
        known = sorted({r["rate"] for r in rates["estimates"]})
        axes.set_xticks(known, [f"{rate:g}" for rate in known])
        axes.minorticks_off()
        axes.set(title=f"Noise {noise}", xlabel="Learning rate", ylabel=labels[metric])
        axes.set_ylim(bottom=0)
        label_ends(axes, ends, noise)
    return figure


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
        tag(line, "seed", model, noise)
    complete = wide.dropna()
    if complete.empty:
        last = wide.mean().to_numpy(float)
        return float(updates[-1]), float(last[-1])
    mean, low, high = t_band(complete.to_numpy(float))
    if len(complete) > 1:
        band = axes.fill_between(updates, low, high, color=colour, alpha=0.2, lw=0)
        tag(band, "band", model, noise)
    line = axes.plot(updates, mean, color=colour, ls=dashes, lw=1.8)[0]
    tag(line, "mean", model, noise)
    return float(updates[-1]), float(mean[-1])


def _budget(tables: Tables) -> str:
    """Return what the horizontal axis of a loss curve counts."""
    batches = tables["runs"]["batch_size"].dropna()
    return "Iterations (updates)" if (batches == 1).all() else "Examples seen"


def _thousands(axes: Axes) -> None:
    """Write updates as 20k, at most six of them, so that labels keep apart."""
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(lambda x, _: f"{x / 1000:g}k" if x >= 1000 else f"{x:g}")


def _by_model(table: pd.DataFrame) -> Iterable[tuple[str, pd.DataFrame]]:
    return ((str(model), group) for model, group in table.groupby("model", sort=False))
