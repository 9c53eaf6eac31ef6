"""One file for each recurrent cell: what a hidden unit computes, forward and backward.

A cell works unit by unit on H units, at one position of a sequence:

forward(H, a, u, s_prev, s, kept): from the input part `a` and the recurrent part `u` (one row per
    gate) to the state `s`, whose first row is the hidden state h, and what the backward step needs
    of the activations, in `kept`.
backward(H, kept, u, s_prev, s, ds, da, du, ds_prev): from the loss's derivative by `s` to those by
    `a` and `u`, and by `s_prev` on the paths that do not go through `u`.

How many rows each of them has is in `noisynames.models.spec.GATES`.
"""
