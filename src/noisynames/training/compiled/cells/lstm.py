"""PyTorch's long short-term memory; gates i, f, g, o; state h, c."""

from noisynames.training.compiled.primitives import jit, sigmoid, tanh


@jit
def forward(H, a, u, s_prev, s, kept):
    for j in range(H):
        i = sigmoid(a[0, j] + u[0, j])
        f = sigmoid(a[1, j] + u[1, j])
        g = tanh(a[2, j] + u[2, j])
        o = sigmoid(a[3, j] + u[3, j])
        c = f * s_prev[1, j] + i * g
        tanh_c = tanh(c)
        s[0, j] = o * tanh_c
        s[1, j] = c
        kept[0, j] = i
        kept[1, j] = f
        kept[2, j] = g
        kept[3, j] = o
        kept[4, j] = tanh_c


@jit
def backward(H, kept, u, s_prev, s, ds, da, du, ds_prev):
    one = s.dtype.type(1)
    for j in range(H):
        i, f, g, o = kept[0, j], kept[1, j], kept[2, j], kept[3, j]
        tanh_c = kept[4, j]
        dc = ds[1, j] + ds[0, j] * o * (one - tanh_c * tanh_c)
        di = dc * g * i * (one - i)
        df = dc * s_prev[1, j] * f * (one - f)
        dg = dc * i * (one - g * g)
        do = ds[0, j] * tanh_c * o * (one - o)
        da[0, j] = di
        da[1, j] = df
        da[2, j] = dg
        da[3, j] = do
        du[0, j] = di
        du[1, j] = df
        du[2, j] = dg
        du[3, j] = do
        ds_prev[0, j] = 0
        ds_prev[1, j] = dc * f
