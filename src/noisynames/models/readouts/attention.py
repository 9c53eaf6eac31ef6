"""Σ α_j h_j with scores e_j = w·h_j + b and α = softmax(e)."""

from typing import Any

SCORES = True


def read(states: Any, padding: Any, lengths: Any, ends: int, scores: Any) -> tuple[Any, Any]:
    """See `noisynames.models.readouts`."""
    weights = scores.masked_fill(padding, -float("inf")).softmax(1)
    return (weights[:, :, None] * states).sum(1), weights
