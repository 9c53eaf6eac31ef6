"""Σ α_t h_t with α = softmax(w·h_t + b)."""

from noisynames.training.compiled.primitives import jit
from noisynames.training.compiled.products import best, dot, softmax, total
from noisynames.training.compiled.vectors import add, add_scaled, clear


@jit
def read(weight, bias, states, T, H, context, alpha):
    for t in range(T):
        alpha[t] = dot(weight, states[t]) + bias[0]
    softmax(alpha, T, best(alpha, T))
    clear(context)
    for t in range(T):
        add_scaled(context, alpha[t], states[t])


@jit
def unread(weight, states, T, H, context, alpha, d_context, d_alpha, d_states, d_weight, d_bias):
    clear(d_alpha)
    for t in range(T):
        d_alpha[t] = dot(d_context, states[t])
    mean = dot(alpha, d_alpha)
    for t in range(T):
        add_scaled(d_states[t], alpha[t], d_context)
        d_alpha[t] = alpha[t] * (d_alpha[t] - mean)
        add_scaled(d_states[t], d_alpha[t], weight)
    # Last, since the weights may change in place. What was in `d_context` has been used.
    clear(d_context)
    for t in range(T):
        add_scaled(d_context, d_alpha[t], states[t])
    add(d_weight, d_context)
    d_bias[0] += total(d_alpha)
