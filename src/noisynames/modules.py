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


class Custom(nn.Module):
    """A user's own module.

    It is made as `Class(inputs, outputs, **options)`, with the number of symbols and of languages,
    and called with `characters` (batch, longest), integers, and `lengths` (batch,). It returns
    logits (batch, outputs); with `readout: attention`, a pair of them and attention weights
    (batch, longest), 0 in the padding and 1 in sum. What stands in the padding must not matter. It
    trains in PyTorch's training mode and is tested in evaluation mode.
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


# Whatever a user's own code raises, it is one line that says what and where.
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
        raise UserError(f"module: {spec.module}: is no torch.nn.Module")
    return found


def _reason(error: Exception) -> str:
    first = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {first}"


def initial_of_custom(spec: ModelSpec, inputs: int, outputs: int, seed: int) -> Parameters:
    """Return the weights that a custom module starts from, and hold it to its contract.

    Raises:
        UserError: It cannot be made, or does not do what `Custom` asks for.
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
                f"module: {spec.module}: gives attention that is not 0 in the padding and 1 in sum"
            )
    if not torch.allclose(both[1:], alone, atol=1e-5):
        raise UserError(f"module: {spec.module}: what stands in the padding changes its output")
    return {name: value.numpy().copy() for name, value in module.state_dict().items()}


def load_model(
    spec: ModelSpec, inputs: int, outputs: int, parameters: Mapping[str, NDArray[np.floating]]
) -> Classifier | Custom:
    """Return the module of any `spec` with the given parameters (NumPy arrays, PyTorch's names).

    A custom one is in evaluation mode.
    """
    if spec.cell != "custom":
        return load_classifier(spec, inputs, outputs, parameters)
    module = Custom(spec, inputs, outputs).train(False)
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
