"""Accuracy by training and test noise, and by language."""

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from noisynames.analysis.findings.pairs import Record, Values, estimate
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
    """Return each language's recall, the mean over seeds of the values in the table.

    One record for each language × model × trained_at, tested under the same noise.
    """
    own = _own(tables["recall"][["language", "model", "trained_at", "tested_at", "recall"]])
    means = as_written(own).groupby(["language", "model", "trained_at"])["recall"].mean()
    return records(means.reset_index())


def commonest_mistakes(tables: Tables) -> list[Record]:
    """Return each language's most common wrong prediction, by its share in the confusion table.

    One record for each model × trained_at × language with a mistake, tested under the same noise.
    """
    own = _own(as_written(tables["confusion"]))
    wrong = own[(own["language"] != own["prediction"]) & (own["share"] > 0)]
    by_share = wrong.sort_values("share", ascending=False, kind="stable")
    first = by_share.groupby(["model", "trained_at", "language"], sort=False).head(1)
    return records(first.sort_values(["model", "trained_at", "language"]))


def confusion_order(tables: Tables) -> list[str]:
    """Return the languages in an order that puts those mistaken for each other side by side.

    They are the leaves, in optimal order (Bar-Joseph, Gifford and Jaakkola, 2001), of an average
    linkage of 1 − the mean share of mistakes in both directions, over all arms.
    """
    own = _own(tables["confusion"])
    languages = sorted(own["language"].astype(str).unique())
    if len(languages) < 3:
        return languages
    mean = own.groupby(["language", "prediction"])["share"].mean().unstack()
    shares = mean.reindex(index=languages, columns=languages).fillna(0).to_numpy(float)
    distance = 1 - (shares + shares.T) / 2
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average", optimal_ordering=True)
    return [languages[i] for i in leaves_list(tree)]


def most_accurate(values: Values, grid: Grid) -> str:
    """Return the compared model with the highest macro-averaged accuracy, averaged over noises."""
    means = {
        model: float(np.mean([values[key].mean() for key in keys]))
        for model in grid.compared
        if (keys := [k for n in grid.noises if (k := ("macro_accuracy", model, n)) in values])
    }
    return max(means, key=lambda model: means[model], default=grid.compared[0])


def _own(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["trained_at"] == table["tested_at"]]
