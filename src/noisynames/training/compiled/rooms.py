"""The kernels' working arrays for one example, by position.

Both Python and the kernels read this, so it needs no Numba.
"""

from noisynames.models.spec import FEEDFORWARD, RECURRENT, ModelSpec, description
from noisynames.training.compiled.layout import filled_up

ALPHA, D_ALPHA, CONTEXT, D_CONTEXT, LOGITS, ZEROS, OWN = range(7)
"""Arrays of every model: what the readout keeps per position, the context that it makes, the logits
(D_ marks the loss's derivative with respect to the array before it), zeros; then the network's."""

A, U, S, KEPT = range(4)
"""Arrays of each layer and direction of a recurrent cell, one row per position: the input part and
the recurrent part (later their derivatives), the states, and what the formula keeps. After these,
the outputs of each layer and their derivatives, and the derivative passed from position to
position."""

POSITIONS = OWN
"""A transformer's position encodings, filled in from outside."""
D_WIDE, D_ROWS, D_QKV, ROW, SCALES, TURNED = range(OWN + 1, OWN + 7)
"""Derivatives and one row that layers share, the reciprocal deviations of all normalisations, and
keys or values transposed, so that each row is one unit over all positions."""
LAYER = OWN + 7
X, NORMED, CENTRED, QKV, WEIGHTS, SEEN, MIDDLE, NORMED_2, CENTRED_2, WIDE, ROOMS = range(11)
"""Arrays of each of its layers: the input; the input normalised, with weight and bias, and without;
queries, keys and values; attention of each head; what it sees; the sum of that and the input; the
sum normalised in the same way; the wide layer. After these, the states and their derivatives."""


def network_of(cell: str) -> str:
    """Return the module in this folder that has the layers of a cell."""
    return "recurrent" if cell in RECURRENT else "encoder"


def rooms_of(spec: ModelSpec, classes: int, longest: int) -> list[int]:
    """Return the sizes of all arrays, for sequences of at most `longest` characters."""
    H, ends = filled_up(spec.hidden_size), 2 if spec.bidirectional else 1
    every = [*[filled_up(longest)] * 2, *[ends * H] * 2, filled_up(classes)]
    layers = spec.num_layers
    if spec.cell in RECURRENT:
        cell = description(spec.cell)
        gates, state = cell.GATES * H * longest, cell.STATES * H
        one = [gates, gates, state * longest, cell.KEPT * H * longest]
        outputs = [ends * H * longest] * (2 * layers)
        return [*every, max(gates // longest, state), *one * (layers * ends), *outputs, state]
    row, wide, turned = H * longest, FEEDFORWARD * H * longest, H * filled_up(longest)
    square = spec.num_heads * longest * filled_up(longest)
    shared = [row, wide, row, 3 * row, filled_up(longest), 2 * layers * longest, turned]
    layer = [row, row, row, 3 * row, square, row, row, row, row, wide]
    return [*every, H, *shared, *layer * layers, row, row]
