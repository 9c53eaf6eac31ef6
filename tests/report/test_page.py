"""The report in real headless Chromium."""

import csv
import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import ROOT
from playwright.sync_api import Page, expect

from .conftest import Report

pytestmark = pytest.mark.browser

SECTIONS = [
    "answer", "questions", "try", "training", "noise", "memory", "attention", "accuracy", "runs",
    "methods", "provenance",
]  # fmt: skip
UNASKED = 2
"""Questions that the smoke experiment does not ask: deeper models, and larger batches."""


def rows(page: Page, table: str) -> list[list[str]]:
    """The cells of a table's visible rows."""
    found: list[list[str]] = page.evaluate(
        """id => [...document.querySelectorAll(`#${id} tbody tr`)].filter(r => !r.hidden)
             .map(r => [...r.cells].map(c => c.textContent.trim().replace(/\\s+/g, " ")))""",
        table,
    )
    return found


def open_all(page: Page) -> None:
    page.evaluate("for (const box of document.querySelectorAll('details')) box.open = true")


def visible(page: Page, selector: str) -> int:
    count: int = page.evaluate(
        "s => [...document.querySelectorAll(s)].filter(e => e.style.display !== 'none').length",
        selector,
    )
    return count


def test_it_opens_without_a_request_or_a_complaint(report: Report) -> None:
    page = report.open()
    page.wait_for_load_state("networkidle")
    assert [url for url in report.requests if not url.startswith(("file:", "data:"))] == []
    assert report.complaints == []
    assert page.eval_on_selector_all("main > section", "s => s.map(e => e.id)") == SECTIONS


def test_every_question_has_an_answer_a_figure_statistics_and_evidence(report: Report) -> None:
    page = report.open()
    cards = page.locator(".card")
    assert cards.count() == 7 - UNASKED
    for card in cards.all():
        assert 0 < len(card.locator(".line").inner_text().split()) <= 20
        assert (card.locator("svg").bounding_box() or {"height": 0})["height"] <= 260
        details = card.locator("details")
        assert not details.evaluate("d => d.open")
        details.locator("summary").click()
        assert details.locator("li").count() >= 1
        anchor = details.locator("a").get_attribute("href")
        assert page.locator(anchor or "#nowhere").count() == 1
    assert page.locator(".unasked").count() == UNASKED


def test_the_first_screen_has_the_short_answer_and_its_figure(report: Report) -> None:
    page = report.open(viewport={"width": 1280, "height": 900})
    for selector in (".short p:nth-of-type(1)", "#answer svg"):
        box = page.locator(selector).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 900, selector
    assert page.locator(".short p").count() >= 4


def test_every_number_of_the_answers_is_in_the_findings(report: Report) -> None:
    page = report.open()
    findings = json.loads((report.path.parent / "tables/findings.json").read_text())
    known: set[str] = set()

    def collect(value: object) -> None:
        if isinstance(value, dict):
            for part in value.values():
                collect(part)
        elif isinstance(value, list):
            for part in value:
                collect(part)
        elif isinstance(value, float | int):
            known.update((f"{value:.3f}", f"{abs(value):.3f}", f"{100 * abs(value):.1f}"))

    collect(findings)
    words = page.locator(".card .line, .card .why, .card li, .card td")
    text = " ".join(words.all_text_contents())  # numbers on a figure's axes are its own
    numbers = re.findall(r"\d+\.\d+", text.replace("p < 0.001", ""))
    assert len(numbers) > 30
    assert [n for n in numbers if n not in known and len(n.split(".")[1]) in (1, 3)] == []


def test_toggles_work_across_all_figures_and_change_no_number(report: Report) -> None:
    page = report.open()
    before = page.locator("#questions").inner_text()
    figures = page.evaluate(
        """() => [...document.querySelectorAll("figure")]
             .filter(f => f.querySelector('.series[data-model="rnn"]')).map(f => f.id)"""
    )
    assert {"figure-loss_by_noise", "figure-loss_by_model", "figure-accuracy"} <= set(figures)
    page.get_by_text("Show in figures").click()
    page.get_by_label("RNN", exact=True).uncheck()
    assert visible(page, '.series[data-model="rnn"]') == 0
    assert visible(page, '.series[data-model="gru_attention"]') > 0
    page.get_by_label("bands and bars").uncheck()
    assert visible(page, '.series[data-part="band"]') == 0
    page.get_by_label("2", exact=True).uncheck()
    assert visible(page, '.series[data-noise="2"]') == 0
    assert page.locator("#questions").inner_text() == before
    page.get_by_role("button", name="Show all").click()
    assert visible(page, ".series") == page.locator(".series").count()


