"""Where the attention goes: weights on held-out names, and their summaries."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noisynames.evaluation.inference import predict
from noisynames.evaluation.jobs import (
    Columns,
    inspected_names,
    rows_where,
    stacked,
    write_with_tables,
)
from noisynames.models.spec import TrainedModel
from noisynames.names.alphabet import graphemes
from noisynames.names.examples import Examples, held_out_examples
from noisynames.names.noise import Noise
from noisynames.runs import FinishedRun, finished

ATTENTION_COLUMNS = [
    "seed", "noise", "language", "name", "position", "character", "weight", "is_noise", "occlusion"
]  # fmt: skip


def inspect(
    records: Sequence[Path],
    splits: Sequence[Path],
    own: Noise,
    tested: Sequence[Noise],
    output: Path,
    names_per_language: int,
    keep: str,
) -> None:
    """Write the attention weights of an arm, and the tables made from them (`grid.ATTENTION`).

    The arguments are those of `predictions.evaluate`, and how many names to take per language.

    Raises:
        UserError: A file is missing or damaged, or a run was trained on a different split.
    """
    write_with_tables(
        (attention_of_run(run, tested, names_per_language) for run in finished(records, splits)),
        lambda rows: rows if keep == "all" else rows_where(rows, rows["noise"] == own.name),
        ATTENTION_COLUMNS,
        tables_of,
        output,
    )


def attention_of_run(run: FinishedRun, noises: Iterable[Noise], per_language: int) -> Columns:
    """Return the attention weights of one run on a fixed set of held-out names.

    Returns:
        One row for each evaluation noise × name × position (from 0), with ATTENTION_COLUMNS. A
        character is one that a reader sees, a letter with its marks; its weight is the sum over its
        symbols. Occlusion is how much the log-probability of the prediction falls when the
        character is left out (nats; 0 for a name of one character).
    """
    rows = inspected_names(run.split, per_language)
    stems = run.examples(rows)
    examples = Examples.concatenated(
        [held_out_examples(stems, noise, run.drawn.of("noise")) for noise in noises]
    )
    log_probabilities, weights = predict(run.model, examples)
    assert weights is not None, "only models with an attention readout come here"
    clusters = _clusters(examples)
    starts = np.flatnonzero(np.diff(clusters, prepend=-1))
    lengths = np.diff(np.searchsorted(starts, examples.offsets))
    text = examples.alphabet.decode(examples.characters)
    keys = [(noise.name, language, name) for noise in noises for language, name in rows]
    of_noise, of_language, of_name = (
        np.repeat(np.array(key, object), lengths) for key in zip(*keys, strict=True)
    )
    return {
        "seed": np.full(len(starts), run.seed),
        "noise": of_noise,
        "language": of_language,
        "name": of_name,
        "position": np.concatenate([np.arange(length) for length in lengths]),
        "character": np.array([text[a:b] for a, b in pairwise([*starts, len(text)])], object),
        "weight": np.add.reduceat(np.concatenate(weights), starts).round(6),
        "is_noise": examples.is_noise[starts].astype(int),
        "occlusion": _occlusion(run.model, examples, log_probabilities, clusters).round(6),
    }


def _clusters(examples: Examples) -> NDArray[np.int64]:
    """Return the character to which a reader assigns each symbol, numbered over all sequences.

    Noise characters are always separate, even where a mark follows: noise between a letter and its
    mark, or in the letter's place, has separated the two.
    """
    if examples.alphabet.symbols.isascii():
        return np.arange(len(examples.characters))
    text = examples.alphabet.decode(examples.characters)
    is_new = examples.is_noise | np.concatenate([[True], examples.is_noise[:-1]])
    is_new[examples.offsets[:-1]] = True
    parts = [text[a:b] for a, b in pairwise([*np.flatnonzero(is_new), len(text)])]
    sizes = [len(character) for part in parts for character in graphemes(part)]
    return np.repeat(np.arange(len(sizes)), sizes)


def _occlusion(
    model: TrainedModel,
    examples: Examples,
    log_probabilities: NDArray[np.float64],
    clusters: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return, for every character, how much the prediction loses when it is left out (nats).

    Args:
        model: The model.
        examples: The sequences.
        log_probabilities: The model's predictions for them, shape (count, outputs).
        clusters: The character that each symbol belongs to, as `_clusters` returns them.
    """
    lengths = examples.lengths
    sizes = np.bincount(clusters)
    starts = np.flatnonzero(np.diff(clusters, prepend=-1))
    owner = np.repeat(np.arange(len(examples)), lengths)[starts]
    # For each character, copy its sequence without that character's symbols.
    copies = np.repeat(np.arange(len(sizes)), lengths[owner])
    before = np.repeat(np.cumsum(lengths[owner]) - lengths[owner], lengths[owner])
    source = examples.offsets[owner[copies]] + np.arange(len(copies)) - before
    kept = clusters[source] != copies
    shortened = Examples(
        examples.characters[source[kept]],
        np.concatenate([[0], np.cumsum(lengths[owner] - sizes)]),
        examples.targets[owner],
        examples.is_noise[source[kept]],
        examples.alphabet,
    )
    possible = np.flatnonzero(lengths[owner] > sizes)
    changed, _ = predict(model, shortened.select(possible))
    prediction = log_probabilities.argmax(1)[owner[possible]]
    drop = np.zeros(len(sizes))
    drop[possible] = (
        log_probabilities[owner[possible], prediction]
        - changed[np.arange(len(possible)), prediction]
    )
    return drop


