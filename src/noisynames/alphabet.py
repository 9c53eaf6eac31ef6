"""Normalise a name and encode it as integers.

The worksheet's alphabet: the 52 ASCII letters and five further symbols.
"""

import string
import unicodedata
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

ALPHABET = string.ascii_letters + " .,;'"
"""The 57 symbols that a name may consist of."""

_INDEX = {symbol: index for index, symbol in enumerate(ALPHABET)}
_FOREIGN = 255
_CODES = np.array([_INDEX.get(chr(code), _FOREIGN) for code in range(256)], dtype=np.uint8)


def normalise(name: str) -> str:
    """Return `name` in the alphabet: NFD, combining marks dropped, then everything foreign dropped.

    >>> normalise("Ślusàrski"), normalise("Weiß"), normalise("Smith-Jones")
    ('Slusarski', 'Wei', 'SmithJones')
    """
    return "".join(symbol for symbol in unicodedata.normalize("NFD", name) if symbol in _INDEX)


def dropped_characters(name: str) -> Iterator[tuple[str, str]]:
    """Yield every character that `normalise` drops from `name`, with the reason."""
    for symbol in unicodedata.normalize("NFD", name):
        if symbol not in _INDEX:
            is_mark = unicodedata.category(symbol) == "Mn"
            yield symbol, "combining mark" if is_mark else "not in the alphabet"


def encode(name: str) -> NDArray[np.uint8]:
    """Return the alphabet indices of a normalised name, shape (length,).

    Raises:
        KeyError: A character is not in the alphabet (the name was not normalised).
    """
    codes: NDArray[np.uint8] = _CODES[np.frombuffer(name.encode("latin-1", "replace"), np.uint8)]
    if _FOREIGN in codes:
        raise KeyError(next(symbol for symbol in name if symbol not in _INDEX))
    return codes


def decode(indices: NDArray[np.integer]) -> str:
    """Return the text of alphabet indices; the inverse of `encode`."""
    return "".join(ALPHABET[index] for index in indices)
