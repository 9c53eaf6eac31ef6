"""What all runs of a results folder predict for names, with the spread over seeds."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from noisynames.errors import UserError
from noisynames.results import OpenRun, matching, open_cell

if TYPE_CHECKING:
    import pandas as pd

TOP = 3


@dataclass(frozen=True)
class Share:
    """The probability that the seeds of an arm give to a language.

    Attributes:
        language: The language.
        mean, lowest, highest: Its probability over seeds.
        first: How many seeds rank it first.
    """

    language: str
    mean: float
    lowest: float
    highest: float
    first: int


@dataclass(frozen=True)
class Answer:
    """The prediction of an arm's seeds for one text: the languages with the highest mean."""

    text: str
    top: list[Share]


@dataclass(frozen=True)
class Asked:
    """A name and an arm's predictions for it.

    Attributes:
        name, read: The name as given, and in the symbols of the alphabet.
        model, noise: The arm.
        seeds: The seeds of its runs.
        answer: The prediction for the whole name.
        after: The prediction after each character; empty if that was not asked for.
    """

    name: str
    read: str
    model: str
    noise: str
    seeds: list[int]
    answer: Answer
    after: list[Answer]


def ask(
    results: Path,
    names: Sequence[str],
    model: str | None = None,
    noise: str | None = None,
    seed: int | None = None,
    explain: bool = False,
) -> Iterator[Asked]:
    """Yield the predictions of every arm for every name, name by name.

    Args:
        results: A results folder.
        names: Any names.
        model: The model whose runs to ask; None asks all.
        noise: The training noise of the runs to ask; None asks all.
        seed: The seed of the runs to ask; None asks all.
        explain: Whether to ask after each character, too.

    Raises:
        UserError: There is no such run, or a name has no symbol of the alphabet.
    """
    arms = _opened(results, model, noise, seed)
    for name in names:
        for (arm, trained_at), runs in arms.items():
            steps = _answers([run.explain(name) for run in runs])
            seeds, whole = [run.run.seed for run in runs], steps[-1]
            after = steps if explain else []
            yield Asked(name, whole.text, arm, trained_at, seeds, whole, after)


def _opened(
    results: Path, model: str | None, noise: str | None, seed: int | None
) -> dict[tuple[str, str], list[OpenRun]]:
    """Return the runs of each arm, without those that diverged."""
    arms: dict[tuple[str, str], list[OpenRun]] = {}
    for cell in matching(results, model, noise, seed):
        run = open_cell(results, cell)
        if run is not None:
            arms.setdefault(cell[:2], []).append(run)
    if not arms:
        raise UserError(f"{results}: every run that was asked for diverged")
    return arms


def _answers(tables: Sequence["pd.DataFrame"]) -> list[Answer]:
    """Return the predictions of seeds from a table for each: a row per text, a column per label."""
    every = np.stack([table.to_numpy() for table in tables])  # seeds, texts, languages
    languages = [*tables[0].columns]
    answers = []
    for text, said in zip(tables[0].index, every.swapaxes(0, 1), strict=True):
        means, firsts = said.mean(0), said.argmax(1)
        likeliest = np.argsort(-means, kind="stable")[:TOP]
        top = [
            Share(
                languages[i],
                round(float(means[i]), 4),
                round(float(said[:, i].min()), 4),
                round(float(said[:, i].max()), 4),
                int((firsts == i).sum()),
            )
            for i in likeliest
        ]
        answers.append(Answer(text, top))
    return answers


def table(asked: Iterable[Asked]) -> str:
    """Return answers as text: a block for each name, a line for each arm."""
    blocks = []
    for _, of_name in groupby(asked, key=lambda one: one.name):
        arms = [*of_name]
        first = arms[0]
        read = "" if first.read == first.name else f" (read as {first.read})"
        lines = [("model", "noise", "seeds", *["", "", ""][:TOP])]
        for one in arms:
            lines.append((one.model, one.noise, str(len(one.seeds)), *_words(one, one.answer)))
            for step in one.after:
                lines.append(("", "", step.text, *_words(one, step)))
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        blocks.append("\n".join(
            [first.name + read]
            + ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
        ))  # fmt: skip
    return "\n\n".join(blocks)


def _words(asked: Asked, answer: Answer) -> list[str]:
    several = len(asked.seeds) > 1
    words = [
        f"{share.language} {share.mean:.0%}"
        + (f" ({share.lowest:.0%} to {share.highest:.0%})" if several else "")
        for share in answer.top
    ]
    return words + [""] * (TOP - len(words))
