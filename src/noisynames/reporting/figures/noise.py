"""What noise does: trained at one and tested at another, at each placement, memory, gradients."""

from typing import TYPE_CHECKING, Any

from noisynames.names.noise import Noise
from noisynames.reporting.figures.look import (
    INK,
    SEQUENTIAL,
    Look,
    label_ends,
    legend_below,
    models_in,
    new_panels,
    noises_in,
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


@figure(
    shows="accuracy",
    alt="Macro-averaged accuracy by training noise and test noise, one panel per model",
    caption="""
        Macro-averaged held-out accuracy of models trained at one noise level (rows) and tested
        at another (columns): mean over {{ seeds() }}.
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
    import seaborn as sns

    records = pd.DataFrame(findings["cross"])
    records = records[records["metric"] == "macro_accuracy"] if len(records) else records
    models = models_in(tables)
    noises = noises_in(tables)
    side = 0.62 * len(noises) + 1.1
    figure, panels = new_panels(len(models), width=max(side, 2.3), height=side)
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
            matrix, ax=axes, vmin=0, vmax=1, cmap=SEQUENTIAL, annot=True, fmt=".2f", cbar=False,
            square=True, linewidths=1.5, linecolor="none", rasterized=False,
        )  # fmt: skip
        axes.set(title=model, xlabel="tested at noise", ylabel="trained at noise")
        axes.tick_params(length=0)
    return figure


@figure(
    shows="accuracy",
    applies=lambda grid: len({noise.placement for noise in grid.conditions if noise.level}) > 1,
    alt="What noise at each placement takes from macro-averaged accuracy",
    caption="""
        Macro-averaged held-out accuracy, trained and tested under the same noise, minus that at
        noise {{ findings.quietest }}. The number of distractors and their characters are the
        same at every placement of a level; only their place differs. Bars: {{ band() }} of the
        paired difference.
    """,
    numbers=Numbers(
        "Macro-averaged accuracy minus that at the lowest noise",
        [MODEL, NOISE, *BOUNDS, ("p (Holm)", "p_adjusted", True)],
        lambda tables, findings: select(findings["noise_effects"], metric="macro_accuracy"),
    ),
)
def placements(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """What noise at each placement takes from accuracy, one panel per level."""
    effects = select(findings["noise_effects"], metric="macro_accuracy")
    levels = sorted({Noise.named(r["noise"]).level for r in effects})
    models = models_in(tables)
    figure, panels = new_panels(max(len(levels), 1), width=5.2, height=3.2, sharey=True)
    for axes, level in zip(panels, levels, strict=True):
        there = [r for r in effects if Noise.named(r["noise"]).level == level]
        placements = list(dict.fromkeys(Noise.named(r["noise"]).placement for r in there))
        axes.axhline(0, color=INK, lw=0.9)
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
                    tag(bar, "band", model, record["noise"])
                dot = axes.plot(
                    x, record["mean"], look.marker(model), color=look.colour(model), ms=6.5,
                    mec="#ffffff", mew=0.7,
                )[0]  # fmt: skip
                tag(dot, "mean", model, record["noise"])
        axes.set_xticks(range(len(placements)), placements)
        axes.set(title=f"Level {level}", xlabel="Placement of the noise")
    panels[0].set_ylabel(f"Accuracy minus that at noise {findings['quietest']}")
    legend_below(figure, tables, look, marked=True)
    return figure


@figure(
    shows="probes",
    alt="Macro-averaged accuracy against the number of distractors behind the name, one panel per "
    "training noise",
    caption="""
        Memory probe: macro-averaged accuracy on {{ config.probe.names_per_language }} held-out
        names per language (fewer where there are fewer), each followed by exactly so many
        distractors, whatever the model was trained under. Band: {{ band() }}.
    """,
    numbers=Numbers(
        "Macro-averaged accuracy behind a suffix",
        [MODEL, _TRAINED, ("Distractors", "distance", True), *BOUNDS],
        lambda tables, findings: findings["memory"],
    ),
)
def memory(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """Accuracy behind a suffix of each length, one panel per training noise."""
    from matplotlib.ticker import MaxNLocator

    noises = noises_in(tables)
    figure, panels = new_panels(len(noises), width=4.2, height=3.2, sharey=True)
    for axes, noise in zip(panels, noises, strict=True):
        chance = findings["yardsticks"]["chance"]["mean"]
        axes.axhline(chance, color=INK, lw=0.9, ls=(0, (3, 2)))
        axes.annotate("chance", (0, chance), (2, -9), textcoords="offset points", fontsize=7.5)
        ends = []
        for model in models_in(tables):
            records = select(findings["memory"], model=model, noise=noise)
            if records:
                end = _distances(axes, records, look, model, noise)
                ends.append((end, model, look.colour(model)))
        axes.set(title=f"Trained at noise {noise}", xlabel="Distractors behind the name")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(bottom=0)
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
        followed by {{ config.probe.longest_suffix }} distractors (so distances up to {{
        config.probe.longest_suffix - 1 }} are noise). A straight fall on this logarithmic scale
        is a gradient that vanishes: training learns little from characters so far back. Mean of
        the logarithm; band: {{ band() }}. Models of your own (<code>custom</code>) have no
        line.
    """,
    numbers=Numbers(
        "Gradient norm relative to the last character's, as logarithm to base 10",
        [MODEL, _TRAINED, ("When", "stage", False), ("From the end", "distance", True), *BOUNDS],
        lambda tables, findings: findings["gradients"],
    ),
)
def gradients(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """Gradient norms by distance from the end: before training, and after it under each noise."""
    from matplotlib.ticker import MaxNLocator

    noises = noises_in(tables)
    asked = [("initial", findings["quietest"]), *(("trained", noise) for noise in noises)]
    figure, panels = new_panels(len(asked), width=4.2, height=3.0, sharey=True)
    for axes, (stage, noise) in zip(panels, asked, strict=True):
        ends = []
        for model in models_in(tables):
            records = select(findings["gradients"], model=model, noise=noise, stage=stage)
            if records:
                shown = "" if stage == "initial" else noise
                end = _distances(axes, records, look, model, shown)
                ends.append((end, model, look.colour(model)))
        title = "Before training" if stage == "initial" else f"Trained at noise {noise}"
        axes.set(title=title, xlabel="Characters from the end (0 is the last one)")
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.yaxis.set_major_formatter(_power_of_ten)
        label_ends(axes, ends)
    for axes in panels[::2]:
        axes.set_ylabel("Gradient norm (last character: 1)")
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
    tag(line, "mean", model, noise)
    return x[-1], mean[-1]


def _power_of_ten(exponent: float, _: float) -> str:
    """Return 10 to an exponent as text, which needs no formula."""
    return "10" + f"{exponent:g}".translate(str.maketrans("-0123456789.", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹·"))
