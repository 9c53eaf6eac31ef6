"""The noise model: distractor characters behind, before, inside or in place of a name's letters."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from noisynames.errors import UserError
from noisynames.names.alphabet import WORKSHEET, WORKSHEET_NOISE, Alphabet, check_characters
from noisynames.randomness import generator

PLACEMENTS = ("suffix", "prefix", "scattered", "substitution")


@dataclass(frozen=True)
class Noise:
    """A noise condition.

    At level n > 0 a name gets k distractors, k uniform on {0, …, n + 1} (the worksheet's comment
    says at most n, its code says n + 1, and the code is what ran), each uniform on `characters`.
    At level 0 it gets none.

    Attributes:
        level: The worksheet's n, at least 0.
        placement: Where they go. `suffix`: behind the name, as in the worksheet. `prefix`: before
            it. `scattered`: each into a gap between two letters, drawn uniformly, so that the name
            keeps its first and last character (one of a single letter gets them before it).
            `substitution`: each in the place of a letter, drawn uniformly; a letter may be hit
            twice.
        characters: What they are drawn from: distinct symbols, which the alphabet of the names has.
    """

    level: int = 0
    placement: str = "suffix"
    characters: str = WORKSHEET_NOISE

    def __post_init__(self) -> None:
        if self.level < 0:
            raise UserError(f"noise: level {self.level}; allowed: at least 0")
        if self.placement not in PLACEMENTS:
            raise UserError(
                f"noise: placement {self.placement!r} is not one of {', '.join(PLACEMENTS)}"
            )
        check_characters(self.characters)

    @property
    def name(self) -> str:
        """What the condition is called in paths, tables and figures: `5`, or `5-prefix`."""
        return str(self.level) + ("" if self.placement == "suffix" else f"-{self.placement}")

    @classmethod
    def named(cls, name: str, characters: str = WORKSHEET_NOISE) -> "Noise":
        """Return the condition of a `name`.

        Raises:
            UserError: It is no condition's name.
        """
        level, _, placement = name.partition("-")
        if not (level.isascii() and level.isdigit()):
            raise UserError(f"noise: found {name!r}; allowed: a level, or LEVEL-PLACEMENT")
        return cls(int(level), placement or "suffix", characters)


def conditions(
    levels: Iterable[int], placement: Sequence[str], characters: str = WORKSHEET_NOISE
) -> list[Noise]:
    """Return every condition of a grid: level 0 once, the others at each placement.

    They are ordered by placement, as given, then by level.
    """
    every = [Noise(level, where, characters) for where in placement for level in sorted(levels)]
    quiet = [Noise(0, "suffix", characters)] if 0 in levels else []
    return quiet + [noise for noise in every if noise.level > 0]


@dataclass(frozen=True)
class Distractors:
    """The distractors of some names.

    Attributes:
        placement: As in `Noise`.
        lengths: How many each name gets, shape (count,), each in 0 … level + 1.
        symbols: Alphabet indices, shape (count, level + 1); row i counts up to `lengths[i]`.
        places: Where those of `scattered` and `substitution` go, in [0, 1), the shape of `symbols`.
    """

    placement: str
    lengths: NDArray[np.int64]
    symbols: NDArray[np.uint16]
    places: NDArray[np.float64]


class NoiseStream:
    """The endless distractors of one noise condition, seed and purpose.

    The number and the characters are the same at every placement. Every name takes the same amount
    of randomness, so the stream does not depend on how many are drawn at a time.
    """

    def __init__(
        self, noise: Noise, seed: int, purpose: str, alphabet: Alphabet = WORKSHEET
    ) -> None:
        """Draw symbols of an alphabet.

        Raises:
            UserError: Some of the noise's characters are not in it.
        """
        self._noise = noise
        if noise.level > 0:  # without noise its characters do not matter, and no job names them
            check_characters(noise.characters, alphabet)
            self._codes = alphabet.encode(noise.characters)
        self._rng = generator(seed, purpose, noise.level)
        self._place_rng = generator(seed, f"{purpose}: places", noise.level)

    def take(self, count: int) -> Distractors:
        """Return the distractors of the next `count` names."""
        level, placement = self._noise.level, self._noise.placement
        if level == 0:
            nothing = np.zeros((count, 1))
            return Distractors(
                placement, np.zeros(count, np.int64), nothing.astype(np.uint16), nothing
            )
        uniform = self._rng.random((count, level + 2))
        lengths = (uniform[:, 0] * (level + 2)).astype(np.int64)
        symbols = self._codes[(uniform[:, 1:] * len(self._codes)).astype(np.int64)]
        drawn = placement in ("scattered", "substitution")
        places = self._place_rng.random(symbols.shape) if drawn else np.zeros(symbols.shape)
        return Distractors(placement, lengths, symbols, places)
