"""The last state; for the direction from the end, that of the first character."""

from typing import Any

SCORES = False


def read(states: Any, padding: Any, lengths: Any, ends: int, scores: Any) -> tuple[Any, Any]:
    """See `noisynames.models.readouts`."""
    H = states.shape[2] // ends
    place = (lengths - 1)[:, None, None].expand(-1, 1, H)
    forward = states[:, :, :H].gather(1, place)[:, 0]
    return (forward if ends == 1 else _beside(forward, states[:, 0, H:])), None


def _beside(first: Any, second: Any) -> Any:
    both = first.new_empty(first.shape[0], 2 * first.shape[1])
    both[:, : first.shape[1]], both[:, first.shape[1] :] = first, second
    return both
