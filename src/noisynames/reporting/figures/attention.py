"""Where attention goes."""

from typing import TYPE_CHECKING, Any

import numpy as np

from noisynames.grid import Grid
from noisynames.reporting.figures.look import (
    COLOURS,
    DASHES,
    FULL,
    HALF,
    INK,
    MARKERS,
    SEQUENTIAL,
    Look,
    draw_interval,
    models_in,
    name_ticks,
    new_panels,
    noises_in,
    percentages,
    select,
    tag,
)
from noisynames.reporting.figures.registry import BOUNDS, MODEL, TRAINED_AT, Numbers, figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from noisynames.analysis.findings.summary import Findings
    from noisynames.analysis.tables import Tables

_CHARACTERS = [
    ("Name", "name", False), MODEL, TRAINED_AT, ("Character", "character", False),
    ("Position", "position", True),
]  # fmt: skip


def _any_attention(grid: Grid) -> bool:
    return bool(grid.attention_models)


def _examples(tables: "Tables", findings: "Findings") -> list[dict[str, Any]]:
    from noisynames.analysis.tables import records

    examples = tables["attention_examples"]
    return records(examples[examples["trained_at"] == examples["tested_at"]])


@figure(
    shows="attention_examples",
    applies=_any_attention,
    alt="Attention weights on each character of example names",
    caption="""
        Attention weight on every character of held-out names of seed {{ config.seeds[0] }}, one
        for each {{ config.dataset.label_name }}; trained and tested under the same noise. These
        are single names of one seed: an illustration, not an estimate.
    """,
    numbers=Numbers(
        "Attention weight on every character",
        [*_CHARACTERS, ("Weight", "weight", True)],
        _examples,
    ),
)
def attention_examples(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """The weights on every character of a few held-out names, with and without noise."""
    return _names_with(tables, look, "weight", "attention weight", SEQUENTIAL, 0, 1)


@figure(
    shows="attention_examples",
    applies=_any_attention,
    alt="How much the prediction loses when each character is left out, for the same names",
    caption="""
        Occlusion, for the same names and model: how much the log-probability of the prediction
        falls (in nats) when a character is left out. Positive: the prediction relies on the
        character. Negative: it would be more certain without it.
    """,
    numbers=Numbers(
        "Loss of log-probability (nats) when a character is left out",
        [*_CHARACTERS, ("Occlusion", "occlusion", True)],
        _examples,
    ),
)
def occlusion_examples(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """How much the prediction loses when a character is left out, for the same names."""
    strongest = float(tables["attention_examples"]["occlusion"].abs().max())
    return _names_with(
        tables, look, "occlusion", "loss of log-probability, nats", "PuOr_r", -strongest, strongest
    )


@figure(
    shows="attention_position",
    applies=_any_attention,
    alt="Mean attention weight by position from the end",
    caption="""
        Mean weight by position from the end, trained and tested under the same noise, over {{
        config.attention.names_per_language }} held-out names per
        {{ config.dataset.label_name }}. Band: {{ band() }}.
    """,
    numbers=Numbers(
        "Mean weight by position from the end",
        [MODEL, TRAINED_AT, ("From the end", "from_end", True), ("Mean", "mean", True)],
        lambda tables, findings: findings["attention_positions"],
    ),
)
def attention_position(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """Mean weight by position from the end, one line per noise level, with its t band."""
    positions = findings["attention_positions"]
    models = [model for model in models_in(tables) if select(positions, model=model)]
    figure, panels = new_panels(max(len(models), 1), height=2.6, sharey=True, width=HALF)
    for axes, model in zip(panels, models, strict=False):
        for i, noise in enumerate(noises_in(tables)):
            there = select(positions, model=model, trained_at=noise)
            # Where some seeds have no name of that length, the mean would be over other names.
            records = [r for r in there if r["n"] == max(r["n"] for r in there)]
            if not records:
                continue
            x, mean, low, high = (
                np.array([r[key] for r in records], float)
                for key in ("from_end", "mean", "low", "high")
            )
            colour = COLOURS[i % len(COLOURS)]
            line = axes.plot(
                x, mean, color=colour, ls=DASHES[i % 5], marker=MARKERS[i % 7], ms=4,
                label=f"noise {noise}",
            )[0]  # fmt: skip
            last = look.tip(records[0], model, noise, " on the last character")
            tag(line, "mean", model, noise, last)
            band = axes.fill_between(x, low, high, color=colour, alpha=0.2, lw=0)
            tag(band, "band", model, noise)
        axes.set(title=look.label(model), xlabel="Characters from the end (0: the last)")
        axes.set_ylim(bottom=0)
        percentages(axes.yaxis)
        axes.legend(frameon=False, title="trained and tested at")
    panels[0].set_ylabel("Mean attention weight")
    return figure


def _with_shares(tables: "Tables", findings: "Findings") -> list[dict[str, Any]]:
    keys = ("model", "trained_at", "tested_at")
    shares = {
        tuple(r[key] for key in keys): r["mean"]
        for r in select(findings["attention"], quantity="noise_share")
    }
    return [
        {**r, "share": shares[tuple(r[key] for key in keys)]}
        for r in select(findings["attention"], quantity="on_noise")
    ]


@figure(
    shows="attention",
    applies=_any_attention,
    alt="Share of attention on noise compared with the share of characters that are noise",
    caption="""
        Share of the attention that is on noise: mean and {{ band() }}. Upright stroke: the share
        of the characters that are noise, which is what uniform attention would give them.
    """,
    numbers=Numbers(
        "Share of the attention on noise, and of the characters",
        [
            MODEL,
            TRAINED_AT,
            ("Tested at", "tested_at", True),
            *BOUNDS,
            ("Characters", "share", True),
        ],
        _with_shares,
    ),
)
def attention_noise(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """The weight on noise compared with the share of characters that are noise."""
    tested = findings["noisiest"]
    records = [r for r in findings["attention"] if r["tested_at"] == tested]
    rows = list(dict.fromkeys((r["model"], r["trained_at"]) for r in records))
    figure, (axes,) = new_panels(1, height=0.45 * max(len(rows), 1) + 1.2, width=HALF)
    for i, (model, trained) in enumerate(rows):
        own = {
            r["quantity"]: r for r in records if (r["model"], r["trained_at"]) == (model, trained)
        }
        draw_interval(axes, own["on_noise"], i, look, model, trained)
        share = axes.plot(own["noise_share"]["mean"], i, "|", color=INK, ms=14, mew=1.6)[0]
        tag(share, "mean", model, trained)
    where = [f"{look.label(model)}\ntrained at noise {n}" for model, n in rows]
    name_ticks(axes.yaxis, range(len(rows)), where, most=48)
    percentages(axes.xaxis)
    axes.set_ylim(max(len(rows), 1) - 0.4, -0.6)
    axes.set(xlim=(0, 1), xlabel=f"Attention on noise, tested at noise {tested}")
    return figure


def _names_with(
    tables: "Tables",
    look: Look,
    column: str,
    label: str,
    colours: str,
    low: float,
    high: float,
) -> "Figure":
    """Draw a value for each character of the example names as a colour behind the character."""
    import matplotlib as mpl
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

    weights = tables["attention_examples"]
    own = weights[weights["trained_at"] == weights["tested_at"]]
    models = list(dict.fromkeys(own["model"]))
    noises = noises_in(tables)
    rows = max(own.groupby(["model", "trained_at"])["name"].nunique(), default=1)
    height = max(len(models), 1) * (0.21 * rows + 0.75)
    figure = Figure(figsize=(FULL, height * -(-len(noises) // 3)))
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
            shown = colour_map(norm(cell[column].to_numpy(float)))
            dark = shown[:, :3] @ [0.3, 0.59, 0.11] < 0.55
            for x, y, character, is_dark in zip(
                cell["position"], row, cell["character"], dark, strict=True
            ):
                axes.text(
                    x + 0.5, y + 0.5, character, ha="center", va="center", fontsize=8,
                    color="#ffffff" if is_dark else "#000000", in_layout=False,
                )  # fmt: skip
            name_ticks(axes.yaxis, np.arange(len(names)) + 0.5, [label for label, _ in names], 16)
            axes.set_xticks(
                np.arange(0, matrix.shape[1], 2) + 0.5, range(1, matrix.shape[1] + 1, 2)
            )
            axes.invert_yaxis()
            axes.grid(visible=False)
            axes.tick_params(length=0, labelsize=8)
            axes.set(title=f"{look.label(model)}, noise {noise}", xlabel="character")
    scale = ScalarMappable(norm, colour_map)
    figure.colorbar(scale, ax=grid.ravel().tolist(), label=label, fraction=0.025)
    return figure
