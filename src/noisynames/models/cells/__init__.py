"""One file for each recurrent cell: all that the project needs to know about it.

GATES, STATES, KEPT: how many numbers a hidden unit has in its gates, in its state (the first is the
    hidden state h), and in what the forward step keeps for the backward one.
ONE_MAP: whether input and hidden state go through one linear map with one bias, all of it in the
    input part, as in the worksheet's RNN; otherwise they go through two maps, each with a bias, as
    in PyTorch's cells.
TORCH: the class in `torch.nn` that defines it; None if the formula itself does.
forward(a, u, s): takes the input part and the recurrent part of each gate, and the state before;
    returns the new state and what is kept.
backward(kept, u, before, s, ds): takes the derivative of the loss with respect to the new state;
    returns those with respect to the input parts, the recurrent parts, and the state before, the
    last only along paths that do not go through `u`.

All are for one hidden unit: tuples of numbers in the compiled engine, otherwise of tensors. A unit
whose parts and state are 0 must keep a state of 0 (`training.compiled.layout` pads with those).
"""
