"""What Python and the machine code hand each other, by position. Read by both; needs no Numba."""

TRAIN, PREDICT, GRADIENTS = range(3)
"""Tasks: do updates; log-probabilities and attention; norms of the loss's derivatives by the
inputs."""

MEMORY = (
    "weights",
    "gradients",
    "work",
    "first_moment",
    "second_moment",
    "parts",
    "rooms",
    "characters",
    "offsets",
    "targets",
    "losses",
    "guesses",
    "log_probabilities",
    "per_character",
    "settings",
)
"""Arrays, by address."""

COUNTS = (
    "task",
    "examples",
    "batch",
    "optimiser",
    "symbols",
    "layers",
    "ends",
    "units",
    "heads",
    "classes",
    "readout",
    "scores",
    "weights",
    "work",
    "parts",
    "rooms",
)
"""Whole numbers: what is asked for, sizes of the model (see `kernels.Plan`), lengths of arrays."""

SETTINGS = (
    "rate",
    "momentum",
    "weight_decay",
    "clip_norm",
    "first_power",
    "second_power",
)
"""Of an optimiser, float64; the powers are Adam's decays, to the power of the steps so far."""

IN_PLACE, SGD, ADAM = range(3)
"""Optimisers. In place: plain SGD on one example, whose derivatives go straight into the
weights."""
