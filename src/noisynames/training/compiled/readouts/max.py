"""The largest value of each unit over the hidden states; of equal ones, the first."""

from noisynames.training.compiled.primitives import copy, jit


@jit
def read(weight, bias, h, T, context, alpha):
    copy(context, h[1])
    for t in range(1, T):
        for i in range(context.size):
            context[i] = max(context[i], h[t + 1, i])


@jit
def unread(weight, bias, h, T, alpha, dalpha, dcontext, dh, step):
    for i in range(dcontext.size):
        top = 0
        for t in range(1, T):
            if h[t + 1, i] > h[top + 1, i]:
                top = t
        dh[top + 1, i] += dcontext[i]
