"""The models as torch modules: the definition that every engine is held to."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from noisynames.models.spec import FEEDFORWARD, ModelSpec
from noisynames.models.weights import parameter_ranges
from noisynames.names.examples import Examples


class ConcatRNN(nn.Module):
    """The worksheet's RNN: one linear map over the concatenation of input and hidden state.

    h_t = tanh(W [x_t ; h_(t-1)] + b), h_0 = 0. Unlike `nn.RNN` it has one bias.
    """

    def __init__(self, inputs: int, hidden_size: int, num_layers: int, bidirectional: bool) -> None:
        super().__init__()
        self.hidden_size, self.num_layers = hidden_size, num_layers
        self.ends = ["", "_reverse"] if bidirectional else [""]
        for layer in range(num_layers):
            fan_in = inputs if layer == 0 else hidden_size * len(self.ends)
            for end in self.ends:
                weight = nn.Parameter(torch.empty(hidden_size, fan_in + hidden_size))
                self.register_parameter(f"weight_l{layer}{end}", weight)
                bias = nn.Parameter(torch.empty(hidden_size))
                self.register_parameter(f"bias_l{layer}{end}", bias)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Map inputs (batch, length, inputs) to the top layer's states (batch, length, width)."""
        for layer in range(self.num_layers):
            x = torch.cat([self._scan(x, lengths, f"l{layer}{end}") for end in self.ends], 2)
        return x

    def _scan(self, x: Tensor, lengths: Tensor, place: str) -> Tensor:
        weight, bias = self.get_parameter(f"weight_{place}"), self.get_parameter(f"bias_{place}")
        if place.endswith("_reverse"):
            x = reverse(x, lengths)
        h = x.new_zeros(x.shape[0], self.hidden_size)
        states = []
        for x_t in x.unbind(1):
            h = torch.tanh(F.linear(torch.cat([x_t, h], 1), weight, bias))
            states.append(h)
        stacked = torch.stack(states, 1)
        return reverse(stacked, lengths) if place.endswith("_reverse") else stacked


def reverse(x: Tensor, lengths: Tensor) -> Tensor:
    """Reverse each sequence of a padded batch (batch, length, …); the padding stays behind."""
    position = torch.arange(x.shape[1])
    index = lengths[:, None] - 1 - position
    index = torch.where(index >= 0, index, position)
    return x[torch.arange(len(x))[:, None], index]


class TransformerEncoder(nn.Module):
    """Embedded characters plus sinusoidal positions, then encoder layers, normalised first.

    Source: Vaswani et al., "Attention is all you need" (2017), sections 3.1 and 3.5.
    """

    def __init__(self, spec: ModelSpec, inputs: int) -> None:
        super().__init__()
        H = spec.hidden_size
        self.embedding = nn.Embedding(inputs, H)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                H, spec.num_heads, FEEDFORWARD * H, dropout=0, batch_first=True, norm_first=True
            )
            for _ in range(spec.num_layers)
        )

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Map embedded characters (batch, length, hidden) to states of that shape."""
        positions = torch.arange(x.shape[1])
        x = x + self._encoding(positions)
        padding = positions >= lengths[:, None]
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=padding)
        return x

    def _encoding(self, positions: Tensor) -> Tensor:
        H = self.embedding.embedding_dim
        frequencies = 10_000 ** (-torch.arange(0, H, 2) / H)
        angles = positions[:, None] * frequencies
        return torch.stack([angles.sin(), angles.cos()], 2).flatten(1)[:, :H]


class Classifier(nn.Module):
    """Characters through a cell and a readout to log-probabilities."""

    def __init__(self, spec: ModelSpec, inputs: int, outputs: int) -> None:
        super().__init__()
        self.spec, self.outputs = spec, outputs
        H = spec.hidden_size
        self.cell: nn.Module
        match spec.cell:
            case "rnn":
                self.cell = ConcatRNN(inputs, H, spec.num_layers, spec.bidirectional)
            case "transformer":
                self.cell = TransformerEncoder(spec, inputs)
            case _:
                kind = {"gru": nn.GRU, "lstm": nn.LSTM}[spec.cell]
                self.cell = kind(
                    inputs,
                    H,
                    spec.num_layers,
                    batch_first=True,
                    bidirectional=spec.bidirectional,
                )
        if spec.readout == "attention":
            self.score = nn.Linear(spec.width, 1)
        self.output = nn.Linear(spec.width, outputs)
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
        return self.classify(self.inputs(characters), lengths)

    def inputs(self, characters: Tensor) -> Tensor:
        """Return what the cell reads of each character, shape (batch, longest, width of it)."""
        x: Tensor
        if isinstance(self.cell, TransformerEncoder):
            x = self.cell.embedding(characters)
        else:
            x = self.get_buffer("one_hot")[characters]
        return x

    def classify(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor | None]:
        """Classify as `forward` does, from what `inputs` returns."""
        states = self._states(x, lengths)
        padding = torch.arange(states.shape[1]) >= lengths[:, None]
        weights = None
        match self.spec.readout:
            case "last":
                context = states[torch.arange(len(lengths)), lengths - 1]
                if self.spec.bidirectional:  # the cell from the end has read all at the first
                    H = self.spec.hidden_size
                    context = torch.cat([context[:, :H], states[:, 0, H:]], 1)
            case "attention":
                scores = self.score(states).squeeze(-1)
                weights = scores.masked_fill(padding, -torch.inf).softmax(1)
                context = (weights[:, :, None] * states).sum(1)
            case "mean":
                context = states.masked_fill(padding[:, :, None], 0).sum(1) / lengths[:, None]
            case "max":
                context = states.masked_fill(padding[:, :, None], -torch.inf).max(1).values
        return F.log_softmax(self.output(context), 1), weights

    def _states(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Return the top layer's states, shape (batch, longest, width)."""
        states: Tensor
        if self.spec.cell in ("rnn", "transformer"):
            states = self.cell(x, lengths)
        elif self.spec.bidirectional:  # from the end means from the end of each sequence
            packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            states = pad_packed_sequence(self.cell(packed)[0], batch_first=True)[0]
        else:
            states = self.cell(x)[0]
        return states


def load_classifier(
    spec: ModelSpec, inputs: int, outputs: int, parameters: Mapping[str, NDArray[np.floating]]
) -> Classifier:
    """Return the classifier of a `spec` that is not custom, with the given parameters."""
    module = Classifier(spec, inputs, outputs)
    dtypes = {np.dtype(values.dtype) for values in parameters.values()}
    if dtypes == {np.dtype(np.float64)}:
        module = module.double()
    assert parameters.keys() == parameter_ranges(spec, inputs, outputs).keys()
    module.load_state_dict({name: torch.from_numpy(v.copy()) for name, v in parameters.items()})
    return module


def padded(examples: Examples) -> tuple[Tensor, Tensor]:
    """Return all sequences as one padded batch: characters (count, longest) and lengths."""
    characters = torch.from_numpy(examples.padded(0).astype(np.int64))
    return characters, torch.from_numpy(examples.lengths)
