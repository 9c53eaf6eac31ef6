"""What does the updates: the engines, and which of them takes a model.

An engine's module is found by its name here and imported when it is asked for: a run pays for the
one that it uses, and depends on the source of that one alone.
"""

from importlib import import_module
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from noisynames.errors import UserError
from noisynames.models.spec import RECURRENT, ModelSpec, Parameters
from noisynames.names.alphabet import WORKSHEET
from noisynames.names.examples import Examples

AUTO = "auto"
MODULES = {
    "fused": "noisynames.training.compiled.engine:FusedEngine",
    "autograd": "noisynames.training.autograd:AutogradEngine",
}
"""Where each engine is."""
ENGINES = (AUTO, *MODULES)


class Engine(Protocol):
    """A model in training. Both engines start from the same weights and mean the same update."""

    name: str

    def advance(self, examples: Examples) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Do SGD on the examples in order, one update for each or for each batch of them.

        Returns:
            losses: Negative log likelihood of each example before its update, shape (count,).
            guesses: The class with the highest log-probability, shape (count,).
        """

    def parameters(self) -> Parameters:
        """Return a copy of the current weights."""


def chosen(engine: str, spec: ModelSpec, batch_size: int = 1) -> str:
    """Return the engine that trains `spec`: the one asked for, or with `auto` the fastest that can.

    Raises:
        UserError: There is no such engine, or it cannot train this model.
    """
    if engine not in ENGINES:
        raise UserError(f"training.engine: {engine!r} is not one of {', '.join(ENGINES)}")
    reason = why_not_fused(spec, batch_size)
    if engine == "fused" and reason:
        raise UserError(f"training.engine: 'fused' cannot train this model: {reason}")
    if engine == AUTO:
        return "autograd" if reason else "fused"
    return engine


def make_engine(
    engine: str,
    spec: ModelSpec,
    parameters: Parameters,
    learning_rate: float,
    outputs: int | None = None,
    batch_size: int = 1,
    seed: int = 0,
    inputs: int = len(WORKSHEET),
) -> Engine:
    """Return an engine that trains `spec` from `parameters`; `seed` is for a custom module's draws.

    Raises:
        UserError: There is no such engine, or it cannot train this model.
    """
    module, _, name = MODULES[chosen(engine, spec, batch_size)].partition(":")
    kind = getattr(import_module(module), name)
    made: Engine = kind(spec, parameters, learning_rate, outputs, batch_size, seed, inputs)
    return made


def modules_of(engine: str, spec: ModelSpec, batch_size: int = 1) -> list[str]:
    """Return the modules, relative to the package, that train `spec` and are imported by name.

    Raises:
        UserError: There is no such engine, or it cannot train this model.
    """
    engine = chosen(engine, spec, batch_size)
    modules = [MODULES[engine].partition(":")[0].removeprefix("noisynames.")]
    if engine == "fused":
        modules.append(f"training.compiled.cells.{spec.cell}")
    if spec.cell == "custom":
        modules.append("models.custom")
    return modules


def why_not_fused(spec: ModelSpec, batch_size: int = 1) -> str | None:
    """Return why the compiled engine cannot train `spec`, or None if it can."""
    if spec.cell not in RECURRENT:
        return f"it has {', '.join(RECURRENT)} only, and the cell is {spec.cell}"
    if spec.num_layers > 1:
        return f"it has one layer only, and num_layers is {spec.num_layers}"
    if spec.bidirectional:
        return "it reads forward only, and the model is bidirectional"
    if batch_size > 1:
        return f"it takes one example per update, and batch_size is {batch_size}"
    return None
