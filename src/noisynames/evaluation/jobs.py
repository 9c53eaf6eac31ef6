"""What all jobs on an arm share: the files that they write, and the names that they inspect."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from noisynames.files import csv_text, write_record, write_table, write_text
from noisynames.names.splits import Row, Split


def stacked(frames: Iterable[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    """Return frames as one; if there are none, an empty one with these columns."""
    return pd.concat([*frames] or [pd.DataFrame(columns=columns)], ignore_index=True)


def write(rows: pd.DataFrame, path: Path) -> None:
    """Write the rows of an arm as CSV, with their record beside it."""
    write_table(rows, path)
    write_record(path.with_suffix(".json"), {"rows": len(rows)}, files=[path])


def write_with_tables(
    frames: Iterable[pd.DataFrame],
    columns: list[str],
    summarise: Callable[[Iterable[pd.DataFrame]], Mapping[str, pd.DataFrame]],
    path: Path,
    keep: str | None,
    **more: Any,
) -> None:
    """Write the rows of an arm, the tables made from them, and the record that vouches for all.

    Args:
        frames: The rows of each seed; only one frame is held at a time.
        columns: The columns to write if there are no rows.
        summarise: Returns tables by name, given the frames; written as `<stem>-<name>.csv`.
        path: The file for the rows.
        keep: The noise whose rows are written; None writes all.
        more: Further content of the record.
    """
    texts: list[str] = []

    def written() -> Iterator[pd.DataFrame]:
        for frame in frames:
            rows = frame if keep is None else frame[frame["noise"] == keep]
            texts.append(csv_text(rows, header=not texts))
            yield frame

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
