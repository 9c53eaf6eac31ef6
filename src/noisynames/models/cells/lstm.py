"""PyTorch's long short-term memory, with gates i, f, g, o and states h, c."""

from typing import Any

from noisynames.models.elementary import sigmoid, sigmoid_slope, tanh, tanh_slope

GATES, STATES, KEPT = 4, 2, 5
ONE_MAP = False
TORCH = "LSTM"


def forward(a: Any, u: Any, s: Any) -> Any:
    """See `noisynames.models.cells`."""
    i = sigmoid(a[0] + u[0])
    f = sigmoid(a[1] + u[1])
    g = tanh(a[2] + u[2])
    o = sigmoid(a[3] + u[3])
    c = f * s[1] + i * g
    tanh_c = tanh(c)
    return (o * tanh_c, c), (i, f, g, o, tanh_c)


def backward(kept: Any, u: Any, before: Any, s: Any, ds: Any) -> Any:
    """See `noisynames.models.cells`."""
    i, f, g, o, tanh_c = kept
    dc = ds[1] + ds[0] * o * tanh_slope(tanh_c)
    di = dc * g * sigmoid_slope(i)
    df = dc * before[1] * sigmoid_slope(f)
    dg = dc * i * tanh_slope(g)
    do = ds[0] * tanh_c * sigmoid_slope(o)
    d = (di, df, dg, do)
    return d, d, (0.0, dc * f)
