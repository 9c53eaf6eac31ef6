"""One file for each recurrent cell: all that the project must know of it.

GATES, STATES, KEPT: numbers that a hidden unit has in its gates, in its state (the first of which
    is the hidden state h), and in what the backward step needs of the forward one.
ONE_MAP: whether input and hidden state go through one linear map with one bias, in the input part,
    as in the worksheet's RNN; else through two with a bias each, as in PyTorch's cells.
TORCH: the class of `torch.nn` that is its definition; None where the formula itself is.
forward(a, u, s): from the input part and the recurrent part of each gate and the state before, to
    the new state and what is kept.
backward(kept, u, before, s, ds): from the loss's derivative by the new state, to those by the input
    parts, by the recurrent parts, and by the state before on the paths that do not go through `u`.

All are of one hidden unit: tuples of numbers in the compiled engine, or of tensors. A unit
whose parts and state are 0 must keep a state of 0 (`training.compiled.layout` fills up with such
units).
"""
