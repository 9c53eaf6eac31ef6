"""What a model is: a cell, a readout and their sizes, and its weights before training.

Parameters carry PyTorch's names and layouts, so that a weights file loads into a torch module of
`noisynames.modules` as it is. Nothing here needs torch.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from noisynames.errors import UserError
from noisynames.randomness import generator

Cell = Literal["rnn", "gru", "lstm"]
Readout = Literal["last", "attention"]
Parameters = dict[str, NDArray[np.float32]]

CELLS: tuple[str, ...] = get_args(Cell)
READOUTS: tuple[str, ...] = get_args(Readout)
GATES = {"rnn": (1, 1, 0), "gru": (3, 1, 3), "lstm": (4, 2, 5)}
"""Numbers that a hidden unit has in its gates, in its state, and in what the compiled engine keeps
of it for the backward step."""

LARGEST_HIDDEN_SIZE = 4096
MOST_LAYERS = 16
NAME = r"[A-Za-z][A-Za-z0-9_]{0,39}"
"""What a model may be called: it becomes a folder."""


@dataclass(frozen=True)
class ModelSpec:
    """A recurrent classifier.

    Attributes:
        cell: `rnn`: h_t = tanh(W [x_t ; h_(t-1)] + b), one linear map with one bias, as the
            worksheet has it. `gru`, `lstm`: PyTorch's `nn.GRU` and `nn.LSTM`.
        readout: `last`: a linear layer on the last hidden state. `attention`: scores
            e_j = w·h_j + b, weights α = softmax(e), a linear layer on Σ α_j h_j.
        hidden_size: Length of a hidden state, at least 1.
        num_layers: Cells stacked on each other, at least 1.
    """

    cell: Cell = "rnn"
    readout: Readout = "last"
    hidden_size: int = 32
    num_layers: int = 1

    def __post_init__(self) -> None:
        if self.cell not in CELLS:
            raise UserError(f"cell: {self.cell!r} is not one of {', '.join(CELLS)}")
        if self.readout not in READOUTS:
            raise UserError(f"readout: {self.readout!r} is not one of {', '.join(READOUTS)}")
        for key, most in (("hidden_size", LARGEST_HIDDEN_SIZE), ("num_layers", MOST_LAYERS)):
            if not 1 <= getattr(self, key) <= most:
                raise UserError(f"{key}: found {getattr(self, key)}; allowed: 1 to {most}")


WORKSHEET_MODELS = {
    "rnn": ModelSpec("rnn"),
    "gru": ModelSpec("gru"),
    "gru_attention": ModelSpec("gru", "attention"),
    "lstm": ModelSpec("lstm"),
}


def parameter_bounds(
    spec: ModelSpec, inputs: int, outputs: int
) -> dict[str, tuple[tuple[int, ...], float]]:
    """Return each parameter's shape and the bound of its uniform initial distribution.

    These are PyTorch's defaults: ± 1/√fan_in for `nn.Linear` (the worksheet's RNN is one, of
    fan-in inputs + hidden), ± 1/√hidden for `nn.GRU` and `nn.LSTM`. The readout's score layer
    comes last, so that a model with attention starts from the same cell and output weights as
    the one without.

    Args:
        spec: The model.
        inputs: Symbols of the alphabet.
        outputs: Languages.
    """
    H = spec.hidden_size
    G = GATES[spec.cell][0] * H
    bounds: dict[str, tuple[tuple[int, ...], float]] = {}
    for layer in range(spec.num_layers):
        fan_in = inputs if layer == 0 else H
        if spec.cell == "rnn":
            bound = 1 / math.sqrt(fan_in + H)
            bounds[f"cell.weight_l{layer}"] = ((H, fan_in + H), bound)
            bounds[f"cell.bias_l{layer}"] = ((H,), bound)
        else:
            bound = 1 / math.sqrt(H)
            bounds[f"cell.weight_ih_l{layer}"] = ((G, fan_in), bound)
            bounds[f"cell.weight_hh_l{layer}"] = ((G, H), bound)
            bounds[f"cell.bias_ih_l{layer}"] = ((G,), bound)
            bounds[f"cell.bias_hh_l{layer}"] = ((G,), bound)
    bounds["output.weight"] = ((outputs, H), 1 / math.sqrt(H))
    bounds["output.bias"] = ((outputs,), 1 / math.sqrt(H))
    if spec.readout == "attention":
        bounds["score.weight"] = ((1, H), 1 / math.sqrt(H))
        bounds["score.bias"] = ((1,), 1 / math.sqrt(H))
    return bounds


def initial_parameters(spec: ModelSpec, inputs: int, outputs: int, seed: int) -> Parameters:
    """Draw a model's initial weights, float32, from its seed alone."""
    rng = generator(seed, "initial weights")
    return {
        name: rng.uniform(-bound, bound, shape).astype(np.float32)
        for name, (shape, bound) in parameter_bounds(spec, inputs, outputs).items()
    }


def parameter_count(spec: ModelSpec, inputs: int, outputs: int) -> int:
    """Return the number of trainable weights."""
    return sum(math.prod(shape) for shape, _ in parameter_bounds(spec, inputs, outputs).values())


def spec_from(mapping: dict[str, Any]) -> ModelSpec:
    """Return the spec that a config's mapping describes; missing keys take their defaults."""
    return ModelSpec(**mapping)
