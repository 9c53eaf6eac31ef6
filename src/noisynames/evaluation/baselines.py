"""Baselines to beat: logistic regression on character n-grams, and the largest class."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from noisynames.errors import UserError
from noisynames.evaluation import scores
from noisynames.evaluation.jobs import write_with_tables
from noisynames.evaluation.scores import PREDICTION_COLUMNS, Predictions
from noisynames.imports import without
from noisynames.names import splits
from noisynames.names.examples import Examples, TrainingStream, held_out_examples
from noisynames.names.noise import Noise
from noisynames.names.splits import Split
from noisynames.randomness import Seed

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

NGRAMS = (1, 3)
MOST_EXAMPLES = 5_000
"""How many of the first examples that models train on with a seed the n-grams are fitted to."""
_MOST_PLACES = 1_000_000
"""The most possible n-grams of which a table says where each is, ten times as fast as a search."""

Predict = Callable[[Examples], NDArray[np.float64]]
"""Maps sequences to log-probabilities (count, languages)."""


def _ngrams(split: Split, noise: Noise, seed: Seed, updates: int) -> Predict:
    """Fit a logistic regression to character n-grams, with the ends of the text as characters.

    Terms are weighted by TF-IDF and the penalty is scikit-learn's default (L2, C = 1). Newton's
    method with a tolerance of 1e-3 ends as near the optimum as scikit-learn's default solver with
    its default of 1e-4, in a third of the time. Repeated examples are fitted once with their count
    as weight, which only saves time.
    """
    with without("pandas"):  # 0.3 s, and only for data frames
        from sklearn.feature_extraction.text import TfidfTransformer
        from sklearn.linear_model import LogisticRegression

    names = Examples.of_names(split.train, split.languages, split.alphabet)
    drawn = TrainingStream(names, noise, seed).take(min(updates, MOST_EXAMPLES))
    keys = np.column_stack([drawn.targets, drawn.padded(len(split.alphabet))])
    _, first, times = np.unique(keys, axis=0, return_index=True, return_counts=True)
    examples = drawn.select(first)
    counts, known_terms = ngram_counts(examples)
    weighting = TfidfTransformer()
    model = LogisticRegression(solver="newton-cg", tol=1e-3)
    terms = weighting.fit_transform(counts)
    model.fit(terms, examples.targets, sample_weight=times)

    def predict(examples: Examples) -> NDArray[np.float64]:
        terms = weighting.transform(ngram_counts(examples, known_terms)[0])
        known = model.predict_log_proba(terms)
        # A language that a very short run never drew gets next to no probability.
        everything = np.full((len(examples), len(split.languages)), np.log(1e-12))
        everything[:, model.classes_] = known
        return everything

    return predict


def ngram_counts(
    examples: Examples, known_terms: NDArray[np.integer] | None = None
) -> "tuple[csr_matrix, NDArray[np.integer]]":
    """Return how often each n-gram of NGRAMS occurs in each sequence, with its ends as characters.

    It counts what scikit-learn's `CountVectorizer` counts, in a tenth of the time.

    Args:
        examples: The sequences.
        known_terms: The n-grams to count, as an earlier call returned them; None counts all.

    Returns:
        counts: Shape (count, n-grams).
        terms: The n-gram of each column, as a number, ascending.
    """
    from scipy.sparse import csr_matrix  # 0.1 s, which the other baseline need not wait for

    begin, end, none, base = range(len(examples.alphabet), len(examples.alphabet) + 4)
    possible = sum(base**n for n in range(NGRAMS[0], NGRAMS[1] + 1))
    kind = np.int32 if possible < 2**31 else np.int64  # the smaller, the faster
    text = np.full((len(examples), examples.lengths.max(initial=1) + 2), none, kind)
    text[:, 0] = begin
    text[:, 1:-1] = examples.padded(none)
    text[np.arange(len(examples)), examples.lengths + 1] = end
    numbers, present, width = [], [], 0
    ngrams = np.zeros_like(text)
    for n in range(1, NGRAMS[1] + 1):  # extend each n-gram by one more character
        ngrams = ngrams[:, : text.shape[1] - n + 1] * base + text[:, n - 1 :]
        if n >= NGRAMS[0]:
            numbers.append(ngrams + width)
            present.append(text[:, n - 1 :] != none)
            width += base**n
    there = np.hstack(present)
    found = np.hstack(numbers)[there]
    terms = np.unique(found) if known_terms is None else known_terms
    column = _places(found, terms, possible)
    known = column >= 0
    there[there] = known
    starts = np.concatenate([[0], np.cumsum(there.sum(1))]).astype(np.int32)
    index = column[known].astype(np.int32)
    ones = np.ones(len(index), np.float32)
    counts = csr_matrix((ones, index, starts), (len(examples), len(terms)))
    counts.sum_duplicates()
    return counts, terms


def _places(
    found: NDArray[np.integer], terms: NDArray[np.integer], possible: int
) -> NDArray[np.integer]:
    """Return the place among `terms` of each n-gram found, -1 for one that is not there.

    Args:
        found: N-grams, as numbers.
        terms: N-grams, ascending.
        possible: How many there could be: with a thousand symbols, 10⁹.
    """
    if possible <= _MOST_PLACES:
        places = np.full(possible, -1, np.int32)
        places[terms] = np.arange(len(terms))
        place: NDArray[np.integer] = places[found]
        return place
    column = np.searchsorted(terms, found).clip(max=len(terms) - 1)
    return np.where(terms[column] == found, column, -1)


def _majority(split: Split, noise: Noise, seed: Seed, updates: int) -> Predict:
    """Always predict the shares of the languages among the held-out names: the best constant."""
    sizes = Counter(language for language, _ in split.test)
    shares = np.array([sizes[language] for language in split.languages]) / len(split.test)
    return lambda examples: np.tile(np.log(shares), (len(examples), 1))


_BASELINES = {"ngrams": _ngrams, "majority": _majority}
BASELINES = tuple(_BASELINES)


def evaluate(
    baseline: str,
    split_files: Sequence[Path],
    seeds: Sequence[int],
    own: Noise,
    tested: Sequence[Noise],
    output: Path,
    updates: int,
    keep: str,
    kept: Mapping[str, int] | None = None,
) -> None:
    """Write a baseline's held-out predictions and their scores; see `predictions.evaluate`.

    Args:
        baseline: One of BASELINES.
        split_files: The split of each seed, with its record beside it.
        seeds: The seeds.
        own: The noise that it is fitted under, to the same examples that models train on.
        tested: The noise that it is tested under, on the same names that models are tested on.
        output: The predictions' CSV file; `grid.SCORE_TABLES` and a record go beside it.
        updates: The models' budget in examples; it is fitted to no more.
        keep: Which predictions to write: `all`, or those under `own`.
        kept: The sources that every seed draws with another seed; see `randomness.Seed`.

    Raises:
        UserError: There is no such baseline, a split is missing or damaged, or the numbers of
            splits and seeds differ.
    """
    if baseline not in _BASELINES:
        raise UserError(f"baseline: {baseline!r} is not one of {', '.join(BASELINES)}")
    if len(split_files) != len(seeds):
        raise UserError(
            f"splits: found {len(split_files)}; allowed: one for each of {len(seeds)} seeds"
        )

    def each() -> Iterator[Predictions]:
        for file, seed in zip(split_files, seeds, strict=True):
            drawn = Seed(seed, kept or {})
            yield evaluate_seed(baseline, splits.read(file), drawn, own, tested, updates)

    write_with_tables(
        each(),
        partial(Predictions.rows, noise=own.name if keep == "own" else None),
        PREDICTION_COLUMNS,
        partial(scores.score, trained_at=own.name),
        output,
    )


def evaluate_seed(
    baseline: str, split: Split, seed: Seed, own: Noise, tested: Sequence[Noise], updates: int
) -> Predictions:
    """Fit a baseline with one seed and return its held-out predictions; see `evaluate`."""
    predict = _BASELINES[baseline](split, own, seed, updates)
    names = Examples.of_names(split.test, split.languages, split.alphabet)
    examples = [held_out_examples(names, condition, seed.of("noise")) for condition in tested]
    log_probabilities = predict(Examples.concatenated(examples))
    return Predictions.of(seed.number, tested, split.test, split.languages, log_probabilities)
