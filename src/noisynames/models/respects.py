"""In what respect two models differ, found from their specifications."""

from collections.abc import Mapping
from itertools import combinations
from math import inf, isclose
from typing import Any

Spec = Mapping[str, Any]

ORDERED = ("hidden_size", "num_layers", "num_heads", "batch_size", "momentum", "weight_decay",
            "clip_norm")  # fmt: skip
"""Respects that are numbers, so that models have neighbours."""
_OF_CELL = ("num_heads", "module", "options")


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
