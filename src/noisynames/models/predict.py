"""Predictions of trained models.

Recurrent cells of one layer that read forward, as most do, are computed in NumPy, which saves the
second that importing torch takes; all others by their torch modules. A test holds the two together.
"""

from collections.abc import Callable
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from noisynames.models.spec import RECURRENT, ModelSpec, Parameters, TrainedModel
from noisynames.names.examples import Examples

Floats = NDArray[np.floating]
State = tuple[Floats, ...]
"""What a cell hands on, each (batch, hidden): its hidden state, and an LSTM's memory cell."""
Step = Callable[[NDArray[np.int64], State], State]
"""From the characters read, shape (batch,), and the states before to the states after."""

_NONE = 2**16 - 1  # no character
_READ_AT_ONCE = 2**14
_CLASSIFIED_AT_ONCE = 2**9


def needs_torch(spec: ModelSpec) -> bool:
    """Whether a model is predicted with by its torch module."""
    return spec.cell not in RECURRENT or spec.num_layers > 1 or spec.bidirectional


def predict(
    model: TrainedModel, examples: Examples
) -> tuple[NDArray[np.float64], list[NDArray[np.float64]] | None]:
    """Return log-probabilities (count, outputs), and each sequence's attention weights if any."""
    # Imported by name, since only these models depend on it and pay for importing torch.
    torch = import_module("noisynames.models.custom") if needs_torch(model.spec) else None
    part_of = torch.Sequences if torch else _Prefixes
    log_probabilities = np.empty((len(examples), model.outputs))
    attention = [np.empty(0)] * len(examples)
    # Neighbours in alphabetical order share the longest prefixes.
    # Strings of bytes sort fastest. What is nothing becomes 0, which ends a string.
    characters = (examples.padded(_NONE) + 1).astype(">u2")
    strings = characters.view(f"S{2 * characters.shape[1]}")[:, 0]
    alphabetical = np.argsort(strings, kind="stable")
    for begin in range(0, len(alphabetical), _READ_AT_ONCE):
        neighbours = alphabetical[begin : begin + _READ_AT_ONCE]
        part = examples.select(neighbours)
        classify = part_of(model, part).classify
        lengths = part.lengths
        by_length = np.argsort(lengths, kind="stable")
        for first in range(0, len(by_length), _CLASSIFIED_AT_ONCE):
            rows = by_length[first : first + _CLASSIFIED_AT_ONCE]
            outputs, weights = classify(rows)
            log_probabilities[neighbours[rows]] = outputs
            if weights is not None:
                for row, weight in zip(rows, weights.astype(np.float64), strict=True):
                    attention[neighbours[row]] = weight[: lengths[row]]
    return log_probabilities, attention if model.spec.readout == "attention" else None


