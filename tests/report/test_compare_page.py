"""The page that compares two experiments, in a browser."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from click.testing import CliRunner
from conftest import ROOT
from playwright.sync_api import Browser

from noisynames.cli import app
from noisynames.files import read_record, write_record

from .conftest import Report

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page_file(smoke: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smoke experiment compared with one whose names claim to be from elsewhere."""
    folder = tmp_path_factory.mktemp("compared")
    other = shutil.copytree(smoke / "results", folder / "other/results")
    manifest = read_record(other / "dataset/manifest.json")
    del manifest["files"]
    write_record(other / "dataset/manifest.json", {**manifest, "source": "<b>elsewhere</b>"})
    page = folder / "compare.html"
    command = ["compare", str(other), str(smoke / "results"), "--output", str(page)]
    assert CliRunner().invoke(app, command).exit_code == 0
    return page


@pytest.fixture
def compared(browser: Browser, page_file: Path) -> Iterator[Report]:
    report = Report(browser, page_file)
    yield report
    report.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible_and_requests_nothing(compared: Report, scheme: str) -> None:
    page = compared.open(color_scheme=scheme)
    page.evaluate("() => document.querySelectorAll('details').forEach(d => d.open = true)")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert compared.complaints == []
    assert [url for url in compared.requests if not url.startswith(("file:", "data:"))] == []


def test_toggles_hide_a_model_in_both_figures(compared: Report) -> None:
    page = compared.open("?hide=model:rnn")
    shown = """name => [...document.querySelectorAll(`.series[data-model="${name}"]`)]
                 .filter(mark => mark.style.display !== "none").length"""
    assert page.evaluate(shown, "rnn") == 0
    assert page.evaluate(shown, "gru_attention") > 0
    assert json.loads(page.locator("#view-data").inner_text())["noise"] == ["0", "2"]
    assert "<b>elsewhere</b>" in page.locator("#table-differs").inner_text()


def test_it_fits_a_narrow_screen_and_is_valid(compared: Report) -> None:
    page = compared.open(viewport={"width": 320, "height": 700})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 320
    npx = shutil.which("npx")
    if not npx:
        pytest.skip("npx is not on the PATH: the validator html-validate comes from npm")
    config = ROOT / "tests/report/.htmlvalidate.json"
    command = [npx, "--yes", "html-validate@9.7.1", "--config", str(config), str(compared.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
