"""Encoded names, and the stream of training examples of a seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from noisynames.names.alphabet import WORKSHEET, Alphabet
from noisynames.names.noise import PLACEMENTS, Noise, NoiseCharacters, NoiseStream
from noisynames.randomness import Seed, Stream, as_seed


@dataclass(frozen=True)
class Examples:
    """Labelled sequences of characters, laid end to end.

    Attributes:
        characters: Alphabet indices of all sequences, shape (total length,).
        offsets: Sequence i is `characters[offsets[i]:offsets[i + 1]]`; shape (count + 1,).
        targets: Class indices, shape (count,).
        is_noise: Whether each character is noise, shape (total length,).
        alphabet: The alphabet that the characters are indices into.
    """

    characters: NDArray[np.uint16]
    offsets: NDArray[np.int64]
    targets: NDArray[np.int64]
    is_noise: NDArray[np.bool_]
    alphabet: Alphabet = WORKSHEET

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> NDArray[np.uint16]:
        return self.characters[self.offsets[index] : self.offsets[index + 1]]

    def text(self, index: int) -> str:
        """Return a sequence as text."""
        return self.alphabet.decode(self[index])

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The number of characters of each sequence, shape (count,)."""
        return np.diff(self.offsets)

    def padded(self, padding: int) -> NDArray[np.uint16]:
        """Return one sequence per row, followed by `padding`, shape (count, longest)."""
        matrix = np.full((len(self), self.lengths.max(initial=1)), padding, np.uint16)
        matrix[np.arange(matrix.shape[1]) < self.lengths[:, None]] = self.characters
        return matrix

    @classmethod
    def of_names(
        cls,
        rows: Sequence[tuple[str, str]],
        languages: Sequence[str],
        alphabet: Alphabet = WORKSHEET,
    ) -> Self:
        """Encode (language, name) pairs; a target is a position in `languages`."""
        index = {language: i for i, language in enumerate(languages)}
        characters = alphabet.encode("".join(name for _, name in rows))
        return cls(
            characters,
            np.concatenate([[0], np.cumsum([len(name) for _, name in rows])]).astype(np.int64),
            np.array([index[language] for language, _ in rows], dtype=np.int64),
            np.zeros(len(characters), bool),
            alphabet,
        )

    @classmethod
    def concatenated(cls, parts: Sequence["Examples"]) -> Self:
        """Return the sequences of all parts, which share one alphabet, in order."""
        lengths = np.concatenate([part.lengths for part in parts])
        return cls(
            np.concatenate([part.characters for part in parts]),
            np.concatenate([[0], np.cumsum(lengths)]),
            np.concatenate([part.targets for part in parts]),
            np.concatenate([part.is_noise for part in parts]),
            parts[0].alphabet,
        )

    def select(self, indices: NDArray[np.int64]) -> "Examples":
        """Return the sequences at `indices`, in that order."""
        lengths = self.lengths[indices]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        source = np.arange(offsets[-1]) - np.repeat(offsets[:-1] - self.offsets[indices], lengths)
        return Examples(
            self.characters[source],
            offsets,
            self.targets[indices],
            self.is_noise[source],
            self.alphabet,
        )

    def between(self, first: int, last: int) -> "Examples":
        """Return the sequences from `first` to before `last`, in the same memory."""
        begin, end = self.offsets[first], self.offsets[last]
        return Examples(
            self.characters[begin:end],
            self.offsets[first : last + 1] - begin,
            self.targets[first:last],
            self.is_noise[begin:end],
            self.alphabet,
        )

    def with_noise(self, noise: NoiseCharacters) -> "Examples":
        """Return the sequences, which have no noise yet, with their noise: row i for sequence i."""
        if not noise.lengths.any():
            return self
        put = PLACEMENTS[noise.placement].put
        characters, offsets, is_noise = put(self.characters, self.offsets, noise)
        return Examples(characters, offsets, self.targets, is_noise, self.alphabet)


class TrainingStream:
    """The endless training examples of one seed and noise condition.

    For each example, a language is drawn uniformly, then one of its names uniformly with
    replacement, then noise. The names are the same under every noise; only the noise characters
    differ. The stream does not depend on how many examples are taken at a time.
    """

    def __init__(self, names: Examples, noise: Noise, seed: int | Seed) -> None:
        """Draw from `names`, in which every class 0 … max(targets) has at least one name."""
        drawn = as_seed(seed)
        self._names = names
        self._choice = Stream(drawn.of("order"), "training names")
        self._noise = NoiseStream(noise, drawn.of("noise"), "training noise", names.alphabet)
        self._by_class = np.argsort(names.targets, kind="stable")
        self._class_sizes = np.bincount(names.targets)
        self._class_starts = np.cumsum(self._class_sizes) - self._class_sizes

    def take(self, count: int) -> Examples:
        """Return the next `count` examples."""
        uniform = self._choice.uniform(count, 2)
        label = (uniform[:, 0] * len(self._class_sizes)).astype(np.int64)
        within = (uniform[:, 1] * self._class_sizes[label]).astype(np.int64)
        indices = self._by_class[self._class_starts[label] + within]
        return self._names.select(indices).with_noise(self._noise.take(count))


def held_out_examples(names: Examples, noise: Noise, seed: int) -> Examples:
    """Return `names` with the noise under which every model of this seed is tested."""
    stream = NoiseStream(noise, seed, "evaluation noise", names.alphabet)
    return names.with_noise(stream.take(len(names)))
