import numpy as np
import pytest
from scipy import stats

from noisynames.errors import UserError
from noisynames.names.alphabet import WORKSHEET, WORKSHEET_NOISE, Alphabet
from noisynames.names.examples import Examples, TrainingStream, held_out_examples
from noisynames.names.noise import PLACEMENTS, Noise, NoiseCharacters, NoiseStream, conditions

LANGUAGES = ["a", "b", "c"]
ROWS = [("a", "Adams"), ("a", "Li"), ("b", "O"), ("c", "Nguyen"), ("c", "Li")]
NAMES = Examples.of_names(ROWS, LANGUAGES)


def texts(examples: Examples) -> list[str]:
    return [examples.text(i) for i in range(len(examples))]


def drawn(noise: Noise, count: int, seed: int = 1) -> NoiseCharacters:
    return NoiseStream(noise, seed, "test").take(count)


@pytest.mark.parametrize("level", [1, 2, 5])
def test_noise_lengths_are_uniform_on_0_to_level_plus_1(level: int) -> None:
    counts = np.bincount(drawn(Noise(level), 20_000).lengths)
    assert len(counts) == level + 2
    assert stats.chisquare(counts).pvalue > 0.01


@pytest.mark.parametrize("characters", [WORKSHEET_NOISE, "abZ"])
def test_noise_characters_are_uniform_on_those_given(characters: str) -> None:
    counts = np.bincount(drawn(Noise(3, "suffix", characters), 5_000).symbols.ravel(), minlength=57)
    used = WORKSHEET.encode(characters)
    assert counts.sum() == counts[used].sum()
    assert stats.chisquare(counts[used]).pvalue > 0.01


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_every_placement_has_the_same_noise(placement: str) -> None:
    """The same noise characters in the same number and order; the name around them is complete."""
    behind = TrainingStream(NAMES, Noise(5), seed=3).take(500)
    here = TrainingStream(NAMES, Noise(5, placement), seed=3).take(500)
    quiet = texts(TrainingStream(NAMES, Noise(0), seed=3).take(500))
    for i, name in enumerate(quiet):
        added = behind.text(i).removeprefix(name)
        text = here.text(i)
        is_noise = here.is_noise[here.offsets[i] : here.offsets[i + 1]]
        found = "".join(c for c, noisy in zip(text, is_noise, strict=True) if noisy)
        letters = "".join(c for c, noisy in zip(text, is_noise, strict=True) if not noisy)
        if placement == "substitution":
            assert len(text) == len(name)
            assert len(found) <= len(added)
            assert bool(found) == bool(added)
            assert set(found) <= set(added)
            kept = (c for c, noisy in zip(name, is_noise, strict=True) if not noisy)
            assert "".join(kept) == letters
            continue
        assert (found, letters) == (added, name)
        if placement == "prefix":
            assert text == added + name
        if placement == "scattered":
            assert text[-1] == name[-1]
            assert len(name) == 1 or text[0] == name[0]


@pytest.mark.parametrize(
    ("placement", "expected"),
    [
        ("suffix", ["O..", "Adams", "O", "Nguyen", "Li'',", "O;", "O", "Li.,;"]),
        ("prefix", ["..O", "Adams", "O", "Nguyen", "'',Li", ";O", "O", ".,;Li"]),
        ("scattered", ["..O", "Adams", "O", "Nguyen", "L'',i", ";O", "O", "L.,;i"]),
        ("substitution", [".", "Adams", "O", "Nguyen", ",'", ";", "O", ";."]),
    ],
)
def test_a_seed_always_draws_the_same_names_and_noise(placement: str, expected: list[str]) -> None:
    assert texts(TrainingStream(NAMES, Noise(2, placement), seed=7).take(8)) == expected


def test_held_out_names_get_noise_of_their_own() -> None:
    assert texts(held_out_examples(NAMES, Noise(2), 7)) == ["Adams;", "Li',", "O", "Nguyen,", "Li;"]


def test_names_are_padded_to_the_longest() -> None:
    padded = NAMES.padded(99)
    assert padded.shape == (5, 6)
    assert padded.dtype == np.uint16
    assert [WORKSHEET.decode(row[row != 99]) for row in padded] == [name for _, name in ROWS]
    assert (padded[1] == [*WORKSHEET.encode("Li"), 99, 99, 99, 99]).all()


def test_without_noise_there_are_no_noise_characters() -> None:
    nothing = drawn(Noise(0), 3)
    assert nothing.lengths.tolist() == [0, 0, 0]
    assert nothing.symbols.dtype == np.uint16
    assert nothing.symbols.shape == (3, 1)


def test_scattered_noise_falls_into_all_gaps_equally() -> None:
    name = Examples.of_names([("a", "Smith")] * 4_000, LANGUAGES)
    examples = name.with_noise(drawn(Noise(1, "scattered"), 4_000))
    gaps = []
    for i in range(len(examples)):
        is_noise = examples.is_noise[examples.offsets[i] : examples.offsets[i + 1]]
        gaps += [int((~is_noise[:place]).sum()) for place in np.flatnonzero(is_noise)]
    counts = np.bincount(gaps)
    assert len(counts) == len("Smith"), "after one letter, two, …, all but the last"
    assert counts[0] == 0
    assert stats.chisquare(counts[1:]).pvalue > 0.01


