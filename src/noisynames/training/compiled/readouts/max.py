"""The largest value of each unit over the hidden states; of equal ones, the first."""

from noisynames.training.compiled.primitives import jit
from noisynames.training.compiled.vectors import copy


@jit
def read(weight, bias, states, T, H, context, alpha):
    copy(context, states[0])
    for t in range(1, T):
        for i in range(context.size):
            context[i] = states[t, i] if states[t, i] > context[i] else context[i]


@jit
def unread(weight, states, T, H, context, alpha, d_context, d_alpha, d_states, d_weight, d_bias):
    for i in range(context.size):
        top = 0
        while top < T - 1 and states[top, i] < context[i]:
            top += 1
        d_states[top, i] += d_context[i]
