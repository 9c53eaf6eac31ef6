"""Trained models on sequences: predictions, attention, and how far gradients reach.

All come from the compiled engine, except for custom modules, which need torch.
"""

from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from noisynames.models.spec import TrainedModel, reading
from noisynames.names.examples import Examples
from noisynames.training.compiled.engine import CompiledModel


def predict(
    model: TrainedModel, examples: Examples
) -> tuple[NDArray[np.float64], list[NDArray[np.float64]] | None]:
    """Return log-probabilities (count, outputs), and each sequence's attention weights or None."""
    if model.spec.cell == "custom":
        # Imported by name, so that only these models depend on it and pay for importing torch.
        custom = import_module("noisynames.models.custom")
        outputs, attention = custom.classify(model, examples)
        has_attention = model.spec.readout == "attention"
    else:
        outputs, attention = CompiledModel(model.spec, model.parameters).predict(examples)
        has_attention = reading(model.spec.readout).SCORES
    if not has_attention:
        return outputs.astype(np.float64), None
    weights = np.split(attention.astype(np.float64), examples.offsets[1:-1])
    return outputs.astype(np.float64), weights


def gradient_norms(model: TrainedModel, examples: Examples) -> NDArray[np.float64]:
    """Return ‖∂loss/∂x_t‖₂ by distance from the end, the mean over sequences.

    The loss is a sequence's own negative log likelihood, and x_t the input at a position: one-hot,
    or a transformer's embedding. A gradient that shrinks by the same factor at every step vanishes
    in the sense of Bengio, Simard and Frasconi, "Learning long-term dependencies with gradient
    descent is difficult" (1994).

    Args:
        model: A model that is not custom.
        examples: At least one sequence.

    Returns:
        Shape (length of the shortest sequence,); index 0 is the last character.
    """
    norms = CompiledModel(model.spec, model.parameters).input_gradients(examples).astype(np.float64)
    from_end = np.arange(examples.lengths.min())
    by_distance: NDArray[np.float64] = norms[examples.offsets[1:, None] - 1 - from_end].mean(0)
    return by_distance
