"""Scores of predictions: accuracy, recall, confusion and mistakes of an arm.

They are computed where predictions are made, seed by seed, so that no later stage reads them again.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noisynames.evaluation.jobs import Columns, columns_of, stacked
from noisynames.mistakes import Mistake, Wrong, most_confident
from noisynames.names.noise import Noise
from noisynames.names.splits import Row

Scores = dict[str, Columns]

PREDICTION_COLUMNS = [
    "seed", "noise", "language", "name", "prediction", "probability", "rank", "loss"
]  # fmt: skip

_RUN = ["tested_at", "seed"]


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model predicts for the held-out names of a seed under each of several noises.

    Attributes:
        seed: The seed.
        noises: The names of the noise conditions.
        languages: The languages, K of them.
        names: The held-out names with their languages.
        targets: The index of each name's language, shape (names,).
        prediction: The index of the predicted language, shape (noises, names), like all below.
        probability: The prediction's probability, to 6 decimals.
        rank: The true language's rank, from 1 (most probable) to K.
        loss: The true language's negative log likelihood in nats, to 6 decimals.
    """

    seed: int
    noises: list[str]
    languages: list[str]
    names: list[Row]
    targets: NDArray[np.int64]
    prediction: NDArray[np.int64]
    probability: NDArray[np.float64]
    rank: NDArray[np.int64]
    loss: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        seed: int,
        noises: Sequence[Noise],
        names: Sequence[Row],
        languages: Sequence[str],
        log_probabilities: NDArray[np.float64],
    ) -> "Predictions":
        """Return what log-probabilities predict, shape (noises × names, languages)."""
        index = {language: i for i, language in enumerate(languages)}
        targets = np.array([index[language] for language, _ in names])
        of_noise = log_probabilities.reshape(len(noises), len(names), len(languages))
        true = of_noise[:, np.arange(len(names)), targets]
        return cls(
            seed,
            [noise.name for noise in noises],
            [*languages],
            [*names],
            targets,
            of_noise.argmax(2),
            np.exp(of_noise.max(2)).round(6),
            (of_noise > true[:, :, None]).sum(2) + 1,
            (-true).round(6),
        )

    def rows(self, noise: str | None = None) -> Columns:
        """Return a row for each noise (or only the one given) and name: PREDICTION_COLUMNS."""
        kept = [i for i, name in enumerate(self.noises) if noise in (None, name)]
        count = len(kept) * len(self.names)
        languages = np.array(self.languages, object)
        return {
            "seed": np.full(count, self.seed),
            "noise": np.repeat(np.array(self.noises, object)[kept], len(self.names)),
            "language": np.tile(languages[self.targets], len(kept)),
            "name": np.tile(np.array([name for _, name in self.names], object), len(kept)),
            "prediction": languages[self.prediction[kept].ravel()],
            "probability": self.probability[kept].ravel(),
            "rank": self.rank[kept].ravel(),
            "loss": self.loss[kept].ravel(),
        }

    def wrong(self, noise: str) -> Iterator[Wrong]:
        """Yield the wrong predictions under a noise, none if it was not tested."""
        if noise not in self.noises:
            return
        at = self.noises.index(noise)
        places = np.flatnonzero(self.prediction[at] != self.targets)
        guesses, sure = self.prediction[at, places].tolist(), self.probability[at, places].tolist()
        for i, guess, probability in zip(places.tolist(), guesses, sure, strict=True):
            language, name = self.names[i]
            yield name, language, self.languages[guess], probability

    def by_language(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return the mean of a value over the names of each language, each of which has some.

        Args:
            values: Shape (noises, names).

        Returns:
            Shape (noises, languages).
        """
        K, T = len(self.languages), len(self.noises)
        cell = np.arange(T)[:, None] * K + self.targets
        total = np.bincount(cell.ravel(), values.ravel(), T * K).reshape(T, K)
        return np.asarray(total / np.bincount(self.targets, minlength=K), float)


def score(seeds: Iterable[Predictions], trained_at: str) -> Scores:
    """Return the scores of an arm, by name.

    Args:
        seeds: The predictions of each seed.
        trained_at: The noise that the model was trained under.

    Returns:
        accuracy: One row for each seed × noise: plain, macro-averaged and top-3 accuracy,
            F1, losses (nats).
        recall: One row for each seed × noise × language: recall, precision and F1.
        confusion: One row for each noise × language × prediction: the mean over seeds of the
            share of the language's names that got the prediction, and the number of seeds.
        mistakes: The most confident mistakes under the training noise, and in how many seeds.
    """
    accuracy: list[Columns] = []
    recall: list[Columns] = []
    shares: list[NDArray[np.float64]] = []
    wrong: list[tuple[list[str], list[Wrong]]] = []
    for predictions in seeds:
        of_run, of_languages, share = _score_run(predictions)
        accuracy.append(of_run)
        recall.append(of_languages)
        shares.append(share.ravel())
        wrong.append(([name for _, name in predictions.names], [*predictions.wrong(trained_at)]))
    if not shares:
        return {name: stacked([], columns) for name, columns in _COLUMNS.items()}
    noises, languages = predictions.noises, predictions.languages  # those of every seed
    T, K = len(noises), len(languages)
    return {
        "accuracy": stacked(accuracy, _COLUMNS["accuracy"]),
        "recall": stacked(recall, _COLUMNS["recall"]),
        "confusion": {
            "tested_at": np.repeat(noises, K * K),
            "language": np.tile(np.repeat(languages, K), T),
            "prediction": np.tile(languages, T * K),
            "share": np.mean(shares, axis=0),
            "seeds": np.full(T * K * K, len(shares)),
        },
        "mistakes": columns_of(most_confident(wrong), Mistake._fields),
    }


_COLUMNS = {
    "accuracy": [
        *_RUN, "accuracy", "loss", "names", "macro_accuracy", "macro_f1", "macro_loss", "macro_top3"
    ],
    "recall": [*_RUN, "language", "names", "recall", "precision", "f1"],
    "confusion": ["tested_at", "language", "prediction", "share", "seeds"],
    "mistakes": [*Mistake._fields],
}  # fmt: skip


def _score_run(predictions: Predictions) -> tuple[Columns, Columns, NDArray[np.float64]]:
    """Return a run's accuracy, recall and shares (noises, languages, predictions); see `score`."""
    seed, noises, languages = predictions.seed, predictions.noises, predictions.languages
    true, rank, loss = predictions.targets, predictions.rank, predictions.loss
    T, K = len(noises), len(languages)
    cell = (np.arange(T)[:, None] * K + true) * K + predictions.prediction
    confusion = np.bincount(cell.ravel(), minlength=T * K * K).reshape(T, K, K)
    names, guessed = confusion.sum(2), confusion.sum(1)
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    recall = hits / names
    # A language that is never predicted has precision 0, and so F1 0.
    precision = hits / np.maximum(guessed, 1)
    f1 = 2 * hits / (names + guessed)
    of_run = {
        "tested_at": np.array(noises),
        "seed": np.full(T, seed),
        "accuracy": (rank == 1).mean(1),
        "loss": loss.mean(1),
        "names": names.sum(1),
        "macro_accuracy": recall.mean(1),
        "macro_f1": f1.mean(1),
        # Training draws languages uniformly, so a loss that is comparable to the training loss is
        # averaged over languages.
        "macro_loss": predictions.by_language(loss).mean(1),
        "macro_top3": predictions.by_language(rank <= 3).mean(1),
    }
    of_languages = {
        "tested_at": np.repeat(noises, K),
        "seed": np.full(T * K, seed),
        "language": np.tile(languages, T),
        "names": names.ravel(),
        "recall": recall.ravel(),
        "precision": precision.ravel(),
        "f1": f1.ravel(),
    }
    return of_run, of_languages, confusion / names[:, :, None]
