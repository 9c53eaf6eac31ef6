"""The building blocks of the compiled kernels: options, elementary functions, memory, loops.

They give the same bits on every processor. The compiler may not reorder or contract anything here
or in `products` (no fast-math, no fused multiply-add), so every sum has the order in which it is
written. Only additions, multiplications, divisions, square roots and comparisons are used, which
IEEE 754 defines to the bit; exponential and logarithm are made of them.

Every vector, and every row of a matrix, has a multiple of LANES elements, 0 beyond those that are
needed: no loop has a remainder. Nothing allocates or raises, so that the machine code needs nothing
from Numba when it runs.
"""

import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core.cpu import CPUTargetOptions
from numba.extending import intrinsic, overload
from numba.np.arrayobj import make_array, populate_array

from noisynames.models import elementary

# Without this, every short loop first compares the addresses of all its arrays, which costs more
# than its arithmetic (127 ns against 27 ns for a GRU's backward step of 32 units). Numba has the
# flag, but its CPU target has no option for it. It is only allowed where no argument overlaps
# another: on the leaves here, never on their callers with weights and gradients, which may be the
# same memory.
CPUTargetOptions.noalias = CPUTargetOptions.Mapping("noalias")
_OPTIONS = {
    "error_model": "numpy",
    "_nrt": False,  # no allocation, hence no reference counts
    "no_cpython_wrapper": True,  # Python only calls the entry, by address
    "no_cfunc_wrapper": True,
}
leaf = njit(**_OPTIONS, noalias=True)
"""For functions whose arguments never overlap."""
near = njit(**_OPTIONS, noalias=True, forceinline=True)
"""For those of them that are called most, with sizes known at the call."""
jit = njit(**_OPTIONS)
"""For all others."""
inlined = njit(**_OPTIONS, inline="always")
"""For functions that return arrays: inlined, since without reference counts no call can."""
formula = njit(**_OPTIONS, forceinline=True)
"""For functions of one number or unit; loops vectorise only around inlined functions."""
entry_jit = partial(njit, **_OPTIONS)
"""For functions that are called from outside, with their signature."""

_I64 = ir.IntType(64)

# --- Scalars -------------------------------------------------------------------------------------


@intrinsic
def _bits(typing: Any, x: Any, kind: Any) -> Any:
    """Return the same bits as a different type of the same size."""
    to = kind.instance_type

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_data_type(to))

    return to(x, kind), generate


