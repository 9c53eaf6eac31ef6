"""What a config asks for: every model × noise × seed. Read by the workflow, so light to import."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noisynames.names.noise import Noise

Cell = tuple[str, str, int]
"""A model, a noise and a seed."""

LOSSES, WEIGHTS, RECORD, TIMING = "losses.csv", "weights.safetensors", "run.json", "timing.json"
RUN_FILES = (RECORD, WEIGHTS, LOSSES, TIMING)
"""The files of a run, in its folder."""
SCORE_TABLES = ("accuracy", "recall", "confusion", "mistakes")
"""What is made of the predictions of a model × noise, beside them."""
ATTENTION = ("attention", "attention_position", "attention_agreement", "attention_examples")
"""What is made of its attention weights."""
ACCURACY, INITIAL, TRAINED = "accuracy", "initial gradient", "trained gradient"
"""What is probed; see `evaluation.probes`."""
TABLES = ("losses", "runs", *SCORE_TABLES, "yardsticks", "time_to_target", "probes")
"""The tables of every experiment; `Grid.tables` has those of one."""
STATISTICS, TIMINGS = "statistics.json", "timings.json"
"""The records of the tables: those that any run of the config gives, and what it cost."""
REFERENCE = "reference.json"
"""How the compiled engine agrees with PyTorch on the machine that ran."""
MERGED = "merged.json"
"""Where results come from that `noisynames merge` joined."""

SEEDS_PER_PART = 100
"""Seeds 0 to 99 of a model × noise are tested in one job, and each further hundred in another."""


def parts_of(seeds: Iterable[int]) -> dict[str, list[int]]:
    """Return the seeds that are tested together, by what the names of their files end in.

    Seeds 0 to 99 are "", 100 to 199 "-seeds100", and so on: a seed's part depends on no other's, so
    that what was made of a finished part stays when seeds are added to another.
    """
    parts: dict[str, list[int]] = {}
    for seed in seeds:
        first = seed // SEEDS_PER_PART * SEEDS_PER_PART
        parts.setdefault(f"-seeds{first}" if first else "", []).append(seed)
    return parts


@dataclass(frozen=True)
class Grid:
    """What was asked for: every model × noise × seed.

    Attributes:
        models: Name to specification, in the config's order, which every table and figure keeps.
        noises: Names of the noise conditions.
        noise_characters: What distractors are drawn from.
        seeds: As in the config.
        training: Hyperparameters that every run must have where its model names no others.
        baselines: Which baselines there are.
        label_name: What a name's label is, in the singular.
    """

    models: Mapping[str, Mapping[str, Any]]
    noises: Sequence[str]
    noise_characters: str
    seeds: Sequence[int]
    training: Mapping[str, Any]
    baselines: Sequence[str]
    label_name: str = "language"

    @property
    def conditions(self) -> list[Noise]:
        """The noise conditions."""
        return [Noise.named(name, self.noise_characters) for name in self.noises]

    @property
    def quietest(self) -> str:
        """The condition that others are held against: the first of the lowest level."""
        return min(self.conditions, key=lambda noise: noise.level).name

    @property
    def noisiest(self) -> str:
        """The first condition of the highest level: the worksheet's, where there are others."""
        return max(self.conditions, key=lambda noise: noise.level).name

    @property
    def attention_models(self) -> list[str]:
        """The models whose attention can be inspected."""
        return [name for name, spec in self.models.items() if spec["readout"] == "attention"]

    @property
    def tables(self) -> list[str]:
        """The tables that are made of it, but for that of timings."""
        baselines = ["baselines"] if self.baselines else []
        return [*TABLES, *baselines, *(ATTENTION if self.attention_models else [])]

    @property
    def cells(self) -> list[Cell]:
        """Every run, by model, then noise, then seed."""
        return [(m, n, s) for m in self.models for n in self.noises for s in self.seeds]

    @property
    def parts(self) -> dict[str, list[int]]:
        """The seeds that are tested together; see `parts_of`."""
        return parts_of(self.seeds)

    @property
    def rates(self) -> dict[str, list[str]]:
        """Models that differ in their learning rate alone, by the one that stands for them.

        That is the one with `training.learning_rate`, or else the first.
        """
        alike: dict[str, list[str]] = {}
        for name, spec in self.models.items():
            named = ("learning_rate", "label")
            rest = {key: value for key, value in spec.items() if key not in named}
            alike.setdefault(json.dumps(rest, sort_keys=True), []).append(name)
        common = self.training["learning_rate"]
        by_first = {}
        for names in alike.values():
            usual = [name for name in names if self.models[name]["learning_rate"] == common]
            by_first[(usual or names)[0]] = names
        return {name: by_first[name] for name in self.models if name in by_first}

    @property
    def compared(self) -> list[str]:
        """The models that are compared with each other: one of those that differ in rate alone."""
        return list(self.rates)


def run_folder(results: Path, cell: Cell) -> Path:
    """Return where a run's files are."""
    model, noise, seed = cell
    return results / "runs" / model / f"noise{noise}" / f"seed{seed}"


def split_file(results: Path, seed: int) -> Path:
    """Return where a seed's split is."""
    return results / "splits" / f"seed{seed}.csv"
