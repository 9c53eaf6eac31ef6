"""Small figures beside the answers, each to be taken in at a glance."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from noisynames.grid import Grid
from noisynames.reporting.figures.accuracy import accuracies
from noisynames.reporting.figures.look import (
    HALF,
    INK,
    PAPER,
    SEQUENTIAL,
    Look,
    draw_baseline,
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
from noisynames.reporting.words import SHARES, baseline

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from noisynames.analysis.findings.summary import Findings
    from noisynames.analysis.tables import Tables

Record = Mapping[str, Any]

_HEIGHT = 2.15
"""The height of a card's figure in inches; at most 260 of the page's pixels, which are 2.7."""
_AXIS = {
    "final_loss": "Final training loss, nats",
    "macro_accuracy": "Macro-averaged held-out accuracy",
}


SWEPT = {
    "hidden_size": "hidden size",
    "num_layers": "number of layers",
    "num_heads": "number of heads",
    "momentum": "momentum",
    "weight_decay": "weight decay",
    "clip_norm": "norm of clipping",
}
"""Numbers of a model, apart from its batch size, that a question may be about, and their names."""
FEWEST = 3
"""The fewest models of a sweep that is worth a question; two are a contrast."""


def _of(metric: str) -> Numbers:
    return Numbers(
        _AXIS[metric],
        [MODEL, NOISE, *BOUNDS, ("Seeds", "n", True)],
        lambda tables, findings: select(findings["estimates"], metric=metric),
    )


def _has_two_noises(grid: Grid) -> bool:
    return len(grid.noises) > 1


def _ends(findings: "Findings") -> list[str]:
    """Return the lowest and the highest noise; a single entry if they are the same."""
    return list(dict.fromkeys((findings["quietest"], findings["noisiest"])))


def _dots(
    findings: "Findings", look: Look, models: Sequence[str], metric: str, noises: Sequence[str]
) -> "Figure":
    """Draw a row for each model: the first noise as a full mark joined to the last, a ring."""
    figure, (axes,) = new_panels(1, height=_HEIGHT, width=HALF)
    for row, model in enumerate(models):
        found = [
            r
            for noise in noises
            for r in select(findings["estimates"], metric=metric, model=model, noise=noise)
        ]
        if len(found) > 1:
            ends = [r["mean"] for r in found]
            axes.plot(ends, [row] * len(ends), color=look.colour(model), lw=1, alpha=0.45)
        for record in found:
            hollow = len(noises) > 1 and record["noise"] == noises[-1]
            draw_interval(axes, record, row, look, model, record["noise"], hollow=hollow)
    name_ticks(axes.yaxis, range(len(models)), [look.label(model) for model in models])
    axes.set_ylim(len(models) - 0.5, -0.5)
    axes.set(xlabel=_AXIS[metric])
    if metric == "final_loss":
        axes.set_xlim(left=0)
    if metric in SHARES:
        percentages(axes.xaxis)
    if len(noises) > 1:
        _key(axes, noises)
    return figure


def _key(axes: Any, noises: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    marks = [
        Line2D([], [], color=INK, ls="", marker="o", mfc=face, label=f"noise {noise}")
        for noise, face in ((noises[0], INK), (noises[-1], PAPER))
    ]
    axes.figure.legend(handles=marks, loc="outside upper right", ncols=2, frameon=False, fontsize=8)


@figure(
    alt="Final training loss of every model at the lowest noise",
    caption="At noise {{ findings.quietest }}; mean and {{ band() }}.",
    numbers=_of("final_loss"),
    question=True,
)
def card_efficiency(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """The final training loss of every model at the lowest noise."""
    return _dots(findings, look, models_in(tables), "final_loss", [findings["quietest"]])


@figure(
    applies=_has_two_noises,
    alt="Final training loss of every model at the lowest and the highest noise",
    caption="Mean and {{ band() }}.",
    numbers=_of("final_loss"),
    question=True,
)
def card_losses(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """What noise does to the final training loss."""
    return _dots(findings, look, models_in(tables), "final_loss", _ends(findings))


@figure(
    applies=lambda grid: _has_two_noises(grid) and len(grid.compared) > 1,
    alt="Order of the models by training loss, at the lowest and the highest noise",
    caption="Mean and {{ band() }}; where lines cross, models swap places.",
    numbers=_of("final_loss"),
    question=True,
)
def card_conclusions(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """Slopes of the training loss from the lowest to the highest noise."""
    return _slopes(
        look,
        models_in(tables),
        [select(findings["estimates"], metric="final_loss", noise=n) for n in _ends(findings)],
        [f"noise {noise}" for noise in _ends(findings)],
        "final_loss",
    )


def _slopes(
    look: Look,
    models: Sequence[str],
    sides: Sequence[Sequence[Record]],
    names: Sequence[str],
    metric: str,
) -> "Figure":
    """Draw a line for each model, from its record on the left to its record on the right."""
    figure, (axes,) = new_panels(1, height=_HEIGHT, width=HALF)
    ends = []
    for model in models:
        both = [r for side in sides for r in side if r["model"] == model]
        if len(both) < len(sides):
            continue
        line = axes.plot(
            [0, 1], [r["mean"] for r in both], color=look.colour(model), ls=look.dashes(model)
        )[0]
        tag(line, "mean", model)
        for x, record in enumerate(both):
            draw_interval(axes, record, x, look, model, record["noise"], upright=True)
        ends.append(((1.03, both[-1]["mean"]), look.label(model), look.colour(model)))
    axes.set_xticks([0, 1], names)
    axes.set_xlim(-0.15, 1.05)
    axes.set_ylabel(_AXIS[metric].replace("Macro-averaged held-out", "Held-out"))
    if metric in SHARES:
        percentages(axes.yaxis)
    label_ends(axes, ends)
    return figure


@figure(
    shows="attention_position",
    applies=lambda grid: bool(grid.attention_models),
    alt="Mean attention weight by position from the end, as strips",
    caption="""
        Mean attention weight, in per cent, by character from the end.
    """,
    numbers=Numbers(
        "Mean weight by position from the end",
        [MODEL, ("Noise", "trained_at", True), ("From the end", "from_end", True),
         ("Mean", "mean", True)],
        lambda tables, findings: findings["attention_positions"],
    ),
    question=True,
)  # fmt: skip
def card_attention(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """Where the attention is, as a strip for each arm."""
    positions = findings["attention_positions"]
    far = 10
    rows = [
        (model, noise)
        for model in models_in(tables)
        for noise in noises_in(tables)
        if select(positions, model=model, trained_at=noise)
    ]
    strips = np.full((max(len(rows), 1), far), np.nan)
    for i, (model, noise) in enumerate(rows):
        for record in select(positions, model=model, trained_at=noise):
            if record["from_end"] < far:
                strips[i, far - 1 - record["from_end"]] = 100 * record["mean"]
    figure, (axes,) = new_panels(1, height=min(0.42 * len(rows) + 0.9, 2.6), width=HALF)
    axes.pcolormesh(strips, vmin=0, vmax=100, cmap=SEQUENTIAL)
    for (y, x), share in np.ndenumerate(strips):
        if np.isfinite(share):
            colour = "#ffffff" if share < 60 else "#000000"
            axes.text(x + 0.5, y + 0.5, f"{share:.0f}", ha="center", va="center", fontsize=7.5,
                      color=colour)  # fmt: skip
    where = [f"{look.label(model)}, noise {noise}" for model, noise in rows]
    name_ticks(axes.yaxis, np.arange(len(rows)) + 0.5, where, most=36)
    axes.set_xticks(np.arange(far) + 0.5, [*map(str, range(far - 1, 0, -1)), "last"])
    axes.set_xlabel("Characters from the end")
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.tick_params(length=0)
    return figure


@figure(
    shows="accuracy",
    alt="Held-out accuracy of every model and baseline at the lowest and the highest noise",
    caption="Mean and {{ band() }}.",
    numbers=Numbers(
        _AXIS["macro_accuracy"], [MODEL, NOISE, *BOUNDS, ("Seeds", "n", True)], accuracies
    ),
    question=True,
)
def card_accuracy(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """The held-out accuracy of every model, and of the n-gram baseline."""
    models = models_in(tables)
    figure = _dots(findings, look, models, "macro_accuracy", _ends(findings))
    axes = figure.axes[0]
    known = [r for r in select(findings["baselines"], metric="macro_accuracy")
             if r["baseline"] == "ngrams" and r["noise"] in _ends(findings)]  # fmt: skip
    for record in known:
        draw_baseline(
            axes, record, len(models), record["noise"], record["noise"] != findings["quietest"]
        )
    if known:
        rows = [*map(look.label, models), baseline("ngrams")]
        name_ticks(axes.yaxis, range(len(rows)), rows)
        axes.set_ylim(len(rows) - 0.5, -0.5)
    return figure


@figure(
    shows="accuracy",
    applies=lambda grid: any(
        spec["cell"] == "lstm" or spec["num_layers"] > 1
        for spec in (grid.models[name] for name in grid.compared)
    ),
    alt="Held-out accuracy of LSTMs and deeper models compared with models like them",
    caption="Mean and {{ band() }}.",
    numbers=_of("macro_accuracy"),
    question=True,
)
def card_deeper(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """The accuracy of LSTMs, of deeper models, and of the plain cells."""
    runs = tables["runs"].drop_duplicates("model").set_index("model")
    shown = [
        model
        for model in models_in(tables)
        if runs["batch_size"].get(model) == 1
        and (runs["readout"][model] == "last" or runs["num_layers"][model] > 1)
    ]
    return _dots(findings, look, shown or models_in(tables), "macro_accuracy", _ends(findings))


@figure(
    shows="accuracy",
    applies=lambda grid: _differ(grid, "batch_size"),
    alt="Held-out accuracy against batch size",
    caption="Mean and {{ band() }}.",
    numbers=_of("macro_accuracy"),
    question=True,
)
def card_batches(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """Accuracy against the batch size, for models that differ only in it."""
    return _swept(findings, look, [s for s in _sweeps(findings) if s["respect"] == "batch_size"])


@figure(
    shows="accuracy",
    applies=lambda grid: any(_differ(grid, key, FEWEST) for key in SWEPT),
    alt="Held-out accuracy against the one number in which models differ",
    caption="Mean and {{ band() }}.",
    numbers=_of("macro_accuracy"),
    question=True,
)
def card_sweeps(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """Accuracy against what is swept, for models that differ only in that."""
    return _swept(findings, look, [s for s in _sweeps(findings) if s["respect"] in SWEPT])


def _differ(grid: Grid, key: str, fewest: int = 2) -> bool:
    """Whether the models that are compared have at least `fewest` values of a key."""
    return len({grid.models[name].get(key) for name in grid.compared}) >= fewest


def _sweeps(findings: "Findings") -> list[dict[str, Any]]:
    return [
        s for s in select(findings["sweeps"], metric="macro_accuracy") if None not in s["values"]
    ]


def _swept(findings: "Findings", look: Look, sweeps: list[dict[str, Any]]) -> "Figure":
    """Draw the longest of some sweeps: accuracy against what is swept, a line for each noise."""
    figure, (axes,) = new_panels(1, height=_HEIGHT, width=HALF)
    longest = max(sweeps, key=lambda s: len(s["models"]), default=None)
    if longest is None:
        axes.set_axis_off()
        axes.text(0, 0.5, "No two models here differ only in that.", va="center")
        return figure
    for i, noise in enumerate(_ends(findings)):
        for sweep in sweeps:
            if (sweep["models"], sweep["noise"]) != (longest["models"], noise):
                continue
            values = sweep["values"]
            axes.plot(values, sweep["mean"], color=INK, lw=1, ls="-" if i == 0 else ":",
                      label=f"noise {noise}")  # fmt: skip
            for at, (value, model) in enumerate(zip(values, sweep["models"], strict=True)):
                point = {key: sweep[key][at] for key in ("mean", "low", "high")}
                record = {**point, "metric": sweep["metric"]}
                draw_interval(axes, record, value, look, model, noise, upright=True, hollow=i > 0)
    values = longest["values"]
    if min(values) > 0 and max(values) / min(values) >= 4:
        axes.set_xscale("log", base=2)
    axes.set_xticks(values, [f"{value:g}" for value in values])
    axes.minorticks_off()
    axes.set_xlabel(SWEPT.get(longest["respect"], "names per update").capitalize())
    axes.set_ylabel("Held-out accuracy")
    percentages(axes.yaxis)
    axes.legend(frameon=False, fontsize=8)
    return figure


@figure(
    shows="accuracy",
    applies=lambda grid: any(len(names) > 1 for names in grid.rates.values()),
    alt="Held-out accuracy at one learning rate for all, and at each model's own best",
    caption="""
        Held-out accuracy at noise {{ findings.noisiest }}: on the left, at one rate for all; on
        the right, at the rate chosen on each model’s validation names. Mean and {{ band() }}.
    """,
    numbers=Numbers(
        "Held-out accuracy at each model's own best rate",
        [MODEL, NOISE, *BOUNDS],
        lambda tables, findings: select(findings["rates"]["best"], metric="macro_accuracy"),
    ),
    question=True,
)
def card_rates(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """Slopes of accuracy from one rate for all to each model's own best rate."""
    noise = findings["noisiest"]
    return _slopes(
        look,
        models_in(tables),
        [
            select(findings["estimates"], metric="macro_accuracy", noise=noise),
            select(findings["rates"]["best"], metric="macro_accuracy", noise=noise),
        ],
        ["one rate for all", "its own best rate"],
        "macro_accuracy",
    )


