"""One file for each readout, forward and backward: what `noisynames.models.readouts` defines.

All are compiled into every kernel, since they are small; a number selects one at run time.

read(weight, bias, states, T, H, context, alpha): fills in the context vector from the states, shape
    (T, width), in which each direction has H columns.
unread(weight, states, T, H, context, alpha, d_context, d_alpha, d_states, d_weight, d_bias): turns
    the loss's derivative with respect to the context into those of the states, added to `d_states`,
    and of its own weights, added to `d_weight` and `d_bias`.

`weight`, `bias` and their derivatives are empty if a readout has no weights of its own. With plain
SGD the derivatives are added to the weights themselves, so they are read before. `alpha` and
`d_alpha` hold one number per position.
"""
