"""The functions that cells are written in.

The formula of a cell is written once, in `cells/`. The functions here work on torch tensors; the
compiled engine has its own with the same names (`training.compiled.primitives`).
"""

from typing import Any


def sigmoid(x: Any) -> Any:
    """1 / (1 + e^−x)."""
    return x.sigmoid()


def tanh(x: Any) -> Any:
    """The hyperbolic tangent."""
    return x.tanh()


def complement(x: Any) -> Any:
    """1 − x, in the precision of x."""
    return 1 - x


def sigmoid_slope(y: Any) -> Any:
    """The derivative of y = sigmoid(x) with respect to x, from y."""
    return y * complement(y)


def tanh_slope(y: Any) -> Any:
    """The derivative of y = tanh(x) with respect to x, from y."""
    return complement(y * y)
