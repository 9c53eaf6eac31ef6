"""The last hidden state of each direction."""

from noisynames.training.compiled.primitives import jit
from noisynames.training.compiled.vectors import add, copy


@jit
def read(weight, bias, states, T, H, context, alpha):
    copy(context[:H], states[T - 1, :H])
    if context.size > H:  # the cell that reads from the end ends at the first character
        copy(context[H:], states[0, H:])


@jit
def unread(weight, states, T, H, context, alpha, d_context, d_alpha, d_states, d_weight, d_bias):
    add(d_states[T - 1, :H], d_context[:H])
    if context.size > H:
        add(d_states[0, H:], d_context[H:])
