"""Predictions on held-out names under every noise."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from noisynames.evaluation import scores
from noisynames.evaluation.inference import predict
from noisynames.evaluation.jobs import write_with_tables
from noisynames.evaluation.scores import PREDICTION_COLUMNS, Predictions
from noisynames.names.examples import Examples, held_out_examples
from noisynames.names.noise import Noise, NoiseStream
from noisynames.runs import FinishedRun, finished


def evaluate(
    records: Sequence[Path],
    splits: Sequence[Path],
    own: Noise,
    tested: Sequence[Noise],
    output: Path,
    keep: str,
) -> None:
    """Write the held-out predictions of an arm, their scores, and validation scores.

    Args:
        records: The `run.json` of each seed, with the weights beside it.
        splits: The split of each seed.
        own: The noise that they were trained under.
        tested: The noise conditions to test them under.
        output: The predictions' CSV file; `grid.SCORE_TABLES` and a record go beside it.
        keep: Which predictions to write: `all`, or those under `own`.

    Raises:
        UserError: A file is missing or damaged, or a run was trained on a different split.
    """
    validation: list[dict[str, Any]] = []

    def each() -> Iterator[Predictions]:
        for run in finished(records, splits):
            if run.split.validation:
                validation.append(validate(run, own))
            yield evaluate_run(run, tested)

    write_with_tables(
        each(),
        partial(Predictions.rows, noise=own.name if keep == "own" else None),
        PREDICTION_COLUMNS,
        partial(scores.score, trained_at=own.name),
        output,
        validation=validation,
    )


def evaluate_run(run: FinishedRun, noises: Sequence[Noise]) -> Predictions:
    """Return the held-out predictions of one run under every noise."""
    names = run.examples(run.split.test)
    examples = [held_out_examples(names, noise, run.drawn.of("noise")) for noise in noises]
    log_probabilities, _ = predict(run.model, Examples.concatenated(examples))
    return Predictions.of(run.seed, noises, run.split.test, run.languages, log_probabilities)


def validate(run: FinishedRun, noise: Noise) -> dict[str, Any]:
    """Return how a run does on its seed's validation names, under its training noise.

    Returns:
        seed, validation_accuracy and validation_loss, both macro-averaged.
    """
    names = run.examples(run.split.validation)
    stream = NoiseStream(noise, run.drawn.of("noise"), "validation noise", run.split.alphabet)
    log_probabilities, _ = predict(run.model, names.with_noise(stream.take(len(names))))
    rows = run.split.validation
    found = Predictions.of(run.seed, [noise], rows, run.languages, log_probabilities)
    return {
        "seed": run.seed,
        "validation_accuracy": float(found.by_language(found.rank == 1).mean()),
        "validation_loss": float(found.by_language(found.loss).mean()),
    }
