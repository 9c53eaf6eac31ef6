import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisynames.names.alphabet import (
    WORKSHEET,
    Alphabet,
    alphabet_of,
    dropped_characters,
    graphemes,
    is_symbol,
    normalise,
    symbol_counts,
)


def test_the_alphabet_is_the_worksheets() -> None:
    assert len(WORKSHEET) == 57
    assert WORKSHEET.symbols[52:] == " .,;'"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ślusàrski", "Slusarski"),
        ("Weiß", "Wei"),
        ("Smith-Jones", "SmithJones"),
        ("O'Néàl", "O'Neal"),
    ],
)
def test_names_are_normalised_as_the_worksheet_does(name: str, expected: str) -> None:
    assert normalise(name) == expected


@given(st.text())
def test_normalising_leaves_only_the_alphabet_and_accounts_for_the_rest(name: str) -> None:
    normal = normalise(name)
    assert set(normal) <= set(WORKSHEET.symbols)
    assert normalise(normal) == normal
    dropped = len(list(dropped_characters(name)))
    assert len(normal) + dropped == len(unicodedata.normalize("NFD", name))


def test_a_dropped_mark_is_told_from_a_letter_outside_the_alphabet() -> None:
    assert list(dropped_characters("Weiß-é")) == [
        ("ß", "not in the alphabet"), ("-", "not in the alphabet"), ("\u0301", "combining mark")
    ]  # fmt: skip


@given(st.text(WORKSHEET.symbols))
def test_decoding_inverts_encoding(name: str) -> None:
    assert WORKSHEET.decode(WORKSHEET.encode(name)) == name


@given(st.lists(st.text(max_size=12), max_size=6), st.integers(1, 3))
def test_names_of_any_script_survive_the_alphabet_made_of_them(
    names: list[str], least: int
) -> None:
    """The rest of a name is composed, has common symbols, and can be decoded from its indices."""
    counts = symbol_counts(names)
    alphabet = alphabet_of(counts, least, ".¿")
    assert list(alphabet.symbols) == sorted(set(alphabet.symbols))
    for name in names:
        normal = normalise(name, alphabet, "NFC")
        assert normal == normalise(normal, alphabet, "NFC") == unicodedata.normalize("NFC", normal)
        assert alphabet.decode(alphabet.encode(normal)) == normal
        dropped = [symbol for symbol, _ in dropped_characters(name, alphabet, "NFC")]
        assert all(counts[symbol] < least or not is_symbol(symbol) for symbol in dropped)
        if not dropped and not any(unicodedata.category(c) == "Zs" for c in name):
            assert normal == unicodedata.normalize("NFC", name)


def test_telling_letters_stay_and_invisible_characters_go() -> None:
    names = ["Kılıç", "A\u0308ijälä", "علی\u200cرضا", "山田\u3000太郎", "a\tb\u202e\u00ad"]
    alphabet = alphabet_of(symbol_counts(names), 1, ".")
    kept = [normalise(name, alphabet, "NFC") for name in names]
    assert kept == ["Kılıç", "Äijälä", "علی\u200cرضا", "山田 太郎", "ab"]
    assert list(dropped_characters(names[-1], alphabet, "NFC")) == [
        ("\t", "not printable"), ("\u202e", "not printable"), ("\u00ad", "not printable")
    ]  # fmt: skip


def test_a_mark_of_a_rare_letter_may_not_make_another_rare_symbol() -> None:
    """Without the x, its accent would be on the a, and á is not a symbol."""
    alphabet = Alphabet("a\u0301")
    assert normalise("ax\u0301", alphabet, "NFC") == ""
    dropped = list(dropped_characters("ax\u0301", alphabet, "NFC"))
    assert dropped == [("x", "too rare"), ("á", "too rare")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("O'Neil,", list("O'Neil,")),
        ("مُحَمَّد", ["مُ", "حَ", "مَّ", "د"]),
        ("निशा", ["नि", "शा"]),
        ("王伟", ["王", "伟"]),
        ("Kılıç", list("Kılıç")),
    ],
)
def test_a_letter_keeps_its_marks(text: str, expected: list[str]) -> None:
    assert graphemes(text) == expected
