"""A report from the runs that exist, when others failed or have not run yet."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from noisynames import (
    attention,
    baselines,
    evaluation,
    figures,
    findings,
    probes,
    report,
    runs,
    tables,
)
from noisynames.errors import UserError
from noisynames.files import read_recorded, write_text
from noisynames.grid import Cell, Grid, run_folder
from noisynames.noise import Noise


def find_missing(results: Path, grid: Grid) -> dict[Cell, str]:
    """Return the runs that cannot be reported, each with the reason.

    A run counts only if its files are as they were written, and it is what the grid asks for.
    """
    missing = {}
    for cell in grid.cells:
        folder = run_folder(results, cell)
        if not (folder / runs.RECORD).exists():
            missing[cell] = "not run, or failed"
            continue
        try:
            record = tables.read_run(results, grid, cell)
            read_recorded(folder / runs.LOSSES, record)
            runs.read_parameters(folder, record)
            evaluation.read_split(folder, results / "splits")
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

    for model in grid.models:
        for noise in grid.conditions:
            cells = [(model, noise.name, s) for s in grid.seeds]
            folders = [run_folder(results, cell) for cell in cells if cell not in missing]
            _evaluate(folders, results / "splits", noise, grid, config, Path(model), work)
    seeds = sorted({seed for _, _, seed in grid.cells if _any_run(missing, grid, seed)})
    for baseline in grid.baselines:
        for noise in grid.conditions:
            rows = baselines.evaluate(
                baseline, results / "splits", seeds, noise, grid.conditions,
                grid.training["updates"],
            )  # fmt: skip
            evaluation.write(rows, work / "evaluation" / baseline / f"noise{noise.name}.csv")

    built = tables.build(results, grid, work, missing)
    timings = tables.timings(results, [cell for cell in grid.cells if cell not in missing])
    tables.write(built, work / "tables", tables.STATISTICS, findings.find(built, grid))
    tables.write({"timings": timings}, work / "tables", tables.TIMINGS, {})
    figures.draw(shown, *tables.read(work / "tables"), work / "figures")
    write_text(work / "report.html", report.render(results, templates, config, work))
    return missing


def _any_run(missing: Mapping[Cell, str], grid: Grid, seed: int) -> bool:
    return any((m, n, seed) not in missing for m in grid.models for n in grid.noises)


def _evaluate(
    folders: list[Path],
    splits: Path,
    noise: Noise,
    grid: Grid,
    config: Mapping[str, Any],
    model: Path,
    work: Path,
) -> None:
    """Do what the rules evaluate, probe and inspect_attention do for a model × noise."""
    file = model / f"noise{noise.name}.csv"
    rows = evaluation.of_cell(
        folders,
        splits,
        lambda folder, split: evaluation.evaluate_run(folder, split, grid.conditions),
        evaluation.PREDICTION_COLUMNS,
    )
    judged = [evaluation.validate(f, evaluation.read_split(f, splits), noise) for f in folders]
    evaluation.write(rows, work / "evaluation" / file, validation=[row for row in judged if row])
    rows = evaluation.of_cell(
        folders,
        splits,
        lambda folder, split: probes.probe_run(
            folder, split, grid.noise_characters, **config["probe"]
        ),
        probes.PROBE_COLUMNS,
    )
    evaluation.write(rows, work / "probes" / file)
    if str(model) not in grid.attention_models:
        return
    names = config["attention"]["names_per_language"]
    rows = evaluation.of_cell(
        folders,
        splits,
        lambda folder, split: attention.attention_of_run(folder, split, grid.conditions, names),
        attention.ATTENTION_COLUMNS,
    )
    evaluation.write(rows, work / "attention" / file)
