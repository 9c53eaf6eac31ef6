"""Comparisons of models, and of noise levels, in loss and in accuracy."""

from itertools import combinations

import pandas as pd

from noisynames.analysis.findings.pairs import (
    METRICS,
    Record,
    Values,
    compared,
    estimate,
    estimate_of,
    paired,
    paired_change,
    standard,
)
from noisynames.grid import Grid

COMPARED = ("final_loss", "loss_area", "held_out_loss", "generalisation_gap", "macro_accuracy")


def estimates(values: Values, grid: Grid) -> list[Record]:
    """Return a record for each metric × model × noise."""
    return [
        {
            "metric": metric, "model": model, "noise": noise,
            **estimate_of(metric, values[key], grid),
        }
        for metric in METRICS
        for noise in grid.noises
        for model in grid.compared
        if (key := (metric, model, noise)) in values
    ]  # fmt: skip


def model_comparisons(values: Values, grid: Grid) -> list[Record]:
    """Return a record for each metric × noise × pair of models; a family is all pairs."""
    pairs = model_pairs(grid)
    records = []
    for metric in COMPARED:
        for noise in grid.noises:
            records += compared(
                [{"metric": metric, "noise": noise, "a": a, "b": b} for a, b in pairs],
                [paired(values, (metric, a, noise), (metric, b, noise)) for a, b in pairs],
                standard(metric, grid),
            )
    return records


def noise_effects(values: Values, grid: Grid) -> list[Record]:
    """Return a record for each metric × model × noise above the lowest; a family is a metric."""
    low = grid.quietest
    asked = [(model, noise) for noise in higher_noises(grid) for model in grid.compared]
    records = []
    for metric in COMPARED:
        records += compared(
            [{"metric": metric, "model": m, "noise": n, "against": low} for m, n in asked],
            [paired(values, (metric, m, n), (metric, m, low)) for m, n in asked],
            standard(metric, grid),
        )
    return records


def interactions(values: Values, grid: Grid) -> list[Record]:
    """Return how the difference of each pair changes from the lowest noise.

    A family is all records of one metric.
    """
    low = grid.quietest
    asked = [(a, b, noise) for noise in higher_noises(grid) for a, b in model_pairs(grid)]
    records = []
    for metric in COMPARED:
        records += compared(
            [{"metric": metric, "a": a, "b": b, "noise": n, "against": low} for a, b, n in asked],
            [
                paired_change(
                    values,
                    ((metric, a, n), (metric, b, n)),
                    ((metric, a, low), (metric, b, low)),
                )
                for a, b, n in asked
            ],
            standard(metric, grid),
        )
    return records


def ranks(values: Values, grid: Grid) -> list[Record]:
    """Return the mean rank by macro-averaged accuracy within a seed and noise; 1 is best."""
    records = []
    for noise in grid.noises:
        keys = {m: ("macro_accuracy", m, noise) for m in grid.compared}
        columns = {m: values[key] for m, key in keys.items() if key in values}
        if not columns:
            continue
        ranked = pd.DataFrame(columns).dropna().rank(axis=1, ascending=False)
        records += [
            {"model": model, "noise": noise, **estimate(ranked[model])}
            for model in columns
            if len(ranked)
        ]
    return records


def placements(values: Values, grid: Grid) -> list[Record]:
    """Return comparisons of all placements of noise at the same level, within each model.

    A family is all models and pairs of placements at one level and metric.
    """
    records = []
    for level in sorted({noise.level for noise in grid.conditions} - {0}):
        there = [noise for noise in grid.conditions if noise.level == level]
        asked = [(model, a, b) for model in grid.compared for a, b in combinations(there, 2)]
        if not asked:
            continue
        for metric in ("final_loss", "macro_accuracy"):
            records += compared(
                [
                    {
                        "metric": metric, "model": model, "level": level,
                        "a": a.placement, "b": b.placement,
                    }
                    for model, a, b in asked
                ],
                [paired(values, (metric, m, a.name), (metric, m, b.name)) for m, a, b in asked],
                standard(metric, grid),
            )  # fmt: skip
    return records


def model_pairs(grid: Grid) -> list[tuple[str, str]]:
    """Return all pairs of models, the later one first: a difference is what that adds."""
    return [(b, a) for a, b in combinations(grid.compared, 2)]


def higher_noises(grid: Grid) -> list[str]:
    """Return all noises except the lowest."""
    return [noise for noise in grid.noises if noise != grid.quietest]
