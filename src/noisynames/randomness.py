"""Every random number comes from a stream keyed by its purpose.

A stream is Philox4x64-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011),
keyed by the first 16 bytes of SHA-256 of the purpose, the seed and whatever else tells streams
apart. Only its 64-bit words come from NumPy, which promises not to change them; how words are used
is written here. So a seed means the same on every machine and with every release.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

SOURCES = ("split", "weights", "order", "noise")
"""What a seed draws: the split of the names, initial weights, the order of the training names (and
what a custom module draws in training), and the noise."""


@dataclass(frozen=True)
class Seed:
    """A seed that may share the draws of some sources with another seed.

    Attributes:
        number: The seed.
        kept: The sources that are drawn with another seed, with that seed.
    """

    number: int
    kept: Mapping[str, int] = field(default_factory=dict)

    def of(self, source: str) -> int:
        """Return the seed with which one of SOURCES is drawn."""
        return self.kept.get(source, self.number)


def as_seed(seed: int | Seed) -> Seed:
    """Return a seed as a `Seed`; a number draws everything itself."""
    return seed if isinstance(seed, Seed) else Seed(seed)


class Stream:
    """The random numbers of one `purpose` for one `seed`.

    Two purposes never share a stream, so drawing more for one does not change another, and there is
    no global state. `key` tells several streams of a purpose apart (by noise level, for example).
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
        """Return numbers in [0, 1): each the upper 53 bits of a word, times 2^−53."""
        upper = self.words(math.prod(shape))
        upper >>= np.uint64(11)
        numbers = upper.astype(np.float64)
        numbers *= 2.0**-53
        return numbers.reshape(shape)

    def below(self, bound: int, *shape: int) -> NDArray[np.int64]:
        """Return integers in [0, bound): each a uniform number times the bound, rounded down."""
        return (self.uniform(*shape) * bound).astype(np.int64)

    def permutation(self, count: int) -> NDArray[np.int64]:
        """Return 0 to count − 1, sorted by one word drawn for each."""
        return np.argsort(self.words(count), kind="stable")
