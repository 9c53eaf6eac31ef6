"""The data that Python and machine code exchange, by position. Both read it; it needs no Numba."""

TRAIN, PREDICT, GRADIENTS = range(3)
"""Tasks: updates; log-probabilities and attention; norms of the loss's derivatives with respect to
the inputs."""

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
    "parts",
)
"""Integers: the task, sizes of the model (see `kernels.Plan`), lengths of arrays."""

SETTINGS = (
    "rate",
    "momentum",
    "weight_decay",
    "clip_norm",
    "first_power",
    "second_power",
)
"""Settings of an optimiser, float64; the powers are Adam's decays to the number of steps so far."""

IN_PLACE, SGD, ADAM = range(3)
"""Optimisers. In place means plain SGD on one example, with derivatives added directly to the
weights."""
