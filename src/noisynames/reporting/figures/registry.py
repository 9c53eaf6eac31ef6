"""All figures by name: each is one function of tables and findings."""

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from noisynames.analysis.findings import Findings
from noisynames.analysis.tables import Tables
from noisynames.reporting.figures.look import Look

Draw = Callable[[Tables, Findings, Look], Figure]


@dataclass(frozen=True)
class Registered:
    """A figure: how it is drawn, and the table that it is empty without.

    So a table is where every run diverged.
    """

    draw: Draw
    shows: str


FIGURES: dict[str, Registered] = {}
"""Every figure by name, as the topics were imported."""


def figure(shows: str = "runs") -> Callable[[Draw], Draw]:
    """Register a function as the figure of its name.

    Args:
        shows: The table that the figure is empty without.
    """

    def register(draw: Draw) -> Draw:
        FIGURES[draw.__name__] = Registered(draw, shows)
        return draw

    return register
