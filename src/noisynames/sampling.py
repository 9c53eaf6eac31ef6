"""Encoded names, and the stream of training examples of a seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from noisynames.alphabet import encode
from noisynames.noise import draw_suffixes
from noisynames.randomness import generator


@dataclass(frozen=True)
class Examples:
    """Labelled sequences of characters, laid end to end.

    Attributes:
        characters: Alphabet indices of all sequences, shape (total length,).
        offsets: Sequence i is `characters[offsets[i]:offsets[i + 1]]`; shape (count + 1,).
        targets: Class indices, shape (count,).
    """

    characters: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    targets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        return self.characters[self.offsets[index] : self.offsets[index + 1]]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Characters of each sequence, shape (count,)."""
        return np.diff(self.offsets)

    @classmethod
    def of_names(cls, rows: Sequence[tuple[str, str]], languages: Sequence[str]) -> Self:
        """Encode (language, name) pairs; a target is a position in `languages`."""
        index = {language: i for i, language in enumerate(languages)}
        codes = [encode(name) for _, name in rows]
        return cls(
            np.concatenate([*codes, np.empty(0, np.uint8)]),
            np.concatenate([[0], np.cumsum([len(code) for code in codes])]).astype(np.int64),
            np.array([index[language] for language, _ in rows], dtype=np.int64),
        )

    def select(self, indices: NDArray[np.int64]) -> "Examples":
        """Return the sequences at `indices`, in that order."""
        return self.with_suffixes(
            indices, np.zeros(len(indices), np.int64), np.zeros((len(indices), 1), np.uint8)
        )

    def with_suffixes(
        self,
        indices: NDArray[np.int64],
        suffix_lengths: NDArray[np.int64],
        suffixes: NDArray[np.uint8],
    ) -> "Examples":
        """Return the sequences at `indices`, each followed by its noise suffix."""
        stems = self.lengths[indices]
        lengths = stems + suffix_lengths
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        position = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        row = np.repeat(np.arange(len(indices)), lengths)
        is_stem = position < stems[row]
        characters = np.empty(offsets[-1], np.uint8)
        starts = self.offsets[indices]
        characters[is_stem] = self.characters[(starts[row] + position)[is_stem]]
        noise_row = row[~is_stem]
        characters[~is_stem] = suffixes[noise_row, position[~is_stem] - stems[noise_row]]
        return Examples(characters, offsets, self.targets[indices])


class TrainingStream:
    """The endless training examples of one seed and noise level.

    Each example is a language drawn uniformly, a name of it drawn uniformly, with replacement, and
    a noise suffix. The names are the same at every noise level; only the suffix differs. The
    stream does not depend on how many examples are taken at a time.
    """

    def __init__(self, names: Examples, noise_level: int, seed: int) -> None:
        """Draw from `names`, of which every class 0 … max(targets) has at least one."""
        self._names = names
        self._noise_level = noise_level
        self._name_rng = generator(seed, "training names")
        self._noise_rng = generator(seed, "training noise", noise_level)
        self._by_class = np.argsort(names.targets, kind="stable")
        self._class_sizes = np.bincount(names.targets)
        self._class_starts = np.cumsum(self._class_sizes) - self._class_sizes

    def take(self, count: int) -> Examples:
        """Return the next `count` examples."""
        uniform = self._name_rng.random((count, 2))
        label = (uniform[:, 0] * len(self._class_sizes)).astype(np.int64)
        within = (uniform[:, 1] * self._class_sizes[label]).astype(np.int64)
        indices = self._by_class[self._class_starts[label] + within]
        lengths, symbols = draw_suffixes(self._noise_rng, count, self._noise_level)
        return self._names.with_suffixes(indices, lengths, symbols)


def held_out_examples(names: Examples, noise_level: int, seed: int) -> Examples:
    """Return `names` with the noise suffixes that every model of this seed is tested with."""
    rng = generator(seed, "evaluation noise", noise_level)
    lengths, symbols = draw_suffixes(rng, len(names), noise_level)
    return names.with_suffixes(np.arange(len(names)), lengths, symbols)
