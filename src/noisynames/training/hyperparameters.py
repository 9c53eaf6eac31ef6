"""How long and how fast a model is trained."""

import math
from dataclasses import dataclass

from noisynames.errors import UserError


@dataclass(frozen=True)
class Hyperparameters:
    """How long and how fast to train.

    Attributes:
        updates: The budget, in examples: SGD updates at batch size 1, else as many divided by the
            batch size, so that batch sizes compare at the same number of examples.
        learning_rate: Step length of plain SGD.
        record_every: The training loss is averaged over this many updates per point.
        report_every: Progress is told after this many updates.
        batch_size: Examples per update, by the mean of their losses; divides `record_every`.
    """

    updates: int = 80_000
    learning_rate: float = 0.005
    record_every: int = 1_000
    report_every: int = 5_000
    batch_size: int = 1

    def __post_init__(self) -> None:
        for key in ("updates", "record_every", "report_every", "batch_size"):
            if getattr(self, key) < 1:
                raise UserError(f"{key}: {getattr(self, key)} is too small; at least 1")
        if not 0 < self.learning_rate < math.inf:
            raise UserError(f"learning_rate: {self.learning_rate} is not a positive finite number")
        if self.record_every % self.batch_size:
            raise UserError(
                f"batch_size: found {self.batch_size}; "
                f"allowed: a divisor of record_every, which is {self.record_every}"
            )
