"""The models that the page runs itself: the weights of one seed, and names to try them on."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from noisynames.evaluation.inference import predict
from noisynames.grid import RECORD, WEIGHTS, Cell, Grid, run_folder, split_file
from noisynames.models.respects import steps
from noisynames.models.weights import parameter_ranges
from noisynames.names.dataset import Dataset
from noisynames.names.noise import Noise
from noisynames.names.splits import Row
from noisynames.reporting.figures.look import Look
from noisynames.runs import FinishedRun, open_finished

CELLS = ("rnn", "gru", "lstm", "transformer")
"""What `reading.js` can run."""
MOST_ARMS = 24
"""Of more arms than this, the page holds only those whose model is in a planned contrast."""
MOST_BYTES = 1_500_000
"""The most bytes of float32 weights that a page may hold."""
MOST_NAMES = 5_000
"""The most held-out names that a page may hold; of more training names, it holds none."""
LONGEST_JUNK = 12
STATIC_NAMES = 3
"""How many names a page without JavaScript shows."""

Playground = dict[str, Any]


def wanted(config: Mapping[str, Any]) -> list[Cell]:
    """Return the runs that the page is to hold: those of every arm with the first seed.

    Custom models are left out; with `report.playground: false`, so is everything else.
    """
    if not config["report"]["playground"]:
        return []
    grid = Grid.of(config)
    models = [name for name, spec in grid.models.items() if spec["cell"] in CELLS]
    if len(models) * len(grid.noises) > MOST_ARMS:
        found = steps({name: grid.models[name] for name in grid.compared})
        contrasted = {model for _, *both in found for model in both}
        models = [name for name in models if name in (contrasted or grid.compared)]
    return [(model, noise, grid.seeds[0]) for model in models for noise in grid.noises]


def needs(results: Path, config: Mapping[str, Any]) -> set[Path]:
    """Return the files of a results folder that `of` reads, except those of the data set."""
    cells = wanted(config)
    files = {run_folder(results, cell) / name for cell in cells for name in (RECORD, WEIGHTS)}
    return files | {split_file(results, seed) for *_, seed in cells}


def of(
    results: Path,
    config: Mapping[str, Any],
    names: Dataset,
    status: Mapping[Cell, str],
    called: Mapping[str, str],
) -> Playground | None:
    """Return what the page needs to run the models; None if there is no model that it can run.

    Args:
        results: Folder with `runs/` and `splits/`.
        config: The resolved config of the experiment.
        names: The names of the experiment.
        status: What became of each run: `ok`, `diverged` or `missing`.
        called: The label of each model.

    Returns:
        What `playground.js` reads: alphabet, names, and for each arm its spec and weights (float32
        in base64, in the order of `parameters`); `examples`, a few names as each arm reads them,
        for a page without JavaScript; `left_out`, a sentence for everything that is left out.

    Raises:
        UserError: A file is missing or damaged.
    """
    asked, look = wanted(config), _look(config, called)
    fit, too_large = _fitting(_opened(results, asked, status))
    if not fit:
        return None
    split = next(iter(fit.values())).split
    rows = split.test[:: -(-len(split.test) // MOST_NAMES)]
    quiet = {cell: run for cell, run in fit.items() if Noise.named(cell[1]).level == 0}
    typical = _typical([*(quiet or fit).values()], rows)
    return {
        "seed": asked[0][2],
        "form": "NFC" if names.manifest["alphabet"]["rule"] == "data" else "NFD",
        "alphabet": names.alphabet.symbols,
        "junk": config["noise"]["characters"],
        "longest_junk": LONGEST_JUNK,
        "languages": split.languages,
        "held_out": _by_language(rows),
        "trained": _by_language(split.train) if len(split.train) <= MOST_NAMES else None,
        "typical": typical,
        "arms": [_arm(c, run, called, look) for c, run in fit.items()],
        "examples": _examples([*fit.values()], [*typical.items()]),
        "left_out": [
            *_unasked(config, asked, called),
            *_unfinished(asked, status, called),
            *(
                f"{_words(c, called)}: its weights would make this page too large"
                for c in too_large
            ),
        ],
    }


def _look(config: Mapping[str, Any], called: Mapping[str, str]) -> Look:
    """Return the look that models have in figures, which draw only the compared ones."""
    compared = Grid.of(config).compared
    return Look([*compared, *(name for name in called if name not in compared)], called)


def _opened(
    results: Path, cells: Iterable[Cell], status: Mapping[Cell, str]
) -> dict[Cell, FinishedRun]:
    runs = {
        cell: open_finished(run_folder(results, cell) / RECORD, split_file(results, cell[2]))
        for cell in cells
        if status[cell] == "ok"
    }
    return {cell: run for cell, run in runs.items() if run is not None}


def _fitting(runs: Mapping[Cell, FinishedRun]) -> tuple[dict[Cell, FinishedRun], list[Cell]]:
    """Return the runs whose weights fit in the page, and the runs whose weights do not."""
    fit, size, too_large = {}, 0, []
    for cell, run in runs.items():
        more = sum(values.nbytes for values in run.model.parameters.values())
        if size + more <= MOST_BYTES:
            fit[cell], size = run, size + more
        else:
            too_large.append(cell)
    return fit, too_large


def _unasked(
    config: Mapping[str, Any], asked: Sequence[Cell], called: Mapping[str, str]
) -> list[str]:
    shown = {model for model, *_ in asked}
    return [
        f"{called[name]}: "
        + (
            "this page cannot run custom models"
            if spec["cell"] not in CELLS
            else f"with more than {MOST_ARMS} arms, only those in planned contrasts are here"
        )
        for name, spec in config["models"].items()
        if name not in shown
    ]


def _unfinished(
    asked: Sequence[Cell], status: Mapping[Cell, str], called: Mapping[str, str]
) -> list[str]:
    words = {"diverged": "diverged", "missing": "is missing"}
    return [
        f"{_words(cell, called)}: its run with seed {cell[2]} {words[status[cell]]}"
        for cell in asked
        if status[cell] != "ok"
    ]


def _words(cell: Cell, called: Mapping[str, str]) -> str:
    model, noise, _ = cell
    return f"{called[model]}, {trained(noise)}"


def trained(noise: str) -> str:
    """Say under which noise a model was trained."""
    condition = Noise.named(noise)
    if condition.level == 0:
        return "trained without noise"
    where = "" if condition.placement == "suffix" else f" ({condition.placement})"
    return f"trained under noise {condition.level}{where}"


def _arm(cell: Cell, run: FinishedRun, called: Mapping[str, str], look: Look) -> dict[str, Any]:
    model, noise, _ = cell
    spec, outputs = run.model.spec, run.model.outputs
    ranges = parameter_ranges(spec, len(run.split.alphabet), outputs)
    weights = np.concatenate([run.model.parameters[name].ravel() for name in ranges])
    keys = ("cell", "readout", "hidden_size", "num_layers", "bidirectional", "num_heads")
    return {
        "model": model,
        "label": called[model],
        "noise": noise,
        "trained": trained(noise),
        "colour": look.colour(model),
        "spec": {key: getattr(spec, key) for key in keys},
        "parameters": [(name, shape) for name, (shape, *_) in ranges.items()],
        "weights": base64.b64encode(weights.astype("<f4").tobytes()).decode(),
    }


def _by_language(rows: Iterable[Row]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for language, name in rows:
        names.setdefault(language, []).append(name)
    return names


def _typical(runs: Sequence[FinishedRun], rows: Sequence[Row]) -> dict[str, str]:
    """Return, for each language, the held-out name that the models are most confident of."""
    examples = runs[0].examples(rows)
    each = np.arange(len(rows))
    sure = sum(predict(run.model, examples)[0][each, examples.targets] for run in runs)
    best = {rows[i][0]: rows[i][1] for i in np.argsort(sure, kind="stable")}
    return dict(sorted(best.items()))


def _examples(runs: Sequence[FinishedRun], typical: Sequence[Row]) -> list[dict[str, Any]]:
    """Return each arm's label for a few names, and its probability after each character."""
    chosen = [typical[i * (len(typical) - 1) // (STATIC_NAMES - 1)] for i in range(STATIC_NAMES)]
    found = []
    for language, name in dict.fromkeys(chosen):
        beginnings = [(language, name[: end + 1]) for end in range(len(name))]
        arms = []
        for run in runs:
            log_probabilities, _ = predict(run.model, run.examples(beginnings))
            best = int(log_probabilities[-1].argmax())
            after = np.exp(log_probabilities[:, best]).round(3).tolist()
            arms.append({"says": run.languages[best], "after": after})
        found.append({"name": name, "language": language, "arms": arms})
    return found
