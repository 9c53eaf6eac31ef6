"""Alphabets: the symbols that names are made of, and how a name is reduced to them.

The worksheet's alphabet has the 52 ASCII letters and five more symbols; others are made from names.
"""

import string
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from noisynames.errors import UserError

ALPHABETS = ("worksheet", "data")
Form = Literal["NFD", "NFC"]
"""How a name is normalised before symbols outside the alphabet are dropped: decomposed, so that an
alphabet of letters drops only the marks, or composed, which keeps letters with their marks."""

MOST_SYMBOLS = 2**16 - 2
"""The most indices that fit into 16 bits, together with one that means no symbol."""

_JOINERS = "\u200c\u200d"
"""These are not printable, but are used to write Persian, Hindi and other languages."""


@dataclass(frozen=True)
class Alphabet:
    """Symbols, each a single code point; the index of a symbol is its place.

    Attributes:
        symbols: The symbols, distinct, at most MOST_SYMBOLS.
    """

    symbols: str

    @classmethod
    def on_record(cls, record: Mapping[str, Any]) -> "Alphabet":
        """Return the alphabet in the record of a split or a run; early records have none."""
        return cls(record.get("alphabet", WORKSHEET.symbols))

    def __len__(self) -> int:
        return len(self.symbols)

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._index

    def encode(self, name: str) -> NDArray[np.uint16]:
        """Return the indices of a name's symbols, shape (length,).

        Raises:
            KeyError: A character is not in the alphabet (the name was not normalised).
        """
        return np.fromiter(map(self._index.__getitem__, name), np.uint16, len(name))

    def decode(self, indices: NDArray[np.integer]) -> str:
        """Return the text of indices; the inverse of `encode`."""
        return "".join(self.symbols[index] for index in indices)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {symbol: index for index, symbol in enumerate(self.symbols)}


WORKSHEET = Alphabet(string.ascii_letters + " .,;'")
WORKSHEET_NOISE = ".,;'"
"""The characters from which the worksheet draws noise."""
_SHOWN = 100


def normalise(name: str, alphabet: Alphabet = WORKSHEET, form: Form = "NFD") -> str:
    """Return `name` in a Unicode form, without symbols that are not in the alphabet.

    >>> normalise("Ślusàrski"), normalise("Weiß"), normalise("Smith-Jones")
    ('Slusarski', 'Wei', 'SmithJones')
    >>> normalise("Ayşı̇k-1", Alphabet("Akyışi"), "NFC")
    'Ayşık'
    """
    *_, (normal, _) = _rounds(name, alphabet, form)
    return normal


def dropped_characters(
    name: str, alphabet: Alphabet = WORKSHEET, form: Form = "NFD"
) -> Iterator[tuple[str, str]]:
    """Yield every character that `normalise` drops from `name`, with the reason."""
    for _, dropped in _rounds(name, alphabet, form):
        for symbol in dropped:
            if form == "NFC":
                yield symbol, "too rare" if is_symbol(symbol) else "not printable"
            else:
                is_mark = unicodedata.category(symbol) == "Mn"
                yield symbol, "combining mark" if is_mark else "not in the alphabet"


def _rounds(name: str, alphabet: Alphabet, form: Form) -> Iterator[tuple[str, list[str]]]:
    """Yield a name with ever fewer symbols outside the alphabet, each time with those dropped.

    More than one round may be needed: where a symbol before a mark is dropped, the mark may compose
    with the letter before that into a symbol that the alphabet lacks.
    """
    text, known = _formed(name, form), alphabet._index
    while dropped := [symbol for symbol in text if symbol not in known]:
        yield text, dropped
        text = _formed("".join(symbol for symbol in text if symbol in known), form)
    yield text, []


def _formed(name: str, form: Form) -> str:
    text = unicodedata.normalize(form, name)
    if form == "NFC" and not text.isascii():  # a space of any width is a space
        text = "".join(" " if unicodedata.category(c) == "Zs" else c for c in text)
    return text


def is_symbol(character: str) -> bool:
    """Whether an alphabet made from names may contain a character: it is printable or a joiner."""
    return character.isprintable() or character in _JOINERS


def symbol_counts(names: Iterable[str]) -> Counter[str]:
    """Return how often each symbol occurs in names, in composed form."""
    return Counter(symbol for name in names for symbol in _formed(name, "NFC") if is_symbol(symbol))


def alphabet_of(counts: Mapping[str, int], least: int, characters: str) -> Alphabet:
    """Return the sorted alphabet of the symbols that occur often enough and the noise characters.

    Args:
        counts: As `symbol_counts` returns them.
        least: How often a symbol must occur to be in the alphabet.
        characters: The noise characters, which are in the alphabet whether names have them or not.

    Raises:
        UserError: There are more than MOST_SYMBOLS.
    """
    common = {symbol for symbol, count in counts.items() if count >= least}
    symbols = "".join(sorted(common | set(characters)))
    if len(symbols) > MOST_SYMBOLS:
        raise UserError(
            f"dataset.alphabet: the names have {len(symbols)} symbols; allowed: at most "
            f"{MOST_SYMBOLS}; raise dataset.min_symbol_count"
        )
    return Alphabet(symbols)


def graphemes(text: str) -> list[str]:
    """Return the characters of a text as a reader sees them: each letter with its marks.

    They are Unicode's extended grapheme clusters. In plain ASCII, each character is one.
    """
    if text.isascii():
        return list(text)
    import regex

    clusters: list[str] = regex.findall(r"\X", text)
    return clusters


def check_characters(characters: str, alphabet: "Alphabet | None" = None) -> None:
    """Refuse noise characters that are not distinct symbols of the alphabet.

    Args:
        characters: The noise characters.
        alphabet: The alphabet of the names; None for one to which they will be added. They may then
            be any printable characters that normalisation leaves as they are, alone or in a text.

    Raises:
        UserError: They are refused.
    """
    distinct = len(set(characters)) == len(characters) > 0
    if alphabet is None:
        if not (distinct and all(map(_stands_alone, characters))):
            raise UserError(
                f"noise.characters: found {characters!r}; allowed: distinct printable characters, "
                "at least one, each a single code point and not a combining mark"
            )
    elif not (distinct and all(c in alphabet for c in characters)):
        known = repr(alphabet.symbols) if len(alphabet) < _SHOWN else "the names' alphabet"
        raise UserError(
            f"noise.characters: found {characters!r}; "
            f"allowed: distinct characters of {known}, at least one"
        )


def _stands_alone(character: str) -> bool:
    is_mark = unicodedata.category(character).startswith("M")
    is_itself = unicodedata.normalize("NFC", character) == character
    return character.isprintable() and is_itself and not is_mark
