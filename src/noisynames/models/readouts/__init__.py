"""One file for each readout: what the output layer sees of a sequence's states.

SCORES: whether the readout has weights of its own that give each position a score; their softmax is
    the attention that the page shows.
read(states, padding, lengths, ends, scores): takes torch tensors, the states (batch, longest,
    width), the padding (batch, longest), the lengths (batch,), the number of directions, and the
    scores (batch, longest) or None; returns the context (batch, width) and the attention (batch,
    longest) or None. It is the definition that the file of the same name in
    `training.compiled.readouts` must agree with.
"""
