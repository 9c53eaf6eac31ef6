"""The reference engine: plain PyTorch, one example an update."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from noisynames.alphabet import ALPHABET
from noisynames.models import ModelSpec, Parameters
from noisynames.modules import load_model
from noisynames.sampling import Examples


class AutogradEngine:
    """The worksheet's SGD, as PyTorch's automatic differentiation defines it."""

    name = "autograd"

    def __init__(
        self,
        spec: ModelSpec,
        parameters: Parameters,
        learning_rate: float,
        outputs: int | None = None,
    ) -> None:
        """Start from `parameters`, on one thread: a run of batch 1 gains nothing from more.

        A custom module is told its number of `outputs`; others have it in their weights.
        """
        torch.set_num_threads(1)
        outputs = outputs or len(parameters["output.bias"])
        self._module = load_model(spec, len(ALPHABET), outputs, parameters)
        self._optimiser = torch.optim.SGD(self._module.parameters(), lr=learning_rate)

    def advance(self, examples: Examples) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Do one SGD update an example; see `noisynames.training.Engine`."""
        losses = np.empty(len(examples), np.float32)
        guesses = np.empty(len(examples), np.int64)
        characters = torch.from_numpy(examples.characters.astype(np.int64))
        lengths = torch.from_numpy(examples.lengths)
        targets = torch.from_numpy(examples.targets)
        for i, (start, end) in enumerate(
            zip(examples.offsets[:-1], examples.offsets[1:], strict=True)
        ):
            log_probabilities, _ = self._module(characters[None, start:end], lengths[i : i + 1])
            loss = F.nll_loss(log_probabilities, targets[i : i + 1])
            self._optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimiser.step()
            losses[i] = loss.item()
            guesses[i] = int(log_probabilities.argmax())
        return losses, guesses

    def parameters(self) -> Parameters:
        """Return a copy of the current weights."""
        return {name: value.numpy().copy() for name, value in self._module.state_dict().items()}