def test_the_address_restores_the_view(report: Report) -> None:
    page = report.open()
    page.get_by_text("Show in figures").click()
    page.get_by_label("RNN", exact=True).uncheck()
    page.locator("#all-runs > summary").click()
    page.locator("#run-filter").fill("rnn")
    page.locator("#table-runs thead button", has_text="Final training loss").click()
    query = page.evaluate("location.search")
    again = report.open(query)
    assert visible(again, '.series[data-model="rnn"]') == 0
    assert not again.get_by_label("RNN", exact=True).is_checked()
    assert again.locator("#run-filter").is_visible(), "what is restored is open"
    assert again.locator("#run-filter").input_value() == "rnn"
    assert rows(again, "table-runs") == rows(page, "table-runs")
    assert len(rows(again, "table-runs")) == 4


def test_tables_sort_by_number_and_by_text(report: Report) -> None:
    page = report.open()
    open_all(page)
    head = page.locator("#table-runs thead button", has_text="Final training loss")
    head.click()
    losses = [float(row[5]) for row in rows(page, "table-runs")]
    assert losses == sorted(losses)
    head.click()
    losses = [float(row[5]) for row in rows(page, "table-runs")]
    assert losses == sorted(losses, reverse=True)
    page.locator("#table-final-loss thead button", has_text="Difference").click()
    differences = [float(r[2].replace("−", "-")) for r in rows(page, "table-final-loss")]
    assert differences == sorted(differences)
    page.locator("#table-runs thead button", has_text="Model").click()
    assert [r[0] for r in rows(page, "table-runs")] == ["GRU + attention"] * 4 + ["RNN"] * 4


def test_runs_are_filtered_by_words(report: Report) -> None:
    page = report.open()
    open_all(page)
    page.locator("#run-filter").fill("gru 2 nothing")
    assert rows(page, "table-runs") == []
    page.locator("#run-filter").fill("gru OK")
    assert {row[0] for row in rows(page, "table-runs")} == {"GRU + attention"}
    assert "4 of 8 runs" in page.locator(".filter").inner_text()


def test_figures_and_tables_can_be_saved(report: Report, tmp_path: Path) -> None:
    page = report.open()
    open_all(page)
    for kind in ("SVG", "PNG"):
        with page.expect_download() as download:
            page.get_by_label(f"Download figure accuracy as {kind}", exact=True).click()
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        start = path.read_bytes()[:8]
        assert start == (b"\x89PNG\r\n\x1a\n" if kind == "PNG" else start)
        assert path.stat().st_size > 3_000
    assert "<svg" in (tmp_path / "accuracy.svg").read_text()[:200]
    assert "currentColor" not in (tmp_path / "accuracy.svg").read_text() or (
        "color: rgb" in (tmp_path / "accuracy.svg").read_text()
    )
    for kind in ("CSV", "JSON"):
        with page.expect_download() as download:
            page.get_by_label(f"Download table table-runs as {kind}", exact=True).click()
        download.value.save_as(tmp_path / f"runs.{kind.lower()}")
    with (tmp_path / "runs.csv").open() as file:
        saved = list(csv.DictReader(file))
    assert len(saved) == 8
    assert saved == json.loads((tmp_path / "runs.json").read_text())


def test_every_figure_has_words_and_numbers(report: Report) -> None:
    page = report.open()
    open_all(page)
    figures = page.locator("figure").all()
    assert len(figures) == len(page.locator("figure svg").all())
    for figure in figures:
        name = (figure.get_attribute("id") or "").removeprefix("figure-")
        assert figure.locator("[role=img]").get_attribute("aria-label"), name
        assert len(figure.locator("figcaption").inner_text()) > 30, name
        assert rows(page, f"data-{name}"), name


