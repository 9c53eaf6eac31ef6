"""One file for each readout: what the output layer sees of a sequence's states.

SCORES: whether each position has a score, from weights of the readout's own, whose softmax is the
    attention that the page shows.
read(states, padding, lengths, ends, scores): on torch tensors, from the states (batch, longest,
    width), the padding (batch, longest), the lengths (batch,), the number of directions, and the
    scores (batch, longest) or None, to the context (batch, width) and the attention (batch,
    longest) or None. It is the definition that `training.compiled.readouts`' file of the same name
    is held to.
"""
