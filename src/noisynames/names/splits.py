"""Training, validation and test parts by distinct name, one split per seed."""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np

from noisynames.errors import UserError
from noisynames.files import read_record, read_recorded, sha256, write_record, write_text
from noisynames.names.alphabet import WORKSHEET, Alphabet
from noisynames.randomness import Stream

TRAIN, VALIDATION, TEST = "train", "validation", "test"


Row = tuple[str, str]
"""A language and a name."""


@dataclass(frozen=True)
class Split:
    """The names of one seed.

    Attributes:
        train, test, validation: (language, name) pairs, sorted. No name is in two parts.
        alphabet: The alphabet of the names, and of the noise that may be added.
    """

    train: list[Row]
    test: list[Row]
    validation: list[Row] = field(default_factory=list)
    alphabet: Alphabet = WORKSHEET

    @property
    def languages(self) -> list[str]:
        """The labels in sorted order; a class index is a position in this list."""
        return sorted({language for language, _ in self.train})

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the split as written, which identifies the names that a run did not see."""
        return sha256(_csv_text(self).encode())


def split_names(
    rows: Sequence[Row],
    seed: int,
    test_fraction: float = 0.2,
    max_train_names: int | None = 50,
    validation_fraction: float = 0.0,
    alphabet: Alphabet = WORKSHEET,
) -> Split:
    """Split distinct names into train, validation and test, stratified by language.

    A name that several languages share goes wholly to one part, so the unit of the draw is the
    distinct name, and a stratum is the set of languages that have a name. Shared strata are drawn
    first, with a random remainder; names of a single language then fill its test part up to
    `round(test_fraction * names)`. The validation part is then drawn in the same way from the rest,
    so that it does not change the test names. At most `max_train_names` of a language's training
    names are kept, drawn at random (None keeps all); the rest are not used.

    Args:
        rows: Distinct (language, name) pairs.
        seed: Fixes the draw; the same for every model and noise.
        test_fraction: The share of each language's names to hold out, in (0, 1).
        max_train_names: See above; at least 1.
        validation_fraction: The share to hold out for choices made before the test, in [0, 1).
        alphabet: The alphabet of the names.

    Raises:
        UserError: A language would have no training, test or (if asked for) validation name.
    """
    check_counts(rows, test_fraction, validation_fraction)
    stream = Stream(seed, "split")
    test = _draw(rows, test_fraction, set(), stream)
    validation: set[str] = set()
    if validation_fraction:
        validation = _draw(rows, validation_fraction, test, Stream(seed, "validation"))

    train: list[Row] = []
    held_out = test | validation
    for language, names in _by_language(row for row in rows if row[1] not in held_out).items():
        kept = stream.permutation(len(names))[:max_train_names]
        train += [(language, names[i]) for i in np.sort(kept)]
    split = Split(
        train,
        sorted(row for row in rows if row[1] in test),
        sorted(row for row in rows if row[1] in validation),
        alphabet,
    )
    needed = {TRAIN: split.train, TEST: split.test}
    if validation_fraction:
        needed[VALIDATION] = split.validation
    for part, pairs in needed.items():
        if missing := {language for language, _ in rows} - {language for language, _ in pairs}:
            raise UserError(
                f"dataset: label {min(missing)!r} has no {part} name with seed {seed}, since "
                "other labels share its names; give it more names of its own"
            )
    return split


def _by_language(rows: Iterable[Row]) -> dict[str, list[str]]:
    """Return the names of each language, both sorted."""
    names_of: dict[str, list[str]] = defaultdict(list)
    for language, name in sorted(rows):
        names_of[language].append(name)
    return names_of


def _draw(rows: Sequence[Row], fraction: float, taken: set[str], stream: Stream) -> set[str]:
    """Draw a share of every language's names, none of them `taken`."""
    languages_of: dict[str, list[str]] = defaultdict(list)
    for language, name in sorted(rows):
        languages_of[name].append(language)
    strata: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, languages in languages_of.items():
        strata[tuple(languages)].append(name)

    sizes = Counter(language for language, _ in rows)
    quota = {language: round(fraction * size) for language, size in sizes.items()}
    drawn: set[str] = set()
    for stratum in sorted(strata, key=lambda key: (-len(key), key)):
        free = [name for name in strata[stratum] if name not in taken]
        names = [free[i] for i in stream.permutation(len(free))]
        if len(stratum) > 1:
            expected = fraction * len(strata[stratum])
            count = int(expected) + int(stream.uniform(1)[0] < expected % 1)
        else:
            count = max(quota[stratum[0]], 0)
        drawn.update(names[:count])
        for language in stratum:
            quota[language] -= min(count, len(names))
    return drawn


