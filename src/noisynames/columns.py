"""What every column of every CSV table holds: one schema for all readers.

A label may be `01`, `1e0`, `NA` or `true`, so no reader may guess a type from a file's content.
"""

from typing import NamedTuple


class Score(NamedTuple):
    """The name of a score of held-out predictions: in words, and as the head of a column."""

    words: str
    head: str


SCORES = {
    "accuracy": Score("held-out accuracy", "Plain accuracy"),
    "macro_top3": Score("macro-averaged top-3 accuracy", "Macro top-3"),
    "macro_f1": Score("macro-averaged F1", "Macro F1"),
}
"""The scores that the report shows beside macro-averaged accuracy, by column; `evaluation.scores`
computes them."""

TEXT = (
    "cell", "character", "compared_as", "engine", "language", "model", "module", "name", "noise",
    "options", "prediction", "probe", "processor", "python", "readout", "reason", "status",
    "system", "tested_at", "trained_at",
)  # fmt: skip
WHOLE = (
    "batch_size", "cores", "distance", "diverged_at", "from_end", "held_out", "hidden_size",
    "is_noise", "leaked", "names", "num_heads", "num_layers", "parameters", "position", "rank",
    "reached", "seed", "seeds", "update", "updates",
)  # fmt: skip
SOMETIMES_EMPTY = (
    "batch_size", "cores", "diverged_at", "hidden_size", "num_heads", "num_layers", "parameters",
    "updates",
)  # fmt: skip
"""Columns of WHOLE that have a value only once a run has finished."""
REAL = (
    *SCORES, "agreement", "ceiling", "chance", "entropy", "f1", "final_loss", "held_out_loss",
    "last_character", "last_letter", "learning_rate", "loss", "loss_area", "macro_accuracy",
    "macro_ceiling", "macro_loss", "majority", "noise_share",
    "occlusion", "occlusion_agreement", "on_noise", "peak_memory_mb", "precision", "probability",
    "recall", "share", "startup_seconds", "target", "training_seconds", "validation_accuracy",
    "validation_loss", "value", "weight",
)  # fmt: skip

TYPES: dict[str, str] = {
    **dict.fromkeys(TEXT, "str"),
    **dict.fromkeys(WHOLE, "int64"),
    **dict.fromkeys(SOMETIMES_EMPTY, "Int64"),
    **dict.fromkeys(REAL, "float64"),
    "bidirectional": "boolean",
}
"""The pandas type of every column. An empty field of a number or truth value means no value; an
empty text is a text."""
EMPTY = {column: [""] for column, kind in TYPES.items() if kind != "str"}
"""What represents no value, by column, as `pandas.read_csv` expects it."""
