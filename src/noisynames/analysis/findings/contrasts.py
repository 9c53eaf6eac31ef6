"""Planned contrasts: models that differ in exactly one respect, found from their specifications."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from math import inf, isclose
from typing import Any

import pandas as pd

from noisynames.analysis.findings.comparisons import COMPARED, higher_noises
from noisynames.analysis.findings.pairs import Record, Values, compared, paired, standard
from noisynames.analysis.tables import Tables
from noisynames.grid import Grid

Spec = Mapping[str, Any]

ORDERED = ("hidden_size", "num_layers", "num_heads", "batch_size", "momentum", "weight_decay",
            "clip_norm")  # fmt: skip
"""Respects that are numbers, so that models have neighbours."""
_OF_CELL = ("num_heads", "module", "options")
_ACROSS = {"macro_accuracy": "macro_accuracy", "held_out_loss": "macro_loss"}
"""Metrics that a model has under every noise, and the column that holds each."""


def planned_contrasts(tables: Tables, values: Values, grid: Grid) -> list[Record]:
    """Return models that differ in one respect, and each model by the noise it was trained under.

    Returns:
        One record for each metric × noise × contrast: the `respect` (a key of a model's
        specification, or `trained_noise`), what each side is called (`a`, `b`) and has there
        (`a_value`, `b_value`), and `model`, the one that both sides are (of `trained_noise`) or
        null. Models are trained and tested under `noise`; of `trained_noise` that is where both
        sides are tested, and one of the noises that they were trained under. A family is all
        models' contrasts, or all of `trained_noise`, at one metric and noise.
    """
    return _of_models(values, grid) + _of_training_noise(tables, grid)


def steps(models: Mapping[str, Spec]) -> list[tuple[str, str, str]]:
    """Return the respect in which models differ, and both models, for each that differ in one.

    The first model is the one with more (layers, units, names to a batch, …), of which only
    neighbours are contrasted, or else the later one: a difference is what it adds.
    """
    found = {
        frozenset((a, b)): respect
        for a, b in combinations(models, 2)
        if (respect := respect_of(models[a], models[b]))
    }

    def between(a: str, b: str, respect: str) -> bool:
        low, high = sorted(place_of(models[m][respect]) for m in (a, b))
        return any(
            found.get(frozenset((a, c))) == respect == found.get(frozenset((b, c)))
            and low < place_of(models[c][respect]) < high
            for c in models
        )

    result = []
    for pair in combinations(models, 2):
        respect = found.get(frozenset(pair))
        if respect in ORDERED:
            small, large = sorted(pair, key=lambda m: place_of(models[m][respect]))
            if not between(large, small, respect):
                result.append((respect, large, small))
        elif respect:
            result.append((respect, *pair[::-1]))
    return result


def respect_of(a: Spec, b: Spec) -> str | None:
    """Return the one respect in which two specifications differ; None if it is none, or several.

    What a cell or an optimizer has of its own belongs to it: heads, a module and its options; a
    momentum and a learning rate, which mean nothing to another optimizer. A learning rate in
    proportion to the batch size, or to 1 − momentum, goes with that: a name then moves the weights
    as far. A rate alone is no respect; see `rates`.
    """
    different = {key for key in a if key != "label" and _has(a, key) != _has(b, key)}
    if "cell" in different:
        different -= {*_OF_CELL}
    if "optimizer" in different:
        different -= {"momentum", "learning_rate"}
    if different == {"batch_size", "learning_rate"} and _same(
        a["learning_rate"] / a["batch_size"], b["learning_rate"] / b["batch_size"]
    ):
        return "batch_size"
    if different == {"momentum", "learning_rate"} and _same(
        a["learning_rate"] / (1 - a["momentum"]), b["learning_rate"] / (1 - b["momentum"])
    ):
        return "momentum"
    return different.pop() if len(different) == 1 and different != {"learning_rate"} else None


def _has(spec: Spec, key: str) -> Any:
    """Return what a specification has at a key; None where it has no use for it."""
    used = {
        "num_heads": spec["cell"] == "transformer",
        "module": spec["cell"] == "custom",
        "options": spec["cell"] == "custom",
        "momentum": spec["optimizer"] == "sgd",
    }
    return spec[key] if used.get(key, True) else None


def _same(a: float, b: float) -> bool:
    return isclose(a, b, rel_tol=1e-6)


def place_of(value: float | None) -> float:
    """Return where a value stands among others; without a norm to clip at, that is infinite."""
    return inf if value is None else value


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
    """Yield a metric of each model × noise trained under, all tested under the same."""
    there = accuracy[accuracy["tested_at"] == tested].set_index("seed")
    for (model, trained), rows in there.groupby(["model", "trained_at"]):
        yield (metric, str(model), str(trained)), rows[column]
