"""Numbers, intervals and lists as the report prints them."""

from collections.abc import Iterable, Mapping
from typing import Any

Record = Mapping[str, Any]


def number(value: float) -> str:
    """Return a number as the report prints it: three decimals, a real minus sign."""
    return f"{value:.3f}".replace("-", "−")


def signed(value: float) -> str:
    """Return a difference as the report prints it: three decimals, always with its sign."""
    return f"{value:+.3f}".replace("-", "−")


def interval(record: Record, signs: bool = False) -> str:
    """Return an estimate with its interval, such as `0.312 [0.290, 0.334]`."""
    show = signed if signs else number
    if record["mean"] is None:
        return "no seed"
    if record["low"] is None:
        return f"{show(record['mean'])} (one seed, no interval)"
    return f"{show(record['mean'])} [{show(record['low'])}, {show(record['high'])}]"


def p_value(p: float | None) -> str:
    """Return a p value as the report prints it."""
    if p is None:
        return "p not defined"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def difference(record: Record) -> str:
    """Return a paired difference with interval and adjusted p, in brackets."""
    return f"{interval(record, signs=True)}, {p_value(record['p_adjusted'])}"


def listed(words: Iterable[str]) -> str:
    """Return words as a list in a sentence: `a, b and c`."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def each_with_interval(records: Iterable[Record]) -> str:
    """Return each model with its estimate and interval."""
    return "; ".join(f"{r['model']} {interval(r)}" for r in records)
