"""The models as torch modules: the definition that every engine must agree with."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from noisynames.models.spec import FEEDFORWARD, RECURRENT, ModelSpec, description, reading
from noisynames.models.weights import parameter_ranges, position_encoding, recurrent_ranges
from noisynames.names.examples import Examples


class Recurrence(nn.Module):
    """Layers of a cell that PyTorch lacks, from the cell's own formula.

    `noisynames.models.cells` says when one linear map, and when two, read the input and the hidden
    state. The worksheet's RNN is such a cell: h_t = tanh(W [x_t ; h_(t-1)] + b), h_0 = 0; unlike
    `nn.RNN`, it has one bias.
    """

    def __init__(self, spec: ModelSpec, inputs: int) -> None:
        super().__init__()
        self.hidden_size, self.num_layers = spec.hidden_size, spec.num_layers
        self.description = description(spec.cell)
        self.ends = ["", "_reverse"] if spec.bidirectional else [""]
        for name, (shape, *_) in recurrent_ranges(spec, inputs).items():
            parameter = nn.Parameter(torch.empty(shape))
            self.register_parameter(name.removeprefix("cell."), parameter)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Map inputs (batch, length, inputs) to the top layer's states (batch, length, width)."""
        for layer in range(self.num_layers):
            x = torch.cat([self._scan(x, lengths, f"l{layer}{end}") for end in self.ends], 2)
        return x

    def _scan(self, x: Tensor, lengths: Tensor, place: str) -> Tensor:
        cell, H = self.description, self.hidden_size
        if place.endswith("_reverse"):
            x = reverse(x, lengths)
        state = (x.new_zeros(x.shape[0], H),) * cell.STATES
        states = []
        for x_t in x.unbind(1):
            state, _ = cell.forward(*self._parts(x_t, state[0], place), state)
            states.append(state[0])
        stacked = torch.stack(states, 1)
        return reverse(stacked, lengths) if place.endswith("_reverse") else stacked

    def _parts(self, x: Tensor, h: Tensor, place: str) -> tuple[Any, Any]:
        """Return the input part and the recurrent part of each gate."""

        def of(kind: str, side: str = "") -> Tensor:
            return self.get_parameter(f"{kind}{side}_{place}")

        if self.description.ONE_MAP:
            joined = F.linear(torch.cat([x, h], 1), of("weight"), of("bias"))
            both = joined, torch.zeros_like(joined)
        else:
            both = (
                F.linear(x, of("weight", "_ih"), of("bias", "_ih")),
                F.linear(h, of("weight", "_hh"), of("bias", "_hh")),
            )
        a, u = (part.chunk(self.description.GATES, 1) for part in both)
        return a, u


def reverse(x: Tensor, lengths: Tensor) -> Tensor:
    """Reverse each sequence of a padded batch (batch, length, …); the padding stays at the end."""
    position = torch.arange(x.shape[1])
    index = lengths[:, None] - 1 - position
    index = torch.where(index >= 0, index, position)
    return x[torch.arange(len(x))[:, None], index]


class TransformerEncoder(nn.Module):
    """Embedded characters plus sinusoidal positions, then pre-norm encoder layers.

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
        encoding = position_encoding(x.shape[1], x.shape[2])
        x = x + torch.from_numpy(encoding).to(x.dtype)
        padding = positions >= lengths[:, None]
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=padding)
        return x


class Classifier(nn.Module):
    """Maps characters through a cell and a readout to log-probabilities."""

    def __init__(self, spec: ModelSpec, inputs: int, outputs: int) -> None:
        super().__init__()
        self.spec, self.outputs = spec, outputs
        H = spec.hidden_size
        self.cell: nn.Module
        kind = spec.cell in RECURRENT and description(spec.cell).TORCH
        if spec.cell == "transformer":
            self.cell = TransformerEncoder(spec, inputs)
        elif kind:
            self.cell = getattr(nn, kind)(
                inputs, H, spec.num_layers, batch_first=True, bidirectional=spec.bidirectional
            )
        else:
            self.cell = Recurrence(spec, inputs)
        if reading(spec.readout).SCORES:
            self.score = nn.Linear(spec.width, 1)
        self.output = nn.Linear(spec.width, outputs)
        self.register_buffer("one_hot", torch.eye(inputs), persistent=False)

    def forward(self, characters: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor | None]:
        """Classify padded sequences; the content of the padding does not matter.

        Args:
            characters: Alphabet indices, shape (batch, longest), integers.
            lengths: The number of characters of each sequence, shape (batch,), at least 1.

        Returns:
            log_probabilities: Shape (batch, outputs).
            weights: The attention on each position, shape (batch, longest), 0 in the padding and
                summing to 1; None without attention.
        """
        return self.classify(self.inputs(characters), lengths)

    def inputs(self, characters: Tensor) -> Tensor:
        """Return what the cell reads for each character, shape (batch, longest, width)."""
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
        readout = reading(self.spec.readout)
        ends = 2 if self.spec.bidirectional else 1
        scores = self.score(states).squeeze(-1) if readout.SCORES else None
        context, weights = readout.read(states, padding, lengths, ends, scores)
        return F.log_softmax(self.output(context), 1), weights

    def _states(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Return the top layer's states, shape (batch, longest, width)."""
        states: Tensor
        if isinstance(self.cell, (Recurrence, TransformerEncoder)):
            states = self.cell(x, lengths)
        elif self.spec.bidirectional:  # packed, so that each sequence is read from its own end
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