def test_ids_are_unique_and_text_can_be_searched(report: Report) -> None:
    page = report.open()
    ids = page.eval_on_selector_all("[id]", "e => e.map(x => x.id)")
    assert len(ids) == len(set(ids))
    text = page.eval_on_selector_all("svg text", "e => e.map(x => x.textContent.trim())")
    assert {"GRU + attention", "Loss (Train), nats", "Iterations (updates)"} <= set(text)


def test_it_is_complete_without_javascript(report: Report) -> None:
    page = report.open(java_script_enabled=False)
    assert page.locator("figure svg").count() == page.locator("figure").count() > 15
    assert page.locator(".card").count() == 7 - UNASKED
    assert page.locator("#table-runs tbody tr").count() == 8
    assert page.locator("button:not(.term)").count() == 0, "a button that does nothing"
    term = page.locator(".term").first
    term.click()
    assert page.locator(".explained").first.is_visible()


@pytest.mark.parametrize("width", [320, 390, 768, 1280, 3840])
def test_only_wide_tables_scroll_sideways(report: Report, width: int) -> None:
    page = report.open(viewport={"width": width, "height": 800})
    open_all(page)
    overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert overflow <= 0


def test_the_matrices_of_six_models_fit_side_by_side(report: Report) -> None:
    """As many as the default experiment has, with its labels and its longest differences."""
    page = report.open(viewport={"width": 1280, "height": 900})
    labels = ["RNN", "GRU", "GRU + attention", "LSTM", "LSTM, 2 layers", "GRU, batches of 16"]
    heads = "".join(f'<th scope="col" class="num">{label}</th>' for label in labels)
    cells = '<td class="num up">−1.178 <span class="mark">▼</span></td>' * len(labels)
    rows = "".join(f'<tr><th scope="row">{label}</th>{cells}</tr>' for label in labels)
    table = f"<thead><tr><th></th>{heads}</tr></thead><tbody>{rows}</tbody>"
    too_wide = page.evaluate(
        """table => [...document.querySelectorAll(".pair .scroll")].map(box => {
            box.querySelector("table").innerHTML = table;
            return box.scrollWidth - box.clientWidth;
        })""",
        table,
    )
    assert too_wide and max(too_wide) == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(report: Report, scheme: str) -> None:
    page = report.open(color_scheme=scheme)
    open_all(page)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_it_prints_with_the_answers_first(report: Report) -> None:
    page = report.open()
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    assert 3 < pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") <= 12
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    order = page.eval_on_selector_all("main > section", "s => s.map(e => e.offsetTop)")
    assert order == sorted(order)


def test_the_keyboard_reaches_the_answers_first(report: Report) -> None:
    page = report.open()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the short answer"
    levels = page.eval_on_selector_all("h1, h2, h3", "h => h.map(e => Number(e.tagName[1]))")
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_it_is_small(report: Report) -> None:
    assert report.path.stat().st_size < 3_000_000
    assert (ROOT / "report/js/report.js").stat().st_size < 16_000


@pytest.mark.parametrize(("width", "most"), [(1280, 12_000), (390, 18_000)])
def test_it_is_short_while_details_are_closed(report: Report, width: int, most: int) -> None:
    page = report.open(viewport={"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollHeight") <= most


def test_a_mark_shows_its_value_when_pointed_at_and_with_the_arrow_keys(report: Report) -> None:
    page = report.open(viewport={"width": 1280, "height": 900})
    mark = page.locator('#figure-card_losses .series[data-part="mean"][data-noise="2"]').first
    mark.hover()
    said = page.locator(".tip").inner_text()
    assert re.match(r"RNN, noise 2: \d\.\d{3} \[", said), said
    page.locator("#figure-headline_noise .drawing").focus()
    page.keyboard.press("ArrowRight")
    first = page.locator(".tip").inner_text()
    page.keyboard.press("ArrowRight")
    assert first.startswith("RNN")
    assert page.locator(".tip").inner_text() != first


def test_the_contents_stay_in_view_and_show_the_current_section(report: Report) -> None:
    page = report.open(viewport={"width": 1400, "height": 800})
    page.locator("#accuracy").scroll_into_view_if_needed()
    page.evaluate("document.getElementById('accuracy').scrollIntoView()")
    current = page.locator("nav a[aria-current]")
    current.wait_for()
    expect(current).to_have_attribute("href", "#accuracy")
    box = current.bounding_box()
    assert box is not None
    assert 0 <= box["y"] <= 800
