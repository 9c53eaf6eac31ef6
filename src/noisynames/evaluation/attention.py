"""Where the attention goes: weights on held-out names, and their summaries."""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from noisynames.evaluation.inference import predict
from noisynames.evaluation.jobs import inspected_names, write_with_tables
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
        lambda weights: weights if keep == "all" else weights[weights["noise"] == own.name],
        ATTENTION_COLUMNS,
        partial(tables_of, trained_at=own.name),
        output,
    )


def attention_of_run(run: FinishedRun, noises: Iterable[Noise], per_language: int) -> pd.DataFrame:
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
    of_noise, of_language, of_name = (np.repeat(key, lengths) for key in zip(*keys, strict=True))
    return pd.DataFrame(
        {
            "seed": run.seed,
            "noise": of_noise,
            "language": of_language,
            "name": of_name,
            "position": np.concatenate([np.arange(length) for length in lengths]),
            "character": [text[a:b] for a, b in pairwise([*starts, len(text)])],
            "weight": np.add.reduceat(np.concatenate(weights), starts).round(6),
            "is_noise": examples.is_noise[starts].astype(int),
            "occlusion": _occlusion(run.model, examples, log_probabilities, clusters).round(6),
        }
    )


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


def tables_of(frames: Iterable[pd.DataFrame], trained_at: str) -> dict[str, pd.DataFrame]:
    """Return the tables of an arm for the report, by the names in `grid.ATTENTION`.

    Args:
        frames: The weights of each seed, as `attention_of_run` returns them.
        trained_at: The noise that the model was trained under.
    """
    summaries, positions, quiet, examples = [], [], [], pd.DataFrame()
    for frame in frames:
        weights = frame.rename(columns={"noise": "tested_at"})
        summaries.append(summarise(weights))
        positions.append(by_position(weights))
        quiet.append(weights[weights.groupby(_NAME)["is_noise"].transform("sum") == 0])
        if examples.empty:
            examples = _examples(weights)
    if not summaries:
        return {name: pd.DataFrame(columns=columns) for name, columns in _COLUMNS.items()}
    return {
        "attention": pd.concat(summaries),
        "attention_position": pd.concat(positions),
        "attention_agreement": seed_agreement(pd.concat(quiet)),
        "attention_examples": examples,
    }


def _examples(weights: pd.DataFrame) -> pd.DataFrame:
    """Return the weights of a few names of a run, one for each language, for the heat maps."""
    names = weights[["language", "name"]].drop_duplicates().groupby("language").head(1)
    chosen = names.iloc[np.linspace(0, len(names) - 1, min(_EXAMPLE_NAMES, len(names))).astype(int)]
    table = weights.merge(chosen, on=["language", "name"])
    ordered: pd.DataFrame = table.sort_values([*_RUN, "language", "name", "position"])
    return ordered


_COLUMNS = {
    "attention": [
        "tested_at", "seed", "last_character", "last_letter", "on_noise", "noise_share", "entropy",
        "occlusion_agreement",
    ],
    "attention_position": ["tested_at", "seed", "from_end", "weight", "names"],
    "attention_agreement": ["agreement", "names"],
    "attention_examples": [key if key != "noise" else "tested_at" for key in ATTENTION_COLUMNS],
}  # fmt: skip
_RUN = ["tested_at", "seed"]
_NAME = [*_RUN, "language", "name"]


