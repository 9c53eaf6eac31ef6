"""Whether the compiled engine agrees with PyTorch on this machine, for the models of a config."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from noisynames.errors import UserError
from noisynames.files import write_record
from noisynames.models.spec import ModelSpec, spec_from
from noisynames.models.weights import initial_parameters
from noisynames.names import splits
from noisynames.names.examples import Examples, TrainingStream
from noisynames.names.noise import Noise
from noisynames.settings import call
from noisynames.training.engines import AUTO, chosen, engine_of
from noisynames.training.hyperparameters import Hyperparameters

UPDATES, AT_ONCE = 200, 20
"""Updates of each model, and after how many of them both engines continue from the same weights:
rounding errors grow from update to update, for some models without bound."""
GENTLE = 0.001
"""The largest effective step length, momentum included: at a rate at which a model is unstable,
rounding errors grow to any size within a few updates, and say nothing about the engines."""
TOLERANCE = 1e-4
"""The largest difference of a loss allowed, in nats; rounding makes about 1e-6."""


def compare(
    models: Mapping[str, Mapping[str, Any]],
    training: Mapping[str, Any],
    split_file: Path,
    noise: Noise,
    seed: int,
    output: Path,
) -> None:
    """Train every model with both engines and write the largest difference of their losses.

    Args:
        models: The config's models; custom ones are left out, since they have only one engine.
        training: The config's section.
        split_file: The split to train on.
        noise: The noise that is added to names.
        seed: The seed of the weights and the stream.
        output: The record: version of PyTorch, updates, and the largest difference of each model.

    Raises:
        UserError: A difference is larger than rounding explains.
    """
    import torch

    split = splits.read(split_file)
    names = Examples.of_names(split.train, split.languages, split.alphabet)
    inputs, outputs = len(split.alphabet), len(split.languages)
    differences = {}
    known: dict[tuple[str, Hyperparameters], float] = {}  # models may differ only in a high rate
    for name, model in models.items():
        spec = spec_from(model)
        if chosen(AUTO, spec) == "compiled":
            plan = gentle(call(Hyperparameters, {**training, **model}))
            if (key := (repr(spec), plan)) not in known:
                stream = TrainingStream(names, noise, seed)
                known[key] = difference(spec, plan, stream, inputs, outputs, seed)
            found = known[key]
            if not found <= TOLERANCE:
                raise UserError(
                    f"models.{name}: the compiled engine's losses differ by {found:.2g} from "
                    f"PyTorch's on this machine; allowed: {TOLERANCE}; "
                    "with `training.engine: autograd` it trains with PyTorch"
                )
            differences[name] = found
    version = str(torch.__version__)  # a subclass of str
    write_record(output, {"torch": version, "updates": UPDATES, "differences": differences})


def gentle(plan: Hyperparameters) -> Hyperparameters:
    """Return a plan with steps so small that rounding errors grow slowly."""
    return replace(plan, learning_rate=min(plan.learning_rate, GENTLE * (1 - plan.momentum)))


def difference(
    spec: ModelSpec,
    plan: Hyperparameters,
    stream: TrainingStream,
    inputs: int,
    outputs: int,
    seed: int,
) -> float:
    """Return the largest difference of a loss between the engines."""
    weights, largest = initial_parameters(spec, inputs, outputs, seed), 0.0
    engines = [engine_of(name, spec) for name in ("compiled", "autograd")]
    for _ in range(0, UPDATES, AT_ONCE):
        examples = stream.take(AT_ONCE * plan.batch_size)
        both = [engine(spec, weights, plan, seed, inputs) for engine in engines]
        ours, theirs = (engine.advance(examples)[0] for engine in both)
        largest = max(largest, float(np.abs(ours - theirs).max()))
        weights = both[0].parameters()
    return largest
