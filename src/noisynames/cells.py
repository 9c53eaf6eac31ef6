"""What is made of all seeds of a model × noise: a job each, which writes rows and their sums."""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from noisynames import evaluation, scores
from noisynames.files import read_record
from noisynames.noise import Noise


def evaluate(
    folders: Sequence[Path],
    splits: Path,
    own: Noise,
    tested: Sequence[Noise],
    keep_own: bool,
    output: Path,
) -> None:
    """Write the held-out predictions of a model × noise, their scores, and validation scores.

    Args:
        folders: Runs, one a seed.
        splits: Where `seed<N>.csv` are.
        own: The noise that they were trained under.
        tested: What they are tested under.
        keep_own: Whether to write predictions under `own` only.
        output: The predictions' CSV file; `scores.NAMES` and a record go beside it.

    Raises:
        UserError: A file is missing or damaged, or a run was trained on another split.
    """
    judged = (
        evaluation.validate(folder, evaluation.read_split(folder, splits), own)
        for folder in folders
        if read_record(splits / f"{folder.name}.json")["validation"]
    )
    evaluation.write_with_tables(
        evaluation.runs_of_cell(
            folders, splits, lambda folder, split: evaluation.evaluate_run(folder, split, tested)
        ),
        evaluation.PREDICTION_COLUMNS,
        partial(scores.score, trained_at=own.name),
        output,
        own.name if keep_own else None,
        validation=[row for row in judged if row],
    )


def evaluate_baseline(
    name: str,
    splits: Path,
    seeds: Iterable[int],
    own: Noise,
    tested: Sequence[Noise],
    updates: int,
    keep_own: bool,
    output: Path,
) -> None:
    """Write a baseline's held-out predictions and their scores; see `evaluate`.

    Raises:
        UserError: There is no such baseline, or a split is missing or damaged.
    """
    from noisynames import baselines

    evaluation.write_with_tables(
        baselines.evaluate(name, splits, seeds, own, tested, updates),
        evaluation.PREDICTION_COLUMNS,
        partial(scores.score, trained_at=own.name),
        output,
        own.name if keep_own else None,
    )


def inspect_attention(
    folders: Sequence[Path],
    splits: Path,
    own: Noise,
    tested: Sequence[Noise],
    names_per_language: int,
    keep_own: bool,
    output: Path,
) -> None:
    """Write the attention weights of a model × noise, and `attention.TABLES`; see `evaluate`.

    Raises:
        UserError: A file is missing or damaged, or a run was trained on another split.
    """
    from noisynames import attention

    evaluation.write_with_tables(
        evaluation.runs_of_cell(
            folders,
            splits,
            lambda folder, split: attention.attention_of_run(
                folder, split, tested, names_per_language
            ),
        ),
        attention.ATTENTION_COLUMNS,
        partial(attention.tables_of, trained_at=own.name),
        output,
        own.name if keep_own else None,
    )


def probe(
    folders: Sequence[Path],
    splits: Path,
    characters: str,
    longest_suffix: int,
    names_per_language: int,
    initial_gradients: bool,
    output: Path,
) -> None:
    """Write what `probes.probe_run` measures of every run of a model × noise.

    Raises:
        UserError: A file is missing or damaged, or a run was trained on another split.
    """
    from noisynames import probes

    frames = evaluation.runs_of_cell(
        folders,
        splits,
        lambda folder, split: probes.probe_run(
            folder, split, characters, longest_suffix, names_per_language, initial_gradients
        ),
    )
    evaluation.write(evaluation.stacked(frames, probes.PROBE_COLUMNS), output)
