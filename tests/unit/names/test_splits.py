from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisynames.errors import UserError
from noisynames.files import sha256
from noisynames.names import dataset as datasets
from noisynames.names import splits

ROWS = datasets.load("surnames").rows


@pytest.mark.parametrize("seed", range(10))
def test_no_test_name_occurs_in_training(seed: int) -> None:
    split = splits.split_names(ROWS, seed)
    assert not {name for _, name in split.train} & {name for _, name in split.test}


def test_the_split_is_stratified_and_capped() -> None:
    split = splits.split_names(ROWS, 0, test_fraction=0.2, max_train_names=50)
    sizes = Counter(language for language, _ in ROWS)
    trained = Counter(language for language, _ in split.train)
    tested = Counter(language for language, _ in split.test)
    assert set(trained.values()) == {50}
    for language, size in sizes.items():
        assert abs(tested[language] - 0.2 * size) <= 3, language


def test_without_a_cap_every_name_is_used() -> None:
    split = splits.split_names(ROWS, 0, max_train_names=None)
    assert sorted(split.train + split.test) == ROWS


def test_a_shared_name_is_held_out_as_often_as_any_other() -> None:
    shared = {n for n, k in Counter(name for _, name in ROWS).items() if k > 1}
    held = [
        len(shared & {name for _, name in splits.split_names(ROWS, seed).test}) / len(shared)
        for seed in range(20)
    ]
    assert sum(held) / len(held) == pytest.approx(0.2, abs=0.02)


def test_seeds_differ_and_repeat() -> None:
    assert splits.split_names(ROWS, 1) == splits.split_names(ROWS, 1)
    assert splits.split_names(ROWS, 1) != splits.split_names(ROWS, 2)


def test_a_seed_always_means_the_same_names() -> None:
    """The parts of seed 3 are the same as when runs were recorded."""
    rows = [(label, f"{label}{c}") for label in "ab" for c in "bcdefghijk"]
    split = splits.split_names(rows, 3, 0.2, validation_fraction=0.2)
    assert [name for _, name in split.test] == ["ae", "ah", "be", "bh"]
    assert [name for _, name in split.validation] == ["ab", "ak", "bd", "bj"]


@settings(max_examples=50)
@given(st.data())
def test_any_table_is_split_without_a_leak_or_refused(data: st.DataObject) -> None:
    labels = st.sampled_from(["a", "b", "c"])
    names = st.text("xyz", min_size=1, max_size=3)
    rows = sorted(data.draw(st.sets(st.tuples(labels, names), min_size=2)))
    fraction = data.draw(st.floats(0.05, 0.95))
    try:
        split = splits.split_names(rows, data.draw(st.integers(0, 9)), fraction, None)
    except UserError:
        return
    assert sorted(split.train + split.test) == rows
    assert not {name for _, name in split.train} & {name for _, name in split.test}


def test_a_label_with_too_few_names_is_named() -> None:
    rows = [("big", f"Name{c}") for c in "abcdefghij"] + [("tiny", "Roe"), ("tiny", "Poe")]
    with pytest.raises(UserError, match=r"dataset.test_fraction: label 'tiny' has 2 distinct name"):
        splits.split_names(rows, 0, test_fraction=0.2)


def test_a_split_survives_its_file(tmp_path: Path) -> None:
    rows = [(label, f"{label}, {c}") for label in ("null", "NA") for c in "abcdefghij"]
    split = splits.split_names(rows, 0)
    splits.write(split, tmp_path / "seed0.csv")
    read = splits.read(tmp_path / "seed0.csv")
    assert read == split
    assert read.digest == split.digest == sha256((tmp_path / "seed0.csv").read_bytes())


@pytest.mark.parametrize("seed", range(5))
def test_a_validation_part_takes_no_test_name(seed: int) -> None:
    without = splits.split_names(ROWS, seed)
    split = splits.split_names(ROWS, seed, validation_fraction=0.1)
    assert split.test == without.test
    parts = [{name for _, name in part} for part in (split.train, split.validation, split.test)]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]
    sizes = Counter(language for language, _ in ROWS)
    for language, size in sizes.items():
        held = sum(lang == language for lang, _ in split.validation)
        assert abs(held - 0.1 * size) <= 3, language


def test_a_validation_part_survives_its_file(tmp_path: Path) -> None:
    split = splits.split_names(ROWS, 3, validation_fraction=0.05)
    splits.write(split, tmp_path / "seed3.csv")
    assert splits.read(tmp_path / "seed3.csv") == split


def test_every_part_needs_a_name_of_each_label() -> None:
    rows = [("a", f"A{c}") for c in "bcde"] + [("b", f"B{c}") for c in "bcde"]
    splits.check_counts(rows, 0.25)  # one of four is held out
    splits.check_counts(rows, 0.75)  # one is left
    splits.check_counts(rows, 0.25, 0.5)
    for fractions in ((0.1,), (0.9,), (0.25, 0.75), (0.25, 0.1)):
        with pytest.raises(UserError, match="too few"):
            splits.check_counts(rows, *fractions)


def test_yardsticks_by_hand() -> None:
    train = [("a", "Li"), ("b", "Poe"), ("c", "Roe")]
    test = [("a", "Bo"), ("a", "Na"), ("b", "Bo"), ("c", "Zo")]
    found = splits.yardsticks(splits.Split(train, test))
    assert found == pytest.approx(
        {
            "chance": 1 / 3,
            "majority": 2 / 4,
            "ceiling": 3 / 4,
            "macro_ceiling": 2.5 / 3,
            "leaked": 0,
        }
    )
