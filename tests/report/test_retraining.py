"""Runs that the page trains itself."""

import base64
import gzip
import json
import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from conftest import ROOT
from playwright.sync_api import Browser, Page, expect

from noisynames.config import resolve
from noisynames.evaluation.inference import predict
from noisynames.grid import split_file
from noisynames.models.spec import TrainedModel, spec_from
from noisynames.names import splits
from noisynames.names.examples import Examples
from noisynames.names.noise import Noise
from noisynames.randomness import Stream
from noisynames.reporting import retraining
from noisynames.training.hyperparameters import Hyperparameters
from noisynames.training.run import train

from .conftest import Report

pytestmark = pytest.mark.browser


@pytest.fixture
def altered(
    browser: Browser, report: Report, tmp_path: Path
) -> Iterator[Callable[[Callable[[Any], None]], Page]]:
    """Open the report after a change to its records of runs."""
    opened: list[Report] = []

    def open_with(change: Callable[[Any], None]) -> Page:
        text = report.path.read_text()
        before, start, rest = text.partition('id="train-data">')
        content, end, after = rest.partition("</script>")
        embedded = json.loads(content)
        data = json.loads(gzip.decompress(base64.b64decode(embedded["data"])))
        change(data)
        embedded["data"] = base64.b64encode(gzip.compress(json.dumps(data).encode())).decode()
        file = tmp_path / "altered.html"
        file.write_text(before + start + json.dumps(embedded) + end + after)
        opened.append(Report(browser, file))
        return opened[-1].open()

    yield open_with
    for one in opened:
        one.close()


def verdicts(page: Page, count: int) -> list[str]:
    found = page.locator("#train-jobs strong")
    expect(found).to_have_count(count, timeout=60_000)
    return found.all_inner_texts()


def test_recorded_runs_are_reproduced_to_the_bit(report: Report) -> None:
    page = report.open()
    page.get_by_role("button", name="Train every model this way").click()
    page.locator("#train-model").select_option("gru_attention")
    page.locator("#train-seed").select_option("1")
    page.locator("#train-noise").fill("2")
    expect(page.locator("#train-kind")).to_have_text(re.compile("recorded: the page compares"))
    page.get_by_role("button", name="Train this run here").click()
    assert verdicts(page, 3) == ["identical, all 4 points and the weights"] * 3
    words = page.locator("#train-jobs li").all_inner_texts()
    assert words[2].startswith("GRU + attention, noise 2, seed 1")
    assert page.locator("#train-chart polyline").count() == 6
    assert [url for url in report.requests if not url.startswith(("file:", "data:", "blob:"))] == []
    assert report.complaints == []


def change_sum(data: Any) -> None:
    sums = data["runs"][0][4]
    sums[1] = ("0" if sums[1][0] != "0" else "1") + sums[1][1:]


def change_loss(data: Any) -> None:
    losses = data["runs"][0][3]
    losses[2] = losses[2][:-1] + ("1" if losses[2][-1] != "1" else "2")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (change_sum, "the checksum of the weights differs"),
        (change_loss, r"differs from update 300 on: [\d.]+ here, [\d.]+ recorded"),
    ],
)
def test_one_altered_byte_is_caught(
    altered: Callable[[Callable[[Any], None]], Page], change: Callable[[Any], None], said: str
) -> None:
    page = altered(change)
    page.get_by_role("button", name="Train this run here").click()
    (verdict,) = verdicts(page, 1)
    assert re.fullmatch(said, verdict)


def test_a_what_if_run_equals_pythons_and_joins_the_models(report: Report) -> None:
    page = report.open("?name=Novak")
    before = page.locator(".try-reader").count()
    page.locator("#train-noise").fill("1")
    page.locator("#train-rate").fill("2")
    page.locator("#train-size").fill("1")
    expect(page.locator("#train-kind")).to_have_text(re.compile("^What if"))
    page.get_by_role("button", name="Train this run here").click()
    (verdict,) = verdicts(page, 1)
    assert page.locator("#train-chart polyline[stroke-dasharray='6 4']").count() == 1

    config = resolve(yaml.safe_load((ROOT / "config/smoke.yaml").read_text()))
    spec = spec_from(config["models"]["rnn"] | {"hidden_size": 16})
    plan = Hyperparameters(updates=400, record_every=100, learning_rate=0.02)
    split = splits.read(split_file(report.path.parent, 0))
    run = train(spec, split, Noise(1), 0, plan)
    test = Examples.of_names(split.test, split.languages)
    said, _ = predict(TrainedModel(spec, run.parameters, len(split.languages)), test)
    right = said.argmax(1) == test.targets
    recalls = [right[test.targets == label].mean() for label in range(len(split.languages))]
    assert verdict == f"never recorded: {100 * np.mean(recalls):.1f} % of held-out names right"

    assert page.locator(".try-reader").count() == before + 1
    joined = page.locator(".try-arm").last
    novak, _ = predict(
        TrainedModel(spec, run.parameters, len(split.languages)),
        Examples.of_names([(split.languages[0], "Novak")], split.languages),
    )
    assert joined.locator(".try-said b").inner_text() == split.languages[int(novak[0].argmax())]
    share = f"{100 * np.exp(novak[0].max()):.0f} %"
    assert joined.locator(".try-share").first.inner_text() == share


def test_streams_checksums_and_numbers_equal_pythons(report: Report) -> None:
    page = report.open()
    found = page.evaluate("""() => {
        const stream = new training.Stream(7, "training noise", 5);
        return {
          uniform: Array.from({ length: 9 }, () => stream.uniform()),
          sums: ["", "abc", "a".repeat(1000)].map((text) =>
            training.hex(training.sha256(new TextEncoder().encode(text)))),
        };
    }""")
    assert found["uniform"] == Stream(7, "training noise", 5).uniform(9).tolist()
    assert found["sums"] == [sha256(t.encode()).hexdigest() for t in ("", "abc", "a" * 1000)]
    numbers = [
        2.87791921,
        1.5,
        3.0,
        12345678.25,
        12345678.75,
        0.99999999996,
        0.0001234567891,
        1.23456789e-05,
        9.87e-10,
        2e9,
    ]
    texts = page.evaluate("numbers => numbers.map(training.nineDigits)", numbers)
    assert texts == [f"{number:.9g}" for number in numbers]


def test_runs_that_the_page_cannot_train_are_not_offered() -> None:
    config = resolve({
        "models": {
            "gru": {"cell": "gru"},
            "wide": {"cell": "gru", "hidden_size": 100},
            "transformer": {"cell": "transformer"},
        },
        "noise": {"levels": [0, 2], "placement": ["suffix", "prefix"]},
        "seeds": 20,
    })  # fmt: skip
    cells = retraining.wanted(config)
    assert {(model, noise) for model, noise, _ in cells} == {("gru", "0"), ("gru", "2")}
    assert {seed for *_, seed in cells} == {*range(10)}
    called = {"gru": "GRU", "wide": "Wide", "transformer": "Transformer"}
    assert retraining.left_out(config, called) == [
        "GRU, trained under noise 2 (prefix): the page can only add noise after the name",
        "Wide: there are browser kernels for 16, 32, 64 units, not for 100",
        "Transformer: there is no browser kernel for the transformer",
        "Seeds after the first 10",
    ]
    config["training"]["engine"] = "autograd"
    assert retraining.wanted(config) == []
