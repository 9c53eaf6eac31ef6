"""What readers see as the names of models: `GRU + attention`, `LSTM, 2 layers`."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from noisynames.errors import UserError

Spec = Mapping[str, Any]
Specs = Mapping[str, Spec]

_PARTS: Mapping[str, tuple[Any, Callable[[Any], str]]] = {
    "num_layers": (1, lambda n: f"{n} layers"),
    "bidirectional": (False, lambda _: "both directions"),
    "batch_size": (1, lambda n: f"batches of {n}"),
    "optimizer": ("sgd", lambda name: name.capitalize()),
    "momentum": (0, lambda share: f"momentum {share:g}"),
    "weight_decay": (0, lambda share: f"weight decay {share:g}"),
    "clip_norm": (None, lambda norm: f"clipped at {norm:g}"),
}
"""Keys that are named if they differ from the usual value given here, and their words."""
_ONLY_WHERE_THEY_DIFFER: Mapping[str, Callable[[Any], str]] = {
    "hidden_size": lambda n: f"{n} units",
    "num_heads": lambda n: f"{n} heads",
    "learning_rate": lambda rate: f"rate {rate:g}",
}
"""Keys that are named if models with otherwise the same label differ in them, and their words."""
_READOUTS = {"last": "", "attention": " + attention"}


def labels(models: Specs) -> dict[str, str]:
    """Return the label of each model: the `label` in its specification, or else its parts.

    Args:
        models: The specification of each model, as in a config with defaults filled in.

    Raises:
        UserError: The config gives two models the same label.
    """
    given = {name: spec["label"] for name, spec in models.items() if spec.get("label")}
    for label, count in Counter(given.values()).items():
        if count > 1:
            twice = [name for name in given if given[name] == label]
            raise UserError(
                f"models.{twice[1]}.label: found {label!r}, which is {twice[0]}'s; "
                "allowed: a label of its own"
            )
    made = {name: _made(name, spec) for name, spec in models.items()}
    for key, words in _ONLY_WHERE_THEY_DIFFER.items():
        alike: dict[str, list[str]] = {}
        for name, label in made.items():
            alike.setdefault(label, []).append(name)
        for names in alike.values():
            if len({models[name].get(key) for name in names}) > 1:
                made |= {name: f"{made[name]}, {words(models[name][key])}" for name in names}
    found = {name: given.get(name, made[name]) for name in models}
    often = Counter(found.values())
    return {name: label if often[label] == 1 else name for name, label in found.items()}


def _made(name: str, spec: Spec) -> str:
    """Return the parts of a model in words; of a custom model, its name."""
    if spec["cell"] == "custom":
        return name
    cell = spec["cell"].upper() if len(spec["cell"]) <= 4 else spec["cell"].capitalize()
    readout = spec.get("readout", "last")
    parts = [
        words(spec[key])
        for key, (usual, words) in _PARTS.items()
        if spec.get(key) not in (usual, None)
    ]
    return ", ".join([cell + _READOUTS.get(readout, f" + {readout}"), *parts])