@intrinsic
def square_root(typing: Any, x: Any) -> Any:
    """Return √x, which IEEE 754 rounds correctly."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.call(builder.module.declare_intrinsic("llvm.sqrt", [args[0].type]), args)

    return x(x), generate


@leaf
def log(x):
    """The natural logarithm of a positive normal float64, by the series of artanh."""
    bits = _bits(x, types.int64)
    exponent = (bits >> 52) - 1023
    m = _bits((bits & 0x000FFFFFFFFFFFFF) | 0x3FF0000000000000, types.float64)
    if m > 1.4142135623730951:
        m *= 0.5
        exponent += 1
    s = (m - 1.0) / (m + 1.0)
    square = s * s
    series = 1 / 23
    for k in (21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1):
        series = series * square + 1 / k
    return 2.0 * s * series + exponent * 0.6931471805599453


_OVERLOAD = {"jit_options": {**_OPTIONS, "forceinline": True}, "strict": False}


def exp(x: float) -> float:
    """Return e^x; see the overload for float32."""
    return math.exp(x)


@overload(exp, **_OVERLOAD)
def _exp(x: Any) -> Callable[[float], float]:
    if x != types.float32:
        return lambda x: math.exp(x)  # noqa: PLW0108 - Numba inlines a Python function only

    def exp32(x: float) -> float:
        """e^x = 2^n 2^f, where n + f = x / ln 2, n is an integer and |f| ≤ 1/2.

        2^f is a polynomial with a relative error of at most 2.0e-9 (found by Remez' algorithm, with
        the constant 1 given), far below float32's rounding. The rounding of n + f makes a relative
        error of up to 7e-8 |x|: in a sigmoid or hyperbolic tangent it is less than the rounding of
        the result, in a softmax it concerns probabilities near 0. Beyond ± 87 the result is that of
        the bound. Terms are added in pairs (Estrin), to shorten the chain of operations that a step
        waits for.
        """
        x = np.float32(87.0) if x > np.float32(87.0) else x
        x = np.float32(-87.0) if x < np.float32(-87.0) else x
        scaled = x * np.float32(1.44269504)
        # Adding 1.5 · 2^23 rounds a number to an integer, which is then in the lowest bits. The
        # offset of a float's exponent is in them too, so that a shift makes 2^n of them.
        shifted = scaled + np.float32(12582912.0 + 127.0)
        f = scaled - (shifted - np.float32(12582912.0 + 127.0))
        power = _bits(np.int32(_bits(shifted, types.int32) << 23), types.float32)
        square = f * f
        low = (np.float32(1) + np.float32(0.693147202855) * f) + square * (
            np.float32(0.240226479136) + np.float32(0.0555033247119) * f
        )
        high = (np.float32(0.00961843735696) + np.float32(0.0013398874394) * f) + square * (
            np.float32(0.000153533620689)
        )
        return (low + (square * square) * high) * power

    return exp32


@overload(elementary.sigmoid, **_OVERLOAD)
def _sigmoid(x: Any) -> Any:
    def sigmoid(x):
        power = exp(x)
        return power / (type(x)(1) + power)

    return sigmoid


@overload(elementary.tanh, **_OVERLOAD)
def _tanh(x: Any) -> Any:
    def tanh(x):
        return type(x)(1) - type(x)(2) / (exp(type(x)(2) * x) + type(x)(1))

    return tanh


@overload(elementary.complement, **_OVERLOAD)
def _complement(x: Any) -> Any:
    return lambda x: type(x)(1) - x


overload(elementary.sigmoid_slope, **_OVERLOAD)(lambda y: elementary.sigmoid_slope)
overload(elementary.tanh_slope, **_OVERLOAD)(lambda y: elementary.tanh_slope)

# --- Memory --------------------------------------------------------------------------------------


def _new_array(context: Any, builder: Any, kind: Any, data: Any, shape: list[Any]) -> Any:
    itemsize = context.get_constant(
        types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype))
    )
    strides = [itemsize]
    for size in shape[:0:-1]:
        strides.insert(0, builder.mul(strides[0], size))
    array = make_array(kind)(context, builder)
    populate_array(array, data, shape, strides, itemsize, meminfo=None)
    return array._getvalue()


@intrinsic
def array_at(typing: Any, address: Any, size: Any, element: Any) -> Any:
    """Return the vector with a size and element type at an address."""
    kind = types.Array(element.instance_type, 1, "C")

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = builder.inttoptr(args[0], context.get_data_type(kind.dtype).as_pointer())
        return _new_array(context, builder, kind, data, [args[1]])

    return kind(address, size, element), generate


@intrinsic
def pointer_to(typing: Any, address: Any, element: Any) -> Any:
    """Return a pointer to elements of a type at an address."""
    kind = types.CPointer(element.instance_type)  # type: ignore[no-untyped-call]

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_data_type(kind))

    return kind(address, element), generate


@intrinsic
def vector(typing: Any, memory: Any, offset: Any, size: Any) -> Any:
    """Return the vector with a size at an offset from a pointer."""
    kind = types.Array(memory.dtype, 1, "C")

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        size = context.cast(builder, args[2], signature.args[2], types.int64)
        return _new_array(context, builder, kind, builder.gep(args[0], [args[1]]), [size])

    return kind(memory, types.int64, types.int64), generate


@intrinsic
def matrix(typing: Any, memory: Any, offset: Any, rows: Any, columns: Any) -> Any:
    """Return the matrix with a number of rows and columns at an offset from a pointer."""
    kind = types.Array(memory.dtype, 2, "C")

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _new_array(
            context, builder, kind, builder.gep(args[0], [args[1]]), [args[2], args[3]]
        )

    return kind(memory, types.int64, types.int64, types.int64), generate


@cache
def column(count: int, step: int) -> Any:
    """Return the function (x, i) ↦ (x[i], x[i + step], …), with `count` elements."""

    @intrinsic
    def take(typing: Any, x: Any, i: Any) -> Any:
        kind = types.UniTuple(x.dtype, count)

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            data = make_array(x)(context, builder, args[0]).data
            places = [builder.add(args[1], _I64(k * step)) for k in range(count)]
            values = [builder.load(builder.gep(data, [place])) for place in places]
            return context.make_tuple(builder, kind, values)

        return kind(x, types.int64), generate

    return take


@cache
def put_column(step: int) -> Any:
    """Return the function (x, i, values) that sets x[i], x[i + step], … to a tuple's values."""

    @intrinsic
    def put(typing: Any, x: Any, i: Any, values: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            data = make_array(x)(context, builder, args[0]).data
            for k, kind in enumerate(values.types):
                value = builder.extract_value(args[2], k)
                place = builder.add(args[1], _I64(k * step))
                value = context.cast(builder, value, kind, x.dtype)
                builder.store(value, builder.gep(data, [place]))
            return context.get_dummy_value()

        return types.none(x, types.int64, values), generate

    return put
