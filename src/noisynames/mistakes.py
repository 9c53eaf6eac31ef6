"""The most confident mistakes: of a part of the seeds where it is tested, of all in the tables."""

import pandas as pd

MOST = 12
"""How many are kept."""


def most_confident(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the most confident mistakes: the most confident seed's probability, how many agree.

    Args:
        predictions: The predictions of every seed under one noise.
    """
    keys = ["name", "language", "prediction"]
    wrong = predictions[predictions["language"] != predictions["prediction"]]
    table = wrong.groupby(keys).agg(probability=("probability", "max"), seeds=("seed", "nunique"))
    held = predictions.groupby("name")["seed"].nunique().rename("held_out")
    table = table.reset_index().join(held, on="name")
    table = table.sort_values(
        ["probability", "name", "language"], ascending=[False, True, True], kind="stable"
    )
    return table.head(MOST)
