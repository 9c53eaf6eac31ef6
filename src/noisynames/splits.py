"""Train and test by distinct name, one split a seed."""

import csv
import hashlib
import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from noisynames.errors import UserError
from noisynames.files import read_record, read_recorded, write_record, write_text
from noisynames.randomness import generator

TRAIN, TEST = "train", "test"


@dataclass(frozen=True)
class Split:
    """The names of one seed.

    Attributes:
        train, test: (language, name) pairs, sorted. No name stands in both.
    """

    train: list[tuple[str, str]]
    test: list[tuple[str, str]]

    @property
    def languages(self) -> list[str]:
        """The labels in sorted order; a class index is a position in this list."""
        return sorted({language for language, _ in self.train})

    @property
    def digest(self) -> str:
        """SHA-256 of the split as it is written: which names a run was kept from."""
        return hashlib.sha256(_csv_text(self).encode()).hexdigest()


def split_names(
    rows: Sequence[tuple[str, str]],
    seed: int,
    test_fraction: float = 0.2,
    max_train_names: int | None = 50,
) -> Split:
    """Split distinct names into train and test, stratified by language.

    A name that several languages share goes wholly to one side, so the unit of the draw is the
    distinct name and a stratum is the set of languages that a name stands in. Shared strata are
    drawn first, with a random remainder; the names of a single language then fill its test part up
    to `round(test_fraction * names)`. At most `max_train_names` of a language's training names
    are kept, drawn at random (None keeps all); the rest are used nowhere.

    Args:
        rows: Distinct (language, name) pairs.
        seed: Fixes the draw; the same for every model and noise level.
        test_fraction: Share of each language's names to hold out, in (0, 1).
        max_train_names: As above, at least 1.

    Raises:
        UserError: A language would have no training or no test name.
    """
    check_counts(rows, test_fraction)
    rng = generator(seed, "split")
    languages_of: dict[str, list[str]] = defaultdict(list)
    for language, name in sorted(rows):
        languages_of[name].append(language)
    strata: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, languages in languages_of.items():
        strata[tuple(languages)].append(name)

    quota: dict[str, int] = defaultdict(int)
    for language, _ in rows:
        quota[language] += 1
    quota = {language: round(test_fraction * size) for language, size in quota.items()}
    test: set[str] = set()
    for stratum in sorted(strata, key=lambda key: (-len(key), key)):
        names = [strata[stratum][i] for i in rng.permutation(len(strata[stratum]))]
        if len(stratum) > 1:
            expected = test_fraction * len(names)
            count = int(expected) + int(rng.random() < expected % 1)
        else:
            count = max(quota[stratum[0]], 0)
        test.update(names[:count])
        for language in stratum:
            quota[language] -= count

    train: list[tuple[str, str]] = []
    for language in sorted(quota):
        names = sorted(name for lang, name in rows if lang == language and name not in test)
        kept = rng.permutation(len(names))[:max_train_names]
        train += [(language, names[i]) for i in np.sort(kept)]
    held_out = sorted(row for row in rows if row[1] in test)
    for part, pairs in ((TRAIN, train), (TEST, held_out)):
        if missing := set(quota) - {language for language, _ in pairs}:
            raise UserError(
                f"dataset: label {min(missing)!r} has no {part} name under seed {seed}, since "
                "other labels share its names; give it more names of its own"
            )
    return Split(train, held_out)


def check_counts(rows: Sequence[tuple[str, str]], test_fraction: float) -> None:
    """Refuse a label that is too small for a split.

    Raises:
        UserError: A label would have no test or no training name at this `test_fraction`.
    """
    sizes: dict[str, int] = defaultdict(int)
    for language, _ in rows:
        sizes[language] += 1
    for language, size in sorted(sizes.items()):
        if not 1 <= round(test_fraction * size) <= size - 1:
            raise UserError(
                f"dataset.test_fraction: label {language!r} has {size} distinct name(s), too few "
                f"for a held-out fraction of {test_fraction}; each part needs at least 1"
            )


def write(split: Split, path: Path) -> None:
    """Write the split as CSV (language, name, part), and beside it its record."""
    write_text(path, _csv_text(split))
    sizes = {TRAIN: len(split.train), TEST: len(split.test)}
    write_record(path.with_suffix(".json"), sizes, files=[path])


def read(path: Path) -> Split:
    """Read a split that `write` wrote.

    Raises:
        UserError: The file or its record is missing, or not what was written.
    """
    content = read_recorded(path, read_record(path.with_suffix(".json"))).decode()
    rows = list(csv.DictReader(io.StringIO(content, newline="")))
    parts: dict[str, list[tuple[str, str]]] = {TRAIN: [], TEST: []}
    for row in rows:
        parts[row["part"]].append((row["language"], row["name"]))
    return Split(parts[TRAIN], parts[TEST])


def _csv_text(split: Split) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["language", "name", "part"])
    writer.writerows((*row, TRAIN) for row in split.train)
    writer.writerows((*row, TEST) for row in split.test)
    return buffer.getvalue()