@figure(
    shows="accuracy",
    applies=lambda grid: any(len(names) > 1 for names in grid.variants.values()),
    alt="Share of the variance in held-out accuracy that each source causes on its own",
    caption="""
        Share of the variance in held-out accuracy at noise {{ findings.quietest }} that each
        source causes on its own, with its 95 % interval.
    """,
    numbers=Numbers(
        "Variance over seeds by source",
        [MODEL, NOISE, ("Metric", "metric", False), ("Source", "source", False),
         ("Share", "share", True), ("Deviation", "deviation", True), ("Seeds", "n", True)],
        lambda tables, findings: findings["variance"],
    ),
    question=True,
)  # fmt: skip
def card_variance(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """Where the variance over seeds comes from: a row for each source, a mark for each model."""
    records = select(findings["variance"], metric="macro_accuracy", noise=findings["quietest"])
    sources = list(dict.fromkeys(r["source"] for r in records))
    models = list(dict.fromkeys(r["model"] for r in records))
    figure, (axes,) = new_panels(1, height=2.6, width=HALF)
    for record in records:
        shift = 0.16 * (models.index(record["model"]) - (len(models) - 1) / 2)
        row = sources.index(record["source"]) + shift
        shown = {**record, "mean": record["share"], "metric": "share"}
        draw_interval(axes, shown, row, look, record["model"], record["noise"])
    name_ticks(axes.yaxis, range(len(sources)), sources)
    axes.set_ylim(len(sources) - 0.5, -0.5)
    axes.set(xlim=(0, 1), xlabel="Share of the variance in held-out accuracy")
    percentages(axes.xaxis)
    legend_below(figure, tables, look, marked=True)
    return figure
