"""Where each weight is in the memory of the compiled engine.

All weights of a model are in one vector; gradients, and what an optimiser keeps, are in others with
the same layout. Each array begins at a multiple of 64 bytes, is transposed where that lets inner
loops run along memory, and has every block of hidden units padded with zeros to a multiple of
LANES. The padding stays zero in training: a cell's unit whose inputs and state are 0 keeps a state
of 0.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from noisynames.models.spec import FEEDFORWARD, RECURRENT, ModelSpec, Parameters, description

Floats = NDArray[np.floating]

LANES = 16
"""Vectors have a multiple of this many elements, and sums are taken in this many lanes."""


def filled_up(size: int) -> int:
    """Return the multiple of LANES to which a size is padded."""
    return -(-size // LANES) * LANES


@dataclass(frozen=True)
class Part:
    """A weight, or rows of it, in the kernels' layout.

    Attributes:
        name: PyTorch's name of the parameter.
        rows, columns: Blocks of rows and of columns, as (how many, size of each).
        transposed: Whether rows here are columns in PyTorch.
        columns_of: Where its columns begin and end in PyTorch's parameter.
        fill_rows: Whether blocks of rows are padded, too.
    """

    name: str
    rows: tuple[int, int]
    columns: tuple[int, int]
    transposed: bool = True
    columns_of: tuple[int, int | None] = (0, None)
    fill_rows: bool = True

    @property
    def shape(self) -> tuple[int, int]:
        """The kernels' rows and columns."""
        (blocks, size), (across, width) = self.rows, self.columns
        return blocks * (filled_up(size) if self.fill_rows else size), across * filled_up(width)

    def packed(self, parameter: Floats) -> Floats:
        """Return the kernels' array of a parameter in PyTorch's layout."""
        array = np.zeros(self.shape, parameter.dtype)
        own = parameter.reshape(-1, parameter.shape[-1])[:, slice(*self.columns_of)]
        self._inner(array)[...] = (own.T if self.transposed else own).reshape(self._inside)
        return array

    def unpack(self, array: Floats, parameter: Floats) -> None:
        """Copy the kernels' array into a parameter in PyTorch's layout."""
        own = self._inner(array.reshape(self.shape)).reshape(self._plain)
        into = parameter.reshape(-1, parameter.shape[-1])
        into[:, slice(*self.columns_of)] = own.T if self.transposed else own

    @property
    def _inside(self) -> tuple[int, ...]:
        return (*self.rows, *self.columns)

    @property
    def _plain(self) -> tuple[int, int]:
        return self.rows[0] * self.rows[1], self.columns[0] * self.columns[1]

    def _inner(self, array: Floats) -> Floats:
        (blocks, size), (across, width) = self.rows, self.columns
        whole = array.reshape(blocks, -1, across, filled_up(width))
        return whole[:, :size, :, :width]


@dataclass(frozen=True)
class Layout:
    """The parts of a model's weights, in order.

    Attributes:
        parts: The parts, in the order in which the kernels expect them.
        shapes: PyTorch's shape of each parameter, in PyTorch's order.
    """

    parts: tuple[Part, ...]
    shapes: dict[str, tuple[int, ...]]

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Where each part begins, and where the last ends, counted in elements."""
        sizes = [filled_up(rows * columns) for rows, columns in (part.shape for part in self.parts)]
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    def pack(self, parameters: Parameters, into: Floats) -> None:
        """Write parameters in PyTorch's layout into the engine's memory."""
        for part, begin in zip(self.parts, self.offsets, strict=False):
            packed = part.packed(parameters[part.name]).ravel()
            into[begin : begin + packed.size] = packed

    def unpacked(self, memory: Floats) -> Parameters:
        """Return the parameters in PyTorch's layout, in its order."""
        found = {name: np.empty(shape, memory.dtype) for name, shape in self.shapes.items()}
        for part, begin in zip(self.parts, self.offsets, strict=False):
            rows, columns = part.shape
            part.unpack(memory[begin : begin + rows * columns], found[part.name])
        return found


def layout_of(spec: ModelSpec, parameters: Parameters) -> Layout:
    """Return the layout of the weights of a model that is not custom."""
    shapes = {name: values.shape for name, values in parameters.items()}
    outputs, _ = shapes["output.weight"]
    ends = 2 if spec.bidirectional else 1
    within = _of_layers if spec.cell in RECURRENT else _of_transformer
    parts = within(spec, shapes)
    states = (ends, spec.hidden_size)
    parts.append(Part("output.weight", (1, outputs), states, transposed=False, fill_rows=False))
    parts.append(_bias("output.bias", (1, outputs)))
    if "score.weight" in shapes:
        parts.append(Part("score.weight", (1, 1), states, transposed=False, fill_rows=False))
        parts.append(_bias("score.bias", (1, 1)))
    return Layout(tuple(parts), shapes)


def _bias(name: str, blocks: tuple[int, int]) -> Part:
    return Part(name, (1, 1), blocks, transposed=False, fill_rows=False)


def _of_layers(spec: ModelSpec, shapes: dict[str, tuple[int, ...]]) -> list[Part]:
    """Four parts per layer and direction: input and its bias, recurrent and its bias (if any)."""
    H, cell = spec.hidden_size, description(spec.cell)
    gates = (cell.GATES, H)
    ends = ("", "_reverse") if spec.bidirectional else ("",)
    parts = []
    for layer in range(spec.num_layers):
        for end in ends:
            place = f"l{layer}{end}"
            joint = f"cell.weight_{place}"
            fan_in = (
                (shapes[joint][1] - H if cell.ONE_MAP else shapes[f"cell.weight_ih_{place}"][1])
                if layer == 0
                else spec.width
            )
            rows = (1, fan_in) if layer == 0 else (len(ends), H)
            if cell.ONE_MAP:
                inputs, recurrent = (0, fan_in), (fan_in, None)
                parts += [
                    Part(joint, rows, gates, columns_of=inputs, fill_rows=layer > 0),
                    _bias(f"cell.bias_{place}", gates),
                    Part(joint, (1, H), gates, columns_of=recurrent),
                ]
            else:
                parts += [
                    Part(f"cell.weight_ih_{place}", rows, gates, fill_rows=layer > 0),
                    _bias(f"cell.bias_ih_{place}", gates),
                    Part(f"cell.weight_hh_{place}", (1, H), gates),
                    _bias(f"cell.bias_hh_{place}", gates),
                ]
    return parts


def _of_transformer(spec: ModelSpec, shapes: dict[str, tuple[int, ...]]) -> list[Part]:
    """The embedding, then twelve parts per layer."""
    H = spec.hidden_size
    embedding = "cell.embedding.weight"
    symbols, _ = shapes[embedding]
    parts = [Part(embedding, (1, symbols), (1, H), transposed=False, fill_rows=False)]
    for layer in range(spec.num_layers):
        place = f"cell.layers.{layer}"
        for name, fan_in, fan_out in (
            ("self_attn.in_proj_", (1, H), (3, H)),
            ("self_attn.out_proj.", (1, H), (1, H)),
            ("linear1.", (1, H), (FEEDFORWARD, H)),
            ("linear2.", (FEEDFORWARD, H), (1, H)),
        ):
            parts.append(Part(f"{place}.{name}weight", fan_in, fan_out))
            parts.append(_bias(f"{place}.{name}bias", fan_out))
        for norm in ("norm1", "norm2"):
            parts.append(_bias(f"{place}.{norm}.weight", (1, H)))
            parts.append(_bias(f"{place}.{norm}.bias", (1, H)))
    return parts
