"""What the compiled kernels are made of: options, elementary functions, vectors and matrices.

Matrices are stored so that the inner loops run along contiguous memory and vectorise; loops over
rows are blocked by four, so that the accumulated vector is loaded and stored once for four
multiply-adds. Nothing allocates or raises; see `noisynames.training.compiled.kernels`.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core.cpu import CPUTargetOptions
from numba.extending import intrinsic, overload

# Sums may be reordered and multiply-adds contracted, as any BLAS does. Not in the list: the
# assumption that no value is infinite or NaN, since a diverging run must be seen to diverge.
_FAST = {"reassoc", "contract", "arcp", "nsz"}

# Without this every short loop first compares the addresses of all its arrays, which costs the
# backward steps more than their arithmetic (127 ns against 27 ns for a GRU of 32 units). Numba has
# the flag, for which its CPU target has no option; arguments of these functions never overlap.
CPUTargetOptions.noalias = CPUTargetOptions.Mapping("noalias")
OPTIONS = {
    "fastmath": _FAST,
    "error_model": "numpy",
    "noalias": True,
    "_nrt": False,  # no allocation, so no reference counts
    "no_cpython_wrapper": True,  # only the entry is called from Python, and that by address
    "no_cfunc_wrapper": True,
}
jit = njit(**OPTIONS)

# --- Scalars -------------------------------------------------------------------------------------


@intrinsic
def _power_of_two(typing: Any, n: Any) -> Any:
    """Return 2^n as float32 for an int32 n in −126 … 127, by writing the exponent bits."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        bits = builder.shl(builder.add(args[0], ir.IntType(32)(127)), ir.IntType(32)(23))
        return builder.bitcast(bits, ir.FloatType())

    return types.float32(types.int32), generate


def _exp(x: float) -> float:
    """Return e^x; see the overload for float32."""
    return math.exp(x)


@overload(_exp, jit_options=OPTIONS, strict=False)
def _overload_exp(x: Any) -> Callable[[float], float]:
    if x != types.float32:
        return lambda x: math.exp(x)  # noqa: PLW0108 - Numba inlines a Python function only

    def exp32(x: float) -> float:
        """e^x = 2^n e^r with |r| ≤ ln 2 / 2, e^r by its Taylor polynomial of degree 7.

        The remainder r^8 / 8! is below 6e-9, under float32's rounding. Unlike a call of the
        mathematics library, this vectorises. Beyond ± 87 the result is that of the bound.
        """
        x = np.float32(87.0) if x > np.float32(87.0) else x
        x = np.float32(-87.0) if x < np.float32(-87.0) else x
        n = np.floor(x * np.float32(1.44269504) + np.float32(0.5))
        # ln 2 in two parts, the first with few bits so that n times it is exact.
        r = (x - n * np.float32(0.693359375)) + n * np.float32(2.12194440e-4)
        p = np.float32(1 / 5040)
        p = p * r + np.float32(1 / 720)
        p = p * r + np.float32(1 / 120)
        p = p * r + np.float32(1 / 24)
        p = p * r + np.float32(1 / 6)
        p = p * r + np.float32(0.5)
        p = p * r + np.float32(1)
        p = p * r + np.float32(1)
        return p * _power_of_two(np.int32(n))

    return exp32


@jit
def sigmoid(x):
    """1 / (1 + e^−x)."""
    one = type(x)(1)
    return one / (one + _exp(-x))


@jit
def tanh(x):
    """The hyperbolic tangent, from e^2x."""
    one, two = type(x)(1), type(x)(2)
    return one - two / (_exp(two * x) + one)


# --- Linear algebra ------------------------------------------------------------------------------


@jit
def clear(y):
    """Set y to zero."""
    for i in range(y.size):
        y[i] = 0


@jit
def copy(y, x):
    """Let y begin with x."""
    for i in range(x.size):
        y[i] = x[i]


@jit
def add_into(total, x, y):
    """Total = x + y."""
    for i in range(total.size):
        total[i] = x[i] + y[i]


@jit
def add_scaled(y, scale, x):
    """Y += scale x."""
    for i in range(y.size):
        y[i] += scale * x[i]


@jit
def add_row_combination(y, x, W):
    """Y += x W: a combination of the rows of W, shapes (m,), (n,), (n, m)."""
    n, m = W.shape
    blocked = n - n % 4
    for j in range(0, blocked, 4):
        x0, x1, x2, x3 = x[j], x[j + 1], x[j + 2], x[j + 3]
        w0, w1, w2, w3 = W[j], W[j + 1], W[j + 2], W[j + 3]
        for i in range(m):
            y[i] += x0 * w0[i] + x1 * w1[i] + x2 * w2[i] + x3 * w3[i]
    for j in range(blocked, n):
        xj, w = x[j], W[j]
        for i in range(m):
            y[i] += xj * w[i]


@jit
def add_row_products(y, W, x):
    """Y += W x: a dot product with each row of W, shapes (n,), (n, m), (m,)."""
    n, m = W.shape
    blocked = n - n % 4
    zero = type(x[0])(0)
    for j in range(0, blocked, 4):
        w0, w1, w2, w3 = W[j], W[j + 1], W[j + 2], W[j + 3]
        s0 = s1 = s2 = s3 = zero
        for i in range(m):
            s0 += w0[i] * x[i]
            s1 += w1[i] * x[i]
            s2 += w2[i] * x[i]
            s3 += w3[i] * x[i]
        y[j] += s0
        y[j + 1] += s1
        y[j + 2] += s2
        y[j + 3] += s3
    for j in range(blocked, n):
        w = W[j]
        s = zero
        for i in range(m):
            s += w[i] * x[i]
        y[j] += s


@jit
def add_outer_products(W, scale, X, Y, count):
    """W += scale Σ_t X_t ⊗ Y_t over `count` rows of X (·, n) and Y (·, m); W is (n, m)."""
    n, m = W.shape
    blocked = count - count % 4
    for j in range(n):
        w = W[j]
        for t in range(0, blocked, 4):
            x0, x1 = scale * X[t, j], scale * X[t + 1, j]
            x2, x3 = scale * X[t + 2, j], scale * X[t + 3, j]
            y0, y1, y2, y3 = Y[t], Y[t + 1], Y[t + 2], Y[t + 3]
            for i in range(m):
                w[i] += x0 * y0[i] + x1 * y1[i] + x2 * y2[i] + x3 * y3[i]
        for t in range(blocked, count):
            xt, y = scale * X[t, j], Y[t]
            for i in range(m):
                w[i] += xt * y[i]


@jit
def dot(x, y):
    """Σ x y, over the length of x."""
    total = type(x[0])(0)
    for i in range(x.size):
        total += x[i] * y[i]
    return total


@jit
def softmax(x):
    """Replace x by its softmax; return the logarithm of the normaliser, Σ e^x."""
    top = x[0]
    for i in range(1, x.size):
        top = max(top, x[i])
    total = type(top)(0)
    for i in range(x.size):
        x[i] = _exp(x[i] - top)
        total += x[i]
    for i in range(x.size):
        x[i] /= total
    return top + math.log(total)
