"""The engines, which do the updates, and which of them trains a model.

An engine's module is named here and imported on demand: a run pays only for the engine that it
uses, and depends only on the source of that one.
"""

from importlib import import_module
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from noisynames.errors import UserError
from noisynames.models.spec import RECURRENT, ModelSpec, Parameters
from noisynames.names.alphabet import WORKSHEET
from noisynames.names.examples import Examples
from noisynames.training.hyperparameters import Hyperparameters

AUTO = "auto"
MODULES = {
    "compiled": "noisynames.training.compiled.engine:CompiledEngine",
    "autograd": "noisynames.training.autograd:AutogradEngine",
}
"""The module and class of each engine."""
ENGINES = (AUTO, *MODULES)


class Engine(Protocol):
    """A model in training. Both engines start from the same weights and mean the same update."""

    name: str
    at_once: int
    """How many examples are worth a call of `advance`: for fewer, calling takes too much time."""

    def __init__(
        self,
        spec: ModelSpec,
        parameters: Parameters,
        plan: Hyperparameters,
        seed: int = 0,
        inputs: int = len(WORKSHEET),
        outputs: int | None = None,
    ) -> None:
        """Start from a copy of `parameters`.

        Args:
            spec: The model.
            parameters: Its weights, with PyTorch's names and layouts.
            plan: The optimiser, its step length and the batch size are used.
            seed: The seed for draws of a custom module in training.
            inputs: The number of symbols, for custom modules.
            outputs: The number of classes, for custom modules; others know both from their weights.
        """

    def advance(self, examples: Examples) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Take the examples in order, with one update for each example or batch.

        Returns:
            losses: Negative log likelihood of each example before its update, shape (count,).
            guesses: The class with the highest log-probability, shape (count,).
        """

    def parameters(self) -> Parameters:
        """Return a copy of the current weights."""


def check_name(engine: object) -> None:
    """Refuse the former name of an engine, and give its new name.

    Raises:
        UserError: It is a former name.
    """
    if engine == "fused":
        raise UserError("training.engine: 'fused' is called 'compiled' now")


def chosen(engine: str, spec: ModelSpec) -> str:
    """Return the engine that trains `spec`: the given one, or for `auto` the fastest that can.

    Raises:
        UserError: There is no such engine, or it cannot train this model.
    """
    check_name(engine)
    if engine not in ENGINES:
        raise UserError(f"training.engine: {engine!r} is not one of {', '.join(ENGINES)}")
    own = spec.cell == "custom"
    if engine == "compiled" and own:
        raise UserError("training.engine: 'compiled' cannot train a custom module; 'auto' can")
    return ("autograd" if own else "compiled") if engine == AUTO else engine


def engine_of(engine: str, spec: ModelSpec) -> type[Engine]:
    """Return the engine that trains `spec`, to be called as `Engine` says.

    Raises:
        UserError: There is no such engine, or it cannot train this model.
    """
    module, _, name = MODULES[chosen(engine, spec)].partition(":")
    kind: type[Engine] = getattr(import_module(module), name)
    return kind


def modules_of(engine: str, spec: ModelSpec) -> list[str]:
    """Return the modules, relative to the package, that train `spec` and are imported by name.

    Raises:
        UserError: There is no such engine, or it cannot train this model.
    """
    engine = chosen(engine, spec)
    return [MODULES[engine].partition(":")[0].removeprefix("noisynames."), *modules_of_model(spec)]


def modules_of_model(spec: ModelSpec) -> list[str]:
    """Return the modules that any use of a model imports by name, such as its cell and readout."""
    if spec.cell == "custom":
        return ["models.custom"]
    compiled = "training.compiled"
    network = f"{compiled}.{'recurrent' if spec.cell in RECURRENT else 'encoder'}"
    cell = [f"models.cells.{spec.cell}"] if spec.cell in RECURRENT else []
    readout = [f"models.readouts.{spec.readout}", f"{compiled}.readouts.{spec.readout}"]
    return [f"{compiled}.kernels", network, *cell, *readout]
