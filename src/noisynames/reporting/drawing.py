"""Writes figures as SVG files that can be inlined in one page."""

import io
import os
import re
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import matplotlib as mpl
import pandas as pd
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from noisynames.analysis.tables import Tables
from noisynames.errors import UserError
from noisynames.files import replacing, write_text
from noisynames.reporting import gallery
from noisynames.reporting.figures.look import INK, PAPER, STYLE, Look, models_in, new_panels

if TYPE_CHECKING:  # findings are read, and nothing here computes one
    from noisynames.analysis.findings.summary import Findings


def draw(
    names: Sequence[str], tables: Tables, findings: "Findings", folder: Path, processes: int = 1
) -> None:
    """Draw the figures `names` from the tables and statistics into `folder`, as `<name>.svg`.

    Args:
        names: The figures to draw.
        tables: As `tables.build` returns them.
        findings: As `summary.find` returns them, and `costs.find`.
        folder: The folder to write to.
        processes: How many processes share the work.

    Raises:
        UserError: There is no figure of that name.
    """
    _check(names)
    tables = {name: _compared(table, tables["runs"]) for name, table in tables.items()}
    shares = [names[first::processes] for first in range(processes)]
    pool = _pool(processes) if processes > 1 else None
    if pool is None:
        _draw(names, tables, findings, folder)
        return
    with pool:
        drawn = [pool.submit(_draw, share, tables, findings, folder) for share in shares]
        for share in drawn:
            share.result()


def _pool(processes: int) -> ProcessPoolExecutor | None:
    """Return a pool of processes; None on a system without semaphores.

    That is the case where /dev/shm cannot be written, as in some containers.
    """
    try:
        return ProcessPoolExecutor(processes, get_context("fork"), initializer=_end_with_parent)
    except (OSError, ImportError, NotImplementedError) as error:
        print(f"figures: drawn in one process, since there are no semaphores ({error})")
        return None


def _end_with_parent() -> None:
    """End this process when its parent is killed; otherwise it would wait for work for ever."""

    def wait() -> None:
        parent = parent_process()
        assert parent is not None
        parent.join()
        os._exit(1)

    Thread(target=wait, daemon=True).start()


def _draw(names: Sequence[str], tables: Tables, findings: "Findings", folder: Path) -> None:
    look = Look(models_in(tables), findings["labels"])
    for name in names:
        asked = gallery.ALL[name]
        shown = (
            _nothing if tables[asked.shows].empty else partial(asked.draw, tables, findings, look)
        )
        write_text(folder / f"{name}.svg", svg_of(shown, name))


def svg_of(draw: Callable[[], Figure], name: str) -> str:
    """Return what a function draws as an SVG element that can be inlined in a page with others.

    Args:
        draw: Draws the figure; it is called with the common style set.
        name: The figure's name, with which its ids begin.
    """
    with mpl.rc_context(STYLE):
        buffer = io.StringIO()
        with warnings.catch_warnings():
            # Matplotlib's font only measures text; the browser has a font with the glyph.
            warnings.filterwarnings("ignore", r"Glyph .* missing from font")
            figure = draw()
            _arrange(figure)
            figure.savefig(buffer, format="svg", dpi=120, metadata={"Date": None, "Creator": None})
    return _inlinable(buffer.getvalue(), name)


def _arrange(figure: Figure) -> None:
    """Lay a figure out now; on saving, Matplotlib would draw all of it once more to do so."""
    engine = figure.get_layout_engine()
    if engine is not None:
        FigureCanvasSVG(figure)  # measures text as it will be drawn
        figure.set_dpi(72)
        engine.execute(figure)
        with mpl.rc_context({"figure.constrained_layout.use": False}):
            figure.set_layout_engine(None)


def draw_for_print(
    names: Sequence[str], tables: Tables, findings: "Findings", folder: Path
) -> None:
    """Draw figures in black on white into `folder`, as `<name>.pdf`.

    Raises:
        UserError: There is no figure of that name.
    """
    _check(names)
    tables = {name: _compared(table, tables["runs"]) for name, table in tables.items()}
    look = Look(models_in(tables), findings["labels"])
    # Type 42 embeds TrueType fonts, which every journal accepts.
    with mpl.rc_context({**STYLE, "pdf.fonttype": 42, "savefig.facecolor": "#ffffff"}):
        for name in names:
            asked = gallery.ALL[name]
            empty = tables[asked.shows].empty
            figure = _nothing() if empty else asked.draw(tables, findings, look)
            with replacing(folder / f"{name}.pdf") as part:
                figure.savefig(part, format="pdf", metadata={"CreationDate": None})


def _check(names: Sequence[str]) -> None:
    for name in names:
        if name not in gallery.ALL:
            raise UserError(f"figure {name!r} is not one of {', '.join(gallery.ALL)}")


def _nothing() -> Figure:
    figure, (axes,) = new_panels(1, height=0.8)
    axes.set_axis_off()
    axes.text(0, 0.5, "No completed run has data for this figure.", va="center")
    return figure


def _compared(table: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Leave out models that are another model at a different learning rate."""
    if "model" not in table.columns or table.empty:
        return table
    others = runs.loc[runs["model"] != runs["compared_as"], "model"]
    return table[~table["model"].isin(others)].reset_index(drop=True)


_TAG = re.compile(r'id="series:([^:"]+):([^:"]*):([^:"]*):([^"]*)"')


_PLACES = re.compile(r'\b(?:d|x|y|points|transform)="[^"]*"')
_DECIMALS = re.compile(r"(\.\d\d)\d+")
"""Further decimals are less than a hundredth of a pixel, and make up half of the file."""


def _inlinable(svg: str, name: str) -> str:
    """Return the SVG element, ready to be inlined in a page with others.

    Ids are prefixed with the figure's name, tags become data attributes, ink and paper take the
    page's colours, and the size follows the page.
    """
    svg = svg[svg.index("<svg") :]
    svg = _TAG.sub(
        r'class="series" data-part="\1" data-model="\2" data-noise="\3" data-tip="\4"', svg
    ).replace(' data-tip=""', "")
    svg = re.sub(r'<g id="whole:([^"]*)">', r"<g><title>\1</title>", svg)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    svg = re.sub(r'xlink:href="#([^"]+)"', rf'xlink:href="#{name}-\1"', svg)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = _PLACES.sub(lambda attribute: _DECIMALS.sub(r"\1", attribute[0]), svg)
    return svg.replace(INK, "currentColor").replace(PAPER, "var(--paper, #ffffff)")
