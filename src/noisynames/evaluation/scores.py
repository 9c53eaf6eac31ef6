"""Scores of predictions: accuracy, recall, confusion and mistakes of an arm.

They are computed where predictions are made, seed by seed, so that no later stage reads them again.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from noisynames.mistakes import most_confident
from noisynames.names.noise import Noise
from noisynames.names.splits import Row

Scores = dict[str, pd.DataFrame]

PREDICTION_COLUMNS = [
    "seed", "noise", "language", "name", "prediction", "probability", "rank", "loss"
]  # fmt: skip

_RUN = ["tested_at", "seed"]


def predictions(
    seed: int,
    noises: Sequence[Noise],
    names: Sequence[Row],
    languages: Sequence[str],
    log_probabilities: NDArray[np.float64],
) -> pd.DataFrame:
    """Return one row for each noise × name, with PREDICTION_COLUMNS.

    The probability is that of the prediction, the rank that of the true language (1 is best), the
    loss its negative log likelihood in nats. Columns with few distinct values are categorical.
    """
    index = {language: i for i, language in enumerate(languages)}
    known, tested = pd.Index(languages), pd.Index([noise.name for noise in noises])
    targets = np.tile([index[language] for language, _ in names], len(noises))
    noise = np.repeat(np.arange(len(noises)), len(names))
    row = np.arange(len(targets))
    best = log_probabilities.argmax(1)
    true = log_probabilities[row, targets]
    return pd.DataFrame(
        {
            "seed": seed,
            "noise": pd.Categorical.from_codes(noise, tested),
            "language": pd.Categorical.from_codes(targets, known),
            "name": np.tile(np.array([name for _, name in names], object), len(noises)),
            "prediction": pd.Categorical.from_codes(best, known),
            "probability": np.exp(log_probabilities[row, best]).round(6),
            "rank": (log_probabilities > true[:, None]).sum(1) + 1,
            "loss": (-true).round(6),
        }
    )


def score(frames: Iterable[pd.DataFrame], trained_at: str) -> Scores:
    """Return the scores of an arm, by name.

    Args:
        frames: The predictions of each seed, as `predictions` returns them.
        trained_at: The noise that the model was trained under.

    Returns:
        accuracy: One row for each seed × noise: plain, macro-averaged and top-3 accuracy,
            F1, losses (nats).
        recall: One row for each seed × noise × language: recall, precision and F1.
        confusion: One row for each noise × language × prediction: the mean over seeds of the
            share of the language's names that got the prediction, and the number of seeds.
        mistakes: The most confident mistakes under the training noise, and in how many seeds.
    """
    tables: list[tuple[pd.DataFrame, pd.DataFrame]] = []
    shares: list[pd.Series] = []
    own = []
    for predictions in frames:
        accuracy, recall, share = _score_run(predictions)
        tables.append((accuracy, recall))
        shares.append(share)
        own.append(predictions[predictions["noise"] == trained_at])
    if not tables:
        return {name: pd.DataFrame(columns=columns) for name, columns in _COLUMNS.items()}
    accuracy, recall = (pd.concat(runs, ignore_index=True) for runs in zip(*tables, strict=True))
    confusion = pd.concat(shares, axis=1).mean(axis=1).rename("share")
    return {
        "accuracy": accuracy,
        "recall": recall,
        "confusion": confusion.reset_index().assign(seeds=len(shares)),
        "mistakes": most_confident(pd.concat(own)),
    }


_COLUMNS = {
    "accuracy": [
        *_RUN, "accuracy", "loss", "names", "macro_accuracy", "macro_f1", "macro_loss", "macro_top3"
    ],
    "recall": [*_RUN, "language", "names", "recall", "precision", "f1"],
    "confusion": ["tested_at", "language", "prediction", "share", "seeds"],
    "mistakes": ["name", "language", "prediction", "probability", "seeds", "held_out"],
}  # fmt: skip


def _score_run(predictions: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Return a run's accuracy, recall and shares; see `score`."""
    seed = predictions["seed"].iloc[0]
    noise, noises = pd.factorize(predictions["noise"], sort=True)
    true, languages = pd.factorize(predictions["language"], sort=True)
    guess = languages.get_indexer(pd.Index(predictions["prediction"]))
    T, K = len(noises), len(languages)

    def by_language(values: NDArray[Any]) -> NDArray[np.float64]:
        """Return the mean of a value per row, by noise and true language."""
        total = np.bincount(noise * K + true, values, T * K).reshape(T, K)
        return np.asarray(total / names, float)

    confusion = np.bincount((noise * K + true) * K + guess, minlength=T * K * K).reshape(T, K, K)
    names, guessed = confusion.sum(2), confusion.sum(1)
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    recall = hits / names
    # A language that is never predicted has precision 0, and so F1 0.
    precision = hits / np.maximum(guessed, 1)
    f1 = 2 * hits / (names + guessed)
    rank, loss = predictions["rank"].to_numpy(), predictions["loss"].to_numpy()
    accuracies = pd.DataFrame(
        {
            "tested_at": noises,
            "seed": seed,
            "accuracy": np.bincount(noise, rank == 1) / names.sum(1),
            "loss": np.bincount(noise, loss) / names.sum(1),
            "names": names.sum(1),
            "macro_accuracy": recall.mean(1),
            "macro_f1": f1.mean(1),
            # Training draws languages uniformly, so a loss that is comparable to the training
            # loss is averaged over languages.
            "macro_loss": by_language(loss).mean(1),
            "macro_top3": by_language(rank <= 3).mean(1),
        }
    )
    of_language = pd.DataFrame(
        {
            "tested_at": np.repeat(noises, K),
            "seed": seed,
            "language": np.tile(languages, T),
            "names": names.ravel(),
            "recall": recall.ravel(),
            "precision": precision.ravel(),
            "f1": f1.ravel(),
        }
    )
    keys = ["tested_at", "language", "prediction"]
    index = pd.MultiIndex.from_product([noises, languages, languages], names=keys)
    return accuracies, of_language, pd.Series((confusion / names[:, :, None]).ravel(), index)
