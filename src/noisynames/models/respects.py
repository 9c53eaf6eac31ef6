"""The respect in which two models differ, found from their specifications."""

from collections.abc import Mapping
from itertools import combinations
from math import inf, isclose
from typing import Any

Spec = Mapping[str, Any]

ORDERED = ("hidden_size", "num_layers", "num_heads", "batch_size", "momentum", "weight_decay",
            "clip_norm")  # fmt: skip
"""Respects that are numbers, in which models have neighbours."""
_OF_CELL = ("num_heads", "module", "options")


def steps(models: Mapping[str, Spec]) -> list[tuple[str, str, str]]:
    """Return each pair of models that differ in one respect, as (respect, model, model).

    The first model is the one with more (layers, units, names per batch, …), where only neighbours
    are contrasted, or else the later one: a difference is what it adds.
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
    """Return the only respect in which two specifications differ; None if there are none or more.

    Settings that only one cell or optimizer has belong to it: heads, a module and its options; a
    momentum, and a learning rate, which is not comparable between optimizers. A learning rate in
    proportion to the batch size, or to 1 − momentum, belongs to that: each name then moves the
    weights equally far. A rate alone is not a respect; see `rates`.
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
    """Return the value of a specification's key; None if it does not use the key."""
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
    """Return a value's place among others; for no norm to clip at (None), infinity."""
    return inf if value is None else value
