"""The compiled engine: whole recording intervals of SGD in one call, and predictions."""

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noisynames.models.spec import READOUTS, RECURRENT, ModelSpec, Parameters, reading
from noisynames.models.weights import position_encoding
from noisynames.names.examples import Examples
from noisynames.training.compiled import cache
from noisynames.training.compiled.interface import (
    ADAM,
    COUNTS,
    GRADIENTS,
    IN_PLACE,
    MEMORY,
    PREDICT,
    SETTINGS,
    SGD,
    TRAIN,
)
from noisynames.training.compiled.layout import filled_up, layout_of
from noisynames.training.compiled.rooms import POSITIONS, rooms_of
from noisynames.training.hyperparameters import Hyperparameters

Floats = NDArray[np.floating]
_NOTHING = np.zeros(0)
_ALIGNMENT = 64
_WEIGHTS_AT_ONCE = 50_000_000
"""Examples times weights of a call: a hundredth of a second, a hundred times what calling takes."""


def aligned(count: int, kind: Any) -> Any:
    """Return zeros that begin at a multiple of 64 bytes.

    NumPy's own begin at multiples of 16, so that almost every load of 64 bytes touches two cache
    lines, which costs a fifth of the time.
    """
    raw = np.zeros(count * np.dtype(kind).itemsize + _ALIGNMENT, np.uint8)
    begin = -raw.ctypes.data % _ALIGNMENT
    return raw[begin : begin + count * np.dtype(kind).itemsize].view(kind)


class CompiledModel:
    """A model's weights and machine code that computes with them, in their precision.

    Attributes:
        memory: The arrays that both sides share, by the names of `interface.MEMORY`.
        kernel: The machine code, called as `cache.callable_at` says.
    """

    def __init__(
        self, spec: ModelSpec, parameters: Parameters, load: Callable[..., Any] = cache.load
    ) -> None:
        """Copy `parameters` (PyTorch's names and layouts) into the kernels' layout.

        `load` returns the kernel, like `cache.load`; a kernel that runs elsewhere need not exist.
        """
        self._spec = spec
        self._layout = layout_of(spec, parameters)
        kind = parameters["output.weight"].dtype
        offsets = self._layout.offsets
        size = int(offsets[-1])
        self.memory: dict[str, Any] = dict.fromkeys(MEMORY, _NOTHING)
        self.memory["weights"] = aligned(size, kind)
        self._layout.pack(parameters, self.memory["weights"])
        # The end is there twice, for a readout without weights, whose part has no length.
        self.memory["parts"] = np.concatenate([offsets, offsets[-1:]])
        self.memory["settings"] = np.zeros(len(SETTINGS))
        self._counts = dict.fromkeys(COUNTS, 0) | {
            "batch": 1,
            "layers": spec.num_layers,
            "ends": 2 if spec.bidirectional else 1,
            "units": spec.hidden_size,
            "heads": spec.num_heads,
            "symbols": self._layout.parts[0].rows[1],
            "classes": len(parameters["output.bias"]),
            "readout": READOUTS.index(spec.readout),
            "scores": int(reading(spec.readout).SCORES),
            "weights": size,
            "parts": len(self.memory["parts"]),
        }
        self._longest = 0
        self.kernel = load(spec.cell, filled_up(spec.hidden_size), kind.name)

    def parameters(self) -> Parameters:
        """Return a copy of the current weights.

        After divergence, some are NaN, and processors make different NaNs.
        """
        weights = self.memory["weights"]
        return self._layout.unpacked(np.where(np.isnan(weights), self._kind.type(np.nan), weights))

    def predict(self, examples: Examples) -> tuple[Floats, Floats]:
        """Return log-probabilities (count, classes), and attention, laid out like characters."""
        outputs = self._new((len(examples), self._counts["classes"]))
        attention = self._new(len(examples.characters))
        self._call(PREDICT, examples, log_probabilities=outputs, per_character=attention)
        return outputs, attention

    def input_gradients(self, examples: Examples) -> Floats:
        """Return ‖∂loss/∂x_t‖ of each character's input, laid out like the characters."""
        norms = self._new(len(examples.characters))
        gradients = self.memory["gradients"]
        if not gradients.size:
            self.memory["gradients"] = aligned(self._counts["weights"], self._kind)
        self._call(GRADIENTS, examples, per_character=norms)
        return norms

    @property
    def _kind(self) -> Any:
        return self.memory["weights"].dtype

    def _new(self, shape: int | tuple[int, ...]) -> Floats:
        return np.zeros(shape, self._kind)

    def call_of(
        self, task: int, examples: Examples, **results: Any
    ) -> tuple[dict[str, Any], dict[str, int]]:
        """Return the arguments of the machine code: arrays and numbers, in `interface`'s order."""
        self._reserve(int(examples.lengths.max(initial=1)))
        memory = {
            **self.memory,
            "characters": np.ascontiguousarray(examples.characters, np.uint16),
            "offsets": np.ascontiguousarray(examples.offsets, np.int64),
            "targets": np.ascontiguousarray(examples.targets, np.int64),
            **results,
        }
        return memory, self._counts | {"task": task, "examples": len(examples)}

    def _call(self, task: int, examples: Examples, **results: Any) -> None:
        memory, counts = self.call_of(task, examples, **results)
        assert all(array.flags.c_contiguous for array in memory.values())
        addresses = np.array([array.ctypes.data for array in memory.values()], np.int64)
        numbers = np.array([*counts.values()], np.int64)
        unused = (ctypes.c_void_p * 2)()
        status = self.kernel(
            ctypes.addressof(unused),
            ctypes.addressof(unused) + ctypes.sizeof(ctypes.c_void_p),
            addresses.ctypes.data,
            numbers.ctypes.data,
        )
        assert status == 0, "kernels raise nothing"

    def _reserve(self, longest: int) -> None:
        """Make sure that there is working memory for examples of `longest` characters."""
        if longest <= self._longest:
            return
        self._longest = longest
        sizes = [filled_up(size) for size in rooms_of(self._spec, self._counts["classes"], longest)]
        rooms = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        work = aligned(int(rooms[-1]), self._kind)
        if self._spec.cell not in RECURRENT:
            H = self._spec.hidden_size
            table = np.zeros((longest, filled_up(H)), self._kind)
            table[:, :H] = position_encoding(longest, H)
            place = rooms[POSITIONS]
            work[place : place + table.size] = table.ravel()
        self.memory["work"], self.memory["rooms"] = work, rooms


