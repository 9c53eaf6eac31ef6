"""Time the whole main job, from an empty folder to the report, and say where the time goes.

    python benchmarks/pipeline.py [--config config/config.yaml] [--cores 2] [--csv …]

The comparison is with the worksheet's own loop doing the same updates on the same cores. That would
take hours, so it is extrapolated: each model × noise level is timed over some hundred updates right
before the pipeline runs, and the cores are assumed to share the work without loss.
"""

import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import click
import torch
import yaml
from speed import worksheet

from noisynames.config import resolve
from noisynames.models.reference import load_classifier
from noisynames.models.spec import spec_from
from noisynames.models.weights import initial_parameters
from noisynames.names import dataset as datasets
from noisynames.names import splits
from noisynames.names.alphabet import WORKSHEET
from noisynames.names.examples import Examples, TrainingStream
from noisynames.names.noise import Noise, conditions

ROOT = Path(__file__).resolve().parent.parent
PATH = click.Path(path_type=Path)
SAMPLE = 200


def seconds_an_update(config: dict[str, object], model: str, noise: Noise) -> float:
    """Return the median time of one update of the worksheet's loop, over three samples."""
    models = config["models"]
    assert isinstance(models, dict)
    split = splits.split_names(datasets.load("surnames").rows, 0)
    names, languages = Examples.of_names(split.train, split.languages), len(split.languages)
    spec = spec_from(models[model])
    initial = initial_parameters(spec, len(WORKSHEET), languages, 0)
    update = worksheet(load_classifier(spec, len(WORKSHEET), languages, initial), languages)
    stream = TrainingStream(names, noise, 0)
    times = []
    for _ in range(3):
        examples = stream.take(SAMPLE)
        start = time.perf_counter()
        for i in range(SAMPLE):
            update(examples, i)
        times.append((time.perf_counter() - start) / SAMPLE)
    return statistics.median(times)


def wall_seconds(results: Path) -> dict[str, float]:
    """Return the seconds that the jobs of each rule took, added up, from Snakemake's benchmarks."""
    total: dict[str, float] = defaultdict(float)
    folder = results / "benchmarks"
    for file in folder.rglob("*.jsonl"):
        rule = file.relative_to(folder).parts[0].removesuffix(".jsonl")
        total[rule] += sum(json.loads(line)["s"] for line in file.read_text().splitlines())
    return dict(total)


@click.command(context_settings={"show_default": True})
@click.option("--config", "config_file", type=PATH, default=ROOT / "config/config.yaml")
@click.option("--cores", type=click.IntRange(min=1), default=os.cpu_count() or 1)
@click.option("--csv", "table", type=PATH, default=ROOT / "benchmarks/pipeline.csv")
def main(config_file: Path, cores: int, table: Path) -> None:
    """Run the pipeline and print the table."""
    torch.set_num_threads(1)
    config = resolve(
        yaml.safe_load(config_file.read_text()), ROOT / "workflow/schemas/config.schema.yaml"
    )
    updates, seeds = config["training"]["updates"], len(config["seeds"])
    loop = sum(
        seconds_an_update(config, model, noise) * updates * seeds
        for model in config["models"]
        for noise in conditions(**config["noise"])
    )
    snakemake = shutil.which("snakemake")
    assert snakemake, "snakemake is not on the PATH"
    with tempfile.TemporaryDirectory() as folder:
        command = [snakemake, "-s", str(ROOT / "Snakefile"), "--directory", folder]
        command += ["--configfile", str(config_file.resolve()), "--cores", str(cores)]
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wall = time.perf_counter() - start
        if done.returncode:
            sys.exit(done.stderr)
        results = Path(folder, "results")
        timings = [json.loads(f.read_text()) for f in (results / "runs").rglob("timing.json")]
        spent = wall_seconds(results)
    train = spent.pop("train")
    training = sum(t["training_seconds"] for t in timings)
    startup = sum(t["startup_seconds"] for t in timings)
    parts = {
        "training: updates": training,
        "training: start-up": startup,
        "training: writing, end": train - training - startup,
        **dict(sorted(spent.items(), key=lambda item: -item[1])),
    }
    parts["scheduling and idle cores"] = wall * cores - sum(parts.values())
    print(f"{'part':28}{'core seconds':>14}{'share':>8}")
    for part, seconds in parts.items():
        print(f"{part:28}{seconds:14.1f}{seconds / (wall * cores):8.1%}")
    print(
        f"whole job: {wall:.0f} s on {cores} cores, {len(timings)} runs of {updates:,} updates\n"
        f"worksheet's loop, extrapolated from {SAMPLE} updates a cell: {loop / cores:,.0f} s\n"
        f"ratio: {loop / cores / wall:.1f}"
    )
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["part", "core_seconds"])
        writer.writerows((part, round(seconds, 2)) for part, seconds in parts.items())
        writer.writerow(["wall", round(wall, 2)])
        writer.writerow(["worksheet_wall_extrapolated", round(loop / cores, 1)])
    print(table)


if __name__ == "__main__":
    main()
