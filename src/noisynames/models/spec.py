"""What a model is: a cell, a readout and their sizes.

Parameters have PyTorch's names and layouts, so that a weights file loads unchanged into a torch
module of `noisynames.models.reference`. Nothing here needs torch.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noisynames.errors import UserError

Parameters = dict[str, NDArray[np.float32]]


def _files(folder: str) -> tuple[str, ...]:
    """Return the names of the modules in a folder beside this file."""
    here = Path(__file__).parent / folder
    return tuple(sorted(file.stem for file in here.glob("*.py") if file.stem != "__init__"))


RECURRENT = _files("cells")
CELLS = (*RECURRENT, "transformer", "custom")
READOUTS = _files("readouts")
LARGEST_HIDDEN_SIZE = 4096
MOST_LAYERS = 16
FEEDFORWARD = 4
"""Width of a transformer's feed-forward layers, as a multiple of the hidden size."""
NAME = r"[A-Za-z][A-Za-z0-9_]{0,39}"
"""The allowed names of models, which become names of folders."""


@dataclass(frozen=True)
class ModelSpec:
    """A classifier of character sequences.

    Attributes:
        cell: `rnn`: h_t = tanh(W [x_t ; h_(t-1)] + b), one linear map with one bias, as in the
            worksheet. `gru`, `lstm`: PyTorch's `nn.GRU` and `nn.LSTM`. `transformer`: an encoder
            with sinusoidal positions. `custom`: the module named by `module`.
        readout: What the output layer sees of the states h_j. `last`: the last state (of both
            directions, if there are two). `attention`: Σ α_j h_j with scores e_j = w·h_j + b and
            α = softmax(e). `mean`, `max`: that of every unit over the states. For `custom`,
            `attention` only says that the module returns attention weights.
        hidden_size: The length of a hidden state, at least 1.
        num_layers: The number of stacked layers, at least 1.
        bidirectional: Whether a second cell reads the sequence from its end.
        num_heads: The number of attention heads of a transformer, a divisor of the hidden size.
        module: `package.module:Class`, for `custom`; see `noisynames.models.custom`.
        options: Keyword arguments of that class.
    """

    cell: str = "rnn"
    readout: str = "last"
    hidden_size: int = 32
    num_layers: int = 1
    bidirectional: bool = False
    num_heads: int = 4
    module: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.cell not in CELLS:
            raise UserError(f"cell: {self.cell!r} is not one of {', '.join(CELLS)}")
        if self.readout not in READOUTS:
            raise UserError(f"readout: {self.readout!r} is not one of {', '.join(READOUTS)}")
        for key, most in (("hidden_size", LARGEST_HIDDEN_SIZE), ("num_layers", MOST_LAYERS)):
            if not 1 <= getattr(self, key) <= most:
                raise UserError(f"{key}: found {getattr(self, key)}; allowed: 1 to {most}")
        if self.cell == "transformer" and (self.num_heads < 1 or self.hidden_size % self.num_heads):
            raise UserError(
                f"num_heads: found {self.num_heads}; "
                f"allowed: a divisor of the hidden size {self.hidden_size}"
            )
        if self.bidirectional and self.cell not in RECURRENT:
            raise UserError(f"bidirectional: found true; a {self.cell} has no direction")
        if (self.cell == "custom") != (self.module is not None):
            raise UserError("module: goes with the cell 'custom', and the cell with a module")
        if self.module is not None and not re.fullmatch(r"[\w.]+:\w+", self.module):
            raise UserError(f"module: found {self.module!r}; allowed: package.module:Class")

    @property
    def width(self) -> int:
        """The number of values that the readout sees at each position."""
        return self.hidden_size * (2 if self.bidirectional else 1)


@dataclass(frozen=True)
class TrainedModel:
    """A model with its weights.

    Attributes:
        spec: The model.
        parameters: Its weights, with PyTorch's names and layouts.
        outputs: The number of languages.
    """

    spec: ModelSpec
    parameters: Parameters
    outputs: int


WORKSHEET_MODELS = {
    "rnn": ModelSpec("rnn"),
    "gru": ModelSpec("gru"),
    "gru_attention": ModelSpec("gru", "attention"),
    "lstm": ModelSpec("lstm"),
}


def spec_from(mapping: Mapping[str, Any]) -> ModelSpec:
    """Return the spec that a config's mapping describes; missing keys take their defaults.

    How the model is trained (learning rate, batch size) is not part of it.
    """
    known = {f.name for f in fields(ModelSpec)}
    return ModelSpec(**{key: value for key, value in mapping.items() if key in known})


def description(cell: str) -> Any:
    """Return the module that describes a recurrent cell; see `noisynames.models.cells`."""
    return import_module(f"noisynames.models.cells.{cell}")


def reading(readout: str) -> Any:
    """Return the module that describes a readout; see `noisynames.models.readouts`."""
    return import_module(f"noisynames.models.readouts.{readout}")
