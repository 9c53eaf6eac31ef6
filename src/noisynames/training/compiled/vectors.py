"""Vectors in memory, read and written 16 numbers at a time.

LLVM makes vectors of plain loops too, but not of all: some short ones it writes out as one
instruction for each number, and the next load of 16 numbers then waits for 16 stores.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from noisynames.training.compiled.layout import LANES
from noisynames.training.compiled.primitives import near

I64, I32 = ir.IntType(64), ir.IntType(32)


class Memory:
    """The data of an array argument, read and written in vectors of LANES."""

    def __init__(self, context: Any, builder: Any, kind: Any, value: Any) -> None:
        array = make_array(kind)(context, builder, value)
        self._builder, self._data = builder, array.data
        self.real = context.get_data_type(kind.dtype)
        self.lanes = ir.VectorType(self.real, LANES)
        self.rows = builder.extract_value(array.shape, 0)
        if kind.ndim > 1:
            size = context.get_abi_sizeof(self.real)
            self._stride = builder.sdiv(builder.extract_value(array.strides, 0), I64(size))

    def row(self, j: Any, column: Any = 0) -> Any:
        """Return the place of an element of a matrix."""
        return self._builder.add(self._builder.mul(j, self._stride), whole(column))

    def scalar(self, place: Any) -> Any:
        """Return the element at a place."""
        return self._builder.load(self._builder.gep(self._data, [place]))

    def spread(self, place: Any) -> Any:
        """Return a vector with the element at a place in every lane."""
        return spread(self._builder, self.scalar(place))

    def load(self, place: Any, count: int = LANES) -> Any:
        """Return a vector with the elements from a place on."""
        value = self._builder.load(self._pointer(place, count))
        self._builder.block.instructions[-1].align = self._size
        return value

    def store(self, value: Any, place: Any) -> None:
        """Write a vector from a place on."""
        self._builder.store(value, self._pointer(place, value.type.count)).align = self._size

    @property
    def _size(self) -> int:
        return 4 if isinstance(self.real, ir.FloatType) else 8

    def _pointer(self, place: Any, count: int) -> Any:
        pointer = self._builder.gep(self._data, [place])
        return self._builder.bitcast(pointer, ir.VectorType(self.real, count).as_pointer())


def whole(number: Any) -> Any:
    """Return a number as LLVM's constant, or what is one already."""
    return I64(number) if isinstance(number, int) else number


def spread(builder: Any, number: Any) -> Any:
    """Return a vector with a number in every lane."""
    lanes = ir.VectorType(number.type, LANES)
    nothing = ir.Constant(lanes, ir.Undefined)
    one = builder.insert_element(nothing, number, I32(0))
    return builder.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(I32, LANES), [0] * LANES))


@contextmanager
def steps(builder: Any, start: Any, stop: Any, step: int) -> Iterator[Any]:
    """Write a loop from start to below stop."""
    with cgutils.for_range_slice(builder, whole(start), stop, I64(step), I64) as (i, _):
        yield i


# --- Element by element --------------------------------------------------------------------------


def _each(compute: Callable[..., Any]) -> Callable[..., Any]:
    """Return what generates the code of y[i] = compute(builder, y[i], x[i], …) for 16 at a time.

    The last vector says how many numbers there are, a multiple of LANES.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pairs = zip(signature.args, args, strict=True)
        vectors = [Memory(context, builder, kind, value) for kind, value in pairs]
        with steps(builder, 0, vectors[-1].rows, LANES) as i:
            vectors[0].store(compute(builder, *(vector.load(i) for vector in vectors)), i)
        return context.get_dummy_value()

    return generate


@intrinsic
def _clear(typing: Any, y: Any) -> Any:
    def zeros(builder: Any, y: Any) -> Any:
        return ir.Constant(y.type, [0.0] * LANES)

    return types.none(y), _each(zeros)


@intrinsic
def _copy(typing: Any, y: Any, x: Any) -> Any:
    return types.none(y, x), _each(lambda builder, y, x: x)


@intrinsic
def _add(typing: Any, y: Any, x: Any) -> Any:
    return types.none(y, x), _each(lambda builder, y, x: builder.fadd(y, x))


@intrinsic
def _set_sum(typing: Any, total: Any, x: Any, y: Any) -> Any:
    return types.none(total, x, y), _each(lambda builder, total, x, y: builder.fadd(x, y))


@intrinsic
def _add_scaled(typing: Any, y: Any, scale: Any, x: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        factors = spread(builder, args[1])

        def compute(builder: Any, y: Any, x: Any) -> Any:
            return builder.fadd(y, builder.fmul(factors, x))

        of_vectors = types.none(signature.args[0], signature.args[2])
        return _each(compute)(context, builder, of_vectors, (args[0], args[2]))

    return types.none(y, scale, x), generate


@near
def clear(y):
    """Set y to zero."""
    _clear(y)


@near
def copy(y, x):
    """Copy x to the beginning of y."""
    _copy(y, x)


@near
def add(y, x):
    """Y += x."""
    _add(y, x)


@near
def set_sum(total, x, y):
    """Total = x + y."""
    _set_sum(total, x, y)


@near
def add_scaled(y, scale, x):
    """Y += scale x."""
    _add_scaled(y, scale, x)
