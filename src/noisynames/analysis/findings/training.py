"""How training went: mean loss curves, and the updates that it took to reach a target loss."""

import numpy as np
import pandas as pd

from noisynames.analysis.findings.comparisons import model_pairs
from noisynames.analysis.findings.pairs import Record
from noisynames.analysis.statistics.intervals import t_band
from noisynames.analysis.statistics.survival import log_rank, reached_by
from noisynames.analysis.statistics.tests import holm
from noisynames.analysis.tables import Tables, as_written
from noisynames.grid import Grid


def curves(tables: Tables) -> list[Record]:
    """Return the mean loss curve of each arm, from the losses in the table.

    Returns:
        Records of model and noise; n, the number of seeds that completed all updates; update, the
        recorded points; mean, low and high there, over those seeds (with a single seed, low and
        high are None; with none, all three); and last, the mean at the last point over the seeds
        that got there.
    """
    losses = as_written(tables["losses"][["model", "noise", "seed", "update", "loss"]])
    records = []
    for (model, noise), cell in losses.groupby(["model", "noise"], sort=False):
        wide = cell.pivot_table(index="seed", columns="update", values="loss")
        complete = wide.dropna().to_numpy(float)
        n = len(complete)
        bounds = t_band(complete) if n else ()
        shown = dict(zip(("mean", "low", "high")[: 3 if n > 1 else n], bounds, strict=False))
        records.append(
            {
                "model": model,
                "noise": noise,
                "n": n,
                "update": wide.columns.tolist(),
                **dict.fromkeys(("mean", "low", "high")),
                **{key: values.tolist() for key, values in shown.items()},
                "last": float(wide.mean().iloc[-1]),
            }
        )
    return records


def time_to_target(tables: Tables, grid: Grid) -> Record:
    """Return updates to the target loss: how many runs reached it, and log-rank tests of all pairs.

    Returns:
        target: The loss in nats.
        groups: One record for each arm: runs; reached, how many of them reached it; median, the
            median updates, None where fewer than half did; and the share of runs that had reached
            it as a step function: times, and shares, each from its time on.
        tests: One record for each noise × pair; a family is a noise.
    """
    table = tables["time_to_target"]
    cells = {
        (model, noise): table[(table["model"] == model) & (table["noise"] == noise)]
        for model in grid.compared
        for noise in grid.noises
    }
    groups = [{"model": m, "noise": n, **_reached(cell)} for (m, n), cell in cells.items()]
    tests = []
    for noise in grid.noises:
        pairs = model_pairs(grid)
        p_values = [
            log_rank(
                (cells[a, noise]["update"], cells[a, noise]["reached"] == 1),
                (cells[b, noise]["update"], cells[b, noise]["reached"] == 1),
            )
            for a, b in pairs
        ]
        tests += [
            {"noise": noise, "a": a, "b": b, "p": p, "p_adjusted": adjusted}
            for (a, b), p, adjusted in zip(pairs, p_values, holm(p_values), strict=True)
        ]
    return {"target": float(table["target"].iloc[0]), "groups": groups, "tests": tests}


def _reached(cell: pd.DataFrame) -> Record:
    reached = cell["reached"] == 1
    median = float(cell["update"].where(reached, np.inf).median())
    times, shares = reached_by(cell["update"], reached) if len(cell) else ([], [])
    return {
        "runs": len(cell),
        "reached": int(reached.sum()),
        "median": median if np.isfinite(median) else None,
        "times": times,
        "shares": shares,
    }
