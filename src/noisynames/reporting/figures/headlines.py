"""The figure of the first screen: what a reader would put on a slide."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from noisynames.names.noise import PLACEMENTS, Noise
from noisynames.reporting import words
from noisynames.reporting.figures.accuracy import accuracies
from noisynames.reporting.figures.look import (
    INK,
    Look,
    draw_interval,
    label_ends,
    legend_below,
    models_in,
    name_ticks,
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

WIDTH, HEIGHT = 5.9, 3.9
End = tuple[tuple[float, float], str, str]
"""A line's last point, its label and its colour."""
_NUMBERS = Numbers(
    "Macro-averaged accuracy, trained and tested under the same noise",
    [MODEL, NOISE, *BOUNDS, ("Seeds", "n", True)],
    accuracies,
)


@figure(
    shows="accuracy",
    alt="Held-out accuracy of every model and baseline under each noise",
    caption="Held-out accuracy under each noise, mean and {{ band() }}. Thin dots: baselines.",
    numbers=_NUMBERS,
)
def headline_noise(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """Accuracy of every model against noise, with its interval, the baselines dotted."""
    noises = noises_in(tables)
    figure, (axes,) = new_panels(1, height=HEIGHT, width=WIDTH)
    ends: list[End] = []
    for model in models_in(tables):
        own = select(findings["estimates"], metric="macro_accuracy", model=model)
        if not own:
            continue
        x = [noises.index(r["noise"]) for r in own]
        line = axes.plot(
            x, [r["mean"] for r in own], color=look.colour(model), ls=look.dashes(model), lw=1.8
        )[0]
        tag(line, "mean", model)
        for place, record in zip(x, own, strict=True):
            draw_interval(axes, record, place, look, model, record["noise"], upright=True)
        ends.append(((x[-1], own[-1]["mean"]), look.label(model), look.colour(model)))
    ends += _draw_baselines(axes, findings, noises)
    names = ["no noise" if Noise.named(n).level == 0 else f"noise {n}" for n in noises]
    name_ticks(axes.xaxis, range(len(noises)), names)
    axes.set_xlim(-0.25, len(noises) - 0.9)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("Held-out names recognised")
    percentages(axes.yaxis)
    label_ends(axes, ends)
    return figure


def _draw_baselines(axes: "Axes", findings: "Findings", noises: list[str]) -> list[End]:
    """Draw each baseline dotted; return its end, to be labelled."""
    ends: list[End] = []
    known = select(findings["baselines"], metric="macro_accuracy")
    for baseline in dict.fromkeys(r["baseline"] for r in known):
        own = [r for r in known if r["baseline"] == baseline]
        x = [noises.index(r["noise"]) for r in own]
        line = axes.plot(x, [r["mean"] for r in own], color=INK, lw=1, ls=(0, (1, 2)))[0]
        tag(line, "mean", baseline)
        for place, record in zip(x, own, strict=True):
            dot = axes.plot(place, record["mean"], "o", ms=5, mec=INK, mfc="none")[0]
            said = f"{baseline}, noise {record['noise']}: {words.interval(record)}"
            tag(dot, "mean", baseline, record["noise"], said)
        ends.append(((float(x[-1]), own[-1]["mean"]), words.baseline(baseline), INK))
    return ends


def _has_places(grid: Any) -> bool:
    return len({noise.placement for noise in grid.conditions if noise.level}) > 1


@figure(
    shows="accuracy",
    applies=_has_places,
    alt="What the same noise costs each model in accuracy, by where it is placed",
    caption="""
        What the same junk costs in held-out accuracy, by where it is placed: paired difference
        from no noise, with its 95 % interval. Lower is worse.
    """,
    numbers=Numbers(
        "Macro-averaged accuracy minus that at the lowest noise",
        [MODEL, NOISE, *BOUNDS, ("p (Holm)", "p_adjusted", True)],
        lambda tables, findings: select(findings["noise_effects"], metric="macro_accuracy"),
    ),
)
def headline_placement(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """What noise at each placement costs in accuracy, at the highest level."""
    effects: list[Mapping[str, Any]] = [*select(findings["noise_effects"], metric="macro_accuracy")]
    level = max(Noise.named(r["noise"]).level for r in effects)
    there = [r for r in effects if Noise.named(r["noise"]).level == level]
    places = list(dict.fromkeys(Noise.named(r["noise"]).placement for r in there))
    models = models_in(tables)
    figure, (axes,) = new_panels(1, height=HEIGHT, width=WIDTH)
    axes.axhline(0, color=INK, lw=0.9)
    for i, model in enumerate(models):
        shift = 0.5 * (i - (len(models) - 1) / 2) / max(len(models), 1)
        for record in there:
            if record["model"] == model and record["mean"] is not None:
                x = places.index(Noise.named(record["noise"]).placement) + shift
                draw_interval(axes, record, x, look, model, record["noise"], upright=True)
    name_ticks(axes.xaxis, range(len(places)), [PLACEMENTS[place].where for place in places])
    axes.set_ylabel("Accuracy minus that without noise")
    percentages(axes.yaxis)
    legend_below(figure, tables, look, marked=True)
    return figure
