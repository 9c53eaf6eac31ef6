"""Predictions of trained modules, in which a prefix that sequences share is read once."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from noisynames.modules import Classifier, Custom, padded
from noisynames.sampling import Examples

_NONE = 255  # no character
_READ_AT_ONCE = 2**14
_CLASSIFIED_AT_ONCE = 2**9


def predict(
    module: Classifier | Custom, examples: Examples
) -> tuple[NDArray[np.float64], list[NDArray[np.float64]] | None]:
    """Return log-probabilities (count, outputs), and each sequence's attention weights if any.

    A cell that reads from the start is in the same state behind a prefix in whichever sequence it
    stands: the name alone, the name under each noise behind it, other names that begin alike. So
    it reads every distinct prefix once.
    """
    log_probabilities = np.empty((len(examples), module.outputs))
    attention = [np.empty(0)] * len(examples)
    # Neighbours in alphabetical order share the longest prefixes.
    characters = examples.padded(_NONE) + 1  # what is nothing becomes 0: it ends a string
    alphabetical = np.argsort(characters.view(f"S{characters.shape[1]}")[:, 0], kind="stable")
    with torch.inference_mode():
        for begin in range(0, len(alphabetical), _READ_AT_ONCE):
            neighbours = alphabetical[begin : begin + _READ_AT_ONCE]
            part = examples.select(neighbours)
            prefixes = None
            if isinstance(module, Classifier) and module.reads_forward:
                prefixes = Prefixes(module, part)
            lengths = part.lengths
            by_length = np.argsort(lengths, kind="stable")
            for first in range(0, len(by_length), _CLASSIFIED_AT_ONCE):
                rows = by_length[first : first + _CLASSIFIED_AT_ONCE]
                outputs, weights = (
                    prefixes.classify(rows) if prefixes else module(*padded(part.select(rows)))
                )
                log_probabilities[neighbours[rows]] = outputs.double().numpy()
                if weights is not None:
                    for row, weight in zip(rows, weights.double().numpy(), strict=True):
                        attention[neighbours[row]] = weight[: lengths[row]]
    return log_probabilities, attention if module.spec.readout == "attention" else None


class Prefixes:
    """The states of a module behind every distinct prefix of some sequences."""

    def __init__(self, module: Classifier, examples: Examples) -> None:
        """Read sequences that are in alphabetical order."""
        self._module, self._lengths = module, examples.lengths
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
        states, hidden = [], None
        for t in range(new.shape[1]):
            rows = np.flatnonzero(by_length[t])
            parents = None
            if t:
                parents = torch.from_numpy(self._number[rows, t - 1] - starts[t - 1])
            read = torch.from_numpy(characters[rows, t].astype(np.int64))
            state, hidden = module.step(read, hidden, parents)
            states.append(state)
        self._states = torch.cat(states)

    def classify(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor | None]:
        """Classify the sequences at `rows`, as `Classifier.forward` does."""
        lengths = self._lengths[rows]
        number = self._number[rows, : lengths.max()]
        if self._module.spec.readout == "last":
            number, lengths = number[np.arange(len(rows)), lengths - 1, None], np.ones_like(lengths)
        return self._module.read_out(self._states[number], torch.from_numpy(lengths))
