"""The noise model: characters added after, before or inside a name, or in place of its letters."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from noisynames.errors import UserError
from noisynames.names.alphabet import WORKSHEET, WORKSHEET_NOISE, Alphabet, check_characters
from noisynames.randomness import Stream


@dataclass(frozen=True)
class NoiseCharacters:
    """The noise characters of some names.

    Attributes:
        placement: Where they go, a name in PLACEMENTS.
        lengths: How many each name gets, shape (count,), each in 0 … level + 1.
        symbols: Alphabet indices, shape (count, level + 1); row i is used up to `lengths[i]`.
        places: Where each goes, if that is drawn, in [0, 1), the shape of `symbols`; else 0.
    """

    placement: str
    lengths: NDArray[np.int64]
    symbols: NDArray[np.uint16]
    places: NDArray[np.float64]

    @cached_property
    def used(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The row and the column of each symbol that is used, row by row."""
        row = np.repeat(np.arange(len(self.lengths)), self.lengths)
        first = np.cumsum(self.lengths) - self.lengths
        return row, np.arange(len(row)) - first[row]


Characters = NDArray[np.uint16]
Offsets = NDArray[np.int64]
Noisy = tuple[Characters, Offsets, NDArray[np.bool_]]
"""The characters of all names end to end; where each name begins and the last one ends, shape
(count + 1,); and whether each character is noise."""


@dataclass(frozen=True)
class Placement:
    """Where the noise characters of a name go.

    Attributes:
        where: The place as a phrase.
        put: Returns noisy names, given names (characters end to end, and offsets) and their noise.
        is_drawn: Whether it needs `NoiseCharacters.places`.
    """

    where: str
    put: Callable[[Characters, Offsets, NoiseCharacters], Noisy]
    is_drawn: bool = False


def _behind(characters: Characters, offsets: Offsets, noise: NoiseCharacters) -> Noisy:
    row, _ = noise.used
    return _inserted(characters, offsets, noise, np.diff(offsets)[row])


def _before(characters: Characters, offsets: Offsets, noise: NoiseCharacters) -> Noisy:
    row, _ = noise.used
    return _inserted(characters, offsets, noise, np.zeros_like(row))


def _between(characters: Characters, offsets: Offsets, noise: NoiseCharacters) -> Noisy:
    """Draw a gap uniformly for each character; the name keeps its first and last letter.

    A name of a single letter has no gap and gets all of them before it.
    """
    letters = np.diff(offsets)[:, None]
    gaps = (noise.places * (letters - 1)).astype(np.int64) + (letters > 1)
    unused = np.arange(gaps.shape[1]) >= noise.lengths[:, None]
    gaps = np.sort(np.where(unused, np.iinfo(np.int64).max, gaps), axis=1)
    return _inserted(characters, offsets, noise, gaps[noise.used])


def _inserted(
    characters: Characters, offsets: Offsets, noise: NoiseCharacters, gaps: NDArray[np.int64]
) -> Noisy:
    """Put each noise character after as many letters of its name as `gaps` says.

    Args:
        characters: The characters of the names, end to end.
        offsets: The offsets of the names.
        noise: Their noise characters.
        gaps: One for each of `noise.used`, ascending within a name.
    """
    offsets = np.concatenate([[0], np.cumsum(np.diff(offsets) + noise.lengths)])
    row, column = noise.used
    # Before the i-th noise character are i others and as many letters as its gap says.
    place = offsets[row] + column + gaps
    is_noise = np.zeros(offsets[-1], bool)
    is_noise[place] = True
    text = np.empty(offsets[-1], np.uint16)
    text[place] = noise.symbols[row, column]
    text[np.flatnonzero(~is_noise)] = characters  # takes two thirds of the time of text[~is_noise]
    return text, offsets, is_noise


def _instead(characters: Characters, offsets: Offsets, noise: NoiseCharacters) -> Noisy:
    """Draw a letter uniformly for each character; one letter may be replaced twice."""
    row, column = noise.used
    letter = (noise.places[row, column] * np.diff(offsets)[row]).astype(np.int64)
    place = offsets[row] + letter
    text, is_noise = characters.copy(), np.zeros(len(characters), bool)
    text[place] = noise.symbols[row, column]
    is_noise[place] = True
    return text, offsets, is_noise


PLACEMENTS = {
    "suffix": Placement("after the name", _behind),
    "prefix": Placement("before the name", _before),
    "scattered": Placement("between its letters", _between, is_drawn=True),
    "substitution": Placement("in place of its letters", _instead, is_drawn=True),
}
"""Every placement, the worksheet's first. A new one needs a function and a line here."""


@dataclass(frozen=True)
class Noise:
    """A noise condition.

    At level n > 0 a name gets k noise characters, k uniform on {0, …, n + 1} (the worksheet's
    comment says at most n, its code says n + 1, and the code is what ran), each uniform on
    `characters`. At level 0 it gets none.

    Attributes:
        level: The worksheet's n, at least 0.
        placement: Where they go, a name in PLACEMENTS. The worksheet's is `suffix`.
        characters: The characters they are drawn from: distinct symbols of the names' alphabet.
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
        """The condition's name in paths, tables and figures: `5`, or `5-prefix`."""
        return str(self.level) + ("" if self.placement == "suffix" else f"-{self.placement}")

    @classmethod
    def named(cls, name: str, characters: str = WORKSHEET_NOISE) -> "Noise":
        """Return the condition with a `name`.

        Raises:
            UserError: It is not the name of a condition.
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


class NoiseStream:
    """The endless noise characters of one noise condition, seed and purpose.

    Their number and the characters are the same at every placement. Every name uses the same amount
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
        if noise.level > 0:  # without noise the characters do not matter, and no job names them
            check_characters(noise.characters, alphabet)
            self._codes = alphabet.encode(noise.characters)
        self._stream = Stream(seed, purpose, noise.level)
        self._places = Stream(seed, f"{purpose}: places", noise.level)

    def take(self, count: int) -> NoiseCharacters:
        """Return the noise characters of the next `count` names."""
        level, placement = self._noise.level, self._noise.placement
        if level == 0:
            nothing = np.zeros((count, 1))
            return NoiseCharacters(
                placement, np.zeros(count, np.int64), nothing.astype(np.uint16), nothing
            )
        uniform = self._stream.uniform(count, level + 2)
        lengths = (uniform[:, 0] * (level + 2)).astype(np.int64)
        symbols = self._codes[(uniform[:, 1:] * len(self._codes)).astype(np.int64)]
        places = np.zeros(symbols.shape)
        if PLACEMENTS[placement].is_drawn:
            places = self._places.uniform(*symbols.shape)
        return NoiseCharacters(placement, lengths, symbols, places)
