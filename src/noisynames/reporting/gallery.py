"""All figures of the report. Read by the workflow, so light to import."""

from collections.abc import Mapping

from noisynames.grid import Grid
from noisynames.reporting import figures
from noisynames.reporting.figures.registry import FIGURES, ReportFigure
from noisynames.reporting.folders import import_all

import_all(figures)

ALL: Mapping[str, ReportFigure] = FIGURES
"""Every figure by name."""


def applying(grid: Grid) -> dict[str, ReportFigure]:
    """Return the figures that an experiment has, by name."""
    return {name: figure for name, figure in ALL.items() if figure.applies(grid)}
