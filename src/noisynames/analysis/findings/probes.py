"""What a trained model remembers after reading noise, and how far its gradients reach."""

from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from noisynames.analysis.findings.pairs import Pair, Record, compared, estimate, standard
from noisynames.analysis.tables import Tables
from noisynames.grid import ACCURACY, INITIAL, TRAINED, Grid

_SMALLEST_NORM = 1e-38
"""Below this, a gradient's norm is outside the range of float32 and has no logarithm."""


def memory(tables: Tables, grid: Grid) -> list[Record]:
    """Return the accuracy for each model × noise × number of noise characters after the name."""
    return [
        {
            "metric": "macro_accuracy",
            "model": model,
            "noise": noise,
            "distance": int(distance),
            **estimate(wide[distance]),
        }
        for noise, model in product(grid.noises, grid.compared)
        for wide in [_probe(tables, ACCURACY, model, noise)]
        for distance in wide.columns
    ]


def memory_effects(tables: Tables, grid: Grid) -> list[Record]:
    """Return the accuracy with the most noise characters after the name minus that with none.

    A family is all models trained under one noise.
    """
    records = []
    for noise in grid.noises:
        asked, pairs = [], []
        for model in grid.compared:
            wide = _probe(tables, ACCURACY, model, noise)
            asked.append({"metric": "macro_accuracy", "model": model, "noise": noise})
            longest, none = wide[wide.columns[-1:]], wide[wide.columns[:1]]
            pair: Pair = (longest.to_numpy(float).ravel(), none.to_numpy(float).ravel())
            pairs.append(pair)
        records += compared(asked, pairs, standard("macro_accuracy", grid))
    return records


def gradients(tables: Tables, grid: Grid) -> list[Record]:
    """Return gradient norms by distance from the end, relative to that at the last character.

    Means and intervals are of the logarithm to base 10, since norms shrink by factors.
    """
    records = []
    for where, wide in _norms(tables, grid):
        logs = _logarithms(wide)
        records += [
            {**where, "distance": int(distance), **estimate(logs[:, i])}
            for i, distance in enumerate(wide.columns)
        ]
    return records


def gradient_reach(tables: Tables, grid: Grid) -> list[Record]:
    """Return the factor by which a gradient's norm changes with every step away from the end.

    That is 10 to the least-squares slope of the logarithms in `gradients`, over seeds; left is the
    share of a norm that the mean factor leaves after the longest suffix of the memory probe.
    """
    accuracy = tables["probes"][tables["probes"]["probe"] == ACCURACY]
    longest = int(accuracy["distance"].max()) if len(accuracy) else 0
    records = []
    for where, wide in _norms(tables, grid):
        slopes = np.polyfit(wide.columns.to_numpy(float), _logarithms(wide).T, 1)[0]
        slope = estimate(slopes)
        factor = {
            key: None if slope[key] is None else float(10 ** slope[key])
            for key in ("mean", "low", "high")
        }
        left = float(10 ** slope["mean"]) ** longest
        records.append({**where, **factor, "n": slope["n"], "left": left})
    return records


def _probe(tables: Tables, probe: str, model: str, noise: str) -> pd.DataFrame:
    """Return a probe's values: one row per seed, one column per distance that all seeds have."""
    table = tables["probes"]
    rows = table[
        (table["probe"] == probe) & (table["model"] == model) & (table["trained_at"] == noise)
    ]
    return rows.pivot(index="seed", columns="distance", values="value").dropna(axis=1)


def _norms(tables: Tables, grid: Grid) -> list[tuple[Record, pd.DataFrame]]:
    """Return the gradient norms of each stage, noise and model that has any; see `_probe`."""
    # Before training, a model is the same whatever noise it will be trained under.
    asked = [(INITIAL, grid.quietest), *((TRAINED, noise) for noise in grid.noises)]
    found = [
        (
            {"model": model, "noise": noise, "stage": probe.split()[0]},
            _probe(tables, probe, model, noise),
        )
        for (probe, noise), model in product(asked, grid.compared)
    ]
    return [(where, wide) for where, wide in found if not wide.empty]


def _logarithms(wide: pd.DataFrame) -> NDArray[np.float64]:
    norms = np.maximum(wide.to_numpy(float), _SMALLEST_NORM)
    logs: NDArray[np.float64] = np.log10(norms / norms[:, :1])
    return logs
