"""Where the attention looks: weights of held-out names, and their summaries."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from noisynames import runs
from noisynames.alphabet import ALPHABET
from noisynames.evaluation import attention_names, load_run
from noisynames.modules import predict
from noisynames.sampling import Examples, held_out_examples
from noisynames.splits import Split

ATTENTION_COLUMNS = [
    "seed", "noise", "language", "name", "position", "character", "weight", "is_noise"
]  # fmt: skip


def attention_of_run(
    folder: Path, split: Split, noise_levels: Iterable[int], per_language: int
) -> pd.DataFrame | None:
    """Return the attention weights of one run on a fixed set of held-out names.

    Returns:
        One row an evaluation noise level × name × position (from 0), with ATTENTION_COLUMNS.
        None for a run that diverged.

    Raises:
        UserError: A file of the run is missing or damaged.
    """
    record = runs.read_record(folder)
    if record["status"] != "ok":
        return None
    module = load_run(folder)
    rows = attention_names(split, per_language)
    stems = Examples.of_names(rows, record["languages"])
    frames = []
    for noise in noise_levels:
        examples = held_out_examples(stems, noise, record["seed"])
        _, weights = predict(module, examples)
        assert weights is not None, "only models with an attention readout come here"
        lengths = examples.lengths
        position = np.concatenate([np.arange(length) for length in lengths])
        frames.append(
            pd.DataFrame(
                {
                    "seed": record["seed"],
                    "noise": noise,
                    "language": np.repeat([language for language, _ in rows], lengths),
                    "name": np.repeat([name for _, name in rows], lengths),
                    "position": position,
                    "character": np.array(list(ALPHABET))[examples.characters],
                    "weight": np.concatenate(weights).round(6),
                    "is_noise": (position >= np.repeat(stems.lengths, lengths)).astype(int),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


_NAME = ["model", "trained_at", "tested_at", "seed", "language", "name"]
_RUN = _NAME[:4]


def summarise(weights: pd.DataFrame) -> pd.DataFrame:
    """Return where each run's attention goes, averaged over names.

    Args:
        weights: Rows of `attention_of_run` with model, trained_at and tested_at.

    Returns:
        One row a model × trained_at × tested_at × seed: the mean weight on the last character, on
        the last real letter and on all noise; the share of characters that are noise (what
        uniform attention would put there); and the entropy of the weights over that of uniform
        ones (1 is uniform; names of one character do not count).
    """
    rows = weights.sort_values([*_NAME, "position"], kind="stable").reset_index(drop=True)
    grouped = rows.groupby(_NAME, sort=True)
    rows["from_end"] = grouped["position"].transform("max") - rows["position"]
    noise_count = grouped["is_noise"].transform("sum")
    rows["last_character"] = rows["weight"].where(rows["from_end"] == 0, 0.0)
    rows["last_letter"] = rows["weight"].where(rows["from_end"] == noise_count, 0.0)
    rows["on_noise"] = rows["weight"] * rows["is_noise"]
    rows["entropy"] = -rows["weight"] * np.log(rows["weight"].clip(lower=1e-12))
    per_name = rows.groupby(_NAME, sort=True).agg(
        last_character=("last_character", "sum"),
        last_letter=("last_letter", "sum"),
        on_noise=("on_noise", "sum"),
        noise_share=("is_noise", "mean"),
        entropy=("entropy", "sum"),
        length=("position", "size"),
    )
    uniform = np.log(per_name["length"])
    per_name["entropy"] = (per_name["entropy"] / uniform.where(uniform > 0)).clip(upper=1.0)
    columns = ["last_character", "last_letter", "on_noise", "noise_share", "entropy"]
    return per_name.groupby(_RUN, sort=True)[columns].mean().reset_index()


def by_position(weights: pd.DataFrame, longest: int = 12) -> pd.DataFrame:
    """Return the mean weight by position from the end (0 is the last character).

    Returns:
        One row a model × trained_at × tested_at × seed × from_end (0 … longest − 1): weight, the
        mean over the names that are long enough, and names, their number.
    """
    rows = weights.copy()
    last = rows.groupby(_NAME)["position"].transform("max")
    rows["from_end"] = last - rows["position"]
    rows = rows[rows["from_end"] < longest]
    grouped = rows.groupby([*_RUN, "from_end"], sort=True)
    return grouped.agg(weight=("weight", "mean"), names=("weight", "size")).reset_index()