class _Prefixes:
    """Sequences, and the states of a cell behind every distinct prefix of them.

    A cell that reads from the start is in the same state behind a prefix in whichever sequence it
    stands: the name alone, the name under each noise behind it, other names that begin alike. So
    it reads every distinct prefix once.
    """

    def __init__(self, model: TrainedModel, examples: Examples) -> None:
        """Read sequences that are in alphabetical order."""
        self._readout, self._parameters = model.spec.readout, model.parameters
        self._lengths = examples.lengths
        characters = examples.padded(_NONE)
        inside = characters != _NONE
        # A prefix is new where it differs from that of the sequence before, at any place.
        new = np.ones_like(inside)
        new[1:] = np.logical_or.accumulate(characters[1:] != characters[:-1], axis=1)
        new &= inside
        # Prefixes are numbered by length, then alphabetically. The number at (i, t) is that of the
        # first t + 1 characters of sequence i: the last new one of that length up to there.
        by_length = np.ascontiguousarray(new.T)
        self._number = np.cumsum(by_length, dtype=np.int32).reshape(by_length.shape).T - 1
        starts = np.concatenate([[0], np.cumsum(by_length.sum(1))])
        step = _STEPS[model.spec.cell](model.parameters)
        nothing = np.zeros((1, model.spec.hidden_size), model.parameters["output.weight"].dtype)
        state: State = (nothing, nothing)
        read = []
        for t in range(new.shape[1]):
            rows = np.flatnonzero(by_length[t])
            parents = self._number[rows, t - 1] - starts[t - 1] if t else np.zeros_like(rows)
            state = step(characters[rows, t], tuple(part[parents] for part in state))
            read.append(state[0])
        self._states = np.concatenate(read)
        if self._readout == "attention":
            scores = self._states @ model.parameters["score.weight"][0]
            self._scores = scores + model.parameters["score.bias"]

    def classify(self, rows: NDArray[np.int64]) -> tuple[Floats, Floats | None]:
        """Return log-probabilities and attention weights of the sequences at `rows`."""
        lengths = self._lengths[rows]
        number = self._number[rows, : lengths.max()]
        padding = np.arange(number.shape[1]) >= lengths[:, None]
        weights = None
        match self._readout:
            case "last":
                context = self._states[number[np.arange(len(rows)), lengths - 1]]
            case "attention":
                scores = np.where(padding, -np.inf, self._scores[number])
                weights = np.exp(scores - scores.max(1, keepdims=True))
                weights /= weights.sum(1, keepdims=True)
                context = (weights[:, None] @ self._states[number])[:, 0]
            case "mean":
                states = np.where(padding[:, :, None], 0, self._states[number])
                context = states.sum(1) / lengths[:, None].astype(states.dtype)
            case "max":
                context = np.where(padding[:, :, None], -np.inf, self._states[number]).max(1)
        logits = context @ self._parameters["output.weight"].T + self._parameters["output.bias"]
        logits -= logits.max(1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(1, keepdims=True)), weights


# The formulas are PyTorch's of `nn.GRU` and `nn.LSTM`, and `modules.ConcatRNN`. A character enters
# as one-hot, so what it adds is a row of a table.
def _rnn(p: Parameters) -> Step:
    H = len(p["cell.bias_l0"])
    recurrent = p["cell.weight_l0"][:, -H:].T.copy()
    table = p["cell.weight_l0"][:, :-H].T + p["cell.bias_l0"]
    return lambda read, state: (np.tanh(table[read] + state[0] @ recurrent),)


def _gru(p: Parameters) -> Step:
    table = p["cell.weight_ih_l0"].T + p["cell.bias_ih_l0"]
    recurrent, bias = p["cell.weight_hh_l0"].T.copy(), p["cell.bias_hh_l0"]
    H = len(recurrent)

    def step(read: NDArray[np.int64], state: State) -> State:
        (h, *_), x = state, table[read]
        u = h @ recurrent + bias
        gates = _sigmoid(x[:, : 2 * H] + u[:, : 2 * H])
        reset, update = gates[:, :H], gates[:, H:]
        candidate = np.tanh(x[:, 2 * H :] + reset * u[:, 2 * H :])
        return (candidate + update * (h - candidate),)

    return step


def _lstm(p: Parameters) -> Step:
    table = p["cell.weight_ih_l0"].T + (p["cell.bias_ih_l0"] + p["cell.bias_hh_l0"])
    recurrent = p["cell.weight_hh_l0"].T.copy()
    H = len(recurrent)

    def step(read: NDArray[np.int64], state: State) -> State:
        h, c = state
        gates = table[read] + h @ recurrent
        into, forget, out = (_sigmoid(gates[:, k * H : (k + 1) * H]) for k in (0, 1, 3))
        c = forget * c + into * np.tanh(gates[:, 2 * H : 3 * H])
        return out * np.tanh(c), c

    return step


_STEPS = {"rnn": _rnn, "gru": _gru, "lstm": _lstm}


def _sigmoid(x: Floats) -> Floats:
    half = x.dtype.type(0.5)
    return half * np.tanh(half * x) + half
