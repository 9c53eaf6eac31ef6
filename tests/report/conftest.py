import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright


class Report:
    """The smoke experiment's report in a browser that records every request and error."""

    def __init__(self, browser: Browser, path: Path) -> None:
        self.path = path
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.requests: list[str] = []
        self.complaints: list[str] = []

    def open(self, query: str = "", **options: object) -> Page:
        """Open the page in a fresh context with the given options (width, colour scheme, …)."""
        context = self._browser.new_context(**options)  # type: ignore[arg-type]
        self._contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(f"file://{self.path}{query}")
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if not program:
        if os.environ.get("NOISYNAMES_REQUIRE_BROWSER"):
            pytest.fail("chromium is not on the PATH, and here the report must be tested in it")
        pytest.skip("chromium is not on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@pytest.fixture
def report(browser: Browser, smoke: Path) -> Iterator[Report]:
    report = Report(browser, smoke / "results/report.html")
    yield report
    report.close()
