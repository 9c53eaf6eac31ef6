"""A report from the runs that exist, when others failed or have not run yet."""

import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from noisynames import runs
from noisynames.analysis import findings, tables
from noisynames.errors import UserError
from noisynames.evaluation import attention, baselines, predictions, probes
from noisynames.files import read_recorded, write_text
from noisynames.grid import (
    LOSSES,
    RECORD,
    STATISTICS,
    TIMINGS,
    Cell,
    Grid,
    run_folder,
    split_file,
)
from noisynames.reporting import page as report
from noisynames.reporting.figures import drawing
from noisynames.settings import call


def find_missing(results: Path, grid: Grid) -> dict[Cell, str]:
    """Return the runs that cannot be reported, each with the reason.

    A run counts only if its files are as they were written, and it is what the grid asks for.
    """
    missing = {}
    for cell in grid.cells:
        folder = run_folder(results, cell)
        if not (folder / RECORD).exists():
            missing[cell] = "not run, or failed"
            continue
        try:
            record = tables.read_run(results, grid, cell)
            read_recorded(folder / LOSSES, record)
            runs.read_parameters(folder, record)
            runs.open_finished(folder / RECORD, split_file(results, cell[2]))
        except UserError as error:
            missing[cell] = str(error)
    return missing


def write(
    results: Path,
    grid: Grid,
    templates: Path,
    config: Mapping[str, Any],
    shown: Iterable[str],
    work: Path,
) -> dict[Cell, str]:
    """Evaluate the runs that exist and write `report.html`, with what it is made of, into `work`.

    Args:
        results: The folder that holds `dataset/`, `splits/` and `runs/`; nothing in them changes.
        grid: What was asked for.
        templates: The report's templates.
        config: The resolved config of the experiment.
        shown: The figures to draw.
        work: The folder to write.

    Returns:
        The missing runs, each with the reason.

    Raises:
        UserError: There is no run to report.
    """
    missing = find_missing(results, grid)
    if len(missing) == len(grid.cells):
        raise UserError(f"{results}/runs: none of {len(missing)} runs is there; nothing to report")

    tested = grid.conditions
    settings = {**config["evaluation"], "updates": grid.training["updates"]}
    for noise, (part, seeds) in itertools.product(tested, grid.parts.items()):
        file = f"noise{noise.name}{part}.csv"
        for model in grid.models:
            asked = [(model, noise.name, seed) for seed in seeds]
            there = [cell for cell in asked if cell not in missing]
            records = [run_folder(results, cell) / RECORD for cell in there]
            splits = [split_file(results, seed) for _, _, seed in there]
            output = work / "evaluation" / model / file
            call(predictions.evaluate, settings, records, splits, noise, tested, output)
            initial, output = noise.name == grid.quietest, work / "probes" / model / file
            probed = (records, splits, grid.noise_characters, initial, output)
            call(probes.probe, config["probe"], *probed)
            if model in grid.attention_models:
                output = work / "attention" / model / file
                more = {**settings, **config["attention"]}
                call(attention.inspect, more, records, splits, noise, tested, output)
        known = sorted({seed for _, _, seed in set(grid.cells) - set(missing)} & set(seeds))
        for name in grid.baselines:
            output = work / "evaluation" / name / file
            splits = [split_file(results, seed) for seed in known]
            call(baselines.evaluate, settings, name, splits, known, noise, tested, output)

    built = tables.build(results, grid, work, missing)
    timings = tables.timings(results, [cell for cell in grid.cells if cell not in missing])
    tables.write(built, work / "tables", STATISTICS, findings.find(built, grid))
    tables.write({"timings": timings}, work / "tables", TIMINGS, {})
    drawing.draw(list(shown), *tables.read(work / "tables"), work / "figures")
    write_text(work / "report.html", report.render(results, templates, config, work))
    return missing
