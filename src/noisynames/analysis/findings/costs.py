"""What runs cost: of all findings, these differ from machine to machine, and are kept apart."""

import pandas as pd

from noisynames.analysis.findings.pairs import Record
from noisynames.analysis.tables import as_written, records


def find(timings: pd.DataFrame) -> Record:
    """Return what `timings.json` holds, of the times that the table shows.

    Returns:
        costs: One record for each model × engine: how many runs, and medians over them of the
            seconds of training and of start-up, of updates a second and of peak memory (MiB).
        paces: One record for each model × noise: the median seconds that an update takes.
        engines: How many runs each engine did, the most first.
    """
    table = as_written(timings)
    table = table.assign(
        pace=table["training_seconds"] / table["updates"],
        rate=table["updates"] / table["training_seconds"],
    )
    costs = table.groupby(["model", "engine"], sort=False).agg(
        runs=("seed", "size"),
        seconds=("training_seconds", "median"),
        startup=("startup_seconds", "median"),
        rate=("rate", "median"),
        memory=("peak_memory_mb", "median"),
    )
    paces = table.groupby(["model", "noise"], sort=False)["pace"].median()
    return {
        "costs": records(costs.reset_index()),
        "paces": records(paces.reset_index()),
        "engines": {str(name): int(n) for name, n in table["engine"].value_counts().items()},
    }
