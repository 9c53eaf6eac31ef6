"""What all jobs on an arm share: the files that they write, and the names that they inspect."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from noisynames.files import csv_text, write_record, write_table, write_text
from noisynames.names.splits import Row, Split

if TYPE_CHECKING:
    from noisynames.files import Table

Columns = Mapping[str, NDArray[Any]]
"""A table: arrays of the same length, by column. It needs no pandas, whose import takes longer than
most of these jobs."""
Result = TypeVar("Result")


def stacked(tables: Sequence[Columns], columns: Iterable[str]) -> Columns:
    """Return the rows of several tables as one with these columns; without tables, an empty one."""
    return {
        name: np.concatenate([table[name] for table in tables] or [np.empty(0)]) for name in columns
    }


def rows_where(table: Columns, rows: NDArray[Any]) -> Columns:
    """Return some rows of a table: a Boolean for each row, or their places."""
    return {name: column[rows] for name, column in table.items()}


def columns_of(rows: Sequence[Sequence[Any]], names: Sequence[str]) -> Columns:
    """Return rows as a table with these columns."""
    values = zip(*rows, strict=True) if rows else [()] * len(names)
    return {name: np.array(column) for name, column in zip(names, values, strict=True)}


def write(rows: Columns, path: Path) -> None:
    """Write the rows of an arm as CSV, with their record beside it."""
    write_table(rows, path)
    count = len(next(iter(rows.values())))
    write_record(path.with_suffix(".json"), {"rows": count}, files=[path])


def write_with_tables(
    results: Iterable[Result],
    rows_of: Callable[[Result], "Table"],
    columns: list[str],
    summarise: Callable[[Iterable[Result]], Mapping[str, "Table"]],
    path: Path,
    **more: Any,
) -> None:
    """Write the rows of an arm, the tables made from its results, and the record of both.

    Args:
        results: What was found out for each seed; only one is held at a time.
        rows_of: Returns the rows to write, given a result.
        columns: The columns to write if there are no rows.
        summarise: Returns tables by name, given the results; written as `<stem>-<name>.csv`.
        path: The file for the rows.
        more: Further content of the record.
    """
    texts: list[str] = []

    def written() -> Iterator[Result]:
        for result in results:
            texts.append(csv_text(rows_of(result), header=not texts))
            yield result

    tables = summarise(written())
    write_text(path, "".join(texts) or ",".join(columns) + "\n")
    files = {path.with_name(f"{path.stem}-{name}.csv"): table for name, table in tables.items()}
    for file, table in files.items():
        write_table(table, file)
    write_record(path.with_suffix(".json"), more, files=[path, *files])


def inspected_names(split: Split, per_language: int) -> Sequence[Row]:
    """Return the held-out names that are inspected one by one: a few of each language.

    They are spread evenly over the names of 4 to 12 characters (or, if there are too few, over all
    names), so they are the same for every model and noise level of a seed.
    """
    names_of: dict[str, list[Row]] = {language: [] for language in split.languages}
    for row in split.test:
        names_of[row[0]].append(row)
    chosen = []
    for names in names_of.values():
        usual = [row for row in names if 4 <= len(row[1]) <= 12]
        pool = usual if len(usual) >= per_language else names
        step = max(len(pool) // per_language, 1)
        chosen += pool[::step][:per_language]
    return chosen
