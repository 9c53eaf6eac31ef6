"""A report from the runs that exist, when others failed or have not run yet."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from noisynames import attention, evaluation, figures, findings, report, runs, tables
from noisynames.errors import UserError
from noisynames.files import read_recorded, write_text
from noisynames.splits import Split
from noisynames.tables import Cell, Grid, run_folder


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

    def predict(folder: Path, split: Split) -> Any:
        return evaluation.evaluate_run(folder, split, grid.noise_levels)

    def inspect(folder: Path, split: Split) -> Any:
        names = config["attention"]["names_per_language"]
        return attention.attention_of_run(folder, split, grid.noise_levels, names)

    for model in grid.models:
        for noise in grid.noise_levels:
            cells = [(model, noise, s) for s in grid.seeds if (model, noise, s) not in missing]
            folders = [run_folder(results, cell) for cell in cells]
            file = Path(model, f"noise{noise}.csv")
            columns = evaluation.PREDICTION_COLUMNS
            rows = evaluation.of_cell(folders, results / "splits", predict, columns)
            evaluation.write(rows, work / "evaluation" / file)
            if model in grid.attention_models:
                columns = attention.ATTENTION_COLUMNS
                rows = evaluation.of_cell(folders, results / "splits", inspect, columns)
                evaluation.write(rows, work / "attention" / file)

    built = tables.build(results, grid, work, missing)
    timings = tables.timings(results, [cell for cell in grid.cells if cell not in missing])
    tables.write(built, work / "tables", tables.STATISTICS, findings.find(built, grid))
    tables.write({"timings": timings}, work / "tables", tables.TIMINGS, {})
    figures.draw(shown, *tables.read(work / "tables"), work / "figures")
    write_text(work / "report.html", report.render(results, templates, config, work))
    return missing