class CompiledEngine(CompiledModel):
    """A model in training; see `noisynames.training.engines.Engine`."""

    name = "compiled"

    def __init__(
        self,
        spec: ModelSpec,
        parameters: Parameters,
        plan: Hyperparameters,
        *_: object,
        load: Callable[..., Any] = cache.load,
    ) -> None:
        """See `training.engines.Engine`; its other arguments follow from the weights."""
        super().__init__(spec, parameters, load)
        self.at_once = _WEIGHTS_AT_ONCE // self._counts["weights"]
        in_place = plan.is_plain and plan.batch_size == 1
        kind = IN_PLACE if in_place else ADAM if plan.optimizer == "adam" else SGD
        self._counts |= {"batch": plan.batch_size, "optimiser": kind}
        settings = {
            "rate": plan.learning_rate,
            "momentum": plan.momentum,
            "weight_decay": plan.weight_decay,
            "clip_norm": plan.clip_norm or 0.0,
            "first_power": 1.0,
            "second_power": 1.0,
        }
        self.memory["settings"] = np.array([settings[name] for name in SETTINGS])
        if not in_place:
            size = self._counts["weights"]
            for name in ("gradients", "first_moment", "second_moment"):
                self.memory[name] = aligned(size, self._kind)

    def advance(self, examples: Examples) -> tuple[Floats, NDArray[np.int64]]:
        """Do one update per example or per batch; see `noisynames.training.engines.Engine`."""
        losses = self._new(len(examples))
        guesses = np.empty(len(examples), np.int64)
        self._call(TRAIN, examples, losses=losses, guesses=guesses)
        return losses, guesses
