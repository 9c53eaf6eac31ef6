import errno
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisynames import columns
from noisynames.errors import UserError
from noisynames.files import (
    csv_text,
    missing,
    read_record,
    read_recorded,
    read_table,
    replacing,
    sweep,
    write_record,
    write_table,
    write_text,
)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as part:
        part.write_text("half of the n")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_reported_with_the_file_that_was_meant(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as caught, replacing(tmp_path / "a.txt"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert caught.value.filename == str(tmp_path / "a.txt")


def test_what_a_killed_writer_left_is_swept_away(tmp_path: Path) -> None:
    write_text(tmp_path / "runs/a.txt", "whole")
    (tmp_path / "runs/.a.txt.x7.part").write_text("ha")
    sweep(tmp_path)
    assert [p.name for p in tmp_path.rglob("*")] == ["runs", "a.txt"]


def test_nan_never_reaches_a_record(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_record(tmp_path / "a.json", {"loss": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def recorded(tmp_path: Path) -> tuple[Path, Path]:
    table, record = tmp_path / "it's a.csv", tmp_path / "a.json"
    write_table(pd.DataFrame({"name": ["NA", "Lé"], "loss": [0.1, 1 / 3]}), table)
    write_record(record, {"status": "ok", "rate": 0.1, "names": ["Lé"]}, files=[table])
    return table, record


def test_numbers_have_eight_digits_and_none_makes_an_empty_field() -> None:
    values = [1 / 3, 100.0, 1e-9 / 3, np.nan, np.inf, 123456789.0, -0.5]
    table = pd.DataFrame(
        {"x": values, "single": np.array(values, np.float32), "n": 1, "flag": True}
    )
    expected = table.to_csv(index=False, float_format="%.8g", lineterminator="\n")
    assert csv_text(table) == expected
    assert csv_text(table, header=False) == expected.split("\n", 1)[1]


def test_records_and_tables_come_back_as_they_were(recorded: tuple[Path, Path]) -> None:
    table, path = recorded
    record = read_record(path)
    assert {key: record[key] for key in ("status", "rate", "names")} == {
        "status": "ok", "rate": 0.1, "names": ["Lé"],
    }  # fmt: skip
    back = read_table(table, record)
    assert back["name"].tolist() == ["NA", "Lé"]
    assert back["loss"].tolist() == [0.1, 0.33333333]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: content.replace(b"0.1", b"0.2"),
        lambda content: content + b"\n",
        lambda content: b"\xff\xfe" + content,
        lambda content: b"[]",
        lambda content: b'{"checksum": 1}',
    ],
)
@pytest.mark.parametrize("which", ["table", "record"])
def test_damage_is_refused_by_name_with_what_to_type(
    recorded: tuple[Path, Path], which: str, damage: object
) -> None:
    table, record = recorded
    path = table if which == "table" else record
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(UserError) as caught:
        read_table(table, read_record(record))
    import shlex

    assert str(caught.value) == (
        f"{path}: truncated or altered since it was written; "
        f"`rm {shlex.quote(str(path))}`, then run again"
    )


def test_a_missing_file_is_named(recorded: tuple[Path, Path]) -> None:
    table, record = recorded
    table.unlink()
    with pytest.raises(UserError, match=r"it's a\.csv: no such file$"):
        read_recorded(table, read_record(record))


LABELS = st.lists(
    st.one_of(
        st.sampled_from(
            ["1", "01", "1.0", "1e0", "NA", "nan", "null", "true", "False", "inf", "-0", "$x$"]
        ),
        st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1).filter(
            lambda label: label == label.strip()
        ),
    ),
    min_size=1,
    unique=True,
)


@given(LABELS)
def test_a_label_is_read_as_it_was_written_in_every_column_of_text(labels: list[str]) -> None:
    table = pd.DataFrame({**dict.fromkeys(columns.TEXT, labels), "share": 0.5, "seed": 1})
    with TemporaryDirectory() as folder:
        path = Path(folder, "table.csv")
        write_table(table, path)
        write_record(path.with_suffix(".json"), {}, files=[path])
        back = read_table(path, read_record(path.with_suffix(".json")))
    for column in columns.TEXT:
        assert back[column].tolist() == labels
    assert back["share"].tolist() == [0.5] * len(labels)


def test_numbers_have_their_type_whatever_the_file_holds(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("model,accuracy,parameters,bidirectional\na,1,,\nb,0,7,True\n")
    write_record(path.with_suffix(".json"), {}, files=[path])
    table = read_table(path, read_record(path.with_suffix(".json")))
    assert table["accuracy"].dtype == "float64"
    assert table["parameters"].isna().tolist() == [True, False]
    assert table["parameters"].iloc[1] == 7
    assert table["bidirectional"].iloc[1]


def test_every_column_of_every_table_has_its_type(smoke: Path) -> None:
    """A column that the schema lacks could be read as any type."""
    unknown = {
        column
        for path in (smoke / "results").rglob("*.csv")
        for column in path.read_text().splitlines()[0].split(",")
        if column not in columns.TYPES and column != "part"
    }
    assert not unknown


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("results/splits/seed0.json", "; `snakemake --cores 1 results/splits/seed0.json`"),
        ("results/my runs.json", "; `snakemake --cores 1 'results/my runs.json'`"),
        ("/nowhere/seed0.json", ""),
        ("/nowhere/results/seed0.json", ""),
        ("results/../seed0.json", ""),
        ("splits/seed0.json", ""),
    ],
)
def test_only_a_file_that_snakemake_can_make_is_asked_for(path: str, command: str) -> None:
    assert str(missing(Path(path))) == f"{path}: no such file{command}"
