"""One file for each readout, forward and backward: what `noisynames.models.readouts` defines.

All are compiled into every kernel, since they are small; a number chooses at run time.

read(weight, bias, states, T, H, context, alpha): the context vector from the states, shape (T,
    width), of which each direction has H columns.
unread(weight, states, T, H, context, alpha, d_context, d_alpha, d_states): from the loss's
    derivative by the context to those by the states, added into `d_states`.
learn(states, T, alpha, d_alpha, d_weight, d_bias): its own weights' derivatives, added.

A readout without weights of its own is given none, and does nothing in `learn`. `alpha` and
`d_alpha` keep one number per position.
"""
