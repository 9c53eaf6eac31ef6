"""A model of the user's own, and any model as a torch module."""

import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from noisynames.errors import UserError
from noisynames.models.reference import Classifier, load_classifier, padded
from noisynames.models.spec import ModelSpec, Parameters, TrainedModel
from noisynames.names.examples import Examples

Floats = NDArray[np.floating]
_AT_ONCE = 512


class Custom(nn.Module):
    """A user's own module.

    It is made as `Class(inputs, outputs, **options)`, with the numbers of symbols and of languages,
    and called with `characters` (batch, longest), integers, and `lengths` (batch,). It returns
    logits (batch, outputs); with `readout: attention`, a pair of logits and attention weights
    (batch, longest), 0 in the padding and summing to 1. The content of the padding must not matter.
    It is trained in PyTorch's training mode and tested in evaluation mode.
    """

    def __init__(self, spec: ModelSpec, inputs: int, outputs: int) -> None:
        super().__init__()
        self.spec, self.outputs = spec, outputs
        self.module: nn.Module = _custom_class(spec)(inputs, outputs, **spec.options)

    def forward(self, characters: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor | None]:
        """Classify padded sequences, as `Classifier` does."""
        result = self.module(characters, lengths)
        logits, weights = result if self.spec.readout == "attention" else (result, None)
        return F.log_softmax(logits, 1), weights


# Whatever a user's own code raises becomes one line that says what and where.
def _custom_class(spec: ModelSpec) -> Any:
    assert spec.module is not None
    package, name = spec.module.split(":")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        package_of_it = import_module(package)
    except Exception as error:
        raise UserError(f"module: {spec.module}: cannot be imported ({_reason(error)})") from None
    if not hasattr(package_of_it, name):
        raise UserError(f"module: {spec.module}: {package} has no {name}")
    found = getattr(package_of_it, name)
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise UserError(f"module: {spec.module}: not a torch.nn.Module")
    return found


def _reason(error: Exception) -> str:
    first = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {first}"


def initial_of_custom(spec: ModelSpec, inputs: int, outputs: int, seed: int) -> Parameters:
    """Return the initial weights of a custom module, after checking that it keeps its contract.

    Raises:
        UserError: It cannot be made, or does not behave as `Custom` says.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        try:
            module = Custom(spec, inputs, outputs).train(False)
        except UserError:
            raise
        except Exception as error:
            raise UserError(f"module: {spec.module}: {_reason(error)}") from None
    if not any(parameter.requires_grad for parameter in module.parameters()):
        raise UserError(f"module: {spec.module}: has no parameter to train")
    characters = torch.tensor([[1, 2, 3, 4], [5, 6, 0, 0]]) % inputs
    lengths = torch.tensor([4, 2])
    with torch.inference_mode():
        try:
            both, weights = module(characters, lengths)
            alone, _ = module(characters[1:, :2], lengths[1:])
        except Exception as error:
            raise UserError(
                f"module: {spec.module}: fails on two names ({_reason(error)})"
            ) from None
    if both.shape != (2, outputs):
        shape = tuple(both.shape)
        raise UserError(f"module: {spec.module}: gives {shape} for two names, not {(2, outputs)}")
    if weights is not None:
        if weights.shape != (2, 4):
            shape = tuple(weights.shape)
            raise UserError(f"module: {spec.module}: gives attention of {shape}, not (2, 4)")
        if weights[1, 2:].any() or not torch.allclose(weights.sum(1), torch.ones(2), atol=1e-4):
            raise UserError(
                f"module: {spec.module}: its attention is not 0 in the padding and 1 in sum"
            )
    if not torch.allclose(both[1:], alone, atol=1e-5):
        raise UserError(f"module: {spec.module}: the content of the padding changes its output")
    return {name: value.numpy().copy() for name, value in module.state_dict().items()}


def load_model(
    spec: ModelSpec, inputs: int, outputs: int, parameters: Mapping[str, NDArray[np.floating]]
) -> Classifier | Custom:
    """Return the module of any `spec` with the given parameters (NumPy arrays, PyTorch's names).

    A custom module is in evaluation mode.
    """
    if spec.cell != "custom":
        return load_classifier(spec, inputs, outputs, parameters)
    module = Custom(spec, inputs, outputs).train(False)
    module.load_state_dict({name: torch.from_numpy(v.copy()) for name, v in parameters.items()})
    return module


def classify(model: TrainedModel, examples: Examples) -> tuple[Floats, Floats]:
    """Return log-probabilities (count, outputs), and attention end to end, like the characters."""
    module = load_model(model.spec, len(examples.alphabet), model.outputs, model.parameters)
    outputs = np.empty((len(examples), model.outputs))
    attention = np.zeros(len(examples.characters))
    by_length = np.argsort(examples.lengths, kind="stable")
    for first in range(0, len(by_length), _AT_ONCE):
        rows = by_length[first : first + _AT_ONCE]
        part = examples.select(rows)
        with torch.inference_mode():
            found, weights = module(*padded(part))
        outputs[rows] = found.numpy()
        if weights is not None:
            for row, weight in zip(rows, weights.numpy(), strict=True):
                attention[examples.offsets[row] : examples.offsets[row + 1]] = weight[
                    : examples.lengths[row]
                ]
    return outputs, attention
