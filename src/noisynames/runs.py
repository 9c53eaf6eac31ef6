"""Finished training runs: only this module writes and opens their files."""

import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from noisynames import machine
from noisynames.errors import UserError
from noisynames.files import (
    damaged,
    read_bytes,
    read_record,
    read_recorded,
    replacing,
    sha256,
    write_record,
)
from noisynames.grid import LOSSES, RECORD, WEIGHTS
from noisynames.models.spec import ModelSpec, Parameters, TrainedModel
from noisynames.models.weights import parameter_count, parameter_ranges
from noisynames.names import splits
from noisynames.names.alphabet import Alphabet
from noisynames.names.examples import Examples
from noisynames.names.noise import Noise
from noisynames.names.splits import Row, Split
from noisynames.randomness import Seed, as_seed
from noisynames.training.hyperparameters import Hyperparameters
from noisynames.training.run import Run

NUMBERS = 2
"""The version of what a seed means: of the random streams, and of the order of every sum in
training. Runs of one version are the same to the bit on every machine; a change to either needs a
new version."""


def write_run(
    folder: Path,
    run: Run,
    spec: ModelSpec,
    hyperparameters: Hyperparameters,
    split: Split,
    model: str,
    noise: Noise,
    seed: int | Seed,
) -> None:
    """Write losses, weights and record of a run, which depend on nothing but the settings."""
    for name, content in contents(run).items():
        with replacing(folder / name) as part:
            part.write_bytes(content)
    languages, drawn = split.languages, as_seed(seed)
    write_record(
        folder / RECORD,
        {
            "model": model,
            "noise": noise.name,
            "noise_characters": noise.characters if noise.level else None,
            "seed": drawn.number,
            **({"kept": dict(drawn.kept)} if drawn.kept else {}),
            "spec": asdict(spec),
            "hyperparameters": {
                key: value
                for key, value in asdict(hyperparameters).items()
                if key != "report_every"  # logging does not change a result
            },
            "parameters": parameter_count(run.parameters),
            "languages": languages,
            "alphabet": split.alphabet.symbols,
            "engine": run.engine,
            "numbers": NUMBERS,
            "status": run.status,
            "diverged_at": run.diverged_at,
            "split": split.digest,
        },
        files=[folder / LOSSES, folder / WEIGHTS],
    )


def contents(run: Run) -> dict[str, bytes]:
    """Return the contents of a run's files of losses and weights, by file name."""
    from safetensors.numpy import save

    lines = ["update,loss", *(f"{update},{loss:.9g}" for update, loss in run.losses)]
    text = "\n".join(lines) + "\n"
    return {LOSSES: text.encode(), WEIGHTS: save(run.parameters)}


def write_timing(path: Path, run: Run, updates: int, since: float | None = None) -> None:
    """Write what a run cost.

    `startup_seconds` counts from the start of the process or, if the run is not the first of its
    process, from `since`, the `time.perf_counter()` at the end of the previous run.
    """
    now = time.perf_counter()
    begun = now - machine.process_age() if since is None else since
    write_record(
        path,
        {
            "updates": updates,
            "training_seconds": round(run.training_seconds, 6),
            "startup_seconds": round(run.started - begun, 3),
            "peak_memory_mb": round(machine.peak_memory_mb(), 1),
            "engine": run.engine,
            "machine": machine.description(),
        },
    )


@dataclass(frozen=True)
class FinishedRun:
    """A run that did not diverge, read from its files.

    Attributes:
        record: The content of its `run.json`.
        model: The trained model.
        split: The names for training and testing.
    """

    record: Mapping[str, Any]
    model: TrainedModel
    split: Split

    @property
    def seed(self) -> int:
        """The run's seed."""
        seed: int = self.record["seed"]
        return seed

    @property
    def drawn(self) -> Seed:
        """The seed of each of its draws."""
        return Seed(self.seed, self.record.get("kept", {}))

    @property
    def languages(self) -> list[str]:
        """The labels; a class index is a position in this list."""
        languages: list[str] = self.record["languages"]
        return languages

    def examples(self, names: Sequence[Row]) -> Examples:
        """Encode some names for this run's model."""
        return Examples.of_names(names, self.languages, self.split.alphabet)


def open_finished(file: Path, split_file: Path) -> FinishedRun | None:
    """Return a run with its model and split; None if it diverged.

    Args:
        file: Its record, `run.json`, with its weights beside it.
        split_file: The split that it was trained on, which the record vouches for, too.

    Raises:
        UserError: A file is missing or damaged, or the run was trained on a different split.
    """
    record = read_record(file)
    content = read_bytes(split_file)
    if record["split"] != sha256(content):
        raise UserError(
            f"{file.parent}: trained on a different split from {split_file}; "
            f"`rm -r {shlex.quote(str(file.parent))}`, then run again"
        )
    if record["status"] != "ok":
        return None
    split = splits.parsed(content, Alphabet.on_record(record))
    parameters = read_parameters(file.parent, record)
    model = TrainedModel(ModelSpec(**record["spec"]), parameters, len(record["languages"]))
    return FinishedRun(record, model, split)


def finished(files: Sequence[Path], split_files: Sequence[Path]) -> Iterator[FinishedRun]:
    """Open runs one by one, leaving out those that diverged; see `open_finished`.

    Args:
        files: The records of runs.
        split_files: The split of each run.

    Raises:
        UserError: A file is missing or damaged, a run was trained on a different split, or the
            numbers of splits and runs differ.
    """
    if len(files) != len(split_files):
        raise UserError(
            f"splits: found {len(split_files)}; allowed: one for each of {len(files)} runs"
        )
    for file, split_file in zip(files, split_files, strict=True):
        run = open_finished(file, split_file)
        if run is not None:
            yield run


def read_parameters(folder: Path, record: dict[str, Any]) -> Parameters:
    """Read a run's weights and check their names and shapes against its record.

    Raises:
        UserError: The file is missing or damaged, or belongs to another model.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = folder / WEIGHTS
    try:
        parameters: Parameters = load(read_recorded(path, record))
    except SafetensorError:
        raise damaged(path) from None
    spec = ModelSpec(**record["spec"])
    if spec.cell != "custom":
        inputs = len(Alphabet.on_record(record))
        expected = parameter_ranges(spec, inputs, len(record["languages"]))
        shapes = {name: values.shape for name, values in parameters.items()}
        if shapes != {name: shape for name, (shape, *_) in expected.items()}:
            raise damaged(path)
    return parameters
