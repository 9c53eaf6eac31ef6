"""Accuracy on held-out names, of models, pairs and languages."""

from typing import TYPE_CHECKING, Any

import numpy as np

from noisynames.reporting.figures.look import (
    INK,
    SEQUENTIAL,
    Look,
    draw_interval,
    label_ends,
    models_in,
    new_panels,
    noises_in,
    select,
    tag,
)
from noisynames.reporting.figures.registry import BOUNDS, MODEL, NOISE, TRAINED_AT, Numbers, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from noisynames.analysis.findings.summary import Findings
    from noisynames.analysis.tables import Tables


def _accuracies(tables: "Tables", findings: "Findings") -> list[dict[str, Any]]:
    of_models = select(findings["estimates"], metric="macro_accuracy")
    of_baselines = select(findings["baselines"], metric="macro_accuracy")
    return of_models + [{**r, "model": f"{r['baseline']} (baseline)"} for r in of_baselines]


@figure(
    shows="accuracy",
    alt="Macro-averaged held-out accuracy by model and noise",
    caption="""
        Macro-averaged accuracy on held-out names, trained and tested under the same noise.
        Large marker and bar: mean and {{ band() }}. Small markers: single seeds. Dashed:
        chance, and the ceiling that shared names set.{% if findings.baselines %} Below the
        line, hollow: baselines, which are no models of this comparison.{% endif %}
    """,
    numbers=Numbers(
        "Macro-averaged accuracy", [MODEL, NOISE, *BOUNDS, ("Seeds", "n", True)], _accuracies
    ),
)
def accuracy(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """Macro-averaged accuracy, tested at the noise trained at: every seed, mean and interval."""
    runs = tables["runs"]
    models = models_in(tables)
    noises = noises_in(tables)
    baselines = list(dict.fromkeys(r["baseline"] for r in findings["baselines"]))
    rows = len(models) + len(baselines)
    figure, panels = new_panels(len(noises), width=4.2, height=0.42 * rows + 1.5, sharey=True)
    sticks = findings["yardsticks"]
    for axes, noise in zip(panels, noises, strict=True):
        for name, text in (("chance", "chance"), ("macro_ceiling", "ceiling")):
            axes.axvline(sticks[name]["mean"], color=INK, lw=0.9, ls=(0, (3, 2)))
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
            tag(seeds, "seed", model, noise)
            for record in select(
                findings["estimates"], metric="macro_accuracy", model=model, noise=noise
            ):
                draw_interval(axes, record, i, look, model, noise)
        if baselines:
            axes.axhline(len(models) - 0.4, color=INK, lw=0.6)
        for i, baseline in enumerate(baselines, len(models)):
            for record in select(
                findings["baselines"], metric="macro_accuracy", baseline=baseline, noise=noise
            ):
                _draw_baseline(axes, record, i, noise)
        axes.set(xlim=(0, 1.0), xlabel="Macro-averaged held-out accuracy")
        axes.set_title(f"Noise {noise}", pad=16)
        axes.set_yticks(range(rows), [*models, *(f"{name} (baseline)" for name in baselines)])
        axes.set_ylim(rows - 0.4, -0.6)
    return figure


@figure(
    shows="accuracy",
    alt="Paired differences in macro-averaged accuracy with intervals",
    caption="""
        Paired differences between models. Bar: {{ band() }}. p: paired t test, Holm-adjusted
        over the pairs of a noise level. Filled dot: detected at 5 %.
    """,
    numbers=Numbers(
        "Paired differences in macro-averaged accuracy",
        [("Pair", "pair", False), NOISE, *BOUNDS, ("p (Holm)", "p_adjusted", True)],
        lambda tables, findings: [
            {**r, "pair": f"{r['a']} − {r['b']}"}
            for r in select(findings["model_comparisons"], metric="macro_accuracy")
        ],
    ),
)
def differences(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """Forest plot of the paired differences in macro-averaged accuracy."""
    records = select(findings["model_comparisons"], metric="macro_accuracy")
    noises = list(dict.fromkeys(r["noise"] for r in records))
    rows = max((sum(r["noise"] == n for r in records) for n in noises), default=1)
    figure, panels = new_panels(
        max(len(noises), 1), width=4.6, height=0.34 * rows + 1.3, sharey=True
    )
    for axes, noise in zip(panels, noises, strict=False):
        shown = [r for r in records if r["noise"] == noise]
        axes.axvline(0, color=INK, lw=0.9)
        for i, record in enumerate(shown):
            if record["n"] == 0:
                continue
            detected = record["verdict"] in ("higher", "lower")
            if record["low"] is not None:
                line = axes.plot([record["low"], record["high"]], [i, i], color=INK, lw=1.6)[0]
                tag(line, "interval", record["a"], noise)
            dot = axes.plot(record["mean"], i, "o", ms=6, mec=INK, mfc=INK if detected else "none")[
                0
            ]
            tag(dot, "mean", record["a"], noise)
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


def _with_ranks(tables: "Tables", findings: "Findings") -> list[dict[str, Any]]:
    ranks = {(r["model"], r["noise"]): r["mean"] for r in findings["ranks"]}
    of_models = select(findings["estimates"], metric="macro_accuracy")
    return [{**r, "rank": ranks.get((r["model"], r["noise"]))} for r in of_models]


@figure(
    shows="accuracy",
    alt="Macro-averaged accuracy and mean rank of every model against noise",
    caption="""
        Left: macro-averaged held-out accuracy, trained and tested at the same noise level.
        Right: rank by that accuracy within a seed, averaged. Bars: {{ band() }}.{% if
        findings.baselines %} Dotted: baselines, which have no rank.{% endif %}
    """,
    numbers=Numbers(
        "Macro-averaged accuracy and mean rank",
        [MODEL, NOISE, *BOUNDS, ("Mean rank", "rank", True)],
        _with_ranks,
    ),
)
def accuracy_by_noise(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """Accuracy and mean rank of every model against noise, trained and tested at the same level."""
    from matplotlib.ticker import MaxNLocator

    noises = noises_in(tables)
    figure, (left, right) = new_panels(2, width=4.2, height=3.2)
    for axes, records in (
        (left, select(findings["estimates"], metric="macro_accuracy")),
        (right, findings["ranks"]),
    ):
        ends = []
        for model in models_in(tables):
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
            tag(line, "mean", model)
            for position, noise in zip(x, shown, strict=True):
                if own[noise]["low"] is not None:
                    bar = axes.plot(
                        [position] * 2, [own[noise]["low"], own[noise]["high"]],
                        color=look.colour(model), lw=1.2,
                    )[0]  # fmt: skip
                    tag(bar, "band", model)
            ends.append(((x[-1] + 0.02, y[-1]), model, look.colour(model)))
        known = select(findings["baselines"], metric="macro_accuracy") if axes is left else []
        for baseline in dict.fromkeys(r["baseline"] for r in known):
            own = {r["noise"]: r["mean"] for r in known if r["baseline"] == baseline}
            x = [i for i, noise in enumerate(noises) if noise in own]
            y = [own[noises[i]] for i in x]
            line = axes.plot(x, y, color=INK, lw=0.9, ls=(0, (1, 2)), marker="o", mfc="none")[0]
            tag(line, "mean", baseline)
            ends.append(((x[-1] + 0.02, y[-1]), f"{baseline} (baseline)", INK))
        axes.set_xticks(range(len(noises)), noises)
        axes.set_xlabel("Noise")
        if axes is right:
            axes.invert_yaxis()
            axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        else:
            axes.set_ylim(0, None)
        label_ends(axes, ends)
    left.set(title="Macro-averaged accuracy", ylabel="Accuracy")
    right.set(title="Mean rank by accuracy", ylabel="Rank (1 is best)")
    return figure


@figure(
    shows="recall",
    alt="Recall of every language by model and noise",
    caption="""
        Recall of every language: mean over {{ seeds() }}, trained and tested under the same
        noise.
    """,
    numbers=Numbers(
        "Recall, mean over seeds",
        [("Language", "language", False), MODEL, TRAINED_AT, ("Recall", "recall", True)],
        lambda tables, findings: findings["recall"],
    ),
)
def recall(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """Recall of every language, mean over seeds, tested at the noise trained at."""
    import pandas as pd
    import seaborn as sns

    columns = [(m, n) for m in models_in(tables) for n in noises_in(tables)]
    matrix = (
        pd.DataFrame(findings["recall"])
        .pivot(index="language", columns=["model", "trained_at"], values="recall")
        .reindex(columns=pd.MultiIndex.from_tuples(columns))
        .astype(float)
    )
    figure, (axes,) = new_panels(
        1, width=0.85 * len(columns) + 2.0, height=0.24 * max(len(matrix), 4) + 1.4
    )
    sns.heatmap(
        matrix, ax=axes, vmin=0, vmax=1, cmap=SEQUENTIAL, annot=True, fmt=".2f",
        annot_kws={"size": 7.5}, cbar=False,
    )  # fmt: skip
    axes.set_xticks(
        np.arange(len(columns)) + 0.5, [f"{m}\nnoise {n}" for m, n in columns], rotation=0
    )
    axes.tick_params(length=0, labelsize=8)
    axes.set(xlabel="", ylabel="")
    return figure


@figure(
    shows="confusion",
    alt="Confusion matrices by model and noise",
    caption="""
        Confusion: the share of a language's held-out names (rows, summing to 1) that got each
        prediction (columns); mean over {{ seeds() }}.
    """,
    numbers=Numbers(
        "The commonest wrong prediction of every language; tables/confusion.csv has all",
        [
            ("Language", "language", False),
            MODEL,
            TRAINED_AT,
            ("Prediction", "prediction", False),
            ("Share", "share", True),
        ],
        lambda tables, findings: findings["commonest_mistakes"],
    ),
)
def confusion(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """Row-normalised confusion matrices, mean over seeds, tested at the noise trained at."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    confusion = tables["confusion"]
    own = confusion[confusion["trained_at"] == confusion["tested_at"]]
    models = models_in(tables)
    noises = noises_in(tables)
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
            matrix = cell.pivot(index="language", columns="prediction", values="share")
            matrix = matrix.reindex(index=languages, columns=languages)
            mesh = axes.pcolormesh(
                matrix.to_numpy(float), vmin=0, vmax=1, cmap=SEQUENTIAL, rasterized=True
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


def _p_text(p: float | None) -> str:
    if p is None:
        return "p —"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _draw_baseline(axes: "Axes", record: dict[str, Any], y: float, noise: str) -> None:
    """Draw a baseline's mean and interval: hollow and in ink, unlike any model."""
    if record["low"] is not None:
        line = axes.plot([record["low"], record["high"]], [y, y], color=INK, lw=1.2)[0]
        tag(line, "band", record["baseline"], noise)
    dot = axes.plot(record["mean"], y, "o", ms=6, mec=INK, mfc="none")[0]
    tag(dot, "mean", record["baseline"], noise)
