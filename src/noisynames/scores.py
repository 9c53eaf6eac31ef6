"""From predictions to scores: accuracy, recall, confusion and mistakes of a model × noise.

Computed where predictions are made, seed by seed, so that no later stage reads them all again.
"""

from collections.abc import Iterable

import pandas as pd

Scores = dict[str, pd.DataFrame]

NAMES = ("accuracy", "recall", "confusion", "mistakes")
_RUN = ["tested_at", "seed"]
_MOST_MISTAKES = 12


def score(frames: Iterable[pd.DataFrame], trained_at: str) -> Scores:
    """Return the scores of a model × noise, by name.

    Args:
        frames: A seed's predictions each, as `evaluation.evaluate_run` returns them.
        trained_at: The noise that the model was trained under.

    Returns:
        accuracy: A row a seed × noise: plain, macro-averaged and top-3 accuracy, F1, losses (nats).
        recall: A row a seed × noise × language: recall, precision and F1.
        confusion: A row a noise × language × prediction: the mean over seeds of the share of the
            language's names that got the prediction.
        mistakes: The most confident mistakes at the noise trained under, and in how many seeds.
    """
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in (*NAMES, "wrong", "held out")}
    for frame in frames:
        predictions = frame.rename(columns={"noise": "tested_at"})
        recall = _recall(predictions)
        parts["recall"].append(recall)
        parts["accuracy"].append(_accuracy(predictions, recall))
        parts["confusion"].append(_shares(predictions))
        own = predictions[predictions["tested_at"] == trained_at]
        parts["wrong"].append(own[own["language"] != own["prediction"]])
        parts["held out"].append(own[["seed", "name"]].drop_duplicates())
    if not parts["recall"]:
        return {name: pd.DataFrame(columns=columns) for name, columns in _COLUMNS.items()}
    whole = {name: pd.concat(tables) for name, tables in parts.items() if tables}
    keys = ["tested_at", "language", "prediction"]
    confusion = whole["confusion"].groupby(keys)["share"].mean().reset_index()
    return {
        "accuracy": whole["accuracy"].reset_index(drop=True),
        "recall": whole["recall"].reset_index(drop=True),
        "confusion": confusion,
        "mistakes": _mistakes(whole["wrong"], whole["held out"]),
    }


_COLUMNS = {
    "accuracy": [
        *_RUN, "accuracy", "loss", "names", "macro_accuracy", "macro_f1", "macro_loss", "macro_top3"
    ],
    "recall": [*_RUN, "language", "names", "recall", "precision", "f1"],
    "confusion": ["tested_at", "language", "prediction", "share"],
    "mistakes": ["name", "language", "prediction", "probability", "seeds", "held_out"],
}  # fmt: skip


def _recall(predictions: pd.DataFrame) -> pd.DataFrame:
    """Per language: recall, precision and F1 of each run and evaluation noise."""
    predictions = predictions.assign(correct=predictions["language"] == predictions["prediction"])
    keys = [*_RUN, "language"]
    table = predictions.groupby(keys).agg(names=("correct", "size"), recall=("correct", "mean"))
    predicted = predictions.groupby([*_RUN, "prediction"])["correct"].mean()
    predicted.index.names = keys
    # A language that is never predicted has precision 0, and so F1 0.
    table["precision"] = predicted.reindex(table.index).fillna(0.0)
    total = table["recall"] + table["precision"]
    table["f1"] = (2 * table["recall"] * table["precision"] / total.where(total > 0)).fillna(0.0)
    return table.reset_index()


def _accuracy(predictions: pd.DataFrame, recall: pd.DataFrame) -> pd.DataFrame:
    """Per run and evaluation noise: plain, macro-averaged and top-3 accuracy, F1, loss."""
    scored = predictions.assign(correct=predictions["rank"] == 1, in_top3=predictions["rank"] <= 3)
    per_name = scored.groupby(_RUN).agg(
        accuracy=("correct", "mean"), loss=("loss", "mean"), names=("correct", "size")
    )
    # Training draws languages uniformly, so a loss to hold against it is averaged over languages.
    per_language = scored.groupby([*_RUN, "language"]).agg(
        macro_loss=("loss", "mean"), macro_top3=("in_top3", "mean")
    )
    macro = per_language.groupby(_RUN).mean()
    averages = recall.groupby(_RUN).agg(macro_accuracy=("recall", "mean"), macro_f1=("f1", "mean"))
    return per_name.join(averages).join(macro).reset_index()


def _shares(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return P(prediction | language) of each run and evaluation noise, also where it is 0."""
    languages = sorted(predictions["language"].unique())
    counts = predictions.groupby([*_RUN, "language", "prediction"]).size().unstack(fill_value=0)
    counts = counts.reindex(columns=languages, fill_value=0)
    shares = counts.div(counts.sum(axis=1), axis=0).reset_index()
    return shares.melt([*_RUN, "language"], var_name="prediction", value_name="share")


def _mistakes(wrong: pd.DataFrame, held_out: pd.DataFrame) -> pd.DataFrame:
    """Return the most confident mistakes: the surest seed's probability, and how many agree."""
    keys = ["name", "language", "prediction"]
    table = wrong.groupby(keys).agg(probability=("probability", "max"), seeds=("seed", "nunique"))
    held = held_out.groupby("name")["seed"].nunique().rename("held_out")
    table = table.reset_index().join(held, on="name")
    table = table.sort_values(
        ["probability", "name", "language"], ascending=[False, True, True], kind="stable"
    )
    return table.head(_MOST_MISTAKES)
