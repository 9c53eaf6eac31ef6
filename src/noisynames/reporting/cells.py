"""The text in the cells of the report's tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from noisynames.reporting import words

Record = Mapping[str, Any]

_ESTIMATES = ("mean", "low", "high")


def text(row: Record, key: str, labels: Mapping[str, str]) -> str:
    """Return a value as a table shows it: models by label, shares as percentages.

    Args:
        row: A record of the findings or of a table.
        key: The key of the value.
        labels: The label of each model.
    """
    value = row[key]
    if value is None:
        return "–"
    if key == "model":
        return labels.get(value, str(value))
    if key in _ESTIMATES and "p_adjusted" in row:
        return change(row, key)
    if key in _ESTIMATES:
        return words.value(value, words.measured(row))
    if key in words.SHARES:
        return words.percent(value)
    return words.number(value) if isinstance(value, float) else str(value)


def change(row: Record, key: str = "mean") -> str:
    """Return a difference, or a bound of its interval; for shares, in percentage points."""
    return words.change(row[key], words.measured(row))


@dataclass(frozen=True)
class Pair:
    """A cell of a matrix of pairs: the row's model minus the column's.

    Attributes:
        text: The difference.
        verdict: The verdict on the row's model.
        side: `up` or `down`, the sign of the difference.
        shade: Its size relative to the largest in the matrix, from 0 to 1.
        small: Whether it has been shown to be too small to matter.
    """

    text: str
    verdict: str
    side: str
    shade: float
    small: bool = False


@dataclass(frozen=True)
class Line:
    """A row of a matrix of pairs: a model and its cells, None on the diagonal or where unknown."""

    model: str
    cells: list[Pair | None]


def matrix(records: Sequence[Record], models: Sequence[str]) -> list[Line]:
    """Return comparisons of models as a matrix, row minus column.

    Args:
        records: Comparisons for one metric and noise, each pair once.
        models: The rows and columns, in this order.
    """
    largest = max((abs(r["mean"]) for r in records if r["mean"] is not None), default=0) or 1
    found: dict[tuple[str, str], Pair] = {}
    turned = {"higher": "lower", "lower": "higher"}
    for r in records:
        if r["mean"] is None:
            continue
        for a, b, sign in ((r["a"], r["b"], 1), (r["b"], r["a"], -1)):
            mean = sign * r["mean"]
            own = str(r["verdict"])
            verdict = own if sign > 0 else turned.get(own, own)
            side = "up" if mean > 0 else "down"
            shade = round(abs(mean) / largest, 2)
            found[a, b] = Pair(
                words.change(mean, r["metric"]), verdict, side, shade, bool(r.get("below_margin"))
            )
    return [Line(a, [found.get((a, b)) for b in models]) for a in models]
