"""The models as torch modules: the definition that every engine is held to."""

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
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from noisynames.errors import UserError
from noisynames.models import FEEDFORWARD, ModelSpec, Parameters, parameter_ranges
from noisynames.sampling import Examples

Hidden = Tensor | tuple[Tensor, ...]
"""The last states of each layer (layers, batch, hidden); an LSTM has its memory cells beside."""


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

    def forward(
        self, x: Tensor, lengths: Tensor, hidden: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Run over inputs (batch, length, inputs), as `nn.RNN` does.

        Returns:
            The top layer's states (batch, length, width), and each layer's last (layers, batch,
            hidden), from where a further call goes on.
        """
        if hidden is None:
            hidden = x.new_zeros(self.num_layers * len(self.ends), x.shape[0], self.hidden_size)
        starts, last = iter(hidden), []
        for layer in range(self.num_layers):
            scans = [self._scan(x, lengths, f"l{layer}{end}", next(starts)) for end in self.ends]
            last += [states[:, -1] for states in scans]
            x = torch.cat(scans, 2)
        return x, torch.stack(last)

    def _scan(self, x: Tensor, lengths: Tensor, place: str, h: Tensor) -> Tensor:
        weight, bias = self.get_parameter(f"weight_{place}"), self.get_parameter(f"bias_{place}")
        if place.endswith("_reverse"):
            x = reverse(x, lengths)
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
        return self.read_out(self._states(x, lengths), lengths)

    def read_out(self, states: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor | None]:
        """Classify as `forward` does, from the top layer's states (batch, longest, width)."""
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

    @property
    def reads_forward(self) -> bool:
        """Whether the state behind a character depends on what stands up to it, and no more."""
        return self.spec.cell != "transformer" and not self.spec.bidirectional

    def step(
        self, characters: Tensor, hidden: Hidden | None, parents: Tensor | None
    ) -> tuple[Tensor, Hidden]:
        """Read one more character each, with a cell that `reads_forward`.

        Args:
            characters: Alphabet indices, shape (batch,).
            hidden: What the step before returned; None at the start.
            parents: Which of that step's sequences each goes on from, shape (batch,).

        Returns:
            The top layer's states (batch, width), and what the next step goes on from.
        """
        if isinstance(hidden, tuple):
            hidden = tuple(part[:, parents] for part in hidden)
        elif hidden is not None:
            hidden = hidden[:, parents]
        x = self.inputs(characters[:, None])
        ones = torch.ones_like(characters)
        states, hidden = (
            self.cell(x, ones, hidden) if self.spec.cell == "rnn" else self.cell(x, hidden)
        )
        return states[:, 0], hidden

    def _states(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Return the top layer's states, shape (batch, longest, width)."""
        states: Tensor
        if self.spec.cell == "rnn":
            states = self.cell(x, lengths)[0]
        elif self.spec.cell == "transformer":
            states = self.cell(x, lengths)
        elif self.spec.bidirectional:  # from the end means from the end of each sequence
            packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            states = pad_packed_sequence(self.cell(packed)[0], batch_first=True)[0]
        else:
            states = self.cell(x)[0]
        return states


class Custom(nn.Module):
    """A user's own module.

    It is made as `Class(inputs, outputs, **options)`, with the number of symbols and of languages,
    and called with `characters` (batch, longest), integers, and `lengths` (batch,). It returns
    logits (batch, outputs); with `readout: attention`, a pair of them and attention weights
    (batch, longest), 0 in the padding and 1 in sum. What stands in the padding must not matter.
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


def _custom_class(spec: ModelSpec) -> Any:
    assert spec.module is not None
    package, name = spec.module.split(":")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        found = getattr(import_module(package), name)
    except ImportError as error:
        raise UserError(f"module: {spec.module}: cannot be imported ({error})") from None
    except AttributeError:
        raise UserError(f"module: {spec.module}: {package} has no {name}") from None
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise UserError(f"module: {spec.module}: is no torch.nn.Module")
    return found


def initial_of_custom(spec: ModelSpec, inputs: int, outputs: int, seed: int) -> Parameters:
    """Return the weights that a custom module starts from, and hold it to its contract.

    Raises:
        UserError: It cannot be made, or does not do what `Custom` asks for.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        try:
            module = Custom(spec, inputs, outputs)
        except TypeError as error:
            raise UserError(f"module: {spec.module}: {error}") from None
    characters = torch.tensor([[1, 2, 3, 4], [5, 6, 0, 0]]) % inputs
    lengths = torch.tensor([4, 2])
    with torch.inference_mode():
        try:
            both, weights = module(characters, lengths)
            alone, _ = module(characters[1:, :2], lengths[1:])
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"module: {spec.module}: fails on two names ({reason})") from None
    if both.shape != (2, outputs):
        shape = tuple(both.shape)
        raise UserError(f"module: {spec.module}: gives {shape} for two names, not {(2, outputs)}")
    if weights is not None and weights.shape != (2, 4):
        shape = tuple(weights.shape)
        raise UserError(f"module: {spec.module}: gives attention of {shape}, not (2, 4)")
    if not torch.allclose(both[1:], alone, atol=1e-5):
        raise UserError(f"module: {spec.module}: what stands in the padding changes its output")
    return {name: value.numpy().copy() for name, value in module.state_dict().items()}


def load_model(
    spec: ModelSpec, inputs: int, outputs: int, parameters: Mapping[str, NDArray[np.floating]]
) -> Classifier | Custom:
    """Return the module of any `spec` with the given parameters (NumPy arrays, PyTorch's names)."""
    if spec.cell != "custom":
        return load_classifier(spec, inputs, outputs, parameters)
    module = Custom(spec, inputs, outputs)
    module.load_state_dict({name: torch.from_numpy(v.copy()) for name, v in parameters.items()})
    return module


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
