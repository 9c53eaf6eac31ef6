"""The section "Try it": the predictions of the page's own models, and how it is used."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from conftest import ROOT
from playwright.sync_api import Browser, Page, expect

from noisynames.config import resolve
from noisynames.files import parsed
from noisynames.grid import run_folder, split_file
from noisynames.models.reference import load_classifier
from noisynames.models.spec import CELLS, READOUTS, RECURRENT, ModelSpec
from noisynames.models.weights import initial_parameters
from noisynames.names import dataset
from noisynames.names.examples import held_out_examples
from noisynames.names.noise import Noise
from noisynames.reporting import page as reporting
from noisynames.reporting import playground
from noisynames.reporting.figures.look import COLOURS
from noisynames.runs import open_finished

from .conftest import Report

pytestmark = pytest.mark.browser

ASK = """([arm, texts]) => {
  const data = JSON.parse(document.getElementById("try-data").textContent);
  const { spec, weights, parameters } = data.arms[arm], symbols = [...data.alphabet];
  const bytes = Uint8Array.from(atob(weights), (letter) => letter.charCodeAt(0));
  const model = reading.load(spec, new Float32Array(bytes.buffer), parameters);
  return texts.map((text) => {
    const units = [...text].map((letter) => [symbols.indexOf(letter)]);
    return [...reading.read(model, units).probabilities];
  });
}"""


@pytest.fixture
def config() -> dict[str, Any]:
    return resolve(yaml.safe_load((ROOT / "config/smoke.yaml").read_text()))


@pytest.fixture
def names(smoke: Path) -> dataset.Dataset:
    return dataset.read(smoke / "results/dataset/names.csv")


@pytest.fixture
def blank(browser: Browser) -> Iterator[Page]:
    """An empty page that can run models."""
    page = browser.new_page()
    page.add_script_tag(content=(ROOT / "report/js/reading.js").read_text())
    yield page
    page.close()


def summary(page: Page) -> str:
    return page.locator("#try-summary").inner_text()


def test_the_page_predicts_the_same_as_the_evaluation_for_every_held_out_name(
    report: Report, config: dict[str, Any]
) -> None:
    page, results = report.open(), report.path.parent
    cells = playground.wanted(config)
    assert len(cells) == 4
    for i, cell in enumerate(cells):
        model, trained_at, seed = cell
        run = open_finished(run_folder(results, cell) / "run.json", split_file(results, seed))
        assert run is not None
        kept = parsed((results / f"evaluation/{model}/noise{trained_at}.csv").read_bytes())
        for noise in ("0", "2"):
            rows = kept[(kept["seed"] == seed) & (kept["noise"] == noise)]
            held_out = held_out_examples(run.examples(run.split.test), Noise.named(noise), seed)
            texts = [held_out.text(j) for j in range(len(held_out))]
            said = np.array(page.evaluate(ASK, [i, texts]))
            assert len(said) == len(rows) > 3000
            best = said.argmax(1)
            assert [run.languages[k] for k in best] == rows["prediction"].tolist()
            assert np.abs(said.max(1) - rows["probability"]).max() < 1e-5
            true = said[np.arange(len(said)), held_out.targets]
            assert np.abs(true - np.exp(-rows["loss"])).max() < 1e-5


SPECS = [
    *(
        ModelSpec(cell, readout, 6, layers, both)
        for cell in RECURRENT
        for readout in READOUTS
        for layers in (1, 2)
        for both in (False, True)
    ),
    *(ModelSpec("transformer", readout, 8, 2, num_heads=2) for readout in READOUTS),
]


def test_every_model_that_a_config_can_name_predicts_as_pytorch_does(blank: Page) -> None:
    assert {*playground.CELLS, "custom"} == {*CELLS}
    found = blank.evaluate("({ cells: reading.CELLS, readouts: reading.READOUTS })")
    assert sorted(found["cells"]) == sorted(playground.CELLS)
    assert sorted(found["readouts"]) == sorted(READOUTS)
    units = [[3], [1, 4], [0], [6], [3]]
    for spec in SPECS:
        weights = initial_parameters(spec, 7, 5, seed=2)
        doubles = {name: 2 * values.astype(np.float64) for name, values in weights.items()}
        torch_model = load_classifier(spec, 7, 5, doubles)

        def expected(*units: list[int]) -> list[float]:
            symbols = torch.tensor([[symbol for unit in units for symbol in unit]])
            with torch.no_grad():
                (said,), _ = torch_model(symbols, torch.tensor([symbols.shape[1]]))  # noqa: B023
            return said.exp().tolist()  # type: ignore[no-any-return]

        said = blank.evaluate(
            """([spec, numbers, parameters, units]) => {
                const model = reading.load(spec, Float64Array.from(numbers), parameters);
                const { probabilities, after, attention, without } = reading.read(model, units);
                return {
                  probabilities: [...probabilities], after: after.map((p) => [...p]),
                  attention: attention ? [...attention] : null,
                  without: units.map((_, i) => [...without(i)]),
                };
            }""",
            [
                vars(spec) | {"options": {}},
                np.concatenate([values.ravel() for values in doubles.values()]).tolist(),
                [(name, values.shape) for name, values in doubles.items()],
                units,
            ],
        )
        places = range(len(units))
        np.testing.assert_allclose(said["probabilities"], expected(*units), atol=1e-6)
        np.testing.assert_allclose(
            said["after"], [expected(*units[: i + 1]) for i in places], atol=1e-6
        )
        np.testing.assert_allclose(
            said["without"], [expected(*units[:i], *units[i + 1 :]) for i in places], atol=1e-6
        )
        assert (said["attention"] is not None) == (spec.readout == "attention")
        assert said["attention"] is None or sum(said["attention"]) == pytest.approx(1)


def test_a_name_is_read_at_every_key(report: Report) -> None:
    page = report.open()
    page.locator("#try-name").fill("")
    assert summary(page) == "Type a name above."
    page.locator("#try-name").press_sequentially("Ślu-s")
    assert page.locator(".try-token").all_inner_texts() == [*"Slus"]
    notes = page.locator("#try-notes").inner_text()
    assert "◌́ (a mark)" in notes
    assert "- (not in the alphabet)" in notes
    assert page.locator(".try-arm:visible").count() == 4
    said = page.locator(".try-said b").all_inner_texts()
    assert any(f"{said.count(label)} " in summary(page) for label in said)
    expect(page.locator("#try-live")).to_have_text(f"Slus: {summary(page)}")
    label = page.locator(".try-chart").first.get_attribute("aria-label") or ""
    assert label.startswith("RNN, trained without noise: ") and "%" in label
    assert report.complaints == []


def test_the_page_shows_what_the_model_predicts(report: Report) -> None:
    page = report.open("?name=Novak")
    (probabilities,) = page.evaluate(ASK, [0, ["Novak"]])
    shares = page.locator(".try-arm").first.locator(".try-share").all_inner_texts()
    top = sorted(probabilities, reverse=True)
    assert shares[0] == f"{100 * top[0]:.0f} %"
    label = page.locator(".try-arm").first.locator(".try-said b").inner_text()
    languages = json.loads(page.locator("#try-data").inner_text())["languages"]
    assert label == languages[int(np.argmax(probabilities))]


def test_junk_is_drawn_by_keyboard_and_the_address_brings_it_back(report: Report) -> None:
    page = report.open()
    page.locator("#try-name").fill("Novak")
    page.locator("#try-junk").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    junk = page.locator(".try-token.try-noise").all_inner_texts()
    assert len(junk) == 3
    assert {*junk} <= {*".,;'"}
    page.get_by_text("Which models").click()
    page.get_by_label("Try RNN").uncheck()
    expect(page).to_have_url(re.compile("models=gru_attention"))
    again = report.open(page.evaluate("location.search"))
    assert again.locator("#try-name").input_value() == "Novak"
    assert again.locator(".try-token.try-noise").all_inner_texts() == junk
    assert again.locator(".try-reader:visible h3").all_inner_texts() == ["GRU + attention"]
    assert summary(again) == summary(page)
    again.locator("#run-filter").evaluate(
        "box => { box.value = 'rnn'; box.dispatchEvent(new Event('input')); }"
    )
    assert "name=Novak" in again.evaluate("location.search")


def test_names_of_the_data_set_can_be_chosen(report: Report) -> None:
    page = report.open()
    data = json.loads(page.locator("#try-data").inner_text())
    page.get_by_role("button", name="Random held-out name").click()
    name = page.locator("#try-name").input_value()
    languages = [language for language, names in data["held_out"].items() if name in names]
    assert f"“{name}” was held out of training: {', '.join(languages)}." in (
        page.locator("#try-notes").inner_text()
    )
    marks = page.locator(".try-right, .try-wrong").all_inner_texts()
    said = page.locator(".try-said b").all_inner_texts()
    assert [mark.strip() for mark in marks] == ["✓" if s in languages else "✗" for s in said]
    page.get_by_role("button", name="Polish", exact=True).click()
    assert page.locator("#try-name").input_value() == data["typical"]["Polish"]
    assert data["typical"]["Polish"] in data["held_out"]["Polish"]


def test_reading_can_stop_after_a_character(report: Report) -> None:
    page = report.open("?name=Novak")
    page.locator("#try-at").focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    (probabilities,) = page.evaluate(ASK, [0, ["No"]])
    languages = json.loads(page.locator("#try-data").inner_text())["languages"]
    said = page.locator(".try-said b").first.inner_text()
    assert said == languages[int(np.argmax(probabilities))]
    assert page.locator("#try-upto").inner_text() == "“No”"
    assert page.locator("#try-at").get_attribute("aria-valuetext") == "No"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_long_name_fits_a_narrow_screen(report: Report, scheme: str) -> None:
    query = f"?name={'Wolfeschlegelstein' * 2}&junk={'.;' * 6}"
    page = report.open(query, viewport={"width": 390, "height": 800}, color_scheme=scheme)
    assert page.locator(".try-token").count() == 48
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


def test_nothing_leaves_the_page(report: Report) -> None:
    page = report.open()
    reasons: list[str | None] = []
    page.on("requestfailed", lambda request: reasons.append(request.failure))
    refused = page.evaluate("""async () => {
        const tried = {
          fetch: () => fetch("https://example.org/"),
          image: () => new Promise((resolve, reject) => {
            const image = new Image();
            image.onload = resolve;
            image.onerror = reject;
            image.src = "https://example.org/pixel.png";
          }),
          eval: async () => new Function("return 1")(),
          script: () => new Promise((resolve, reject) => {
            const script = document.createElement("script");
            script.onload = resolve;
            script.onerror = reject;
            script.src = "https://example.org/script.js";
            document.head.append(script);
          }),
        };
        const blocked = [];
        document.addEventListener("securitypolicyviolation",
          (event) => blocked.push(event.effectiveDirective));
        const failed = [];
        for (const [name, attempt] of Object.entries(tried)) {
          try { await attempt(); } catch { failed.push(name); }
        }
        return { failed, blocked };
    }""")
    assert refused["failed"] == ["fetch", "image", "eval", "script"]
    assert {"connect-src", "img-src", "script-src", "script-src-elem"} == {*refused["blocked"]}
    assert {*reasons} == {"csp"}, "refused before anything was sent"
    report.requests.clear()
    page.locator("#try-name").fill("Novak")
    page.get_by_role("button", name="Random held-out name").click()
    assert summary(page)
    assert report.requests == []


def test_without_javascript_three_names_are_shown(report: Report) -> None:
    page = report.open(java_script_enabled=False)
    rows = page.locator("#table-try tbody tr")
    assert rows.count() == 4
    assert page.locator("#table-try .try-heat").count() == 12
    assert "With JavaScript" in page.locator("#try").inner_text()
    assert page.locator("#try input").count() == 0


CALLED = {"rnn": "RNN", "gru_attention": "GRU + attention"}


def test_a_model_has_the_same_colour_as_in_figures(
    smoke: Path, config: dict[str, Any], names: dataset.Dataset
) -> None:
    """In figures, compared models come first, wherever the config has the others."""
    rnn, attends = (config["models"][name] for name in ("rnn", "gru_attention"))
    config["models"] = {"slow": rnn | {"learning_rate": 1e-5}, "rnn": rnn, "gru_attention": attends}
    status = {cell: "missing" if cell[0] == "slow" else "ok" for cell in playground.wanted(config)}
    found = playground.of(smoke / "results", config, names, status, {"slow": "Slow", **CALLED})
    assert found is not None
    assert {arm["label"]: arm["colour"] for arm in found["arms"]} == {
        "RNN": COLOURS[0], "GRU + attention": COLOURS[1]
    }  # fmt: skip


def test_the_page_says_what_it_leaves_out(
    smoke: Path, config: dict[str, Any], names: dataset.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = dict.fromkeys(playground.wanted(config), "ok")
    rnn, _, gru, _ = status
    status[rnn], status[gru] = "diverged", "missing"
    found = playground.of(smoke / "results", config, names, status, CALLED)
    assert found is not None
    assert [(arm["model"], arm["noise"]) for arm in found["arms"]] == [
        ("rnn", "2"), ("gru_attention", "2")
    ]  # fmt: skip
    assert found["left_out"] == [
        "RNN, trained without noise: its run with seed 0 diverged",
        "GRU + attention, trained without noise: its run with seed 0 is missing",
    ]
    monkeypatch.setattr(playground, "MOST_BYTES", 100)
    assert playground.of(smoke / "results", config, names, status, CALLED) is None


def test_large_grids_have_the_planned_contrasts_and_custom_ones_are_left_out(
    config: dict[str, Any],
) -> None:
    rnn = config["models"]["rnn"]
    config["models"] = {f"m{i}": rnn | {"hidden_size": 2 + i // 2} for i in range(26)}
    config["models"]["own"] = rnn | {"cell": "custom"}
    for i in range(0, 26, 2):
        config["models"][f"m{i}"]["learning_rate"] = 0.1
    config["models"]["m1"]["readout"] = "max"
    config["models"]["m1"]["bidirectional"] = True  # two respects: in no contrast
    assert {model for model, *_ in playground.wanted(config)} == {f"m{i}" for i in range(3, 26, 2)}
    config["report"]["playground"] = False
    assert playground.wanted(config) == []


def test_a_report_can_leave_it_out(smoke: Path, config: dict[str, Any]) -> None:
    config["report"]["playground"] = False
    text = reporting.render(smoke / "results", ROOT / "report", config)
    assert '<section id="try"' not in text
    assert 'try-data">' not in text
    assert "#try" not in text.partition("<main")[0].partition("</style>")[2]
