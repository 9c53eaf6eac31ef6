"""The functions that cells are written in, on whatever a cell is computed with.

The formula of a cell stands once, in `cells/`. These functions let it work on NumPy arrays and
torch tensors; the compiled engine has its own of the same names (`training.compiled.primitives`).
"""

import math
from typing import Any


def sigmoid(x: Any) -> Any:
    """1 / (1 + e^−x)."""
    return x.sigmoid() if hasattr(x, "sigmoid") else 1 / (1 + _of("exp", -x))


def tanh(x: Any) -> Any:
    """The hyperbolic tangent."""
    return x.tanh() if hasattr(x, "tanh") else _of("tanh", x)


def complement(x: Any) -> Any:
    """1 − x, in the precision of x."""
    return 1 - x


def sigmoid_slope(y: Any) -> Any:
    """The derivative of y = sigmoid(x) by x, from y."""
    return y * complement(y)


def tanh_slope(y: Any) -> Any:
    """The derivative of y = tanh(x) by x, from y."""
    return complement(y * y)


def _of(function: str, x: Any) -> Any:
    if isinstance(x, float):
        return getattr(math, function)(x)
    import numpy as np

    return getattr(np, function)(x)