def check_counts(
    rows: Sequence[Row], test_fraction: float, validation_fraction: float = 0.0
) -> None:
    """Refuse a label that is too small for a split.

    Raises:
        UserError: A label would have no name in one of the parts.
    """
    sizes = Counter(language for language, _ in rows)
    for language, size in sorted(sizes.items()):
        test, validation = round(test_fraction * size), round(validation_fraction * size)
        enough = test >= 1 and test + validation <= size - 1
        if not enough or (validation_fraction and validation < 1):
            key, share = "test_fraction", f"{test_fraction}"
            if validation_fraction:
                key, share = "validation_fraction", f"{test_fraction} + {validation_fraction}"
            raise UserError(
                f"dataset.{key}: label {language!r} has {size} distinct name(s), too few "
                f"for a held-out fraction of {share}; each part needs at least 1"
            )


def write(split: Split, path: Path) -> None:
    """Write the split as CSV (language, name, part), with its record beside it."""
    write_text(path, _csv_text(split))
    sizes = {part: len(rows) for part, rows in _parts(split).items()}
    content = {**sizes, "alphabet": split.alphabet.symbols}
    write_record(path.with_suffix(".json"), content, files=[path])


def read(path: Path) -> Split:
    """Read a split that `write` wrote.

    Raises:
        UserError: The file or its record is missing or damaged.
    """
    record = read_record(path.with_suffix(".json"))
    return parsed(read_recorded(path, record), Alphabet.on_record(record))


def parsed(content: bytes, alphabet: Alphabet) -> Split:
    """Return the split in the content of a file, with names in an alphabet."""
    parts: dict[str, list[Row]] = {TRAIN: [], VALIDATION: [], TEST: []}
    for language, name, part in islice(
        csv.reader(io.StringIO(content.decode(), newline="")), 1, None
    ):
        parts[part].append((language, name))
    split = Split(parts[TRAIN], parts[TEST], parts[VALIDATION], alphabet)
    vars(split)["digest"] = sha256(content)  # known, so it need not be written again to find out
    return split


def yardsticks(split: Split) -> dict[str, float]:
    """Return accuracies on the test names of a split that need no model.

    Returns:
        chance: The expected accuracy of a uniform guess; the same when macro-averaged.
        majority: The accuracy of always naming the language with the most test names.
        ceiling, macro_ceiling: The best accuracy that any classifier of names can reach, plain and
            macro-averaged, since a name that several languages share gets only one answer.
        leaked: The number of test names that are also in another part; a fair split has none.
    """
    sizes: dict[str, int] = defaultdict(int)
    languages_of: dict[str, list[str]] = defaultdict(list)
    for language, name in split.test:
        sizes[language] += 1
        languages_of[name].append(language)
    best = sum(max(1 / sizes[label] for label in labels) for labels in languages_of.values())
    return {
        "chance": 1 / len(split.languages),
        "majority": max(sizes.values()) / len(split.test),
        "ceiling": len(languages_of) / len(split.test),
        "macro_ceiling": best / len(sizes),
        "leaked": len(languages_of.keys() & {name for _, name in split.train + split.validation}),
    }


def _parts(split: Split) -> dict[str, list[Row]]:
    return {TRAIN: split.train, VALIDATION: split.validation, TEST: split.test}


def _csv_text(split: Split) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["language", "name", "part"])
    for part, rows in _parts(split).items():
        writer.writerows((*row, part) for row in rows)
    return buffer.getvalue()
