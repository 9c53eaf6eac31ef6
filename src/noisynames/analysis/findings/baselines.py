"""Baselines, and comparisons of every model with each of them."""

from noisynames.analysis.findings.pairs import (
    Record,
    Values,
    compared,
    estimate_of,
    paired,
    standard,
)
from noisynames.analysis.tables import Tables
from noisynames.columns import SCORES
from noisynames.grid import Grid

_METRICS = {
    "macro_accuracy": "macro_accuracy",
    **{name: name for name in SCORES},
    "held_out_loss": "macro_loss",
}
"""The metrics of a baseline, and the column that holds each."""


def baselines(tables: Tables, grid: Grid) -> list[Record]:
    """Return a record for each metric × baseline × noise, fitted and tested under that noise."""
    return [
        {"metric": metric, "baseline": baseline, "noise": noise, **estimate_of(metric, cell, grid)}
        for (metric, baseline, noise), cell in _by_baseline(tables, grid).items()
        if len(cell)
    ]


def comparisons(tables: Tables, values: Values, grid: Grid) -> list[Record]:
    """Return comparisons of every model with each baseline.

    A family is all models against one baseline, at one noise and metric.
    """
    everything = {**values, **_by_baseline(tables, grid)}
    records = []
    for metric in ("macro_accuracy", "held_out_loss"):
        for noise in grid.noises:
            for baseline in grid.baselines:
                records += compared(
                    [
                        {"metric": metric, "noise": noise, "a": model, "b": baseline}
                        for model in grid.compared
                    ],
                    [
                        paired(everything, (metric, model, noise), (metric, baseline, noise))
                        for model in grid.compared
                    ],
                    standard(metric, grid),
                )
    return records


def _by_baseline(tables: Tables, grid: Grid) -> Values:
    if not grid.baselines:
        return {}
    table = tables["baselines"]
    own = table[table["trained_at"] == table["tested_at"]].set_index("seed")
    return {
        (metric, baseline, noise): own[(own["model"] == baseline) & (own["trained_at"] == noise)][
            column
        ]
        for metric, column in _METRICS.items()
        for baseline in grid.baselines
        for noise in grid.noises
    }
