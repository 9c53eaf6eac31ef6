"""Numbers, intervals and lists as the report prints them."""

from collections.abc import Iterable, Mapping
from typing import Any

from noisynames.columns import SCORES

Record = Mapping[str, Any]

SHARES = {
    "macro_accuracy", *SCORES, "recall", "share", "probability",
    "weight", "last_character", "last_letter", "on_noise", "noise_share",
}  # fmt: skip
"""Metrics and quantities that are shares of a whole, which people read as percentages."""
NO_BREAK = "\u00a0"


def number(value: float) -> str:
    """Return a number as the report prints it: three decimals, a real minus sign."""
    return f"{value:.3f}".replace("-", "−")


def signed(value: float) -> str:
    """Return a difference as the report prints it: three decimals, always with its sign."""
    return f"{value:+.3f}".replace("-", "−")


def percent(share: float, decimals: int = 1) -> str:
    """Return a share as a percentage: `56.6 %`."""
    return f"{100 * share:.{decimals}f}{NO_BREAK}%".replace("-", "−")


def points(difference: float, decimals: int = 1) -> str:
    """Return a difference of shares in percentage points, with its sign: `+1.2`."""
    return f"{100 * difference:+.{decimals}f}".replace("-", "−")


def value(amount: float, metric: str | None = None) -> str:
    """Return an amount of a metric: a share as a percentage, any other with three decimals."""
    return percent(amount) if metric in SHARES else number(amount)


def change(amount: float, metric: str | None = None) -> str:
    """Return a difference in a metric, with its sign; for shares, in percentage points."""
    return points(amount) if metric in SHARES else signed(amount)


def measured(record: Record) -> str | None:
    """Return what a record measures: its metric or quantity, if it names one."""
    found: str | None = record.get("metric", record.get("quantity"))
    return found


def interval(record: Record, signs: bool = False) -> str:
    """Return an estimate with its interval, such as `0.312 [0.290, 0.334]`.

    Args:
        record: mean, low, high; and its metric or quantity, which tells shares from other values.
        signs: Whether it is a difference.
    """
    metric = measured(record)
    if record["mean"] is None:
        return "no seed"
    show = change if signs else value
    bare = change if signs else _without_unit
    mean = show(record["mean"], metric)
    unit = f"{NO_BREAK}points" if signs and metric in SHARES else ""
    if record["low"] is None:
        return f"{mean}{unit} (one seed, no interval)"
    return f"{mean}{unit} [{bare(record['low'], metric)}, {bare(record['high'], metric)}]"


def _without_unit(amount: float, metric: str | None) -> str:
    return value(amount, metric).removesuffix(f"{NO_BREAK}%")


def p_value(p: float | None) -> str:
    """Return a p value as the report prints it."""
    if p is None:
        return "p not defined"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def difference(record: Record) -> str:
    """Return a paired difference with its interval in brackets, and its adjusted p."""
    return f"{interval(record, signs=True)}, {p_value(record['p_adjusted'])}"


def whole_points(difference: float) -> str:
    """Return the size of a difference of shares in points: whole, below 2 with one decimal."""
    size = abs(100 * difference)
    shown = f"{size:.0f}" if size >= 2 else f"{size:.1f}"
    return f"{shown} {plural('point', 1 if shown == '1' else 2)}"


def listed(words: Iterable[str]) -> str:
    """Return words as a list in a sentence: `a, b and c`."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def in_sentence(label: str) -> str:
    """Return a model's label without a comma, for use in a list: `LSTM (2 layers)`."""
    name, _, parts = label.partition(", ")
    return f"{name} ({parts})" if parts else name


def baseline(name: str) -> str:
    """Return what a baseline is called beside models: `n-grams (baseline)`."""
    return f"{name.replace('ngrams', 'n-grams')} (baseline)"


def shortened(text: str, most: int = 24) -> str:
    """Return a text cut to at most `most` characters, the last an ellipsis if any were cut."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def plural(noun: str, count: int = 2) -> str:
    """Return an English noun for a number of things: `language`, `languages`."""
    if count == 1:
        return noun
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return noun + ("es" if noun.endswith(("s", "x", "z", "ch", "sh")) else "s")


def seeds(count: int) -> str:
    """Return a number of seeds in words: `1 seed`, `10 seeds`."""
    return f"{count} {plural('seed', count)}"
