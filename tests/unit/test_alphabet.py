import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisynames.alphabet import WORKSHEET, dropped_characters, normalise


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


@given(st.text(WORKSHEET.symbols))
def test_decoding_inverts_encoding(name: str) -> None:
    assert WORKSHEET.decode(WORKSHEET.encode(name)) == name
