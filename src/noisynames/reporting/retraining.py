"""What the page needs to train runs again, and to tell whether the results are the same."""

import base64
import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from noisynames.files import read_record, read_recorded
from noisynames.grid import LOSSES, RECORD, WEIGHTS, Cell, run_folder, split_file
from noisynames.models.spec import ModelSpec, spec_from
from noisynames.models.weights import initial_parameters, parameter_ranges
from noisynames.names import splits
from noisynames.names.alphabet import Alphabet
from noisynames.names.examples import Examples
from noisynames.names.noise import Noise, conditions
from noisynames.randomness import SOURCES
from noisynames.reporting import playground
from noisynames.runs import NUMBERS
from noisynames.settings import call
from noisynames.training.compiled.engine import CompiledEngine
from noisynames.training.compiled.interface import COUNTS, MEMORY, TRAIN
from noisynames.training.compiled.layout import filled_up, layout_of
from noisynames.training.compiled.webassembly import CELLS, UNITS, name_of
from noisynames.training.hyperparameters import Hyperparameters

MOST_SEEDS = 10
"""How many seeds can be trained again in the page."""
SIZES = (8, 16, 32, 64)
"""Hidden sizes offered under "what if"."""
MOST_NOISE = 10
"""The highest noise level offered there."""


def wanted(config: Mapping[str, Any]) -> list[Cell]:
    """Return the runs that the page can train again: those of its models, for the first seeds."""
    return [
        (model, noise, seed)
        for model, noise, _ in playground.wanted(config)
        if not _hindrance(config, model, noise)
        for seed in config["seeds"][:MOST_SEEDS]
    ]


def left_out(config: Mapping[str, Any], called: Mapping[str, str]) -> list[str]:
    """Say why some arms, which the page can try, cannot be trained again in it.

    Args:
        config: The resolved config of the experiment.
        called: The label of each model.
    """
    cells = [(model, noise) for model, noise, _ in playground.wanted(config)]
    found: dict[tuple[str, str], list[str]] = {}
    for model, noise in cells:
        if why := _hindrance(config, model, noise):
            found.setdefault((model, why), []).append(noise)
    noises = len({noise for _, noise in cells})
    sentences = [
        ", ".join([called[model], *(map(playground.trained, under) if len(under) < noises else [])])
        + f": {why}"
        for (model, why), under in found.items()
    ]
    more = len(config["seeds"]) > MOST_SEEDS and len(sentences) < len(cells)
    return [*sentences, *([f"Seeds after the first {MOST_SEEDS}"] if more else [])]


def _hindrance(config: Mapping[str, Any], model: str, noise: str) -> str | None:
    """Return why the page cannot train a model under a noise; None if it can."""
    spec, condition = config["models"][model], Noise.named(noise)
    if spec["cell"] not in CELLS:
        return f"there is no browser kernel for the {spec['cell']}"
    if filled_up(spec["hidden_size"]) not in UNITS:
        sizes = ", ".join(map(str, UNITS))
        return f"there are browser kernels for {sizes} units, not for {spec['hidden_size']}"
    if {*spec["seeds_vary"]} != {*SOURCES}:
        return "not everything in it varies with the seed (seeds_vary)"
    if config["training"]["engine"] == "autograd":
        return "it was trained with PyTorch, whose rounding differs"
    if condition.placement != "suffix":
        return "the page can only add noise after the name"
    return None


def needs(results: Path, config: Mapping[str, Any]) -> set[Path]:
    """Return the files of a results folder that `of` reads."""
    cells = wanted(config)
    files = {run_folder(results, cell) / name for cell in cells for name in (RECORD, LOSSES)}
    lists = {split_file(results, seed) for *_, seed in cells}
    return files | lists | {file.with_suffix(".json") for file in lists}


