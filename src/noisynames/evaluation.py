"""Predictions on held-out names under every noise, and what they can be compared with."""

import shlex
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from noisynames import runs, splits
from noisynames.alphabet import Alphabet
from noisynames.errors import UserError
from noisynames.files import csv_text, read_record, write_record, write_table, write_text
from noisynames.inference import predict
from noisynames.models import ModelSpec, TrainedModel
from noisynames.noise import Noise, NoiseStream
from noisynames.sampling import Examples, held_out_examples
from noisynames.splits import Row, Split

PREDICTION_COLUMNS = [
    "seed", "noise", "language", "name", "prediction", "probability", "rank", "loss"
]  # fmt: skip


def runs_of_cell(
    folders: Iterable[Path],
    splits_folder: Path,
    of_run: Callable[[Path, Split], pd.DataFrame | None],
) -> Iterator[pd.DataFrame]:
    """Yield what `of_run` makes of each run folder (`…/seed<N>`) and that seed's split.

    Runs that diverged have nothing.

    Raises:
        UserError: A file is missing or damaged, or a run was trained on another split.
    """
    for folder in folders:
        frame = of_run(folder, read_split(folder, splits_folder))
        if frame is not None:
            yield frame


def stacked(frames: Iterable[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    """Return frames as one, with these columns if there is none."""
    return pd.concat([*frames] or [pd.DataFrame(columns=columns)], ignore_index=True)


def read_split(folder: Path, splits_folder: Path) -> Split:
    """Return the split that the run in a folder was trained on.

    Raises:
        UserError: A file is missing or damaged, or the run was trained on another split.
    """
    file = splits_folder / f"{folder.name}.csv"
    split = splits.read(file)
    record = read_record(folder / runs.RECORD)
    same_names = record["split"] == splits.digest_on_record(file)
    if not same_names or Alphabet.on_record(record) != split.alphabet:
        raise UserError(
            f"{folder}: trained on another split than {file}; "
            f"`rm -r {shlex.quote(str(folder))}`, then run again"
        )
    return split


def write(rows: pd.DataFrame, path: Path) -> None:
    """Write the rows of a cell as CSV, and beside it their record."""
    write_table(rows, path)
    write_record(path.with_suffix(".json"), {"rows": len(rows)}, files=[path])


def write_with_tables(
    frames: Iterable[pd.DataFrame],
    columns: list[str],
    summarise: Callable[[Iterable[pd.DataFrame]], Mapping[str, pd.DataFrame]],
    path: Path,
    keep: str | None,
    **more: Any,
) -> None:
    """Write the rows of a cell, what is made of them, and the record that vouches for all.

    Args:
        frames: A seed's rows each, of which one at a time is held.
        columns: Those of a cell without rows.
        summarise: From the frames to tables by name, written as `<stem>-<name>.csv`.
        path: Where the rows go.
        keep: The noise whose rows are written; None writes all.
        more: What else the record holds.
    """
    texts: list[str] = []

    def written() -> Iterator[pd.DataFrame]:
        for frame in frames:
            rows = frame if keep is None else frame[frame["noise"] == keep]
            texts.append(csv_text(rows, header=not texts))
            yield frame

    tables = summarise(written())
    write_text(path, "".join(texts) or ",".join(columns) + "\n")
    files = {path.with_name(f"{path.stem}-{name}.csv"): table for name, table in tables.items()}
    for file, table in files.items():
        write_table(table, file)
    write_record(path.with_suffix(".json"), more, files=[path, *files])


def evaluate_run(folder: Path, split: Split, noises: Sequence[Noise]) -> pd.DataFrame | None:
    """Return the held-out predictions of one run under every noise; see `predictions`.

    None for a run that diverged.

    Raises:
        UserError: A file of the run is missing or damaged.
    """
    record = read_record(folder / runs.RECORD)
    if record["status"] != "ok":
        return None
    model = load_run(folder)
    seed, languages = record["seed"], record["languages"]
    names = Examples.of_names(split.test, languages, split.alphabet)
    examples = [held_out_examples(names, noise, seed) for noise in noises]
    log_probabilities, _ = predict(model, Examples.concatenated(examples))
    return predictions(seed, noises, split.test, languages, log_probabilities)


def predictions(
    seed: int,
    noises: Sequence[Noise],
    names: Sequence[Row],
    languages: Sequence[str],
    log_probabilities: NDArray[np.float64],
) -> pd.DataFrame:
    """Return one row a noise × name, with PREDICTION_COLUMNS.

    The probability is that of the prediction, the rank that of the true language (1 is best), the
    loss its negative log likelihood in nats. What is one of few values is categorical.
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


def validate(folder: Path, split: Split, noise: Noise) -> dict[str, Any] | None:
    """Return how one run does on its seed's validation names, under the noise it was trained under.

    None where there is no such part, or the run diverged.

    Returns:
        seed, validation_accuracy and validation_loss, both macro-averaged.

    Raises:
        UserError: A file of the run is missing or damaged.
    """
    record = read_record(folder / runs.RECORD)
    if record["status"] != "ok" or not split.validation:
        return None
    languages = record["languages"]
    names = Examples.of_names(split.validation, languages, split.alphabet)
    stream = NoiseStream(noise, record["seed"], "validation noise", split.alphabet)
    log_probabilities, _ = predict(load_run(folder), names.with_noise(stream.take(len(names))))
    rows = predictions(record["seed"], [noise], split.validation, languages, log_probabilities)
    by_language = rows.assign(correct=rows["rank"] == 1).groupby("language")
    means = by_language[["correct", "loss"]].mean().mean()
    return {
        "seed": record["seed"],
        "validation_accuracy": float(means["correct"]),
        "validation_loss": float(means["loss"]),
    }


def load_run(folder: Path) -> TrainedModel:
    """Return a run's trained model.

    Raises:
        UserError: A file of the run is missing or damaged.
    """
    record = read_record(folder / runs.RECORD)
    return TrainedModel(
        ModelSpec(**record["spec"]),
        runs.read_parameters(folder, record),
        len(record["languages"]),
    )


def yardsticks(split: Split) -> dict[str, float]:
    """Return the accuracies that need no model, on the test names of a split.

    Returns:
        chance: Expected accuracy of a uniform guess; macro-averaged it is the same.
        majority: Accuracy of always naming the language with the most test names.
        ceiling, macro_ceiling: The best accuracy any classifier of names can reach, plain and
            macro-averaged, since a name that several languages share gets one answer.
        leaked: Test names that stand in another part; a fair split has none.
    """
    sizes: dict[str, int] = defaultdict(int)
    languages_of: dict[str, list[str]] = defaultdict(list)
    for language, name in split.test:
        sizes[language] += 1
        languages_of[name].append(language)
    best = sum(max(1 / sizes[label] for label in labels) for labels in languages_of.values())
    return {
        "chance": 1 / len(split.languages),
        "majority": max(sizes.values()) / len(split.test),
        "ceiling": len(languages_of) / len(split.test),
        "macro_ceiling": best / len(sizes),
        "leaked": len(languages_of.keys() & {name for _, name in split.train + split.validation}),
    }


def inspected_names(split: Split, per_language: int) -> Sequence[Row]:
    """Return the held-out names that are looked at one by one: a few of each language.

    They are spread evenly over the names of 4 to 12 characters (or over all names where there are
    too few), so they are the same for every model and noise level of a seed.
    """
    names_of: dict[str, list[Row]] = {language: [] for language in split.languages}
    for row in split.test:
        names_of[row[0]].append(row)
    chosen = []
    for names in names_of.values():
        usual = [row for row in names if 4 <= len(row[1]) <= 12]
        pool = usual if len(usual) >= per_language else names
        step = max(len(pool) // per_language, 1)
        chosen += pool[::step][:per_language]
    return chosen
