"""PyTorch's gated recurrent unit, with gates r, z, n."""

from typing import Any

from noisynames.models.elementary import complement, sigmoid, sigmoid_slope, tanh, tanh_slope

GATES, STATES, KEPT = 3, 1, 3
ONE_MAP = False
TORCH = "GRU"


def forward(a: Any, u: Any, s: Any) -> Any:
    """See `noisynames.models.cells`."""
    r = sigmoid(a[0] + u[0])
    z = sigmoid(a[1] + u[1])
    n = tanh(a[2] + r * u[2])
    return (n + z * (s[0] - n),), (r, z, n)


def backward(kept: Any, u: Any, before: Any, s: Any, ds: Any) -> Any:
    """See `noisynames.models.cells`."""
    r, z, n = kept
    dn = ds[0] * complement(z) * tanh_slope(n)
    dr = dn * u[2] * sigmoid_slope(r)
    dz = ds[0] * (before[0] - n) * sigmoid_slope(z)
    return (dr, dz, dn), (dr, dz, dn * r), (ds[0] * z,)
