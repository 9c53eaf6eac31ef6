"""A model's weights before training.

Parameters have PyTorch's names and layouts, so that a weights file loads unchanged into a torch
module of `noisynames.models.reference`. Nothing here needs torch.
"""

import math
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from noisynames.models.spec import FEEDFORWARD, ModelSpec, Parameters, description, reading
from noisynames.randomness import Stream

Range = tuple[tuple[int, ...], float, float]
"""A parameter's shape, and the bounds of its uniform initial distribution."""


def parameter_ranges(spec: ModelSpec, inputs: int, outputs: int) -> dict[str, Range]:
    """Return each parameter's shape and the bounds of its uniform initial distribution.

    These are PyTorch's defaults: ± 1/√fan_in for `nn.Linear` (the worksheet's RNN is one, with
    fan-in inputs + hidden), ± 1/√hidden for `nn.GRU` and `nn.LSTM`; for a transformer, Glorot's
    ± √(6 / (fan_in + fan_out)) for the projections of its attention, with biases of 0, and an
    embedding of variance 1. The readout's score layer comes last, so that a model with attention
    starts from the same cell and output weights as one without.

    Args:
        spec: A model that is not custom.
        inputs: The number of symbols in the alphabet.
        outputs: The number of languages.
    """
    within = _transformer_ranges if spec.cell == "transformer" else recurrent_ranges
    bound = 1 / math.sqrt(spec.width)
    ranges = within(spec, inputs)
    ranges["output.weight"] = ((outputs, spec.width), -bound, bound)
    ranges["output.bias"] = ((outputs,), -bound, bound)
    if reading(spec.readout).SCORES:
        ranges["score.weight"] = ((1, spec.width), -bound, bound)
        ranges["score.bias"] = ((1,), -bound, bound)
    return ranges


def recurrent_ranges(spec: ModelSpec, inputs: int) -> dict[str, Range]:
    """Return the ranges for the layers of a recurrent cell; see `parameter_ranges`."""
    H = spec.hidden_size
    cell = description(spec.cell)
    G = cell.GATES * H
    ranges: dict[str, Range] = {}
    for layer in range(spec.num_layers):
        fan_in = inputs if layer == 0 else spec.width
        for end in ("", "_reverse") if spec.bidirectional else ("",):
            place = f"l{layer}{end}"
            if cell.ONE_MAP:
                bound = 1 / math.sqrt(fan_in + H)
                ranges[f"cell.weight_{place}"] = ((G, fan_in + H), -bound, bound)
                ranges[f"cell.bias_{place}"] = ((G,), -bound, bound)
            else:
                bound = 1 / math.sqrt(H)
                ranges[f"cell.weight_ih_{place}"] = ((G, fan_in), -bound, bound)
                ranges[f"cell.weight_hh_{place}"] = ((G, H), -bound, bound)
                ranges[f"cell.bias_ih_{place}"] = ((G,), -bound, bound)
                ranges[f"cell.bias_hh_{place}"] = ((G,), -bound, bound)
    return ranges


def _transformer_ranges(spec: ModelSpec, inputs: int) -> dict[str, Range]:
    H, F = spec.hidden_size, FEEDFORWARD * spec.hidden_size
    glorot, linear, wide = math.sqrt(6 / (4 * H)), 1 / math.sqrt(H), 1 / math.sqrt(F)
    ranges: dict[str, Range] = {"cell.embedding.weight": ((inputs, H), -math.sqrt(3), math.sqrt(3))}
    for layer in range(spec.num_layers):
        place = f"cell.layers.{layer}"
        ranges[f"{place}.self_attn.in_proj_weight"] = ((3 * H, H), -glorot, glorot)
        ranges[f"{place}.self_attn.in_proj_bias"] = ((3 * H,), 0, 0)
        ranges[f"{place}.self_attn.out_proj.weight"] = ((H, H), -linear, linear)
        ranges[f"{place}.self_attn.out_proj.bias"] = ((H,), 0, 0)
        ranges[f"{place}.linear1.weight"] = ((F, H), -linear, linear)
        ranges[f"{place}.linear1.bias"] = ((F,), -linear, linear)
        ranges[f"{place}.linear2.weight"] = ((H, F), -wide, wide)
        ranges[f"{place}.linear2.bias"] = ((H,), -wide, wide)
        for norm in ("norm1", "norm2"):
            ranges[f"{place}.{norm}.weight"] = ((H,), 1, 1)
            ranges[f"{place}.{norm}.bias"] = ((H,), 0, 0)
    return ranges


def initial_parameters(spec: ModelSpec, inputs: int, outputs: int, seed: int) -> Parameters:
    """Draw a model's initial weights, float32, from nothing but its seed.

    A custom module draws its own, with PyTorch seeded with `seed`.

    Raises:
        UserError: A custom module cannot be made.
    """
    if spec.cell == "custom":
        custom = import_module("noisynames.models.custom")  # imports torch, only needed here
        drawn: Parameters = custom.initial_of_custom(spec, inputs, outputs, seed)
        return drawn
    stream = Stream(seed, "initial weights")
    return {
        name: (low + (high - low) * stream.uniform(*shape)).astype(np.float32)
        for name, (shape, low, high) in parameter_ranges(spec, inputs, outputs).items()
    }


def parameter_count(parameters: Parameters) -> int:
    """Return the number of trainable weights."""
    return sum(values.size for values in parameters.values())


def position_encoding(length: int, width: int) -> NDArray[np.float32]:
    """Return a transformer's position encodings, shape (length, width): alternating sine, cosine.

    Source: Vaswani et al., "Attention is all you need" (2017), section 3.5.
    """
    # The C library's powers and sines differ from machine to machine; these do not.
    from decimal import Decimal  # only a transformer waits for it

    ten_thousand, exponents = Decimal(10_000), (Decimal(-i) / width for i in range(0, width, 2))
    frequencies = np.array([float(ten_thousand**exponent) for exponent in exponents])
    angles = np.arange(length)[:, None] * frequencies
    both = np.stack([_sine(angles), _sine(angles + math.pi / 2)], 2)
    return both.reshape(length, -1)[:, :width].astype(np.float32)


def _sine(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sines by their Taylor series; 15 terms are within 1e-15 of them from −π to π."""
    x = angles - np.round(angles / math.tau) * math.tau
    term = total = x
    for k in range(2, 30, 2):
        term = term * x * x / (-k * (k + 1))
        total = total + term
    return total
