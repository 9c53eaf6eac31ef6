"""Accuracy by what a model was trained and tested under, and by language."""

import pandas as pd

from noisynames.analysis.findings.pairs import Record, estimate
from noisynames.analysis.tables import Tables, as_written, records
from noisynames.grid import Grid


def cross(tables: Tables, grid: Grid) -> list[Record]:
    """Return macro-averaged accuracy and loss for each model × trained_at × tested_at."""
    groups = tables["accuracy"].groupby(["model", "trained_at", "tested_at"])
    found = []
    for model in grid.compared:
        for trained in grid.noises:
            for tested in grid.noises:
                if (model, trained, tested) not in groups.groups:
                    continue
                group = groups.get_group((model, trained, tested))
                where = {"model": model, "trained_at": trained, "tested_at": tested}
                found += [
                    {"metric": metric, **where, **estimate(group[metric])}
                    for metric in ("macro_accuracy", "macro_loss")
                ]
    return found


def recall(tables: Tables) -> list[Record]:
    """Return each language's recall, the mean over seeds of those that the table shows.

    One record for each language × model × trained_at, tested under the same noise.
    """
    own = _own(tables["recall"][["language", "model", "trained_at", "tested_at", "recall"]])
    means = as_written(own).groupby(["language", "model", "trained_at"])["recall"].mean()
    return records(means.reset_index())


def commonest_mistakes(tables: Tables) -> list[Record]:
    """Return each language's commonest wrong prediction, by its share in the table of confusion.

    One record for each model × trained_at × language, tested under the same noise.
    """
    own = _own(as_written(tables["confusion"]))
    wrong = own[own["language"] != own["prediction"]]
    by_share = wrong.sort_values("share", ascending=False, kind="stable")
    first = by_share.groupby(["model", "trained_at", "language"], sort=False).head(1)
    return records(first.sort_values(["model", "trained_at", "language"]))


def _own(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["trained_at"] == table["tested_at"]]
