"""The worksheet's RNN: h = tanh(W [x ; h_before] + b), one linear map with one bias."""

from typing import Any

from noisynames.models.elementary import tanh, tanh_slope

GATES, STATES, KEPT = 1, 1, 0
ONE_MAP = True
TORCH = None


def forward(a: Any, u: Any, s: Any) -> Any:
    """See `noisynames.models.cells`."""
    return (tanh(a[0] + u[0]),), ()


def backward(kept: Any, u: Any, before: Any, s: Any, ds: Any) -> Any:
    """See `noisynames.models.cells`."""
    d = ds[0] * tanh_slope(s[0])
    return (d,), (d,), (0.0,)
