"""Comparing two experiments: what is read, what is reported as changed, and what is refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from made_up import SCHEMA, tables_of

from noisynames.analysis import tables
from noisynames.analysis.findings import costs
from noisynames.analysis.findings.contrasts import planned_contrasts
from noisynames.analysis.findings.pairs import METRICS, by_run
from noisynames.analysis.findings.training import curves
from noisynames.cli import app
from noisynames.config import resolve
from noisynames.errors import UserError
from noisynames.experiments.comparing import NotComparableError, compare, history, loss_curves
from noisynames.experiments.opening import names_of, read
from noisynames.files import read_record, sha256, write_record
from noisynames.grid import Grid
from noisynames.models.labels import labels
from noisynames.reporting.beside import sentences
from noisynames.reporting.carrying import carried, unpacked

USUAL = resolve({}, SCHEMA)
TWO = {"rnn": {"cell": "rnn"}, "gru": {"cell": "gru"}}


def made(
    folder: Path,
    accuracy: dict[str, float],
    models: dict[str, Any] | None = None,
    seeds: Any = 10,
    splits: str = "one",
    languages: tuple[str, ...] = ("Elvish", "Klingon"),
    **more: Any,
) -> Path:
    """A results folder of runs at noise 0 with about these accuracies."""
    config = resolve(
        {"models": models or TWO, "noise": {"levels": [0]}, "seeds": seeds, "baselines": []},
        SCHEMA,
    )
    grid = Grid.of(config)
    found = tables_of(grid, {(model, "0"): a for model, a in accuracy.items()}, **more)
    findings = {
        "metrics": METRICS,
        "final_points": 5,
        "margins": grid.margins,
        "labels": labels(grid.models),
        "curves": curves(found),
        "planned_contrasts": planned_contrasts(found, by_run(found), grid),
    }
    read_back = {name: found[name] for name in ("runs", "losses", "accuracy")}
    tables.write(read_back, folder / "tables", "findings.json", findings)
    timings = pd.DataFrame(
        {
            "model": model, "noise": noise, "seed": seed, "updates": 9, "training_seconds": 1.0,
            "startup_seconds": 0.1, "peak_memory_mb": 90.0, "engine": "compiled",
            "processor": "A", "cores": 2, "system": "Linux", "python": "3.11",
        }
        for model, noise, seed in grid.cells
    )  # fmt: skip
    tables.write({"timings": timings}, folder / "tables", "timings.json", costs.find(timings))
    rows = found["runs"].to_dict("records")
    for (model, noise, seed), row in zip(grid.cells, rows, strict=True):
        run = folder / f"runs/{model}/noise{noise}/seed{seed}"
        spec = {key: value for key, value in grid.models[model].items() if key != "seeds_vary"}
        losses = sha256(str(row["macro_accuracy"]).encode())
        content = {
            "model": model, "noise": noise, "noise_characters": None, "seed": seed, "spec": spec,
            "hyperparameters": {"updates": 9}, "engine": "compiled", "status": row["status"],
            "split": f"{splits}{seed}", "files": {"losses.csv": losses},
        }  # fmt: skip
        write_record(run / "run.json", content)
    counts = {language: {"lines": 9, "names": 9} for language in languages}
    manifest = {"counts": counts, "source": "made up", "sha256": splits, "version": "1"}
    write_record(folder / "dataset/manifest.json", manifest)
    return folder


def beside(before: Path, after: Path) -> dict[str, Any]:
    return compare(read(before, "before"), read(after, "after"), USUAL)


def test_an_experiment_compared_with_itself_did_not_change(tmp_path: Path) -> None:
    one = made(tmp_path / "one", {"rnn": 0.5, "gru": 0.6}, lost={("rnn", "0", 3): "diverged"})
    found = beside(one, one)
    assert found["outcome"] == "identical"
    assert found["differences"] == found["only"] == found["lost"] == found["contrasts"] == []
    assert sentences.first(found) == "Nothing changed: 20 runs identical to the byte."
    assert sentences.more(found) == []


def test_a_change_is_reported_with_its_size_and_so_is_what_is_worse(tmp_path: Path) -> None:
    before = made(tmp_path / "a", {"rnn": 0.5, "gru": 0.6})
    after = made(tmp_path / "b", {"rnn": 0.5, "gru": 0.5})
    found = beside(before, after)
    assert found["outcome"] == "worse"
    assert sentences.first(found) == (
        "1 of 2 arms changed: GRU without noise is 10.0 points less accurate."
    )
    assert {(c["metric"], c["model"]) for c in found["worse"]} == {
        ("macro_accuracy", "gru"), ("held_out_loss", "gru"),
    }  # fmt: skip
    turned = beside(after, before)
    assert turned["outcome"] == "changed"
    assert "10.0 points more accurate" in sentences.first(turned)


def test_what_is_smaller_than_the_margin_is_not_worse(tmp_path: Path) -> None:
    before = made(tmp_path / "a", {"rnn": 0.5, "gru": 0.6})
    after = made(tmp_path / "b", {"rnn": 0.5, "gru": 0.597})
    found = beside(before, after)
    assert found["outcome"] == "changed"
    assert "0.3 points less accurate, by less than matters" in sentences.first(found)
    assert found["worse"] == []


def test_a_run_that_diverges_now_is_worse(tmp_path: Path) -> None:
    before = made(tmp_path / "a", {"rnn": 0.5, "gru": 0.6})
    after = made(tmp_path / "b", {"rnn": 0.5, "gru": 0.6}, lost={("gru", "0", 4): "diverged"})
    found = beside(before, after)
    assert found["lost"] == [{"model": "gru", "noise": "0", "seed": 4}]
    assert found["outcome"] == "worse"
    assert any("1 run that completed before diverged" in s for s in sentences.more(found))


def test_different_splits_or_seeds_are_two_samples_and_the_page_says_so(tmp_path: Path) -> None:
    before = made(tmp_path / "a", {"rnn": 0.5, "gru": 0.6})
    splits = beside(before, made(tmp_path / "b", {"rnn": 0.5, "gru": 0.6}, splits="two", draw=1))
    assert {arm["how"] for arm in splits["arms"]} == {"splits"}
    assert "splits the names differently" in sentences.more(splits)[-1]
    others = made(tmp_path / "c", {"rnn": 0.5, "gru": 0.5}, seeds=[20, 21, 22], draw=1)
    seeds = beside(before, others)
    assert {arm["how"] for arm in seeds["arms"]} == {"few"}
    change = next(
        c for c in seeds["changes"] if (c["metric"], c["model"]) == ("macro_accuracy", "gru")
    )
    assert (change["n"], change["before"]["n"], change["after"]["n"]) == (None, 10, 3)
    assert change["verdict"] == "lower"


def test_seeds_that_both_have_are_pairs_and_arms_in_only_one_are_named(tmp_path: Path) -> None:
    before = made(tmp_path / "a", {"rnn": 0.5, "gru": 0.6})
    after = made(tmp_path / "b", {"rnn": 0.5}, {"rnn": {"cell": "rnn"}}, seeds=[5, 6, 7, 20])
    found = beside(before, after)
    assert [arm["pairs"] for arm in found["arms"]] == [[5, 6, 7]]
    assert found["only"] == [{"model": "gru", "noise": "0", "set": "before"}]
    assert "1 arm is in “before” only." in sentences.more(found)


def test_a_renamed_model_is_the_same_model(tmp_path: Path) -> None:
    before = made(tmp_path / "a", {"rnn": 0.5, "gru": 0.6})
    models = {"rnn": {"cell": "rnn"}, "gated": {"cell": "gru"}}
    found = beside(before, made(tmp_path / "b", {"rnn": 0.5, "gated": 0.6}, models))
    assert found["renamed"] == {"gru": "gated"}
    assert found["outcome"] == "identical"
    assert found["only"] == found["differences"] == []
    assert "“gru” is now called “gated”: both were trained in the same way." in sentences.more(
        found
    )


def test_one_seed_has_a_difference_and_no_verdict(tmp_path: Path) -> None:
    before = made(tmp_path / "a", {"rnn": 0.5, "gru": 0.6}, seeds=1)
    found = beside(before, made(tmp_path / "b", {"rnn": 0.5, "gru": 0.4}, seeds=1, draw=1))
    assert found["outcome"] == "same"
    assert {c["verdict"] for c in found["changes"]} == {"undecided"}
    assert "one seed" in sentences.verdict(found["changes"][0])


def test_only_differences_in_the_config_are_reported(tmp_path: Path) -> None:
    models = {name: {**spec, "learning_rate": 0.01} for name, spec in TWO.items()}
    before = made(tmp_path / "a", {"rnn": 0.5, "gru": 0.6})
    found = beside(before, made(tmp_path / "b", {"rnn": 0.5, "gru": 0.6}, models))
    (told,) = found["differences"]
    assert sentences.difference(found, told) == ("Learning rate of every model", "0.005", "0.01")


def test_what_cannot_be_compared_says_why(tmp_path: Path) -> None:
    before = made(tmp_path / "a", {"rnn": 0.5, "gru": 0.6})
    others = made(tmp_path / "b", {"rnn": 0.5, "gru": 0.6}, languages=("Elvish", "Dwarvish"))
    with pytest.raises(
        NotComparableError, match="different data: language 'Klingon' is only in before"
    ):
        beside(before, others)
    lstm = made(tmp_path / "c", {"lstm": 0.5}, {"lstm": {"cell": "lstm"}})
    with pytest.raises(NotComparableError, match=r"no arm in common: rnn at noise 0 and 1 more"):
        beside(before, lstm)
    file = before / "tables/findings.json"
    record = json.loads(file.read_text())
    del record["checksum"]
    write_record(file, {**record, "metrics": {"macro_accuracy": "of another kind"}})
    with pytest.raises(NotComparableError, match="define macro_accuracy differently"):
        beside(before, made(tmp_path / "d", {"rnn": 0.5, "gru": 0.6}))


@pytest.mark.parametrize(
    "file", ["tables/findings.json", "tables/runs.csv", "runs/gru/noise0/seed3/run.json"]
)
def test_an_altered_file_is_refused_by_name(tmp_path: Path, file: str) -> None:
    folder = made(tmp_path / "a", {"rnn": 0.5, "gru": 0.6})
    (folder / file).write_text((folder / file).read_text().replace("0", "1", 1))
    with pytest.raises(UserError, match=f"{file}: truncated or altered"):
        read(folder, "a")


def test_results_of_an_older_version_are_read_or_refused_by_version(tmp_path: Path) -> None:
    folder = made(tmp_path / "a", {"rnn": 0.5, "gru": 0.6})
    new = read(folder, "new")
    findings = read_record(folder / "tables/findings.json")
    files = [folder / "tables" / file for file in findings["files"]]
    for key in ("curves", "labels", "margins", "planned_contrasts"):
        del findings[key]
    write_record(folder / "tables/statistics.json", findings, files)
    (folder / "tables/findings.json").unlink()
    old = read(folder, "old")
    found = compare(old, new, USUAL)
    assert (found["outcome"], found["contrasts"], old.label("gru")) == ("identical", None, "GRU")
    assert loss_curves(old) == loss_curves(new)
    write_record(folder / "tables/statistics.json", {"alpha": 0.05})
    page = "<dt>Versions</dt><dd>noisynames 0.0.3, numpy 2"
    (folder / "report.html").write_text(page)
    with pytest.raises(UserError, match=r"of noisynames 0\.0\.3, whose results cannot be read"):
        read(folder, "old")
    with pytest.raises(
        UserError, match=r"a report of noisynames 0\.0\.3, which does not carry its"
    ):
        read(folder / "report.html", "old")


def test_a_zip_file_and_a_report_are_read_like_the_folder(tmp_path: Path) -> None:
    folder = made(tmp_path / "mine/results", {"rnn": 0.5, "gru": 0.6})
    archive = Path(shutil.make_archive(str(tmp_path / "mine"), "zip", tmp_path, "mine"))
    manifest = json.loads((folder / "dataset/manifest.json").read_text())
    cells = [(model, "0", seed) for model in TWO for seed in range(10)]
    about = {"config": USUAL, "commit": None, "manifest": manifest}
    blocks = carried(folder, folder, cells, about)
    page = tmp_path / "report.html"
    page.write_text(
        "".join(
            f'<script type="text/plain" id="carried-{name}">{text}</script>\n'
            for name, text in blocks.items()
        )
    )
    assert (
        unpacked(page.read_bytes())["tables/runs.csv"] == (folder / "tables/runs.csv").read_bytes()
    )
    for other in (archive, page, folder.parent):
        assert beside(folder, other)["outcome"] == "identical"
    page.write_text(page.read_text().replace("/Td6WFo", "/Td6XFo"))  # the beginning of archives
    with pytest.raises(UserError, match="the tables that it carries: truncated or altered"):
        read(page, "report")


def test_the_command_writes_a_page_and_its_status_gives_the_outcome(tmp_path: Path) -> None:
    before = str(made(tmp_path / "a", {"rnn": 0.5, "gru": 0.6}))
    after = str(made(tmp_path / "b", {"rnn": 0.5, "gru": 0.5}))
    run = CliRunner().invoke
    page = tmp_path / "compare.html"
    title = "<script>alert(1)</script> & more"
    done = run(app, ["compare", before, after, "--output", str(page), "--title", title])
    assert done.exit_code == 1
    assert "1 of 2 arms changed" in done.output
    text = page.read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in text
    assert "<script>alert(1)" not in text
    assert 'id="figure-dumbbells"' in text
    assert 'id="figure-overlaid"' in text
    assert "src=" not in text.replace("image.src =", "")
    told = run(app, ["compare", after, before, "--json"])
    assert told.exit_code == 0
    assert json.loads(told.output)["outcome"] == "changed"
    refused = run(app, ["compare", before, str(tmp_path / "nowhere"), "--output", str(page)])
    assert refused.exit_code == 2
    assert page.read_text() == text


def test_for_more_than_two_the_history_shows_where_an_arm_changed(tmp_path: Path) -> None:
    accuracies = {"y24": 0.5, "y25": 0.5, "y26": 0.6, "y27": 0.6}
    models = {"y27": {"rnn": {"cell": "rnn"}, "gated": {"cell": "gru"}}}
    folders = [
        made(
            tmp_path / year / "results",
            {"rnn": 0.5, "gated" if year in models else "gru": gru},
            models.get(year),
            draw=draw,
        )
        for draw, (year, gru) in enumerate(accuracies.items())
    ]
    found = history([read(folder, folder.parent.name) for folder in folders], USUAL)
    changed = [(s["model"], s["set"]) for s in found["steps"] if s["better"] is not None]
    assert changed == [("gated", "y26")]
    assert len(found["steps"]) == 6
    assert [r["set"] for r in found["estimates"] if r["model"] == "gated"] == list(accuracies)
    page = tmp_path / "compare.html"
    command = ["compare", *map(str, folders), "--output", str(page)]
    assert CliRunner().invoke(app, command).exit_code == 0
    assert 'id="figure-history"' in page.read_text()


def test_experiments_are_named_after_their_folders_if_these_differ() -> None:
    assert names_of([Path("old/results"), Path("new/results/report.html")]) == ["old", "new"]
    assert names_of([Path("a/results"), Path("a/results")]) == ["before", "after"]
    assert names_of([Path("x"), Path("y")], "one, two") == ["one", "two"]
    with pytest.raises(UserError, match="allowed: 2 names that differ"):
        names_of([Path("x"), Path("y")], "one,one")
    with pytest.raises(UserError, match="found 1 experiment"):
        names_of([Path("x")])
