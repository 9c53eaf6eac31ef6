"""Train one model at one noise level under one seed: the worksheet's SGD, on either engine."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from noisynames.alphabet import WORKSHEET
from noisynames.errors import UserError
from noisynames.models import READOUTS, RECURRENT, ModelSpec, Parameters, initial_parameters
from noisynames.noise import Noise
from noisynames.sampling import Examples, TrainingStream
from noisynames.splits import Split

ENGINES = ("auto", "fused", "autograd")


@dataclass(frozen=True)
class Hyperparameters:
    """How long and how fast to train.

    Attributes:
        updates: The budget, in examples: SGD updates at batch size 1, else as many divided by the
            batch size, so that batch sizes compare at the same number of examples.
        learning_rate: Step length of plain SGD.
        record_every: The training loss is averaged over this many updates a point.
        report_every: Progress is told after this many updates.
        batch_size: Examples an update, by the mean of their losses; divides `record_every`.
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


class Engine(Protocol):
    """A model in training. Both engines start from the same weights and mean the same update."""

    name: str

    def advance(self, examples: Examples) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Do SGD on the examples in order, an update for each or for each batch of them.

        Returns:
            losses: Negative log likelihood of each example before its update, shape (count,).
            guesses: The class with the highest log-probability, shape (count,).
        """

    def parameters(self) -> Parameters:
        """Return a copy of the current weights."""


@dataclass
class Progress:
    """Where a run stands: what the worksheet's loop prints."""

    update: int
    updates: int
    seconds: float
    loss: float
    name: str
    guess: str
    language: str

    def __str__(self) -> str:
        verdict = "✓" if self.guess == self.language else f"✗ ({self.language})"
        return (
            f"{self.update} {self.update / self.updates:.0%} ({self.seconds:.1f} s) "
            f"{self.loss:.4f} {self.name} / {self.guess} {verdict}"
        )


@dataclass
class Run:
    """The outcome of a training run.

    Attributes:
        engine: The engine that ran.
        parameters: The weights at the end (for a diverged run, as they then were).
        losses: (update, mean loss of the updates since the last point), one a recording interval.
        diverged_at: The first update whose loss was not finite, counted from 1; None if none.
        training_seconds: Time in the update loop.
        started: `time.perf_counter()` at the first update.
    """

    engine: str
    parameters: Parameters
    losses: list[tuple[int, float]] = field(default_factory=list)
    diverged_at: int | None = None
    training_seconds: float = 0.0
    started: float = 0.0

    @property
    def status(self) -> Literal["ok", "diverged"]:
        """Whether every loss was finite."""
        return "ok" if self.diverged_at is None else "diverged"


def train(
    spec: ModelSpec,
    split: Split,
    noise: Noise,
    seed: int,
    hyperparameters: Hyperparameters,
    engine: str = "auto",
    on_interval: Callable[[Progress], None] = lambda _: None,
) -> Run:
    """Train a model on the training names of a split.

    A run whose loss stops being finite ends there and is `diverged`.

    Args:
        spec: The model.
        split: Its training names are drawn from, with replacement.
        noise: What every name drawn is given.
        seed: Fixes the stream of examples and the initial weights.
        hyperparameters: Budget and learning rate.
        engine: `auto`, `fused` or `autograd`.
        on_interval: Called after every recording interval.

    Raises:
        UserError: The engine cannot train this model.
    """
    languages = split.languages
    names = Examples.of_names(split.train, languages, split.alphabet)
    stream = TrainingStream(names, noise, seed)
    inputs = len(split.alphabet)
    initial = initial_parameters(spec, inputs, len(languages), seed)
    trainer = make_engine(
        engine,
        spec,
        initial,
        hyperparameters.learning_rate,
        len(languages),
        hyperparameters.batch_size,
        seed,
        inputs,
    )
    start = time.perf_counter()
    run = Run(trainer.name, initial, started=start)
    update = 0
    while update < hyperparameters.updates:
        count = min(hyperparameters.record_every, hyperparameters.updates - update)
        examples = stream.take(count)
        losses, guesses = trainer.advance(examples)
        finite = np.isfinite(losses)
        if not finite.all():
            run.diverged_at = update + int(np.argmin(finite)) + 1
            break
        mean = float(losses.mean(dtype=np.float64))
        update += count
        run.losses.append((update, mean))
        on_interval(
            Progress(
                update,
                hyperparameters.updates,
                time.perf_counter() - start,
                mean,
                examples.text(count - 1),
                languages[int(guesses[-1])],
                languages[int(examples.targets[-1])],
            )
        )
    run.training_seconds = time.perf_counter() - start
    run.parameters = trainer.parameters()
    return run


def make_engine(
    engine: str,
    spec: ModelSpec,
    parameters: Parameters,
    learning_rate: float,
    outputs: int | None = None,
    batch_size: int = 1,
    seed: int = 0,
    inputs: int = len(WORKSHEET),
) -> Engine:
    """Return an engine that trains `spec` from `parameters`; `seed` is for a custom module's draws.

    Raises:
        UserError: There is no such engine, or it cannot train this model.
    """
    if engine not in ENGINES:
        raise UserError(f"training.engine: {engine!r} is not one of {', '.join(ENGINES)}")
    if engine == "auto":
        engine = "fused" if why_not_fused(spec, batch_size) is None else "autograd"
    if engine == "autograd":
        from noisynames.training.autograd import AutogradEngine

        return AutogradEngine(spec, parameters, learning_rate, outputs, batch_size, seed, inputs)
    if reason := why_not_fused(spec, batch_size):
        raise UserError(f"training.engine: 'fused' cannot train this model: {reason}")
    from noisynames.training.fused import FusedEngine

    return FusedEngine(spec, parameters, learning_rate)


def source_files(engine: str, spec: ModelSpec, batch_size: int = 1) -> list[str]:
    """Return the files, relative to the package, that an engine's training of `spec` depends on."""
    if engine == "autograd" or why_not_fused(spec, batch_size):
        return ["modules.py", "training/autograd.py"]
    kernel = [f"training/{name}" for name in kernel_files(spec.cell)]
    return ["training/fused.py", "training/compiled.py", *kernel]


def kernel_files(cell: str) -> list[str]:
    """Return the files, relative to this folder, that a kernel is compiled from."""
    readouts = [f"readouts/{readout}.py" for readout in READOUTS]
    return ["primitives.py", "kernels.py", f"cells/{cell}.py", *readouts]


def why_not_fused(spec: ModelSpec, batch_size: int = 1) -> str | None:
    """Return why the compiled engine cannot train `spec`, or None if it can."""
    if spec.cell not in RECURRENT:
        return f"it has {', '.join(RECURRENT)} only, and the cell is {spec.cell}"
    if spec.num_layers > 1:
        return f"it has one layer only, and num_layers is {spec.num_layers}"
    if spec.bidirectional:
        return "it reads forward only, and the model is bidirectional"
    if batch_size > 1:
        return f"it takes one example an update, and batch_size is {batch_size}"
    return None
