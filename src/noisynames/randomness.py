"""Every random number comes from a stream keyed by what it is for.

A stream is Philox4x64-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011), its
key the first 16 bytes of SHA-256 of the purpose, the seed and what else tells streams apart. Only
its 64-bit words are NumPy's, which promises them to stay; what becomes of a word is written here.
So a seed means the same on every machine and with every release.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

SOURCES = ("split", "weights", "order", "noise")
"""What a seed draws: the split of the names, initial weights, the names trained on one by one (and
what a custom module draws in training), and distractors."""


@dataclass(frozen=True)
class Seed:
    """A seed whose draws of some sources are another's.

    Attributes:
        number: The seed.
        kept: Of SOURCES, those that are drawn with another seed, and that seed.
    """

    number: int
    kept: Mapping[str, int] = field(default_factory=dict)

    def of(self, source: str) -> int:
        """Return the seed that one of SOURCES is drawn with."""
        return self.kept.get(source, self.number)


def as_seed(seed: int | Seed) -> Seed:
    """Return a seed as one; a number draws everything itself."""
    return seed if isinstance(seed, Seed) else Seed(seed)


class Stream:
    """The random numbers of one `purpose` under one `seed`.

    Two purposes never share a stream, so drawing more for one changes nothing in another, and no
    global state is involved. `key` tells further streams of a purpose apart (a noise level, say).
    """

    def __init__(self, seed: int, purpose: str, *key: int) -> None:
        text = "\0".join([purpose, str(seed), *map(str, key)])
        first = hashlib.sha256(text.encode()).digest()[:16]
        self._words = np.random.Philox(key=int.from_bytes(first, "little"))

    def words(self, count: int) -> NDArray[np.uint64]:
        """Return the next words, shape (count,)."""
        words: NDArray[np.uint64] = self._words.random_raw(count)
        return words

    def uniform(self, *shape: int) -> NDArray[np.float64]:
        """Return numbers from 0 to below 1: the upper 53 bits of a word each, times 2^−53."""
        upper = self.words(int(np.prod(shape))) >> np.uint64(11)
        return upper.astype(np.float64).reshape(shape) * 2.0**-53

    def below(self, bound: int, *shape: int) -> NDArray[np.int64]:
        """Return whole numbers from 0 to below a bound: a uniform number each, times the bound."""
        return (self.uniform(*shape) * bound).astype(np.int64)

    def permutation(self, count: int) -> NDArray[np.int64]:
        """Return 0 to count − 1 in the order of a word each."""
        return np.argsort(self.words(count), kind="stable")
