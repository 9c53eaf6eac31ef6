"""The noise model of the worksheet: distractor characters appended to a name."""

import numpy as np
from numpy.typing import NDArray

from noisynames.alphabet import ALPHABET

NOISE_CHARACTERS = ".,;'"
_CODES = np.array([ALPHABET.index(symbol) for symbol in NOISE_CHARACTERS], dtype=np.uint8)


def draw_suffixes(
    rng: np.random.Generator, count: int, level: int
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Draw `count` noise suffixes.

    At level n > 0 a suffix has k characters, k uniform on {0, …, n + 1} (the worksheet's comment
    says at most n, its code says n + 1, and the code is what ran), each uniform on `.,;'`. At
    level 0 every suffix is empty.

    Every suffix takes the same amount of randomness, so a stream of them does not depend on how
    many are drawn at a time.

    Returns:
        lengths: Shape (count,), each in 0 … level + 1.
        symbols: Alphabet indices, shape (count, level + 1); row i counts up to `lengths[i]`.
    """
    uniform = rng.random((count, level + 2))
    if level == 0:
        return np.zeros(count, np.int64), np.zeros((count, 1), np.uint8)
    lengths = (uniform[:, 0] * (level + 2)).astype(np.int64)
    symbols = _CODES[(uniform[:, 1:] * len(_CODES)).astype(np.int64)]
    return lengths, symbols
