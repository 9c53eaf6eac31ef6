"""Σ α_t h_t with α = softmax(w·h_t + b)."""

from noisynames.training.compiled.primitives import clear, dot, jit, softmax


@jit
def read(weight, bias, h, T, context, alpha):
    for t in range(T):
        alpha[t] = dot(weight, h[t + 1]) + bias[0]
    softmax(alpha[:T])
    clear(context)
    for t in range(T):
        for i in range(context.size):
            context[i] += alpha[t] * h[t + 1, i]


@jit
def unread(weight, bias, h, T, alpha, dalpha, dcontext, dh, step):
    H = dcontext.size
    for t in range(T):
        dalpha[t] = dot(dcontext, h[t + 1])
    mean = dot(alpha[:T], dalpha)
    for t in range(T):
        de = alpha[t] * (dalpha[t] - mean)
        for i in range(H):
            dh[t + 1, i] += alpha[t] * dcontext[i] + de * weight[i]
        dalpha[t] = de
    for t in range(T):
        for i in range(H):
            weight[i] += step * dalpha[t] * h[t + 1, i]
        bias[0] += step * dalpha[t]
