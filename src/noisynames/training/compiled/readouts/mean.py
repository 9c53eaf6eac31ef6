"""The mean of the hidden states."""

from noisynames.training.compiled.primitives import jit
from noisynames.training.compiled.vectors import add_scaled, clear


@jit
def read(weight, bias, states, T, H, context, alpha):
    share = type(context[0])(1) / type(context[0])(T)
    clear(context)
    for t in range(T):
        add_scaled(context, share, states[t])


@jit
def unread(weight, states, T, H, context, alpha, d_context, d_alpha, d_states, d_weight, d_bias):
    share = type(context[0])(1) / type(context[0])(T)
    for t in range(T):
        add_scaled(d_states[t], share, d_context)
