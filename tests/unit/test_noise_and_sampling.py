import numpy as np
import pytest
from scipy import stats

from noisynames.alphabet import decode, encode
from noisynames.noise import NOISE_CHARACTERS, draw_suffixes
from noisynames.sampling import Examples, TrainingStream, held_out_examples

LANGUAGES = ["a", "b", "c"]
ROWS = [("a", "Adams"), ("a", "Li"), ("b", "O"), ("c", "Nguyen"), ("c", "Li")]
NAMES = Examples.of_names(ROWS, LANGUAGES)


def texts(examples: Examples) -> list[str]:
    return [decode(examples[i]) for i in range(len(examples))]


@pytest.mark.parametrize("level", [1, 2, 5])
def test_noise_lengths_are_uniform_on_0_to_level_plus_1(level: int) -> None:
    lengths, _ = draw_suffixes(np.random.default_rng(1), 20_000, level)
    counts = np.bincount(lengths)
    assert len(counts) == level + 2
    assert stats.chisquare(counts).pvalue > 0.01


def test_noise_characters_are_uniform_on_the_worksheets_four() -> None:
    _, symbols = draw_suffixes(np.random.default_rng(2), 5_000, 3)
    counts = np.bincount(symbols.ravel(), minlength=57)
    used = encode(NOISE_CHARACTERS)
    assert counts.sum() == counts[used].sum()
    assert stats.chisquare(counts[used]).pvalue > 0.01


def test_at_level_0_nothing_is_appended() -> None:
    stream = TrainingStream(NAMES, 0, seed=3)
    assert set(texts(stream.take(500))) == {name for _, name in ROWS}


def test_noise_is_appended_and_nothing_else_changes() -> None:
    quiet = texts(TrainingStream(NAMES, 0, seed=3).take(500))
    noisy = texts(TrainingStream(NAMES, 5, seed=3).take(500))
    suffixes = [b.removeprefix(a) for a, b in zip(quiet, noisy, strict=True)]
    assert all(b.startswith(a) for a, b in zip(quiet, noisy, strict=True))
    assert set("".join(suffixes)) == set(NOISE_CHARACTERS)
    assert {len(suffix) for suffix in suffixes} == set(range(7))


def test_languages_are_drawn_uniformly_whatever_their_size() -> None:
    examples = TrainingStream(NAMES, 0, seed=4).take(9_000)
    assert stats.chisquare(np.bincount(examples.targets)).pvalue > 0.01


@pytest.mark.parametrize("level", [0, 5])
def test_the_stream_does_not_depend_on_how_it_is_taken(level: int) -> None:
    whole = TrainingStream(NAMES, level, seed=5).take(100)
    stream = TrainingStream(NAMES, level, seed=5)
    parts = [stream.take(n) for n in (1, 59, 40)]
    assert texts(whole) == [text for part in parts for text in texts(part)]
    np.testing.assert_array_equal(whole.targets, np.concatenate([p.targets for p in parts]))


def test_held_out_noise_repeats_for_every_model() -> None:
    assert texts(held_out_examples(NAMES, 5, 0)) == texts(held_out_examples(NAMES, 5, 0))
    assert texts(held_out_examples(NAMES, 5, 0)) != texts(held_out_examples(NAMES, 5, 1))
    assert texts(held_out_examples(NAMES, 0, 0)) == [name for _, name in ROWS]
