"""Trains one model under one noise with one seed, on any engine."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from noisynames.models.spec import ModelSpec, Parameters
from noisynames.models.weights import initial_parameters
from noisynames.names.examples import Examples, TrainingStream
from noisynames.names.noise import Noise
from noisynames.names.splits import Split
from noisynames.randomness import Seed, as_seed
from noisynames.training.engines import Engine, engine_of
from noisynames.training.hyperparameters import Hyperparameters

_MOST_AT_ONCE = 5_000
"""The most examples that are drawn at a time: more of them would leave the processor's cache."""


@dataclass
class Progress:
    """How far a run has come: what the worksheet's loop prints."""

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
        parameters: The weights at the end (of a diverged run, too).
        losses: (update, mean loss of the updates since the last point) for each recording interval.
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
    seed: int | Seed,
    hyperparameters: Hyperparameters,
    engine: str = "auto",
    on_interval: Callable[[Progress], None] = lambda _: None,
) -> Run:
    """Train a model on the training names of a split.

    A run whose loss stops being finite ends there and is `diverged`.

    Args:
        spec: The model.
        split: The split whose training names are drawn, with replacement.
        noise: The noise that is added to every name drawn.
        seed: Fixes the stream of examples and the initial weights; a `Seed` may share some draws.
        hyperparameters: How long and how fast to train.
        engine: `auto`, `compiled` or `autograd`.
        on_interval: Called after every recording interval.

    Raises:
        UserError: The engine cannot train this model.
    """
    languages = split.languages
    names = Examples.of_names(split.train, languages, split.alphabet)
    drawn = as_seed(seed)
    stream = TrainingStream(names, noise, drawn)
    sizes = len(split.alphabet), len(languages)
    initial = initial_parameters(spec, *sizes, drawn.of("weights"))
    trainer = engine_of(engine, spec)(spec, initial, hyperparameters, drawn.of("order"), *sizes)
    updates, interval = hyperparameters.updates, hyperparameters.record_every
    ahead = _ahead(trainer, interval)
    start = time.perf_counter()
    run = Run(trainer.name, initial, started=start)
    begun = seen = recorded = 0
    waiting = np.empty(0)  # losses of examples that are not in a recorded point yet
    while recorded < updates:
        point = min(recorded + interval, updates)
        if seen < point:
            end = min(recorded + ahead, updates)
            examples = stream.take(_whole_batches(seen, end, hyperparameters))
            losses, guesses = trainer.advance(examples)
            begun, seen = seen, seen + len(examples)
            waiting = np.concatenate([waiting, losses])
        count = point - recorded
        finite = np.isfinite(waiting[:count])
        if not finite.all():
            run.diverged_at = recorded + int(np.argmin(finite)) + 1
            break
        # Exact, so the order of addition does not matter.
        run.losses.append((point, math.fsum(waiting[:count].tolist()) / count))
        waiting, recorded = waiting[count:], point
        last = point - begun - 1
        guess, language = (languages[int(kind[last])] for kind in (guesses, examples.targets))
        on_interval(_told(run, updates, examples.text(last), guess, language))
    run.training_seconds = time.perf_counter() - start
    run.parameters = trainer.parameters()
    return run


def _ahead(trainer: Engine, interval: int) -> int:
    """Return how many examples to train on at a time: as many intervals as are worth a call."""
    return max(min(trainer.at_once, _MOST_AT_ONCE) // interval, 1) * interval


def _told(run: Run, updates: int, name: str, guess: str, language: str) -> Progress:
    """Return the progress of a run that has just recorded a point."""
    point, mean = run.losses[-1]
    return Progress(point, updates, time.perf_counter() - run.started, mean, name, guess, language)


def _whole_batches(seen: int, point: int, plan: Hyperparameters) -> int:
    """Return how many examples to take up to a recorded point, which may be within a batch."""
    batches = -(-(point - seen) // plan.batch_size)
    return min(batches * plan.batch_size, plan.updates - seen)