_EXAMPLE_NAMES = 12


def tables_of(runs: Iterable[Columns]) -> dict[str, Columns]:
    """Return the tables of an arm for the report, by the names in `grid.ATTENTION`.

    Args:
        runs: The weights of each run, as `attention_of_run` returns them.
    """
    summaries, positions, quiet = [], [], []
    examples: Columns = {}
    for weights in runs:
        summaries.append(summarise(weights))
        positions.append(by_position(weights))
        quiet.append(rows_where(weights, _of_rows(weights, ~_has_noise(weights))))
        examples = examples or _examples(weights)
    return {
        "attention": stacked(summaries, _COLUMNS["attention"]),
        "attention_position": stacked(positions, _COLUMNS["attention_position"]),
        "attention_agreement": seed_agreement(stacked(quiet, ATTENTION_COLUMNS)),
        "attention_examples": examples or stacked([], _COLUMNS["attention_examples"]),
    }


_COLUMNS = {
    "attention": [
        "tested_at", "seed", "last_character", "last_letter", "on_noise", "noise_share", "entropy",
        "occlusion_agreement",
    ],
    "attention_position": ["tested_at", "seed", "from_end", "weight", "names"],
    "attention_examples": [key if key != "noise" else "tested_at" for key in ATTENTION_COLUMNS],
}  # fmt: skip


def _starts(weights: Columns) -> NDArray[np.int64]:
    """Return the first row of each name: its rows follow one another, by position."""
    return np.flatnonzero(weights["position"] == 0)


def _lengths(weights: Columns) -> NDArray[np.int64]:
    """Return the number of characters of each name."""
    return np.diff(_starts(weights), append=len(weights["position"]))


def _totals(weights: Columns, values: NDArray[Any]) -> NDArray[Any]:
    """Return the sum over each name of a value of its characters."""
    return np.add.reduceat(values, _starts(weights)) if len(values) else values


def _of_rows(weights: Columns, values: NDArray[Any]) -> NDArray[Any]:
    """Return, for each row, the value of its name."""
    return np.repeat(values, _lengths(weights))


def _has_noise(weights: Columns) -> NDArray[np.bool_]:
    """Return whether each name has noise."""
    return _totals(weights, weights["is_noise"]) > 0


def _noises(weights: Columns) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the names of the noises, sorted, and the index of the noise of each name."""
    return np.unique(weights["noise"][_starts(weights)], return_inverse=True)


def summarise(weights: Columns) -> Columns:
    """Return where a run's attention goes, averaged over names.

    Args:
        weights: Rows of `attention_of_run`.

    Returns:
        One row for each noise, tested_at: the mean weight on the last character, on the last real
        letter and on all noise; the share of characters that are noise (the weight that uniform
        attention would give them); the entropy of the weights over that of uniform ones (1 is
        uniform); and the mean over names of the rank correlation of weight and occlusion,
        Spearman's ρ. Names of one character do not count for the last two.
    """
    starts, lengths = _starts(weights), _lengths(weights)
    weight, is_noise = weights["weight"], weights["is_noise"]
    letters = np.where(is_noise == 0, np.arange(len(weight)), -1)
    last_letter = np.maximum.reduceat(letters, starts)
    entropy = _totals(weights, -weight * np.log(weight.clip(1e-12)))
    of_names = {
        "last_character": weight[starts + lengths - 1],
        "last_letter": np.where(last_letter >= 0, weight[last_letter], 0.0),
        "on_noise": _totals(weights, weight * is_noise),
        "noise_share": _totals(weights, is_noise) / lengths,
        "entropy": _ratio(entropy, np.log(lengths)).clip(max=1.0),
        "occlusion_agreement": _rank_correlations(weights, "weight", "occlusion"),
    }
    noises, noise = _noises(weights)
    means = {key: _means(values, noise, len(noises)) for key, values in of_names.items()}
    return {"tested_at": noises, "seed": np.full(len(noises), weights["seed"][0]), **means}


def _means(
    values: NDArray[np.float64], group: NDArray[np.int64], count: int
) -> NDArray[np.float64]:
    """Return the mean of each of `count` groups, leaving out NaN."""
    there = ~np.isnan(values)
    values, group = values[there], group[there]
    return _ratio(np.bincount(group, values, count), np.bincount(group, minlength=count))


def _ratio(x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
    """Return x / y, NaN where y is 0."""
    ratio: NDArray[np.float64] = np.divide(x, y, out=np.full(len(x), np.nan), where=y > 0)
    return ratio


def _rank_correlations(weights: Columns, one: str, other: str) -> NDArray[np.float64]:
    """Return Spearman's ρ of two columns along each name; NaN where one of them is constant."""
    x, y = (_ranks(weights, weights[column]) for column in (one, other))
    x, y = (r - _of_rows(weights, _totals(weights, r) / _lengths(weights)) for r in (x, y))
    xy, xx, yy = (_totals(weights, product) for product in (x * y, x * x, y * y))
    return _ratio(xy, np.sqrt(xx * yy))


