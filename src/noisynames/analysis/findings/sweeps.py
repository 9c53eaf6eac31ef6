"""Curves of every metric against a number in which models differ."""

from itertools import product

from noisynames.analysis.findings.pairs import METRICS, Record, Values, estimate_of
from noisynames.grid import Grid
from noisynames.models.respects import ORDERED, place_of, respect_of


def sweeps(values: Values, grid: Grid) -> list[Record]:
    """Return every metric against each number that is the only difference between models.

    Returns:
        One record for each metric × noise × group of models that differ only in one number: the
        `respect` (a key of their specifications), the `models` in increasing order of it, their
        `values`, and lists of mean, low, high, n, new_low and new_high, as in an estimate.
    """
    groups = _groups(grid)
    records = []
    for metric, noise, (respect, models) in product(METRICS, grid.noises, groups):
        there = [m for m in models if (metric, m, noise) in values]
        points = [estimate_of(metric, values[metric, m, noise], grid) for m in there]
        if points:
            records.append(
                {
                    "metric": metric,
                    "noise": noise,
                    "respect": respect,
                    "models": there,
                    "values": [grid.models[m][respect] for m in there],
                    **{key: [point[key] for point in points] for key in points[0]},
                }
            )
    return records


def _groups(grid: Grid) -> list[tuple[str, list[str]]]:
    """Return each respect and all the models that differ only in it."""
    found: list[tuple[str, list[str]]] = []
    for respect, name in product(ORDERED, grid.compared):
        alike = [
            m
            for m in grid.compared
            if m == name or respect_of(grid.models[name], grid.models[m]) == respect
        ]
        alike.sort(key=lambda m: place_of(grid.models[m][respect]))
        if len(alike) > 1 and (respect, alike) not in found:
            found.append((respect, alike))
    return found
