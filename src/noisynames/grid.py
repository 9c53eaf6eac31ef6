"""What a config asks for: every model × noise × seed. Read by the workflow, so light to import."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from noisynames.names.noise import Noise, conditions
from noisynames.randomness import SOURCES, Seed

Cell = tuple[str, str, int]
"""A model, a noise and a seed."""

LOSSES, WEIGHTS, RECORD, TIMING = "losses.csv", "weights.safetensors", "run.json", "timing.json"
RUN_FILES = (RECORD, WEIGHTS, LOSSES, TIMING)
"""The files of a run, in its folder."""
SCORE_TABLES = ("accuracy", "recall", "confusion", "mistakes")
"""The tables made from the predictions of an arm, beside them."""
ATTENTION = ("attention", "attention_position", "attention_agreement", "attention_examples")
"""The tables made from the attention weights of an arm."""
ACCURACY, INITIAL, TRAINED = "accuracy", "initial gradient", "trained gradient"
"""What is probed; see `evaluation.probes`."""
TABLES = ("losses", "runs", *SCORE_TABLES, "yardsticks", "time_to_target", "probes")
"""The tables of every experiment; `Grid.tables` lists those of one."""
FINDINGS, TIMINGS = "findings.json", "timings.json"
"""The records of the tables: of those that follow from the config, and of what runs cost."""
REFERENCE = "reference.json"
"""How the compiled engine agrees with PyTorch on the machine that ran."""
MERGED = "merged.json"
"""Where the results come from, if `noisynames merge` joined them."""
UNTRAINED = ("label", "seeds_vary")
"""Keys of a model that its training is not given: its label, and which draws its seeds vary, which
its jobs are given as `kept`."""

SEEDS_PER_PART = 100
"""Seeds 0 to 99 of an arm are tested in one job, and each further hundred in another."""


def parts_of(seeds: Iterable[int]) -> dict[str, list[int]]:
    """Return the seeds that are tested together, by the ending of their file names.

    Seeds 0 to 99 have "", 100 to 199 "-seeds100", and so on: a seed's part does not depend on other
    seeds, so that results of a finished part stay valid when seeds are added to another.
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
        models: Specifications by name, in the config's order, which every table and figure keeps.
        noises: The names of the noise conditions.
        noise_characters: The characters that noise is drawn from.
        seeds: The seeds.
        training: Hyperparameters that every run must have unless its model sets its own.
        baselines: The names of the baselines.
        label_name: The singular noun for the label of a name.
        test_fraction: The share of the names that a seed holds out.
        vary: Which of `randomness.SOURCES` vary with the seed, for baselines and for models that do
            not set it.
        comparison: The config's section on judging differences; if empty, none is too small.
    """

    models: Mapping[str, Mapping[str, Any]]
    noises: Sequence[str]
    noise_characters: str
    seeds: Sequence[int]
    training: Mapping[str, Any]
    baselines: Sequence[str]
    label_name: str = "language"
    test_fraction: float | None = None
    vary: Sequence[str] = SOURCES
    comparison: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Grid":
        """Return what a resolved config asks for."""
        keys = ("updates", "record_every", "learning_rate")
        return cls(
            models=config["models"],
            noises=[noise.name for noise in conditions(**config["noise"])],
            noise_characters=config["noise"]["characters"],
            seeds=config["seeds"],
            training={key: config["training"][key] for key in keys},
            baselines=config["baselines"],
            label_name=config["dataset"]["label_name"],
            test_fraction=config["dataset"]["test_fraction"],
            vary=config["seeds_vary"],
            comparison=config["comparison"],
        )

    @cached_property
    def conditions(self) -> list[Noise]:
        """The noise conditions."""
        return [Noise.named(name, self.noise_characters) for name in self.noises]

    @property
    def quietest(self) -> str:
        """The condition that others are compared with: the first of the lowest level."""
        return min(self.conditions, key=lambda noise: noise.level).name

    @property
    def noisiest(self) -> str:
        """The first condition of the highest level; the worksheet's placement, if it is there."""
        return max(self.conditions, key=lambda noise: noise.level).name

    @property
    def attention_models(self) -> list[str]:
        """The models whose attention can be inspected."""
        return [name for name, spec in self.models.items() if spec["readout"] == "attention"]

    @property
    def margins(self) -> dict[str, float | None]:
        """For each metric, the size below which differences do not matter; None if all matter."""
        return self.comparison.get("margin") or {}

    @property
    def looks(self) -> tuple[int, ...]:
        """The numbers of seeds at which looks at the results are planned; the last is the end."""
        return tuple(self.comparison.get("looks") or [len(self.seeds)])

    @property
    def look(self) -> int:
        """Which of the looks this is, from 0."""
        return self.looks.index(len(self.seeds))

    @property
    def odds(self) -> float | None:
        """Names held out by a seed for each that it does not; None if all hold out the same."""
        vary = [self.vary, *(self.models[m].get("seeds_vary", SOURCES) for m in self.compared)]
        if self.test_fraction is None or not all("split" in sources for sources in vary):
            return None
        return self.test_fraction / (1 - self.test_fraction)

    @property
    def tables(self) -> list[str]:
        """The tables of the experiment, except that of timings."""
        baselines = ["baselines"] if self.baselines else []
        return [*TABLES, *baselines, *(ATTENTION if self.attention_models else [])]

    @property
    def cells(self) -> list[Cell]:
        """Every run, by model, then noise, then seed."""
        return [(m, n, s) for m in self.models for n in self.noises for s in self.seeds]

    def drawn(self, cell: Cell) -> Seed:
        """Return the seed of each of a run's draws."""
        model, _, seed = cell
        vary = self.models[model].get("seeds_vary", SOURCES) if model in self.models else self.vary
        return Seed(seed, kept(vary, self.seeds[0]))

    @property
    def parts(self) -> dict[str, list[int]]:
        """The seeds that are tested together; see `parts_of`."""
        return parts_of(self.seeds)

    @cached_property
    def variants(self) -> dict[str, list[str]]:
        """Models that differ only in `seeds_vary`, by the one that varies most, their stand-in."""
        by_first = {}
        for names in self._alike(self.models, *UNTRAINED):
            most = max(names, key=lambda name: len(self.models[name].get("seeds_vary", SOURCES)))
            by_first[most] = names
        return {name: by_first[name] for name in self.models if name in by_first}

    def _alike(self, names: Iterable[str], *apart: str) -> list[list[str]]:
        """Return the names in groups of models that differ only in the keys `apart`."""
        groups: dict[str, list[str]] = {}
        for name in names:
            rest = {key: value for key, value in self.models[name].items() if key not in apart}
            groups.setdefault(json.dumps(rest, sort_keys=True), []).append(name)
        return list(groups.values())

    @cached_property
    def rates(self) -> dict[str, list[str]]:
        """Models that differ only in their learning rate, by the one that represents them.

        That is the one with `training.learning_rate`, or else the first.
        """
        alike = self._alike(self.variants, "learning_rate", *UNTRAINED)
        common = self.training["learning_rate"]
        by_first = {}
        for names in alike:
            usual = [name for name in names if self.models[name]["learning_rate"] == common]
            by_first[(usual or names)[0]] = names
        return {name: by_first[name] for name in self.models if name in by_first}

    @property
    def compared(self) -> list[str]:
        """The models that are compared with each other: one of those that differ only in rate."""
        return list(self.rates)

    @property
    def compared_as(self) -> dict[str, str]:
        """The model that represents each model in comparisons."""
        of_rates = {name: first for first, names in self.rates.items() for name in names}
        return {name: of_rates[most] for most, names in self.variants.items() for name in names}


def kept(vary: Sequence[str], first: int) -> dict[str, int]:
    """Return the sources that do not vary, each with the first seed, which draws them for all."""
    return {source: first for source in SOURCES if source not in vary}


def run_folder(results: Path, cell: Cell) -> Path:
    """Return the folder of a run's files."""
    model, noise, seed = cell
    return results / "runs" / model / f"noise{noise}" / f"seed{seed}"


def split_file(results: Path, seed: int) -> Path:
    """Return the file of a seed's split."""
    return results / "splits" / f"seed{seed}.csv"
