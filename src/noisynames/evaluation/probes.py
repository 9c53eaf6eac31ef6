"""What a model remembers: accuracy as noise after the name grows, and how far gradients reach."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from noisynames.evaluation.inference import gradient_norms, predict
from noisynames.evaluation.jobs import columns_of, inspected_names, write
from noisynames.grid import ACCURACY, INITIAL, TRAINED
from noisynames.models.weights import initial_parameters
from noisynames.names.alphabet import Alphabet, check_characters
from noisynames.names.examples import Examples
from noisynames.names.noise import NoiseCharacters
from noisynames.randomness import Stream
from noisynames.runs import FinishedRun, finished

_LETTERS = 4  # most names have at least as many
_GRADIENT_NAMES = 5  # per language


class Measured(NamedTuple):
    """What a probe measured at a distance; see `probe_run`."""

    probe: str
    distance: int
    value: float


PROBE_COLUMNS = ["seed", *Measured._fields]


def probe(
    records: Sequence[Path],
    splits: Sequence[Path],
    characters: str,
    initial_gradients: bool,
    output: Path,
    longest_suffix: int,
    names_per_language: int,
) -> None:
    """Write what `probe_run` measures for every run of an arm.

    Runs and splits are given as to `predictions.evaluate`.

    Raises:
        UserError: A file is missing or damaged, or a run was trained on a different split.
    """
    rows = [
        (run.seed, *row)
        for run in finished(records, splits)
        for row in probe_run(run, characters, longest_suffix, names_per_language, initial_gradients)
    ]
    write(columns_of(rows, PROBE_COLUMNS), output)


def probe_run(
    run: FinishedRun,
    characters: str,
    longest_suffix: int,
    names_per_language: int,
    initial_gradients: bool,
) -> list[Measured]:
    """Probe one run with held-out names, each followed by none to all of a suffix of noise.

    Args:
        run: The run.
        characters: The characters that noise is drawn from.
        longest_suffix: The most noise characters.
        names_per_language: How many held-out names of each language to use.
        initial_gradients: Whether to probe the model before training, too, when it is the same
            whatever noise it will be trained under.

    Returns:
        What was measured. `accuracy`: macro-averaged, with `distance` noise characters after
        each name. `initial gradient`, `trained gradient`: before and after training, the mean over
        names of ‖∂loss/∂x_t‖₂, where x_t is the input (one-hot, or embedding) at `distance`
        characters from the end of the name with its longest suffix (0 is the last one); a custom
        module has none.
    """
    alphabet = run.split.alphabet
    names = run.examples(inspected_names(run.split, names_per_language))
    suffixes = _suffixes(characters, longest_suffix, run.drawn.of("noise"), len(names), alphabet)
    measured = []
    lengths = range(longest_suffix + 1)
    examples = Examples.concatenated([_followed(names, suffixes[:, :n]) for n in lengths])
    right = predict(run.model, examples)[0].argmax(1) == examples.targets
    sizes = np.bincount(names.targets)
    for length, correct in zip(lengths, right.reshape(len(lengths), -1), strict=True):
        recall = np.bincount(names.targets, correct)[sizes > 0] / sizes[sizes > 0]
        measured.append(Measured(ACCURACY, length, float(recall.mean())))
    if run.model.spec.cell != "custom":
        some = inspected_names(run.split, min(_GRADIENT_NAMES, names_per_language))
        few = run.examples(some)
        examples = _followed(few, suffixes[: len(few)])
        measured += _gradients(run, examples, longest_suffix + _LETTERS, initial_gradients)
    return measured


def _gradients(
    run: FinishedRun, examples: Examples, farthest: int, initial: bool
) -> list[Measured]:
    """Return a run's gradient norm at each distance; see `probe_run`."""
    model, inputs = run.model, len(run.split.alphabet)
    stages = {TRAINED: model.parameters}
    if initial:
        seed = run.drawn.of("weights")
        stages[INITIAL] = initial_parameters(model.spec, inputs, model.outputs, seed)
    measured = []
    for name, parameters in stages.items():
        norms = gradient_norms(replace(model, parameters=parameters), examples)[:farthest]
        measured += [Measured(name, distance, float(norm)) for distance, norm in enumerate(norms)]
    return measured


def _suffixes(
    characters: str, longest: int, seed: int, count: int, alphabet: Alphabet
) -> NDArray[np.uint16]:
    """Return noise for `count` names, shape (count, longest), the same for every model."""
    check_characters(characters, alphabet)
    codes = alphabet.encode(characters)
    return codes[Stream(seed, "probe suffixes").below(len(codes), count, longest)]


def _followed(names: Examples, suffixes: NDArray[np.uint16]) -> Examples:
    count, length = suffixes.shape
    lengths = np.full(count, length)
    return names.with_noise(NoiseCharacters("suffix", lengths, suffixes, np.zeros(suffixes.shape)))
