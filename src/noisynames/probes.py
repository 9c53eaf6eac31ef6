"""What a trained model remembers: accuracy behind a growing suffix, and how far gradients reach."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from noisynames import runs
from noisynames.alphabet import Alphabet
from noisynames.evaluation import inspected_names, load_run
from noisynames.files import read_record
from noisynames.inference import predict
from noisynames.models import initial_parameters
from noisynames.noise import Distractors, check_characters
from noisynames.randomness import generator
from noisynames.sampling import Examples
from noisynames.splits import Split

if TYPE_CHECKING:  # torch takes longest to import, and some need the names of probes only
    from noisynames.modules import Classifier

PROBE_COLUMNS = ["seed", "probe", "distance", "value"]
ACCURACY, INITIAL, TRAINED = "accuracy", "initial gradient", "trained gradient"
_LETTERS = 4  # most names have as many
_GRADIENT_NAMES = 5  # a language


def probe_run(
    folder: Path,
    split: Split,
    characters: str,
    longest_suffix: int,
    names_per_language: int,
    initial_gradients: bool,
) -> pd.DataFrame | None:
    """Probe one run with held-out names and one suffix of distractors each, from none to all of it.

    Args:
        folder: The run's.
        split: Its seed's.
        characters: What distractors are drawn from.
        longest_suffix: Most distractors.
        names_per_language: Held-out names of a language.
        initial_gradients: Whether to probe the model before training too. There it is the same
            whatever noise it will be trained under.

    Returns:
        Rows with PROBE_COLUMNS. `accuracy`: macro-averaged, with `distance` distractors behind each
        name. `initial gradient`, `trained gradient`: before and after training, the mean over
        names of ‖∂loss/∂x_t‖₂, x_t being the input (one-hot, or embedding) at `distance` characters
        from the end of the name and its longest suffix (0 is the last one); a custom module has
        none. None for a run that diverged.

    Raises:
        UserError: A file of the run is missing or damaged.
    """
    record = read_record(folder / runs.RECORD)
    if record["status"] != "ok":
        return None
    model = load_run(folder)
    languages = record["languages"]
    alphabet, inputs = split.alphabet, len(split.alphabet)
    names = Examples.of_names(inspected_names(split, names_per_language), languages, alphabet)
    suffixes = _suffixes(characters, longest_suffix, record["seed"], len(names), alphabet)
    rows: list[dict[str, Any]] = []
    lengths = range(longest_suffix + 1)
    examples = Examples.concatenated([_followed(names, suffixes[:, :n]) for n in lengths])
    right = predict(model, examples)[0].argmax(1) == examples.targets
    sizes = np.bincount(names.targets)
    for length, correct in zip(lengths, right.reshape(len(lengths), -1), strict=True):
        recall = np.bincount(names.targets, correct)[sizes > 0] / sizes[sizes > 0]
        rows.append({"probe": ACCURACY, "distance": length, "value": recall.mean()})
    if model.spec.cell != "custom":
        from noisynames.modules import load_classifier

        some = inspected_names(split, min(_GRADIENT_NAMES, names_per_language))
        few = Examples.of_names(some, languages, alphabet)
        examples = _followed(few, suffixes[: len(few)])
        stages = {TRAINED: model.parameters}
        if initial_gradients:
            seed = record["seed"]
            stages[INITIAL] = initial_parameters(model.spec, inputs, model.outputs, seed)
        for probe, parameters in stages.items():
            module = load_classifier(model.spec, inputs, model.outputs, parameters)
            norms = gradient_norms(module, examples)[: longest_suffix + _LETTERS]
            rows += [
                {"probe": probe, "distance": distance, "value": norm}
                for distance, norm in enumerate(norms)
            ]
    return pd.DataFrame(rows).assign(seed=record["seed"])[PROBE_COLUMNS]


def _suffixes(
    characters: str, longest: int, seed: int, count: int, alphabet: Alphabet
) -> NDArray[np.uint16]:
    """Return distractors for `count` names, shape (count, longest), the same for every model."""
    check_characters(characters, alphabet)
    codes = alphabet.encode(characters)
    return codes[generator(seed, "probe suffixes").integers(len(codes), size=(count, longest))]


def _followed(names: Examples, suffixes: NDArray[np.uint16]) -> Examples:
    count, length = suffixes.shape
    lengths = np.full(count, length)
    return names.with_noise(Distractors("suffix", lengths, suffixes, np.zeros(suffixes.shape)))


def gradient_norms(module: "Classifier", examples: Examples) -> NDArray[np.float64]:
    """Return ‖∂loss/∂x_t‖₂ by distance from the end, the mean over sequences.

    The loss is a sequence's own negative log likelihood. A gradient that shrinks by a like factor
    at every step vanishes in the sense of Bengio, Simard and Frasconi, "Learning long-term
    dependencies with gradient descent is difficult" (1994).

    Returns:
        Shape (length of the shortest sequence,); index 0 is the last character.
    """
    import torch

    from noisynames.modules import padded

    characters, lengths = padded(examples)
    inputs = module.inputs(characters).detach().requires_grad_(True)
    log_probabilities, _ = module.classify(inputs, lengths)
    targets = torch.from_numpy(examples.targets)
    (-log_probabilities[torch.arange(len(targets)), targets]).sum().backward()  # type: ignore[no-untyped-call]
    assert inputs.grad is not None
    norms = inputs.grad.norm(dim=2).double()
    from_end = torch.arange(int(lengths.min()))
    by_distance: NDArray[np.float64] = (
        norms[torch.arange(len(lengths))[:, None], lengths[:, None] - 1 - from_end].mean(0).numpy()
    )
    return by_distance