def summarise(weights: pd.DataFrame) -> pd.DataFrame:
    """Return where each run's attention goes, averaged over names.

    Args:
        weights: Rows of `attention_of_run`, with the noise as tested_at.

    Returns:
        One row for each tested_at × seed: the mean weight on the last character, on the last
        real letter and on all noise; the share of characters that are noise (the weight that
        uniform attention would give them); the entropy of the weights over that of uniform ones (1
        is uniform); and the mean over names of the rank correlation of weight and occlusion,
        Spearman's ρ. Names of one character do not count for the last two.
    """
    rows = weights.sort_values([*_NAME, "position"], kind="stable").reset_index(drop=True)
    name = rows.groupby(_NAME).ngroup()
    grouped = rows.groupby(name)
    last = grouped["position"].transform("max")
    last_letter = rows["position"].where(rows["is_noise"] == 0).groupby(name).transform("max")
    rows["last_character"] = rows["weight"].where(rows["position"] == last, 0.0)
    rows["last_letter"] = rows["weight"].where(rows["position"] == last_letter, 0.0)
    rows["on_noise"] = rows["weight"] * rows["is_noise"]
    rows["entropy"] = -rows["weight"] * np.log(rows["weight"].clip(lower=1e-12))
    ranks = grouped[["weight", "occlusion"]].rank()
    centred = ranks - ranks.groupby(name).transform("mean")
    products = pd.DataFrame(
        {
            "xy": centred["weight"] * centred["occlusion"],
            "xx": centred["weight"] ** 2,
            "yy": centred["occlusion"] ** 2,
        }
    )
    sums = products.groupby(name).sum()
    scale = (sums["xx"] * sums["yy"]) ** 0.5
    per_name = grouped.agg(
        tested_at=("tested_at", "first"),
        seed=("seed", "first"),
        last_character=("last_character", "sum"),
        last_letter=("last_letter", "sum"),
        on_noise=("on_noise", "sum"),
        noise_share=("is_noise", "mean"),
        entropy=("entropy", "sum"),
        length=("position", "size"),
    )
    uniform = np.log(per_name["length"])
    per_name["entropy"] = (per_name["entropy"] / uniform.where(uniform > 0)).clip(upper=1.0)
    per_name["occlusion_agreement"] = sums["xy"] / scale.where(scale > 0)
    return per_name.drop(columns="length").groupby(_RUN).mean().reset_index()


def seed_agreement(weights: pd.DataFrame) -> pd.DataFrame:
    """Return how far seeds agree on where to attend, on names that several seeds held out.

    Only without noise, since noise differs from seed to seed.

    Args:
        weights: Rows of `attention_of_run`, with the noise as tested_at.

    Returns:
        One row: agreement, the mean over names of the mean pairwise Pearson correlation between
        seeds of the weights along the name; and names, their number. Empty if no name of two or
        more characters was held out twice.
    """
    quiet = weights[weights.groupby(_NAME)["is_noise"].transform("sum") == 0]
    levels = {name: Noise.named(str(name)).level for name in quiet["tested_at"].unique()}
    level = quiet["tested_at"].map(levels)
    quiet = quiet[level == level.min()]
    quiet = quiet.sort_values([*_NAME, "position"], kind="stable")
    correlations = []
    for _, rows in quiet.groupby(["language", "name"]):
        length = int(rows["position"].max()) + 1
        curves = rows["weight"].to_numpy().reshape(-1, length)  # one row per seed
        varied = curves[curves.std(axis=1) > 0]
        if len(varied) > 1 and varied.shape[1] > 1:
            pairwise = np.corrcoef(varied)[np.triu_indices(len(varied), 1)]
            correlations.append(float(pairwise.mean()))
    found = [(np.mean(correlations), len(correlations))] if correlations else []
    return pd.DataFrame(found, columns=["agreement", "names"])


def by_position(weights: pd.DataFrame, longest: int = 12) -> pd.DataFrame:
    """Return the mean weight by position from the end (0 is the last character).

    Returns:
        One row for each tested_at × seed × from_end (0 … longest − 1): weight, the mean over
        names that are long enough, and names, their number.
    """
    rows = weights.copy()
    last = rows.groupby(_NAME)["position"].transform("max")
    rows["from_end"] = last - rows["position"]
    rows = rows[rows["from_end"] < longest]
    grouped = rows.groupby([*_RUN, "from_end"], sort=True)
    return grouped.agg(weight=("weight", "mean"), names=("weight", "size")).reset_index()