def test_all_letters_are_replaced_equally() -> None:
    name = Examples.of_names([("a", "Smith")] * 4_000, LANGUAGES)
    examples = name.with_noise(drawn(Noise(1, "substitution"), 4_000))
    assert stats.chisquare(examples.is_noise.reshape(-1, 5).sum(0)).pvalue > 0.01


def test_a_grid_has_one_condition_without_noise() -> None:
    names = [noise.name for noise in conditions([5, 0, 1], ["suffix", "prefix"])]
    assert names == ["0", "1", "5", "1-prefix", "5-prefix"]
    assert [Noise.named(name).name for name in names] == names


@pytest.mark.parametrize(
    ("name", "characters", "message"),
    [
        ("five", ".", "noise: found 'five'; allowed: a level, or LEVEL-PLACEMENT"),
        ("-5", ".", "noise: found '-5'; allowed: a level, or LEVEL-PLACEMENT"),
        ("5-inside", ".", "noise: placement 'inside' is not one of suffix, prefix, scattered, "),
        ("5", "..", "noise.characters: found '..'; allowed: distinct printable characters, "),
        ("5", "", "noise.characters: found ''; allowed: distinct printable characters, "),
        ("5", "e\u0301", "noise.characters: found 'e\u0301'; allowed: distinct printable"),
        ("5", "\u200d", "noise.characters: found '\\u200d'; allowed: distinct printable"),
        ("5", "\u212b", "noise.characters: found '\u212b'; allowed: distinct printable"),
    ],
)
def test_impossible_noise_is_refused(name: str, characters: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        Noise.named(name, characters)
    assert str(caught.value).startswith(message)


def test_at_level_0_nothing_is_appended() -> None:
    stream = TrainingStream(NAMES, Noise(0), seed=3)
    assert set(texts(stream.take(500))) == {name for _, name in ROWS}


def test_noise_is_appended_and_nothing_else_changes() -> None:
    quiet = texts(TrainingStream(NAMES, Noise(0), seed=3).take(500))
    noisy = texts(TrainingStream(NAMES, Noise(5), seed=3).take(500))
    suffixes = [b.removeprefix(a) for a, b in zip(quiet, noisy, strict=True)]
    assert all(b.startswith(a) for a, b in zip(quiet, noisy, strict=True))
    assert set("".join(suffixes)) == set(WORKSHEET_NOISE)
    assert {len(suffix) for suffix in suffixes} == set(range(7))


def test_languages_are_drawn_uniformly_whatever_their_size() -> None:
    examples = TrainingStream(NAMES, Noise(0), seed=4).take(9_000)
    assert stats.chisquare(np.bincount(examples.targets)).pvalue > 0.01


@pytest.mark.parametrize("level", [0, 5])
def test_the_stream_does_not_depend_on_how_much_is_taken_at_a_time(level: int) -> None:
    whole = TrainingStream(NAMES, Noise(level), seed=5).take(100)
    stream = TrainingStream(NAMES, Noise(level), seed=5)
    parts = [stream.take(n) for n in (1, 0, 59, 40)]
    assert [len(part) for part in parts] == [1, 0, 59, 40]
    assert texts(whole) == [text for part in parts for text in texts(part)]
    np.testing.assert_array_equal(whole.targets, np.concatenate([p.targets for p in parts]))
    np.testing.assert_array_equal(whole.is_noise, np.concatenate([p.is_noise for p in parts]))


def test_held_out_noise_repeats_for_every_model() -> None:
    def held_out(level: int, seed: int) -> list[str]:
        return texts(held_out_examples(NAMES, Noise(level), seed))

    assert held_out(5, 0) == held_out(5, 0)
    assert held_out(5, 0) != held_out(5, 1)
    assert held_out(0, 0) == [name for _, name in ROWS]
    assert texts(held_out_examples(NAMES, Noise(5), 0)) != texts(
        held_out_examples(NAMES, Noise(5), 1)
    )
    assert texts(held_out_examples(NAMES, Noise(0), 0)) == [name for _, name in ROWS]


def test_noise_is_drawn_from_the_alphabet_of_the_names() -> None:
    symbols = "".join(chr(code) for code in range(0x4E00, 0x4E00 + 300)) + "¿·"
    names = Examples.of_names([("a", symbols[250:255]), ("b", symbols[:3])], LANGUAGES,
                              Alphabet(symbols))  # fmt: skip
    examples = held_out_examples(names, Noise(5, "suffix", "¿·"), 0)
    for i, name in enumerate((symbols[250:255], symbols[:3])):
        assert examples.text(i).startswith(name)
        assert set(examples.text(i).removeprefix(name)) <= {"¿", "·"}
    assert examples.is_noise.any()


def test_noise_that_the_alphabet_does_not_have_is_refused() -> None:
    with pytest.raises(
        UserError, match=r"characters: found 'é'; allowed: distinct characters of \"abc"
    ):
        TrainingStream(NAMES, Noise(5, "suffix", "é"), 0)
    assert texts(held_out_examples(NAMES, Noise(0, "suffix", "é"), 0)) == [n for _, n in ROWS]
