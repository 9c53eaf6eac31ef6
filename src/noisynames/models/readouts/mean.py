"""The mean of each unit over the states."""

from typing import Any

SCORES = False


def read(states: Any, padding: Any, lengths: Any, ends: int, scores: Any) -> tuple[Any, Any]:
    """See `noisynames.models.readouts`."""
    return states.masked_fill(padding[:, :, None], 0).sum(1) / lengths[:, None], None
