"""The models as torch modules: the definition that every engine is held to."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from noisynames.models import ModelSpec, parameter_bounds
from noisynames.sampling import Examples


class ConcatRNN(nn.Module):
    """The worksheet's RNN: one linear map over the concatenation of input and hidden state.

    h_t = tanh(W [x_t ; h_(t-1)] + b), h_0 = 0. Unlike `nn.RNN` it has one bias.
    """

    def __init__(self, inputs: int, hidden_size: int, num_layers: int) -> None:
        super().__init__()
        self.hidden_size, self.num_layers = hidden_size, num_layers
        for layer in range(num_layers):
            fan_in = inputs if layer == 0 else hidden_size
            weight = nn.Parameter(torch.empty(hidden_size, fan_in + hidden_size))
            self.register_parameter(f"weight_l{layer}", weight)
            self.register_parameter(f"bias_l{layer}", nn.Parameter(torch.empty(hidden_size)))

    def forward(self, x: Tensor) -> Tensor:
        """Map inputs (batch, length, inputs) to the top layer's states (batch, length, hidden)."""
        for layer in range(self.num_layers):
            weight = self.get_parameter(f"weight_l{layer}")
            bias = self.get_parameter(f"bias_l{layer}")
            h = x.new_zeros(x.shape[0], self.hidden_size)
            states = []
            for x_t in x.unbind(1):
                h = torch.tanh(F.linear(torch.cat([x_t, h], 1), weight, bias))
                states.append(h)
            x = torch.stack(states, 1)
        return x


class Classifier(nn.Module):
    """One-hot characters through a recurrent cell and a readout to log-probabilities."""

    def __init__(self, spec: ModelSpec, inputs: int, outputs: int) -> None:
        super().__init__()
        self.spec = spec
        H = spec.hidden_size
        self.cell: nn.Module
        if spec.cell == "rnn":
            self.cell = ConcatRNN(inputs, H, spec.num_layers)
        else:
            kind = {"gru": nn.GRU, "lstm": nn.LSTM}[spec.cell]
            self.cell = kind(inputs, H, spec.num_layers, batch_first=True)
        if spec.readout == "attention":
            self.score = nn.Linear(H, 1)
        self.output = nn.Linear(H, outputs)
        self.register_buffer("one_hot", torch.eye(inputs), persistent=False)

    def forward(self, characters: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor | None]:
        """Classify padded sequences; what stands in the padding does not matter.

        Args:
            characters: Alphabet indices, shape (batch, longest), integers.
            lengths: Characters of each sequence, shape (batch,), each at least 1.

        Returns:
            log_probabilities: Shape (batch, outputs).
            weights: The attention on each position, shape (batch, longest), 0 in the padding and
                1 in sum; None without attention.
        """
        states = self.cell(self.get_buffer("one_hot")[characters])
        if isinstance(states, tuple):
            states = states[0]
        if self.spec.readout == "last":
            context, weights = states[torch.arange(len(lengths)), lengths - 1], None
        else:
            scores = self.score(states).squeeze(-1)
            padding = torch.arange(states.shape[1]) >= lengths[:, None]
            weights = scores.masked_fill(padding, -torch.inf).softmax(1)
            context = (weights[:, :, None] * states).sum(1)
        return F.log_softmax(self.output(context), 1), weights


def load_classifier(
    spec: ModelSpec, inputs: int, outputs: int, parameters: Mapping[str, NDArray[np.floating]]
) -> Classifier:
    """Return the module of `spec` with the given parameters (NumPy arrays, PyTorch's names)."""
    module = Classifier(spec, inputs, outputs)
    dtypes = {np.dtype(values.dtype) for values in parameters.values()}
    if dtypes == {np.dtype(np.float64)}:
        module = module.double()
    assert parameters.keys() == parameter_bounds(spec, inputs, outputs).keys()
    module.load_state_dict({name: torch.from_numpy(v.copy()) for name, v in parameters.items()})
    return module


def padded(examples: Examples) -> tuple[Tensor, Tensor]:
    """Return all sequences as one padded batch: characters (count, longest) and lengths."""
    lengths = examples.lengths
    batch = np.zeros((len(examples), int(lengths.max(initial=1))), np.int64)
    batch[np.arange(batch.shape[1]) < lengths[:, None]] = examples.characters
    return torch.from_numpy(batch), torch.from_numpy(lengths)


def predict(
    module: Classifier, examples: Examples, batch_size: int = 512
) -> tuple[NDArray[np.float64], list[NDArray[np.float64]] | None]:
    """Return log-probabilities (count, outputs), and each sequence's attention weights if any."""
    order = np.argsort(examples.lengths, kind="stable")
    log_probabilities = np.empty((len(examples), module.output.out_features))
    attention: dict[int, NDArray[np.float64]] = {}
    with torch.inference_mode():
        for start in range(0, len(examples), batch_size):
            chunk = order[start : start + batch_size]
            characters, lengths = padded(examples.select(chunk))
            outputs, weights = module(characters, lengths)
            log_probabilities[chunk] = outputs.double().numpy()
            if weights is not None:
                for index, row, length in zip(
                    chunk, weights.double().numpy(), lengths, strict=True
                ):
                    attention[int(index)] = row[: int(length)]
    if module.spec.readout == "last":
        return log_probabilities, None
    return log_probabilities, [attention[i] for i in range(len(examples))]
