"""What any model must beat: logistic regression on character n-grams, and the largest class."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from noisynames import splits
from noisynames.alphabet import decode
from noisynames.errors import UserError
from noisynames.evaluation import predictions
from noisynames.noise import Noise
from noisynames.sampling import Examples, TrainingStream, held_out_examples
from noisynames.splits import Split

NGRAMS = (1, 3)
MOST_EXAMPLES = 5_000
"""The n-grams are fitted to the first this many examples that a model of the seed trains on."""

Predict = Callable[[Examples], NDArray[np.float64]]
"""From sequences to log-probabilities (count, languages)."""


def _ngrams(split: Split, noise: Noise, seed: int, updates: int) -> Predict:
    """Fit a logistic regression to character n-grams, with the ends of the text as characters.

    Terms are weighted by TF-IDF and the penalty is scikit-learn's default (L2, C = 1). Examples
    that repeat are counted, which changes nothing but the time.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    names = Examples.of_names(split.train, split.languages)
    examples = TrainingStream(names, noise, seed).take(min(updates, MOST_EXAMPLES))
    seen = Counter(zip(_texts(examples), examples.targets.tolist(), strict=True))
    texts, targets = zip(*seen, strict=True)
    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=NGRAMS, lowercase=False)
    model = LogisticRegression(max_iter=1000)
    model.fit(vectorizer.fit_transform(texts), targets, sample_weight=list(seen.values()))

    def predict(examples: Examples) -> NDArray[np.float64]:
        known = model.predict_log_proba(vectorizer.transform(_texts(examples)))
        # A language that a very short run never drew gets next to no probability.
        everything = np.full((len(examples), len(split.languages)), np.log(1e-12))
        everything[:, model.classes_] = known
        return everything

    return predict


def _majority(split: Split, noise: Noise, seed: int, updates: int) -> Predict:
    """Answer with the shares of the languages among the held-out names: the best constant."""
    sizes = Counter(language for language, _ in split.test)
    shares = np.array([sizes[language] for language in split.languages]) / len(split.test)
    return lambda examples: np.tile(np.log(shares), (len(examples), 1))


_BASELINES = {"ngrams": _ngrams, "majority": _majority}
BASELINES = tuple(_BASELINES)


def evaluate(
    baseline: str,
    splits_folder: Path,
    seeds: Iterable[int],
    noise: Noise,
    tested: Iterable[Noise],
    updates: int,
) -> Iterator[pd.DataFrame]:
    """Fit a baseline under each seed and yield its held-out predictions.

    Args:
        baseline: One of BASELINES.
        splits_folder: Where `seed<N>.csv` are.
        seeds: The seeds.
        noise: What it is fitted under; a seed's examples are those that its models train on.
        tested: What it is tested under; a seed's names are those that its models are tested on.
        updates: The models' budget in examples; no more are fitted to.

    Yields:
        Rows as those of `evaluation.evaluate_run`.

    Raises:
        UserError: There is no such baseline, or a split is missing or damaged.
    """
    if baseline not in _BASELINES:
        raise UserError(f"baseline: {baseline!r} is not one of {', '.join(BASELINES)}")
    tested = list(tested)
    for seed in seeds:
        split = splits.read(splits_folder / f"seed{seed}.csv")
        predict = _BASELINES[baseline](split, noise, seed, updates)
        names = Examples.of_names(split.test, split.languages)
        frames = []
        for condition in tested:
            examples = held_out_examples(names, condition, seed)
            frames.append(
                predictions(seed, condition, split.test, split.languages, predict(examples))
            )
        yield pd.concat(frames, ignore_index=True)


def _texts(examples: Examples) -> list[str]:
    """Return the sequences between signs that stand for their ends and are in no alphabet."""
    return [f"^{decode(examples[i])}$" for i in range(len(examples))]