def _ranks(weights: Columns, values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the rank of each row's value within its name, from 0; equal ones share their mean."""
    starts = _starts(weights)
    name = _of_rows(weights, np.arange(len(starts)))
    order = np.lexsort((values, name))
    name, values = name[order], values[order]
    is_new = (np.diff(name, prepend=-1) > 0) | (np.diff(values, prepend=np.nan) != 0)
    tie = np.cumsum(is_new) - 1
    place = np.arange(len(values)) - starts[name]
    ranks = np.empty(len(values))
    ranks[order] = (np.bincount(tie, place) / np.bincount(tie))[tie]
    return ranks


def by_position(weights: Columns, longest: int = 12) -> Columns:
    """Return a run's mean weight by position from the end (0 is the last character).

    Returns:
        One row for each noise, tested_at, and from_end (0 … longest − 1): weight, the mean over
        names that are long enough, and names, their number.
    """
    noises, noise = _noises(weights)
    from_end = _of_rows(weights, _lengths(weights)) - 1 - weights["position"]
    near = from_end < longest
    cell = (_of_rows(weights, noise) * longest + from_end)[near]
    names = np.bincount(cell)
    there = np.flatnonzero(names)
    return {
        "tested_at": noises[there // longest],
        "seed": np.full(len(there), weights["seed"][0]),
        "from_end": there % longest,
        "weight": np.bincount(cell, weights["weight"][near])[there] / names[there],
        "names": names[there],
    }


def seed_agreement(weights: Columns) -> Columns:
    """Return how far seeds agree on where to attend, on names that several seeds held out.

    Only without noise, since noise differs from seed to seed.

    Args:
        weights: Rows of `attention_of_run` of all seeds.

    Returns:
        One row: agreement, the mean over names of the mean pairwise Pearson correlation between
        seeds of the weights along the name; and names, their number. Empty if no name of two or
        more characters was held out twice.
    """
    starts = _starts(weights)
    curves = np.split(weights["weight"], starts[1:])
    keys = [*zip(weights["language"][starts], weights["name"][starts], strict=True)]
    noises, noise = _noises(weights)
    level = np.array([Noise.named(name).level for name in noises], int)[noise]
    quiet = ~_has_noise(weights)
    quiet &= level == level[quiet].min(initial=np.iinfo(int).max)
    of_name: dict[tuple[str, str], list[NDArray[np.float64]]] = {}
    for i in np.flatnonzero(quiet):
        if curves[i].std() > 0:
            of_name.setdefault(keys[i], []).append(curves[i])
    correlations = [
        np.asarray(np.corrcoef(alike))[np.triu_indices(len(alike), 1)].mean()
        for _, alike in sorted(of_name.items(), key=lambda item: item[0])
        if len(alike) > 1
    ]
    found = [[np.mean(correlations)], [len(correlations)]] if correlations else [[], []]
    return {"agreement": np.array(found[0], float), "names": np.array(found[1], int)}


def _examples(weights: Columns) -> Columns:
    """Return the weights of a few names of a run, one for each language, for the heat maps."""
    starts = _starts(weights)
    pairs = [*zip(weights["language"][starts], weights["name"][starts], strict=True)]
    first: dict[str, str] = {}
    for language, name in pairs:
        first.setdefault(language, name)
    places = np.linspace(0, len(first) - 1, min(_EXAMPLE_NAMES, len(first))).astype(int)
    chosen = {[*first.items()][i] for i in places}
    rows = rows_where(weights, _of_rows(weights, np.array([pair in chosen for pair in pairs])))
    ordered = sorted(
        range(len(rows["position"])),
        key=lambda i: tuple(rows[key][i] for key in ("noise", "language", "name", "position")),
    )
    rows = rows_where(rows, np.array(ordered))
    return {key if key != "noise" else "tested_at": values for key, values in rows.items()}
