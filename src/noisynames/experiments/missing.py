"""Which runs of an experiment are missing: they failed, have not run yet, or are damaged.

Jobs of the unfinished report read that on a record, so this is light to import.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from noisynames.errors import UserError
from noisynames.files import read_record, read_recorded, write_record
from noisynames.grid import LOSSES, RECORD, TIMING, Cell, Grid, run_folder


def find(results: Path, grid: Grid) -> dict[Cell, str]:
    """Return the runs that cannot be reported, each with the reason.

    A run counts only if its files are as they were written, and it is what the grid asks for. Of a
    run that diverged the weights do not matter.
    """
    from noisynames import runs
    from noisynames.analysis import tables

    missing = {}
    for cell in grid.cells:
        folder = run_folder(results, cell)
        if not (folder / RECORD).exists():
            missing[cell] = "not run, or failed"
            continue
        try:
            read_recorded(folder / LOSSES, tables.read_run(results, grid, cell))
            read_record(folder / TIMING)
            runs.open_finished(folder, results / "splits")
        except UserError as error:
            missing[cell] = str(error)
    return missing


def write(results: Path, grid: Grid, output: Path) -> dict[Cell, str]:
    """Write which runs are missing, and which seeds have any run; return what `find` does.

    Raises:
        UserError: There is no run to report.
    """
    missing = find(results, grid)
    if len(missing) == len(grid.cells):
        raise UserError(f"{results}/runs: none of {len(missing)} runs is there; nothing to report")
    content = {
        "missing": {str(run_folder(results, cell)): reason for cell, reason in missing.items()},
        "seeds": sorted({seed for _, _, seed in set(grid.cells) - set(missing)}),
    }
    write_record(output, content)
    return missing


def read(record: Path | None, results: Path, grid: Grid) -> Mapping[Cell, str]:
    """Return the missing runs on a record; none if there is no record.

    Raises:
        UserError: The record is not what was written.
    """
    reasons = read_record(record)["missing"] if record else {}
    folders = {cell: str(run_folder(results, cell)) for cell in grid.cells}
    return {cell: reasons[folder] for cell, folder in folders.items() if folder in reasons}


def without(folders: Iterable[Path], record: Path | None) -> list[Path]:
    """Return the folders of runs but for those that are missing on a record, if there is one.

    Raises:
        UserError: The record is not what was written.
    """
    reasons = read_record(record)["missing"] if record else {}
    return [folder for folder in folders if str(folder) not in reasons]


def seeds_with_runs(seeds: Iterable[int], record: Path | None) -> list[int]:
    """Return the seeds that have any run on a record; all of them if there is no record.

    Raises:
        UserError: The record is not what was written.
    """
    known = read_record(record)["seeds"] if record else seeds
    return [seed for seed in seeds if seed in known]
