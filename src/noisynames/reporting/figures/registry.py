"""What a figure is: one object that the workflow, the drawing and the page use."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from noisynames.grid import Grid
from noisynames.reporting.figures.look import Look

if TYPE_CHECKING:  # the workflow only asks which figures there are, and needs none of these
    from matplotlib.figure import Figure

    from noisynames.analysis.findings.summary import Findings
    from noisynames.analysis.tables import Tables

Draw = Callable[["Tables", "Findings", Look], "Figure"]
Rows = Callable[["Tables", "Findings"], Sequence[Mapping[str, Any]]]
Column = tuple[str, str, bool]
"""A column's heading, the key of its values, and whether they are numbers."""

MODEL: Column = ("Model", "model", False)
NOISE: Column = ("Noise", "noise", True)
TRAINED_AT: Column = ("Noise", "trained_at", True)
BOUNDS: list[Column] = [("Mean", "mean", True), ("Low", "low", True), ("High", "high", True)]


@dataclass(frozen=True)
class Numbers:
    """The table below a figure.

    Attributes:
        caption: What it holds.
        columns: Its columns.
        rows: Returns its rows, given tables and findings.
    """

    caption: str
    columns: Sequence[Column]
    rows: Rows


@dataclass(frozen=True)
class ReportFigure:
    """A figure of the report.

    Attributes:
        name: The name of its file, and of its anchor in the page.
        draw: Returns the drawing, given tables, findings and look.
        alt: What it shows, for those who cannot see it: plain text without a full stop.
        caption: What its marks mean: a Jinja template with the page's variables, and the macros
            `band` and `seeds`.
        numbers: The table below it.
        shows: The table that it draws; without rows there (every run diverged), it is empty.
        applies: Whether an experiment has it.
        question: Whether it belongs to an answer, and is shown only there.
    """

    name: str
    draw: Draw
    alt: str
    caption: str
    numbers: Numbers
    shows: str
    applies: Callable[[Grid], bool]
    question: bool = False

    @property
    def topic(self) -> str:
        """What it is about, by the name of the module that draws it."""
        name = self.draw.__module__.rpartition(".")[2]
        return {"cards": "answers", "headlines": "short answer"}.get(name, name)


FIGURES: dict[str, ReportFigure] = {}
"""The figures of the topics imported so far, by name; `gallery.ALL` has them all."""


def figure(
    alt: str,
    caption: str,
    numbers: Numbers,
    shows: str = "runs",
    applies: Callable[[Grid], bool] = lambda grid: True,
    question: bool = False,
) -> Callable[[Draw], Draw]:
    """Register a function as the figure of its own name; see `ReportFigure`.

    The caption may be broken into lines anywhere.
    """
    text = " ".join(caption.split())

    def register(draw: Draw) -> Draw:
        name = draw.__name__
        FIGURES[name] = ReportFigure(name, draw, alt, text, numbers, shows, applies, question)
        return draw

    return register
