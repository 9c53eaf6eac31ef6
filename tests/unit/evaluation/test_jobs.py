"""What jobs on an arm write: rows, the tables made from them, and the record of both."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from noisynames.errors import UserError
from noisynames.evaluation.jobs import (
    Columns,
    columns_of,
    inspected_names,
    stacked,
    write,
    write_with_tables,
)
from noisynames.files import read_record, read_recorded, sha256
from noisynames.names.splits import Split

COLUMNS = ["seed", "noise", "loss"]
SEEDS = [
    columns_of([(seed, noise, seed + 0.123456789) for noise in "05"], COLUMNS) for seed in (0, 1)
]


def summed(seeds: Iterable[Columns]) -> dict[str, Columns]:
    """The number of rows of each seed, and their largest loss."""
    found = [(len(rows["loss"]), rows["loss"].max()) for rows in seeds]
    return {
        "sizes": columns_of([(rows,) for rows, _ in found], ["rows"]),
        "largest": columns_of([(loss,) for _, loss in found], ["loss"]),
    }


def whole(rows: Columns) -> Columns:
    return rows


def only_noise_5(rows: Columns) -> Columns:
    return {name: column[rows["noise"] == "5"] for name, column in rows.items()}


def test_a_table_has_a_record_that_vouches_for_it(tmp_path: Path) -> None:
    path = tmp_path / "gru" / "noise0.csv"
    write(SEEDS[0], path)
    assert path.read_text() == "seed,noise,loss\n0,0,0.12345679\n0,5,0.12345679\n"
    record = read_record(path.with_suffix(".json"))
    assert record == {"rows": 2, "files": {"noise0.csv": sha256(path.read_bytes())}}


def test_seeds_follow_each_other_under_one_header_with_tables_beside_them(tmp_path: Path) -> None:
    path = tmp_path / "noise5.csv"
    write_with_tables(SEEDS, whole, COLUMNS, summed, path, validation=[{"seed": 0}])
    assert path.read_text().splitlines() == [
        "seed,noise,loss", "0,0,0.12345679", "0,5,0.12345679", "1,0,1.1234568", "1,5,1.1234568",
    ]  # fmt: skip
    assert (tmp_path / "noise5-sizes.csv").read_text() == "rows\n2\n2\n"
    assert (tmp_path / "noise5-largest.csv").read_text() == "loss\n0.12345679\n1.1234568\n"
    record = read_record(tmp_path / "noise5.json")
    assert record["validation"] == [{"seed": 0}]
    names = ["noise5.csv", "noise5-sizes.csv", "noise5-largest.csv"]
    assert list(record["files"]) == names
    for name in names:
        read_recorded(tmp_path / name, record)


def test_rows_of_other_noises_are_scored_though_they_are_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "noise5.csv"
    write_with_tables(SEEDS, only_noise_5, COLUMNS, summed, path)
    assert path.read_text() == "seed,noise,loss\n0,5,0.12345679\n1,5,1.1234568\n"
    assert (tmp_path / "noise5-sizes.csv").read_text() == "rows\n2\n2\n"


def test_where_every_run_diverged_there_is_a_table_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "noise5.csv"
    write_with_tables([], whole, COLUMNS, summed, path)
    assert path.read_text() == "seed,noise,loss\n"
    assert (tmp_path / "noise5-largest.csv").read_text() == "loss\n"
    assert [*stacked([], COLUMNS)] == COLUMNS


def test_a_job_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> Iterable[Columns]:
        yield SEEDS[0]
        raise UserError("run.json: damaged")

    with pytest.raises(UserError):
        write_with_tables(broken(), whole, COLUMNS, summed, tmp_path / "noise5.csv")
    assert list(tmp_path.iterdir()) == []


def test_tables_are_stacked_in_order() -> None:
    rows = stacked(SEEDS, COLUMNS)
    assert rows["seed"].tolist() == [0, 0, 1, 1]
    assert rows["noise"].tolist() == ["0", "5", "0", "5"]


@pytest.mark.parametrize("rows", [[(0,), (1, "5")], [(0, "5"), (1, "5")]])
def test_rows_that_do_not_fit_their_columns_are_an_error(rows: list[tuple[object]]) -> None:
    with pytest.raises(ValueError, match="zip"):
        columns_of(rows, ["seed"])


def test_the_names_inspected_are_spread_over_each_language() -> None:
    test = [("a", f"Name{c}") for c in "abcdefghij"] + [("b", "Li")]
    chosen = inspected_names(Split([("a", "Roe"), ("b", "Poe")], test), 2)
    assert chosen == [("a", "Namea"), ("a", "Namef"), ("b", "Li")]


def test_names_of_4_to_12_characters_are_inspected_if_there_are_enough() -> None:
    test = [("a", "x" * n) for n in (1, 3, 4, 12, 13)]
    split = Split([("a", "Roe")], test)
    assert [len(name) for _, name in inspected_names(split, 2)] == [4, 12]
    assert [len(name) for _, name in inspected_names(split, 3)] == [1, 3, 4]
    assert [len(name) for _, name in inspected_names(split, 9)] == [1, 3, 4, 12, 13]
