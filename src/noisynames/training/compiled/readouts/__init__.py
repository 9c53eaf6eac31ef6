"""One file for each readout, forward and backward: what `noisynames.models.readouts` defines.

All are compiled into every kernel, since they are small; a number selects one at run time.

read(weight, bias, states, T, H, context, alpha): fills in the context vector from the states, shape
    (T, width), in which each direction has H columns.
unread(weight, states, T, H, context, alpha, d_context, d_alpha, d_states): turns the loss's
    derivative with respect to the context into those of the states, added to `d_states`.
learn(states, T, alpha, d_alpha, d_weight, d_bias): adds the derivatives of its own weights.

A readout without weights of its own gets empty arrays, and does nothing in `learn`. `alpha` and
`d_alpha` hold one number per position.
"""
