"""The code in the documentation, run on a finished experiment."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT
from nbclient import NotebookClient

pytestmark = pytest.mark.workflow


def test_the_code_in_docs_results_runs(smoke: Path) -> None:
    blocks = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "docs/results.md").read_text(), re.M | re.S
    )
    assert len(blocks) == 6
    command = [sys.executable, "-W", "error", "-c", "\n".join(blocks)]
    done = subprocess.run(command, cwd=smoke, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(
        r"^Schmidt \{'\w+': 0\.\d+, '\w+': 0\.\d+, '\w+': 0\.\d+\}$", done.stdout, re.M
    )


def test_the_notebook_runs_and_shows_its_figures(smoke: Path) -> None:
    notebook = nbformat.reads((ROOT / "docs/notebook.ipynb").read_text(), as_version=4)  # type: ignore[no-untyped-call]
    assert all(cell.outputs for cell in notebook.cells[3::2] if cell.cell_type == "code"), (
        "finished"
    )
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": smoke}}).execute()
    shown = [
        kind
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        for kind in output.get("data", {})
    ]
    assert shown.count("image/png") == 2
    assert "text/html" in shown
