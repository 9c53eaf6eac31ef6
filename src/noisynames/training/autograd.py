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
from noisynames.training.hyperparameters import Hyperparameters


class _Descent:
    """`torch.optim.SGD` without momentum or decay, whose imports would take a second."""

    def __init__(self, weights: list[Tensor], rate: float) -> None:
        self._weights, self._rate = weights, rate

    def zero_grad(self) -> None:
        for weight in self._weights:
            weight.grad = None

    @torch.no_grad()
    def step(self) -> None:
        for weight in self._weights:
            if weight.grad is not None:
                weight.add_(weight.grad, alpha=-self._rate)


class AutogradEngine:
    """Updates as PyTorch's automatic differentiation defines them."""

    name = "autograd"
    at_once = 1

    def __init__(
        self,
        spec: ModelSpec,
        parameters: Parameters,
        plan: Hyperparameters,
        seed: int = 0,
        inputs: int = len(WORKSHEET),
        outputs: int | None = None,
    ) -> None:
        """See `training.engines.Engine`; one thread, since more do not help batches of 1."""
        torch.set_num_threads(1)
        torch.manual_seed(seed)
        outputs = outputs or len(parameters["output.bias"])
        self._module = load_model(spec, inputs, outputs, parameters).train()
        self._batch_size, self._clip_norm = plan.batch_size, plan.clip_norm
        weights, rate, decay = self._module.parameters(), plan.learning_rate, plan.weight_decay
        self._optimiser: torch.optim.Optimizer | _Descent
        if plan.optimizer == "adam":
            self._optimiser = torch.optim.Adam(weights, rate, weight_decay=decay)
        elif plan.momentum or decay:
            self._optimiser = torch.optim.SGD(weights, rate, plan.momentum, weight_decay=decay)
        else:
            self._optimiser = _Descent(list(weights), rate)

    def advance(self, examples: Examples) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Do one update per batch, on the mean of its losses; see `training.engines.Engine`."""
        losses = np.empty(len(examples), np.float32)
        guesses = np.empty(len(examples), np.int64)
        for start in range(0, len(examples), self._batch_size):
            batch = slice(start, min(start + self._batch_size, len(examples)))
            characters, lengths, targets = self._tensors(examples, batch)
            log_probabilities, _ = self._module(characters, lengths)
            each = F.nll_loss(log_probabilities, targets, reduction="none")
            self._optimiser.zero_grad()
            each.mean().backward()  # type: ignore[no-untyped-call]
            if self._clip_norm is not None:
                torch.nn.utils.clip_grad_norm_(self._module.parameters(), self._clip_norm)
            self._optimiser.step()
            losses[batch] = each.detach().numpy()
            guesses[batch] = log_probabilities.argmax(1).numpy()
        return losses, guesses

    @staticmethod
    def _tensors(examples: Examples, batch: slice) -> tuple[Tensor, Tensor, Tensor]:
        characters, lengths = padded(examples.between(batch.start, batch.stop))
        return characters, lengths, torch.from_numpy(examples.targets[batch])

    def parameters(self) -> Parameters:
        """Return a copy of the current weights."""
        return {name: value.numpy().copy() for name, value in self._module.state_dict().items()}
