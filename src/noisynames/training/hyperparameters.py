"""How long and how fast a model is trained."""

import math
from dataclasses import dataclass

from noisynames.errors import UserError

OPTIMIZERS = ("sgd", "adam")


@dataclass(frozen=True)
class Hyperparameters:
    """How long and how fast to train.

    Attributes:
        updates: The budget in examples: the number of updates at batch size 1, and 1/B of it at
            batch size B, so that batch sizes are compared at the same number of examples.
        learning_rate: Step length.
        record_every: Examples whose mean loss makes one recorded point of the training loss.
        report_every: Updates between reports of progress.
        batch_size: Examples per update, which uses the mean of their losses.
        optimizer: `sgd` or `adam`: PyTorch's `torch.optim.SGD` and `torch.optim.Adam`.
        momentum: Momentum of `sgd`, in [0, 1).
        weight_decay: Coefficient by which the weights are multiplied and added to their gradient,
            at least 0.
        clip_norm: The largest norm of an update's gradient, as in
            `torch.nn.utils.clip_grad_norm_`; None does not clip.
    """

    updates: int = 80_000
    learning_rate: float = 0.005
    record_every: int = 1_000
    report_every: int = 5_000
    batch_size: int = 1
    optimizer: str = "sgd"
    momentum: float = 0.0
    weight_decay: float = 0.0
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        for key in ("updates", "record_every", "report_every", "batch_size"):
            if getattr(self, key) < 1:
                raise UserError(f"{key}: {getattr(self, key)} is too small; at least 1")
        if not 0 < self.learning_rate < math.inf:
            raise UserError(f"learning_rate: {self.learning_rate} is not a positive finite number")
        if self.optimizer not in OPTIMIZERS:
            allowed = ", ".join(OPTIMIZERS)
            raise UserError(f"optimizer: found {self.optimizer!r}; allowed: {allowed}")
        if not 0 <= self.momentum < 1:
            raise UserError(f"momentum: found {self.momentum}; allowed: from 0 to below 1")
        if self.momentum and self.optimizer != "sgd":
            raise UserError(f"momentum: found {self.momentum}; allowed: 0 with {self.optimizer}")
        if not 0 <= self.weight_decay < math.inf:
            raise UserError(f"weight_decay: found {self.weight_decay}; allowed: at least 0")
        if self.clip_norm is not None and not 0 < self.clip_norm < math.inf:
            raise UserError(f"clip_norm: found {self.clip_norm}; allowed: more than 0, or none")

    @property
    def is_plain(self) -> bool:
        """Whether an update is plain SGD: a step along the gradient, and nothing else."""
        plain = (self.optimizer, self.momentum, self.weight_decay) == ("sgd", 0, 0)
        return plain and self.clip_norm is None
