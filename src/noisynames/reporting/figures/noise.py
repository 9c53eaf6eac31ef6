"""What noise does: trained at one level and tested at another, by placement, memory, gradients."""

from typing import TYPE_CHECKING, Any

import numpy as np

from noisynames.names.noise import Noise
from noisynames.reporting.figures.look import (
    INK,
    Look,
    draw_interval,
    heat_map,
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

_TRAINED = ("Trained at", "noise", True)
_MOST_NAMES = 12
"""The most noises that have room for a name and a number each."""


@figure(
    shows="accuracy",
    alt="Macro-averaged accuracy by training noise and test noise, one panel per model",
    caption="""
        Macro-averaged held-out accuracy in per cent, trained under one noise (rows) and tested
        under another (columns): mean over {{ seeds() }}.
    """,
    numbers=Numbers(
        "Macro-averaged accuracy by training and test noise",
        [MODEL, ("Trained at", "trained_at", True), ("Tested at", "tested_at", True), *BOUNDS],
        lambda tables, findings: select(findings["cross"], metric="macro_accuracy"),
    ),
)
def cross(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """Macro-averaged accuracy: trained at one noise level, tested at another."""
    import pandas as pd

    records = pd.DataFrame(findings["cross"])
    records = records[records["metric"] == "macro_accuracy"] if len(records) else records
    models = models_in(tables)
    noises = noises_in(tables)
    some = len(noises) <= _MOST_NAMES
    named = np.arange(0, len(noises), max(1, -(-len(noises) // _MOST_NAMES)))
    across = 6 if len(noises) <= 3 else 3
    longest = max(map(len, noises), default=0)
    side = min(0.36 * len(noises), 2.4) + 0.9 + (0.08 * longest if longest > 3 else 0)
    figure, panels = new_panels(len(models), height=side, across=across)
    for axes, model in zip(panels, models, strict=True):
        if records.empty:
            continue
        matrix = (
            records[records["model"] == model]
            .pivot(index="trained_at", columns="tested_at", values="mean")
            .reindex(index=noises, columns=noises)
            .astype(float)
        )
        texts = {"in_layout": False}
        heat_map(
            axes, matrix, annot=some, annot_kws=texts, cbar=not some, linewidths=1.5 if some else 0,
            linecolor="none",
        )  # fmt: skip
        axes.set(title=look.label(model, 18), xlabel="tested at noise", ylabel="")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_ticks(named + 0.5, [noises[i] for i in named])
        axes.tick_params(length=0)
        if longest > 3:  # with their placement
            axes.tick_params(labelsize=8)
            axes.tick_params("x", rotation=90)
    for axes in panels[::across]:
        axes.set_ylabel("trained at noise")
    return figure


@figure(
    shows="accuracy",
    applies=lambda grid: len({noise.placement for noise in grid.conditions if noise.level}) > 1,
    alt="What noise at each placement costs in macro-averaged accuracy",
    caption="""
        Macro-averaged held-out accuracy, trained and tested under the same noise, minus that at
        noise {{ findings.quietest }}. At each level, the noise characters and their number are
        the same for every placement; only their place differs. Bars: {{ band() }} of the paired
        difference.
    """,
    numbers=Numbers(
        "Macro-averaged accuracy minus that at the lowest noise",
        [MODEL, NOISE, *BOUNDS, ("p (Holm)", "p_adjusted", True)],
        lambda tables, findings: select(findings["noise_effects"], metric="macro_accuracy"),
    ),
)
def placements(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """What noise at each placement costs in accuracy, one panel per level."""
    effects = select(findings["noise_effects"], metric="macro_accuracy")
    levels = sorted({Noise.named(r["noise"]).level for r in effects})
    models = models_in(tables)
    figure, panels = new_panels(max(len(levels), 1), height=2.8, sharey=True)
    for axes, level in zip(panels, levels, strict=True):
        there = [r for r in effects if Noise.named(r["noise"]).level == level]
        placements = list(dict.fromkeys(Noise.named(r["noise"]).placement for r in there))
        axes.axhline(0, color=INK, lw=0.9)
        for i, model in enumerate(models):
            shift = 0.5 * (i - (len(models) - 1) / 2) / max(len(models), 1)
            for record in there:
                if record["model"] == model and record["mean"] is not None:
                    x = placements.index(Noise.named(record["noise"]).placement) + shift
                    draw_interval(axes, record, x, look, model, record["noise"], upright=True)
        axes.set_xticks(range(len(placements)), placements)
        axes.set(title=f"Level {level}", xlabel="Placement of the noise")
        percentages(axes.yaxis)
    panels[0].set_ylabel(f"Accuracy minus that at noise {findings['quietest']}")
    legend_below(figure, tables, look, marked=True)
    return figure


@figure(
    shows="probes",
    alt="Macro-averaged accuracy against the number of junk characters after the name, one panel "
    "per training noise",
    caption="""
        Memory probe: macro-averaged accuracy on up to {{ config.probe.names_per_language }}
        held-out names per {{ config.dataset.label_name }}, each followed by exactly the given
        number of junk characters, whatever noise the model was trained under. Band: {{ band() }}.
    """,
    numbers=Numbers(
        "Macro-averaged accuracy by number of junk characters after the name",
        [MODEL, _TRAINED, ("Junk characters", "distance", True), *BOUNDS],
        lambda tables, findings: findings["memory"],
    ),
)
def memory(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """Accuracy by number of junk characters after the name, one panel per training noise."""
    from matplotlib.ticker import MaxNLocator

    noises = noises_in(tables)
    figure, panels = new_panels(len(noises), height=2.7, sharey=True)
    for axes, noise in zip(panels, noises, strict=True):
        chance = findings["yardsticks"]["chance"]["mean"]
        axes.axhline(chance, color=INK, lw=0.9, ls=(0, (3, 2)))
        axes.annotate("chance", (0, chance), (2, -9), textcoords="offset points", fontsize=7.5)
        ends = []
        for model in models_in(tables):
            records = select(findings["memory"], model=model, noise=noise)
            if records:
                end = _distances(axes, records, look, model, noise)
                ends.append((end, look.label(model), look.colour(model)))
        axes.set(title=f"Trained at noise {noise}", xlabel="Junk characters after the name")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(bottom=0)
        percentages(axes.yaxis)
        label_ends(axes, ends, noise)
    for axes in panels[::2]:
        axes.set_ylabel("Macro-averaged accuracy")
    return figure


@figure(
    shows="probes",
    alt="Norm of the loss's gradient with respect to each character, by distance from the end, "
    "before and after training",
    caption="""
        How far the gradient reaches: norm of the loss’s gradient with respect to the input at
        each distance from the end, relative to that at the last character, on held-out names
        followed by {{ config.probe.longest_suffix }} junk characters (so distances up to {{
        config.probe.longest_suffix - 1 }} are noise). A straight fall on this logarithmic scale
        is a vanishing gradient: training learns little from characters that far back. Line: mean
        of the logarithm; band: {{ band() }}. Models of your own (<code>custom</code>) have no
        line.
    """,
    numbers=Numbers(
        "Gradient norm relative to that at the last character, as logarithm to base 10",
        [MODEL, _TRAINED, ("When", "stage", False), ("From the end", "distance", True), *BOUNDS],
        lambda tables, findings: findings["gradients"],
    ),
)
def gradients(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """Gradient norms by distance from the end: before training, and after it under each noise."""
    from matplotlib.ticker import MaxNLocator

    noises = noises_in(tables)
    asked = [("initial", findings["quietest"]), *(("trained", noise) for noise in noises)]
    figure, panels = new_panels(len(asked), height=2.5, across=3, sharey=True)
    for axes, (stage, noise) in zip(panels, asked, strict=True):
        for model in models_in(tables):
            records = select(findings["gradients"], model=model, noise=noise, stage=stage)
            if records:
                shown = "" if stage == "initial" else noise
                _distances(axes, records, look, model, shown)
        title = "Before training" if stage == "initial" else f"Trained at noise {noise}"
        axes.set(title=title, xlabel="Characters from the end (0: the last)")
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.yaxis.set_major_formatter(_power_of_ten)
    for axes in panels[::3]:
        axes.set_ylabel("Gradient norm (last: 1)")
    legend_below(figure, tables, look)
    return figure


def _distances(
    axes: "Axes", records: list[dict[str, Any]], look: Look, model: str, noise: str
) -> tuple[float, float]:
    """Draw means over distance with their band; return the last point."""
    x = [r["distance"] for r in records]
    mean = [r["mean"] for r in records]
    if all(r["low"] is not None for r in records):
        low, high = ([r[key] for r in records] for key in ("low", "high"))
        band = axes.fill_between(x, low, high, color=look.colour(model), alpha=0.2, lw=0)
        tag(band, "band", model, noise)
    line = axes.plot(x, mean, color=look.colour(model), ls=look.dashes(model), lw=1.8)[0]
    last = f", {records[-1]['distance']} characters away"
    tag(line, "mean", model, noise, look.tip(records[-1], model, noise, last))
    return x[-1], mean[-1]


def _power_of_ten(exponent: float, _: float) -> str:
    """Return 10 to an exponent as plain text, without a formula."""
    return "10" + f"{exponent:g}".translate(str.maketrans("-0123456789.", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹·"))