def of(
    results: Path, kernels: Path, config: Mapping[str, Any], status: Mapping[Cell, str]
) -> dict[str, Any] | None:
    """Return what the page needs to train; None if there is no run that it can train again.

    Args:
        results: Folder with `runs/` and `splits/`.
        kernels: Folder with the kernels that `make wasm` wrote.
        config: The resolved config of the experiment.
        status: What became of each run.

    Returns:
        data: What `training.js` reads: models, names and records, as gzipped JSON in base64.
        kernels: Each kernel by name, gzipped, in base64.

    Raises:
        UserError: A file is missing or damaged.
    """
    runs = {cell: _recorded(results, cell) for cell in wanted(config) if status.get(cell) == "ok"}
    runs = {cell: run for cell, run in runs.items() if run["numbers"] == NUMBERS}
    if not runs:
        return None
    seeds = dict.fromkeys(seed for *_, seed in runs)
    split_of = {seed: splits.read(split_file(results, seed)) for seed in seeds}
    alphabet = next(iter(split_of.values())).alphabet
    languages = next(iter(split_of.values())).languages
    longest = max(len(name) for split in split_of.values() for _, name in split.train)
    room = longest + 1 + max(MOST_NOISE, *(noise.level for noise in conditions(**config["noise"])))
    models = {
        model: _model(config, model, alphabet, len(languages), room)
        for model in dict.fromkeys(model for model, *_ in runs)
    }
    names = {name for model in models.values() for name in model["kernels"]}
    return {
        "data": _packed(
            json.dumps({
                "memory": MEMORY,
                "counts": COUNTS,
                "most_noise": MOST_NOISE,
                "models": models,
                "train": {seed: _names(split.train, languages) for seed, split in split_of.items()},
                "runs": [[*cell, run["losses"], run["files"]] for cell, run in runs.items()],
            }).encode()
        ),
        "kernels": {name: _packed((kernels / name).read_bytes()) for name in sorted(names)},
    }  # fmt: skip


def _recorded(results: Path, cell: Cell) -> dict[str, Any]:
    folder = run_folder(results, cell)
    record = read_record(folder / RECORD)
    losses = read_recorded(folder / LOSSES, record).decode()
    return {
        "numbers": record["numbers"] if record["engine"] == "compiled" else None,
        "losses": [line.partition(",")[2] for line in losses.splitlines()[1:]],
        "files": [record["files"][name] for name in (LOSSES, WEIGHTS)],
    }


def _model(
    config: Mapping[str, Any], model: str, alphabet: Alphabet, outputs: int, longest: int
) -> dict[str, Any]:
    asked = {**config["training"], **config["models"][model]}
    spec, plan = spec_from(asked), call(Hyperparameters, asked)
    sizes = sorted({*SIZES, spec.hidden_size})
    made = {
        size: _sized(replace(spec, hidden_size=size), plan, alphabet, outputs, longest)
        for size in sizes
    }
    return {
        "spec": asdict(spec),
        "plan": asdict(plan),
        "sizes": made,
        "kernels": sorted({one["kernel"] for one in made.values()}),
    }


def _sized(
    spec: ModelSpec, plan: Hyperparameters, alphabet: Alphabet, outputs: int, longest: int
) -> dict[str, Any]:
    """Return what the memory of a kernel must hold for a model, and where."""
    initial = initial_parameters(spec, len(alphabet), outputs, seed=0)
    engine = CompiledEngine(spec, initial, plan, load=lambda *_: None)  # it runs in the browser
    longest_name = Examples.of_names([("", alphabet.symbols[0] * longest)], [""], alphabet)
    memory, counts = engine.call_of(TRAIN, longest_name)
    return {
        "kernel": name_of(spec.cell, filled_up(spec.hidden_size)),
        "counts": counts,
        "parts": memory["parts"].tolist(),
        "rooms": memory["rooms"].tolist(),
        "work": len(memory["work"]),
        "settings": memory["settings"].tolist(),
        "moments": bool(memory["gradients"].size),
        "layout": [asdict(part) for part in layout_of(spec, initial).parts],
        "ranges": [
            [name, list(shape), low, high]
            for name, (shape, low, high) in parameter_ranges(spec, len(alphabet), outputs).items()
        ],
        "header": _header(initial),
    }


def _header(parameters: Mapping[str, np.ndarray]) -> str:
    """Return the header of a weights file in base64: names, shapes and offsets."""
    from safetensors.numpy import save

    content = save(dict(parameters))
    end = 8 + int.from_bytes(content[:8], "little")
    return base64.b64encode(content[:end]).decode()


def _names(rows: Iterable[tuple[str, str]], languages: Sequence[str]) -> list[list[str]]:
    return [[name for language, name in rows if language == one] for one in languages]


def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()
