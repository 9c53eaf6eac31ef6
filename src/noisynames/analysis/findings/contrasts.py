"""Planned contrasts: models that differ in exactly one respect, and the training noise."""

from collections.abc import Iterator

import pandas as pd

from noisynames.analysis.findings.comparisons import COMPARED, higher_noises
from noisynames.analysis.findings.pairs import Record, Values, compared, paired, standard
from noisynames.analysis.tables import Tables
from noisynames.grid import Grid
from noisynames.models.respects import steps

_ACROSS = {"macro_accuracy": "macro_accuracy", "held_out_loss": "macro_loss"}
"""Metrics that a model has under every noise, and the column that holds each."""


def planned_contrasts(tables: Tables, values: Values, grid: Grid) -> list[Record]:
    """Return contrasts of models that differ in one respect, and of each model's training noise.

    Returns:
        One record for each metric × noise × contrast: the `respect` (a key of a model's
        specification, or `trained_noise`), the name of each side (`a`, `b`) and its value there
        (`a_value`, `b_value`), and `model`, the model of both sides for `trained_noise`, else null.
        Models are trained and tested under `noise`; for `trained_noise`, both sides are tested
        under it, and it is the training noise of one of them, or the lowest. A family is all
        contrasts of models, or all of `trained_noise`, at one metric and noise.
    """
    return _of_models(values, grid) + _of_training_noise(tables, grid)


def _of_models(values: Values, grid: Grid) -> list[Record]:
    found = steps({name: grid.models[name] for name in grid.compared})
    records = []
    for metric in COMPARED:
        for noise in grid.noises:
            records += compared(
                [
                    {
                        "metric": metric, "noise": noise, "respect": respect, "a": a, "b": b,
                        "a_value": grid.models[a][respect], "b_value": grid.models[b][respect],
                        "model": None,
                    }
                    for respect, a, b in found
                ],
                [paired(values, (metric, a, noise), (metric, b, noise)) for _, a, b in found],
                standard(metric, grid),
            )  # fmt: skip
    return records


def _of_training_noise(tables: Tables, grid: Grid) -> list[Record]:
    low, records = grid.quietest, []
    for metric, column in _ACROSS.items():
        for tested in grid.noises:
            values = dict(_trained_at(tables["accuracy"], metric, column, tested))
            trained = higher_noises(grid) if tested == low else [tested]
            asked = [(model, noise) for model in grid.compared for noise in trained]
            records += compared(
                [
                    {
                        "metric": metric, "noise": tested, "respect": "trained_noise",
                        "a": f"{model} trained at noise {noise}",
                        "b": f"{model} trained at noise {low}",
                        "a_value": noise, "b_value": low, "model": model,
                    }
                    for model, noise in asked
                ],
                [paired(values, (metric, m, noise), (metric, m, low)) for m, noise in asked],
                standard(metric, grid),
            )  # fmt: skip
    return records


def _trained_at(
    accuracy: pd.DataFrame, metric: str, column: str, tested: str
) -> Iterator[tuple[tuple[str, str, str], pd.Series]]:
    """Yield a metric for each model × training noise, all tested under the same noise."""
    there = accuracy[accuracy["tested_at"] == tested].set_index("seed")
    for (model, trained), rows in there.groupby(["model", "trained_at"]):
        yield (metric, str(model), str(trained)), rows[column]
