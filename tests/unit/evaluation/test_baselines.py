import string
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from noisynames.errors import UserError
from noisynames.evaluation import baselines
from noisynames.files import read_record, read_table
from noisynames.names import splits
from noisynames.names.alphabet import alphabet_of, symbol_counts
from noisynames.names.examples import Examples
from noisynames.names.noise import Noise
from noisynames.names.splits import Split

VOWELS = [("vowels", f"{a}{b}{c}") for a in "aeiou" for b in "aeiou" for c in "aeiou"]
CONSONANTS = [("consonants", f"{a}{b}x") for a in "bcdfgh" for b in "klmnp"]


def evaluated(
    baseline: str, folder: Path, seeds: list[int], own: Noise, tested: list[Noise], updates: int
) -> pd.DataFrame:
    """The predictions that a baseline's job writes."""
    output = folder / "evaluation" / f"{baseline}.csv"
    files = [folder / f"seed{seed}.csv" for seed in seeds]
    baselines.evaluate(baseline, files, seeds, own, tested, output, updates, keep="all")
    return read_table(output, read_record(output.with_suffix(".json")))


SPLIT = Split(VOWELS[::2] + CONSONANTS[::2], VOWELS[1::2] + CONSONANTS[1::2])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed in (0, 1):
        splits.write(SPLIT, tmp_path / f"seed{seed}.csv")
    return tmp_path


def test_ngrams_learn_from_letters(folder: Path) -> None:
    noises = [Noise(0), Noise(2)]
    table = evaluated("ngrams", folder, [0, 1], noises[1], noises, updates=2_000)
    right = (table["language"] == table["prediction"]).groupby([table["seed"], table["noise"]])
    assert len(right.mean()) == 4
    assert right.mean().min() > 0.95
    assert (table["loss"] < np.log(2)).mean() > 0.95


def test_a_baselines_job_imports_no_pandas(folder: Path) -> None:
    """In a process of its own, since tests import it; what needs it later can import it."""
    code = f"""
import sys
from pathlib import Path
from noisynames.evaluation import baselines
from noisynames.names.noise import Noise
folder, quiet = Path({str(folder)!r}), Noise(0)
files = [folder / "seed0.csv"]
baselines.evaluate("ngrams", files, [0], quiet, [quiet], folder / "ngrams.csv", 500, "all")
assert "pandas" not in sys.modules
import pandas
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (folder / "ngrams.csv").is_file()


def test_ngrams_equal_those_of_scikit_learn() -> None:
    names = [("a", "Ann"), ("a", "O'Neil, A."), ("b", "x"), ("b", "Annan")]
    counts = baselines.ngram_counts(Examples.of_names(names, ["a", "b"]))[0].toarray()
    vectorizer = CountVectorizer(analyzer="char", ngram_range=baselines.NGRAMS, lowercase=False)
    expected = vectorizer.fit_transform([f"^{name}$" for _, name in names]).toarray()
    assert counts.any(axis=0).sum() == expected.shape[1]
    columns = [sorted(map(tuple, table.T)) for table in (counts[:, counts.any(axis=0)], expected)]
    assert columns[0] == columns[1]


@pytest.mark.parametrize("most_places", [0, baselines._MOST_PLACES])
@given(st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1), min_size=1, max_size=5))
def test_ngrams_of_any_script_equal_those_of_scikit_learn(
    most_places: int, names: list[str]
) -> None:
    names = [unicodedata.normalize("NFC", name) for name in names]
    alphabet = alphabet_of(symbol_counts(names), 1, ".")
    examples = Examples.of_names([("a", name) for name in names], ["a"], alphabet)
    vectorizer = CountVectorizer(analyzer="char", ngram_range=baselines.NGRAMS, lowercase=False)
    expected = vectorizer.fit_transform([f"^{name}$" for name in names]).toarray()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(baselines, "_MOST_PLACES", most_places)
        counts, terms = baselines.ngram_counts(examples)
        some = baselines.ngram_counts(examples, terms[::2])[0]
    assert sorted(map(tuple, counts.toarray().T)) == sorted(map(tuple, expected.T))
    np.testing.assert_array_equal(some.toarray(), counts.toarray()[:, ::2])


def test_ngrams_of_twenty_thousand_symbols_are_told_apart() -> None:
    symbols = "".join(chr(0x4E00 + i) for i in range(20_000))
    drawn = np.random.default_rng(0).integers(len(symbols), size=(20_000, 20))
    names = ["".join(symbols[i] for i in row) for row in drawn]
    alphabet = alphabet_of(symbol_counts([symbols]), 1, ".")
    examples = Examples.of_names([("a", name) for name in names], ["a"], alphabet)
    counts, _ = baselines.ngram_counts(examples)
    texts = [f"^{name}$" for name in names]
    least, most = baselines.NGRAMS
    ngrams = {
        text[i : i + n] for text in texts for n in range(least, most + 1) for i in range(23 - n)
    }
    assert counts.shape == (len(names), len(ngrams))


def test_ngrams_of_twenty_thousand_symbols_fit_into_memory(folder: Path) -> None:
    symbols = "".join(chr(0x4E00 + i) for i in range(20_000))
    same = [("ab"[i % 2], symbols[i : i + 3]) for i in range(0, 400)]
    alphabet = alphabet_of(symbol_counts([symbols]), 1, ".")
    splits.write(Split(same[::3], same[1::3], alphabet=alphabet), folder / "seed0.csv")
    table = evaluated("ngrams", folder, [0], Noise(2, characters="."), [Noise(0)], updates=500)
    assert np.isfinite(table["loss"]).all()
    assert set(table["name"]) == {name for _, name in same[1::3]}


def test_the_majority_is_the_largest_held_out_class(folder: Path) -> None:
    table = evaluated("majority", folder, [0], Noise(0), [Noise(0)], updates=10)
    assert set(table["prediction"]) == {"vowels"}
    share = len(VOWELS[1::2]) / len(SPLIT.test)
    assert (table["rank"] == 1).mean() == pytest.approx(share)
    assert table["probability"].to_numpy() == pytest.approx(share, abs=1e-6)


def test_a_baseline_sees_the_noise_that_models_train_under(folder: Path) -> None:
    """Letters alone tell it nothing; the last character of the noise gives the label."""
    same = [("a", c) for c in string.ascii_lowercase] + [("b", c) for c in string.ascii_uppercase]
    splits.write(Split(same[::2], same[1::2]), folder / "seed0.csv")
    quiet = evaluated("ngrams", folder, [0], Noise(0), [Noise(3)], updates=500)
    noisy = evaluated("ngrams", folder, [0], Noise(3), [Noise(3)], updates=500)
    assert not quiet.equals(noisy)


def test_a_baseline_learns_from_the_examples_that_its_seed_draws(folder: Path) -> None:
    """Both seeds have the same names here, and are tested on them without noise."""
    table = evaluated("ngrams", folder, [0, 1], Noise(0), [Noise(0)], updates=30)
    one, two = (table[table["seed"] == seed].reset_index(drop=True) for seed in (0, 1))
    assert one["name"].equals(two["name"])
    assert (one["loss"] != two["loss"]).all()


def test_a_language_that_was_never_drawn_is_never_predicted(folder: Path) -> None:
    table = evaluated("ngrams", folder, [0], Noise(0), [Noise(0)], updates=4)
    assert np.isfinite(table["loss"]).all()


def test_an_unknown_baseline_is_refused(folder: Path) -> None:
    with pytest.raises(UserError, match="'svm' is not one of ngrams, majority"):
        evaluated("svm", folder, [0], Noise(0), [Noise(0)], updates=4)
