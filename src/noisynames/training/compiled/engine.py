"""The compiled engine: whole recording intervals of batch-1 SGD in one call."""

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noisynames.models.spec import GATES, READOUTS, ModelSpec, Parameters
from noisynames.names.examples import Examples
from noisynames.training.compiled import cache as compiled

Array = NDArray[np.generic]


class FusedEngine:
    """Compiled kernels in the precision of the parameters they start from."""

    name = "fused"

    def __init__(
        self, spec: ModelSpec, parameters: Parameters, learning_rate: float, *_: object
    ) -> None:
        """Take a copy of `parameters` in the kernels' layout, matrices transposed.

        What else `training.engines.make_engine` hands over, this engine has in the weights.
        """
        p: dict[str, Any] = {
            name: np.array(values, order="C") for name, values in parameters.items()
        }
        dtype = p["output.weight"].dtype
        none = np.empty(0, dtype)
        H = spec.hidden_size
        if spec.cell == "rnn":
            joint = np.ascontiguousarray(p["cell.weight_l0"].T)
            cell: list[Any] = [joint[:-H], p["cell.bias_l0"], joint[-H:], none]
        else:
            cell = [
                np.ascontiguousarray(p["cell.weight_ih_l0"].T),
                p["cell.bias_ih_l0"],
                np.ascontiguousarray(p["cell.weight_hh_l0"].T),
                p["cell.bias_hh_l0"],
            ]
        readout = [p.get("score.weight", none), p.get("score.bias", none)]
        self._spec, self._dtype, self._rate = spec, dtype, learning_rate
        self._weights = [*cell, *readout, p["output.weight"], p["output.bias"]]
        self._scratch: list[Array] = []
        self._longest = 0
        self._kernel = compiled.load(spec.cell, dtype.name)

    def advance(self, examples: Examples) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Do one SGD update per example; see `noisynames.training.engines.Engine`."""
        self._reserve(int(examples.lengths.max(initial=1)))
        losses = np.empty(len(examples), self._dtype)
        guesses = np.empty(len(examples), np.int64)
        characters = np.ascontiguousarray(examples.characters, np.uint16)  # as the kernels read it
        stream: list[Any] = [characters, examples.offsets, examples.targets]
        addresses = _addresses([*self._weights, *self._scratch, *stream, losses, guesses])
        classes, H = self._weights[6].shape
        readout, scores = READOUTS.index(self._spec.readout), len(self._weights[5])
        sizes = np.array(
            [len(self._weights[0]), H, classes, self._longest, len(examples), readout, scores]
        )
        unused = (ctypes.c_void_p * 2)()
        status = self._kernel(
            ctypes.addressof(unused),
            ctypes.addressof(unused) + ctypes.sizeof(ctypes.c_void_p),
            addresses.ctypes.data,
            sizes.ctypes.data,
            self._rate,
        )
        assert status == 0, "kernels raise nothing"
        return losses, guesses

    def parameters(self) -> Parameters:
        """Return a copy of the current weights."""
        embedding, input_bias, recurrent, recurrent_bias, score, score_bias, output, bias = (
            self._weights
        )
        if self._spec.cell == "rnn":
            parameters = {
                "cell.weight_l0": np.concatenate([embedding, recurrent]).T.copy(),
                "cell.bias_l0": input_bias.copy(),
            }
        else:
            parameters = {
                "cell.weight_ih_l0": embedding.T.copy(),
                "cell.weight_hh_l0": recurrent.T.copy(),
                "cell.bias_ih_l0": input_bias.copy(),
                "cell.bias_hh_l0": recurrent_bias.copy(),
            }
        parameters |= {"output.weight": output.copy(), "output.bias": bias.copy()}
        if self._spec.readout == "attention":
            parameters |= {"score.weight": score.copy(), "score.bias": score_bias.copy()}
        return parameters

    def _reserve(self, longest: int) -> None:
        """Have scratch memory for examples of `longest` characters; see `kernels.Scratch`."""
        if longest <= self._longest:
            return
        self._longest = longest
        spec, (classes, H) = self._spec, self._weights[6].shape
        G, S, K = GATES[spec.cell]
        per_step = [*[(longest, G, H)] * 3, (longest, K, H), *[(longest + 1, S, H)] * 2]
        shapes: list[tuple[int, ...]] = [(G, H), *per_step, (S, H)]
        shapes += [(longest,), (longest,), (H,), (H,), (classes,)]
        self._scratch = [np.zeros(shape, self._dtype) for shape in shapes]


def _addresses(arrays: Sequence[Array]) -> NDArray[np.int64]:
    assert all(array.flags.c_contiguous for array in arrays)
    return np.array([array.ctypes.data for array in arrays], np.int64)
