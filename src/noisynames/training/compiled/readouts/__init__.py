"""One file for each readout: what the output layer sees of a sequence's hidden states.

All are compiled into every kernel, since they are small; a number chooses at run time.

read(weight, bias, h, T, context, alpha): the context vector from the states h_1 … h_T (rows 1 … T).
unread(weight, bias, h, T, alpha, dalpha, dcontext, dh, step): the loss's derivative by each h_t,
    added into `dh`, and the readout's own SGD update with `step` = −learning rate.

A readout without weights of its own is given empty arrays.
"""
