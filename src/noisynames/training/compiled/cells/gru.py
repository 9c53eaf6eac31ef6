"""PyTorch's gated recurrent unit; gates r, z, n."""

from noisynames.training.compiled.primitives import jit, sigmoid, tanh


@jit
def forward(H, a, u, s_prev, s, kept):
    for i in range(H):
        r = sigmoid(a[0, i] + u[0, i])
        z = sigmoid(a[1, i] + u[1, i])
        n = tanh(a[2, i] + r * u[2, i])
        s[0, i] = n + z * (s_prev[0, i] - n)
        kept[0, i] = r
        kept[1, i] = z
        kept[2, i] = n


@jit
def backward(H, kept, u, s_prev, s, ds, da, du, ds_prev):
    one = s.dtype.type(1)
    for i in range(H):
        r, z, n = kept[0, i], kept[1, i], kept[2, i]
        dn = ds[0, i] * (one - z) * (one - n * n)
        dr = dn * u[2, i] * r * (one - r)
        dz = ds[0, i] * (s_prev[0, i] - n) * z * (one - z)
        da[0, i] = dr
        da[1, i] = dz
        da[2, i] = dn
        du[0, i] = dr
        du[1, i] = dz
        du[2, i] = dn * r
        ds_prev[0, i] = ds[0, i] * z
