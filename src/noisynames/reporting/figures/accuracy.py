"""Accuracy on held-out names, of models, baselines and languages."""

from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from noisynames.reporting.figures.look import (
    FULL,
    INK,
    SEQUENTIAL,
    Look,
    draw_baseline,
    draw_interval,
    heat_map,
    models_in,
    name_ticks,
    new_panels,
    noises_in,
    percentages,
    select,
    tag,
)
from noisynames.reporting.figures.registry import BOUNDS, MODEL, NOISE, TRAINED_AT, Numbers, figure
from noisynames.reporting.words import baseline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame

    from noisynames.analysis.findings.summary import Findings
    from noisynames.analysis.tables import Tables


def accuracies(tables: "Tables", findings: "Findings") -> list[dict[str, Any]]:
    """Return the macro-averaged accuracies of models, then of baselines, as rows of a table."""
    of_models = select(findings["estimates"], metric="macro_accuracy")
    of_baselines = select(findings["baselines"], metric="macro_accuracy")
    return of_models + [{**r, "model": baseline(r["baseline"])} for r in of_baselines]


@figure(
    shows="accuracy",
    alt="Macro-averaged held-out accuracy by model and noise",
    caption="""
        Large marker and bar: mean and {{ band() }}. Small markers: single seeds. Dashed: chance,
        and the ceiling set by shared names.{% if findings.baselines %} Hollow markers below the
        line: baselines.{% endif %}
    """,
    numbers=Numbers(
        "Macro-averaged accuracy, trained and tested under the same noise",
        [MODEL, NOISE, *BOUNDS, ("Seeds", "n", True)],
        accuracies,
    ),
)
def accuracy(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """Macro-averaged accuracy, tested at the training noise: every seed, mean and interval."""
    models, noises = models_in(tables), noises_in(tables)
    baselines = list(dict.fromkeys(r["baseline"] for r in findings["baselines"]))
    rows = len(models) + len(baselines)
    figure, panels = new_panels(len(noises), height=0.28 * rows + 1.0, sharey=True)
    for axes, noise in zip(panels, noises, strict=True):
        _draw_yardsticks(axes, findings)
        for i, model in enumerate(models):
            _draw_seeds(axes, tables, look, model, noise, i)
            for record in select(
                findings["estimates"], metric="macro_accuracy", model=model, noise=noise
            ):
                draw_interval(axes, record, i, look, model, noise)
        if baselines:
            axes.axhline(len(models) - 0.4, color=INK, lw=0.6)
        for i, name in enumerate(baselines, len(models)):
            for record in select(
                findings["baselines"], metric="macro_accuracy", baseline=name, noise=noise
            ):
                draw_baseline(axes, record, i, noise)
        axes.set(xlim=(0, 1.0), xlabel="Macro-averaged held-out accuracy")
        percentages(axes.xaxis)
        axes.set_title(f"Noise {noise}", pad=14)
        labels = [*map(look.label, models), *map(baseline, baselines)]
        name_ticks(axes.yaxis, range(rows), labels)
        axes.set_ylim(rows - 0.4, -0.6)
    return figure


def _draw_yardsticks(axes: "Axes", findings: "Findings") -> None:
    for name, text in (("chance", "chance"), ("macro_ceiling", "ceiling")):
        place = findings["yardsticks"][name]["mean"]
        axes.axvline(place, color=INK, lw=0.9, ls=(0, (3, 2)))
        axes.annotate(
            text, (place, 1), (0, 2), xycoords=("data", "axes fraction"),
            textcoords="offset points", ha="center", fontsize=7.5,
        )  # fmt: skip


def _draw_seeds(
    axes: "Axes", tables: "Tables", look: Look, model: str, noise: str, row: int
) -> None:
    """Draw the accuracy of every seed of an arm below its mean."""
    runs = tables["runs"]
    values = runs[(runs["model"] == model) & (runs["noise"] == noise)]["macro_accuracy"].dropna()
    jitter = 0.24 + 0.1 * np.linspace(-1, 1, len(values)) if len(values) > 1 else np.array([0.24])
    seeds = axes.scatter(
        values, row + jitter[: len(values)], s=9, alpha=0.5, lw=0, color=look.colour(model),
        marker=look.marker(model),
    )  # fmt: skip
    tag(seeds, "seed", model, noise)


@figure(
    shows="recall",
    alt="Recall of every language by model and noise",
    caption="""
        Recall: the share of a {{ config.dataset.label_name }}’s held-out names that got the right
        label, in per cent; mean over {{ seeds() }}, trained and tested under the same noise.
    """,
    numbers=Numbers(
        "Recall, mean over seeds",
        [("Language", "language", False), MODEL, TRAINED_AT, ("Recall", "recall", True)],
        lambda tables, findings: findings["recall"],
    ),
)
def recall(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """Recall of every language, mean over seeds, tested at the training noise."""
    import pandas as pd

    columns = [(m, n) for m in models_in(tables) for n in noises_in(tables)]
    matrix = (
        pd.DataFrame(findings["recall"])
        .pivot(index="language", columns=["model", "trained_at"], values="recall")
        .reindex(columns=pd.MultiIndex.from_tuples(columns))
        .astype(float)
    )
    some = len(matrix) <= 40
    row = 0.2 if some else max(0.09, 8.0 / len(matrix))
    room = max(int(130 / max(len(columns), 1)), 8)
    upright = any(len(f"noise {n}") > room for _, n in columns)
    if upright:
        heads, most = [f"{look.label(m, 24)}, noise {n}" for m, n in columns], 48
    else:
        heads = [f"{fill(look.label(m, 2 * room), room)}\nnoise {n}" for m, n in columns]
        most = 4 * room + 12
    top = 0.08 * max(map(len, heads)) if upright else 0.7
    figure, (axes,) = new_panels(1, height=row * max(len(matrix), 4) + top, width=FULL)
    texts = {"size": 7.5, "in_layout": False}
    heat_map(axes, matrix, annot=some, annot_kws=texts, cbar=not some)
    axes.set(xlabel="", ylabel="")
    name_ticks(axes.yaxis, np.arange(len(matrix)) + 0.5, [*map(str, matrix.index)])
    name_ticks(axes.xaxis, np.arange(len(columns)) + 0.5, heads, most=most)
    axes.tick_params(length=0, labelsize=8)
    axes.tick_params("x", rotation=90 if upright else 0)
    axes.xaxis.tick_top()
    return figure


_CONFUSION = Numbers(
    "The most common wrong prediction for each language; tables/confusion.csv has all of them",
    [
        ("Language", "language", False),
        MODEL,
        TRAINED_AT,
        ("Prediction", "prediction", False),
        ("Share", "share", True),
    ],
    lambda tables, findings: findings["commonest_mistakes"],
)


@figure(
    shows="confusion",
    alt="Confusion matrices of the most accurate model, without noise and under it",
    caption="""
        What the names of each {{ config.dataset.label_name }} (rows, each summing to 100 %) were
        taken for (columns), by {{ label(findings.most_accurate) }}, the most accurate model; mean
        over {{ seeds() }}. Those that are mistaken for each other are side by side.
    """,
    numbers=_CONFUSION,
)
def confusion(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """Confusion of the best model under the lowest and the highest noise."""
    noises = list(dict.fromkeys((findings["quietest"], findings["noisiest"])))
    arms = [(findings["most_accurate"], noise) for noise in noises]
    return _matrices(tables, findings, look, arms, across=2, most=4.0)


@figure(
    shows="confusion",
    applies=lambda grid: len(grid.compared) * len(grid.noises) > 1,
    alt="Confusion matrices of every model and noise",
    caption="The same for every model and noise level, in the same order.",
    numbers=_CONFUSION,
)
def confusions(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """Confusion of every arm, small."""
    arms = [(model, noise) for model in models_in(tables) for noise in noises_in(tables)]
    return _matrices(tables, findings, look, arms, across=4, most=2.2)


def _matrices(
    tables: "Tables",
    findings: "Findings",
    look: Look,
    arms: list[tuple[str, str]],
    across: int,
    most: float,
) -> "Figure":
    """Draw row-normalised confusion matrices, mean over seeds, tested at the training noise.

    Laid out by hand: measuring every rotated label takes longer than all other figures together.

    Args:
        tables: Tables with `confusion`.
        findings: Findings with the order of the languages.
        look: The look of the models.
        arms: The model and the noise of each matrix.
        across: How many matrices are in a row; with at most 2, languages are named.
        most: The largest side of a matrix, in inches.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    table = tables["confusion"]
    own = table[table["trained_at"] == table["tested_at"]]
    languages: list[str] = findings["confusion_order"]
    named = across <= 2
    longest = max((len(language) for language in languages), default=1)
    margin = 0.35 + (0.062 * min(longest, 24) if named else 0)
    beside = 0.75 if named else 0.2
    down = -(-len(arms) // across)
    side = min(most, (FULL - margin - beside - 0.35 * across) / across)
    height = down * (side + 0.34) + (margin if named else 0.2)
    with mpl.rc_context({"figure.constrained_layout.use": False}):
        figure = Figure(figsize=(FULL, height))
    for place, (model, noise) in enumerate(arms):
        row, column = divmod(place, across)
        left = margin + column * (side + 0.35)
        bottom = height - (row + 1) * (side + 0.34)
        axes = figure.add_axes((left / FULL, bottom / height, side / FULL, side / height))
        cell = own[(own["model"] == model) & (own["trained_at"] == noise)]
        shares = _shares(cell, languages)
        mesh = axes.pcolormesh(shares, vmin=0, vmax=1, cmap=SEQUENTIAL, rasterized=True)
        axes.invert_yaxis()
        axes.grid(visible=False)
        axes.tick_params(length=0, labelsize=7)
        axes.set(title=f"{look.label(model)}, noise {noise}", xticks=[], yticks=[])
        if named:
            ticks = np.arange(len(languages)) + 0.5
            axes.set_xlabel("taken for")
            name_ticks(axes.xaxis, ticks, languages)
            axes.tick_params(axis="x", rotation=90)
            if column == 0:
                axes.set_ylabel("true")
                name_ticks(axes.yaxis, ticks, languages)
    if named:
        right = margin + min(across, len(arms)) * (side + 0.35) - 0.25
        bar = (right / FULL, (height - side - 0.34) / height, 0.12 / FULL, side / height)
        percentages(figure.colorbar(mesh, cax=figure.add_axes(bar)).ax.yaxis)
    return figure


def _shares(cell: "DataFrame", languages: list[str]) -> Any:
    """Return an arm's confusion as an array, shape (languages, languages)."""
    matrix = cell.pivot(index="language", columns="prediction", values="share")
    return matrix.reindex(index=languages, columns=languages).to_numpy(float)
