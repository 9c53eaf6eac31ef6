"""The reference engine: plain PyTorch, any model, any batch size."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from noisynames.models.custom import load_model
from noisynames.models.reference import padded
from noisynames.models.spec import ModelSpec, Parameters
from noisynames.names.alphabet import WORKSHEET
from noisynames.names.examples import Examples


class AutogradEngine:
    """The worksheet's SGD, as PyTorch's automatic differentiation defines it."""

    name = "autograd"

    def __init__(
        self,
        spec: ModelSpec,
        parameters: Parameters,
        learning_rate: float,
        outputs: int | None = None,
        batch_size: int = 1,
        seed: int = 0,
        inputs: int = len(WORKSHEET),
    ) -> None:
        """Start from `parameters`, on one thread: a run of batch 1 gains nothing from more.

        A custom module is told its number of `outputs`; others have it in their weights. What it
        draws in training, as dropout does, it draws from `seed`.
        """
        torch.set_num_threads(1)
        torch.manual_seed(seed)
        outputs = outputs or len(parameters["output.bias"])
        self._module = load_model(spec, inputs, outputs, parameters).train()
        self._batch_size = batch_size
        self._optimiser = torch.optim.SGD(self._module.parameters(), lr=learning_rate)

    def advance(self, examples: Examples) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Do one SGD update a batch, on the mean of its losses; see `training.Engine`."""
        losses = np.empty(len(examples), np.float32)
        guesses = np.empty(len(examples), np.int64)
        for start in range(0, len(examples), self._batch_size):
            batch = slice(start, min(start + self._batch_size, len(examples)))
            characters, lengths, targets = self._tensors(examples, batch)
            log_probabilities, _ = self._module(characters, lengths)
            each = F.nll_loss(log_probabilities, targets, reduction="none")
            self._optimiser.zero_grad()
            each.mean().backward()  # type: ignore[no-untyped-call]
            self._optimiser.step()
            losses[batch] = each.detach().numpy()
            guesses[batch] = log_probabilities.argmax(1).numpy()
        return losses, guesses

    @staticmethod
    def _tensors(examples: Examples, batch: slice) -> tuple[Tensor, Tensor, Tensor]:
        characters, lengths = padded(examples.select(np.arange(batch.start, batch.stop)))
        return characters, lengths, torch.from_numpy(examples.targets[batch])

    def parameters(self) -> Parameters:
        """Return a copy of the current weights."""
        return {name: value.numpy().copy() for name, value in self._module.state_dict().items()}
