"""The worksheet's RNN: h = tanh(a + u), with one bias, which is in a."""

from noisynames.training.compiled.primitives import jit, tanh


@jit
def forward(H, a, u, s_prev, s, kept):
    for i in range(H):
        s[0, i] = tanh(a[0, i] + u[0, i])


@jit
def backward(H, kept, u, s_prev, s, ds, da, du, ds_prev):
    one = s.dtype.type(1)
    for i in range(H):
        d = ds[0, i] * (one - s[0, i] * s[0, i])
        da[0, i] = d
        du[0, i] = d
        ds_prev[0, i] = 0
