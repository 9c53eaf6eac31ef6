"""Which runs of an experiment are missing: they failed, have not run yet, or are damaged.

Jobs of the unfinished report read a record of this, so this module is light to import.
"""

from collections.abc import Mapping, Sequence
from itertools import compress
from pathlib import Path

from noisynames.errors import UserError
from noisynames.files import read_record, read_recorded, write_record
from noisynames.grid import LOSSES, RECORD, TIMING, Cell, Grid, run_folder, split_file


def find(results: Path, grid: Grid) -> dict[Cell, str]:
    """Return the runs that cannot be reported, each with the reason.

    A run counts only if its files are undamaged and it is what the grid asks for. The weights of a
    run that diverged do not matter.
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
            runs.open_finished(folder / RECORD, split_file(results, grid.drawn(cell).of("split")))
        except UserError as error:
            missing[cell] = str(error)
    return missing


def write(results: Path, grid: Grid, output: Path) -> dict[Cell, str]:
    """Write which runs are missing, and which seeds have any run; return the missing ones.

    Raises:
        UserError: There is no run to report.
    """
    missing = find(results, grid)
    if len(missing) == len(grid.cells):
        raise UserError(f"{results}/runs: all {len(missing)} runs are missing; nothing to report")
    content = {
        "missing": {_file(results, cell): reason for cell, reason in missing.items()},
        "seeds": sorted({seed for _, _, seed in set(grid.cells) - set(missing)}),
    }
    write_record(output, content)
    return missing


def read(record: Path | None, results: Path, grid: Grid) -> Mapping[Cell, str]:
    """Return the missing runs in a record; none if there is no record.

    Raises:
        UserError: The record is damaged.
    """
    reasons = read_record(record)["missing"] if record else {}
    files = {cell: _file(results, cell) for cell in grid.cells}
    return {cell: reasons[file] for cell, file in files.items() if file in reasons}


def without(
    record: Path | None, runs: Sequence[Path], split_files: Sequence[Path]
) -> tuple[Sequence[Path], Sequence[Path]]:
    """Return runs and the split of each, without those that a record, if any, lists as missing.

    Raises:
        UserError: The record is damaged.
    """
    if record is None:
        return runs, split_files
    reasons = read_record(record)["missing"]
    there = [str(run) not in reasons for run in runs]
    return list(compress(runs, there)), list(compress(split_files, there))


def with_runs(
    record: Path | None, seeds: Sequence[int], split_files: Sequence[Path]
) -> tuple[Sequence[int], Sequence[Path]]:
    """Return seeds and the split of each; if there is a record, only seeds with any run in it.

    Raises:
        UserError: The record is damaged.
    """
    if record is None:
        return seeds, split_files
    known = read_record(record)["seeds"]
    there = [seed in known for seed in seeds]
    return list(compress(seeds, there)), list(compress(split_files, there))


def _file(results: Path, cell: Cell) -> str:
    return str(run_folder(results, cell) / RECORD)
