"""The real snakemake on small grids."""

import csv
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from conftest import ROOT, Once, Snakemake, hashes, planned

from noisynames import grid
from noisynames.analysis import tables
from noisynames.config import resolve
from noisynames.evaluation import attention, baselines, predictions, probes
from noisynames.names.noise import Noise

pytestmark = pytest.mark.workflow

SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
TINY: dict[str, Any] = {
    "models": {"gru": {"cell": "gru", "hidden_size": 4}},
    "noise": {"levels": [0]},
    "seeds": 1,
    "baselines": ["majority"],
    "training": {"updates": 100, "record_every": 50},
}
BASELINES = ["ngrams", "majority"]


def write_config(folder: Path, **changes: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "my.yaml"
    path.write_text(yaml.safe_dump(TINY | changes))
    return path


def test_the_main_job_leaves_every_promised_file(smoke: Path) -> None:
    results = smoke / "results"
    page = (results / "report.html").read_text()
    assert len(page) > 50_000
    assert "8 of 8 runs completed" in page
    assert "partial report" not in page
    run = results / "runs/rnn/noise2/seed1"
    assert sorted(p.name for p in run.iterdir()) == [
        "losses.csv", "run.json", "timing.json", "weights.safetensors",
    ]  # fmt: skip
    with (run / "losses.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["update"] for row in rows] == ["100", "200", "300", "400"]
    record = json.loads((run / "run.json").read_text())
    assert record["status"] == "ok"
    assert record["engine"] == "compiled"
    for name in ("losses", "runs", "accuracy", "recall", "confusion", "attention", "yardsticks",
        "probes", "baselines"):  # fmt: skip
        assert (results / f"tables/{name}.csv").is_file()


def test_nothing_is_left_to_do_after_an_experiment(smoke: Path, snakemake: Snakemake) -> None:
    done = snakemake(smoke, "--configfile", ROOT / "config/smoke.yaml", "-n")
    assert "Nothing to be done" in done.stdout + done.stderr


def test_a_new_model_only_trains_itself(smoke: Path, snakemake: Snakemake, tmp_path: Path) -> None:
    config = yaml.safe_load((ROOT / "config/smoke.yaml").read_text())
    config["models"]["lstm_attention"] = {"cell": "lstm", "readout": "attention", "hidden_size": 8}
    path = tmp_path / "more.yaml"
    path.write_text(yaml.safe_dump(config))
    done = snakemake(smoke, "--configfile", path, "-n")
    jobs = planned(done.stdout + done.stderr)
    assert jobs["train"] == 4
    assert jobs["evaluate"] == 2
    assert jobs["inspect_attention"] == 2
    assert "dataset" not in jobs
    assert "split" not in jobs


def test_single_rules_do_what_they_promise(smoke: Path, snakemake: Snakemake) -> None:
    config = ["--configfile", ROOT / "config/smoke.yaml", "--cores", "2"]

    def jobs(*arguments: str) -> dict[str, int]:
        done = snakemake(smoke, *config, "-n", *arguments)
        return planned(done.stdout + done.stderr)

    assert jobs("-f", "report") == {"report": 1}
    assert jobs("-f", "results/runs/rnn/noise0/seed0/losses.csv") == {"train": 1}
    again = jobs("-R", "evaluate")
    assert again["evaluate"] == 4
    assert again["report"] == 1
    assert "train" not in again


def test_the_list_of_rules_reads_like_a_menu(snakemake: Snakemake, tmp_path: Path) -> None:
    done = snakemake(tmp_path, "--list")
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    for rule in ("dataset", "split", "train", "evaluate", "aggregate", "plot", "report", "all"):
        (line,) = [line for line in lines if re.match(rf"{rule}\b", line)]
        assert "(" in line, f"{rule} has no description"


WIDE = {"cell": "gru", "readout": "attention", "hidden_size": 64}
ENORMOUS = {"updates": 20, "record_every": 10, "learning_rate": 1e19}


def test_a_diverged_run_is_shown_and_does_not_affect_others(
    snakemake: Snakemake, tmp_path: Path
) -> None:
    """At this rate, sums over 64 units leave the range of float32; those over one unit do not."""
    models = {"small": {"cell": "gru", "hidden_size": 1}, "wide": WIDE}
    config = write_config(tmp_path, models=models, training=ENORMOUS, seeds=2)
    snakemake(tmp_path, "--configfile", config, "--cores", "2")
    page = (tmp_path / "results/report.html").read_text()
    with (tmp_path / "results/tables/runs.csv").open() as file:
        states = [(row["model"], row["status"]) for row in csv.DictReader(file)]
    assert states == [("small", "ok")] * 2 + [("wide", "diverged")] * 2
    assert "2 of 4 runs completed" in page
    assert re.search(r'<a href="#runs">2\s+diverged</a>', page)
    assert page.count('<tr class="bad">') == 2


def test_a_report_is_written_even_if_every_run_diverged(
    snakemake: Snakemake, tmp_path: Path
) -> None:
    config = write_config(tmp_path, models={"wide": WIDE}, training=ENORMOUS)
    snakemake(tmp_path, "--configfile", config, "--cores", "2")
    assert "0 of 1 runs completed" in (tmp_path / "results/report.html").read_text()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("trainin=3", "config: trainin: unknown key; did you mean 'training'?"),
        (
            "noise={levels: [-1]}",
            "config: noise.levels.0: found -1; allowed: an integer at least 0",
        ),
    ],
)
def test_a_bad_config_is_one_line_and_nothing_runs(
    snakemake: Snakemake, tmp_path: Path, setting: str, message: str
) -> None:
    done = snakemake(tmp_path, "--cores", "1", "--config", setting, check=False)
    assert done.returncode == 1
    assert sum(line.startswith(message) for line in done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert not (tmp_path / "results").exists()


def test_nothing_from_data_or_config_reaches_a_shell_the_page_or_another_folder(
    snakemake: Snakemake, tmp_path: Path
) -> None:
    watched = ["config", "report", "results", "src", "workflow", "profiles", "Snakefile"]

    def state() -> dict[Path, int]:
        files = [f for name in watched for f in [ROOT / name, *(ROOT / name).rglob("*")]]
        return {
            f: f.stat().st_mtime_ns for f in files if f.is_file() and "__pycache__" not in f.parts
        }

    before = state()
    folder = tmp_path / "my-experiment"
    nasty = "my $(touch owned) `touch owned` 'names'; touch owned #{wildcards}"
    names = folder / nasty
    names.mkdir(parents=True)
    labels = ["<script>alert(1)</script>".replace("/", "∕"), "NA", "naïve & co"]
    for label in labels:
        letters = "abcdefghijklmnopqrst"
        (names / f"{label}.txt").write_text("\n".join(f"{label[-2:]}{c}son" for c in letters))
    config = write_config(
        folder,
        dataset={"source": "directory", "path": nasty},
        report={"title": f"</title>{nasty}"},
        baselines=BASELINES,
    )
    snakemake(folder, "--configfile", config, "--cores", "2")
    page = (folder / "results/report.html").read_text()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<title>&lt;/title&gt;my $(touch owned)" in page
    assert list(tmp_path.rglob("owned")) == []
    with (folder / "results/tables/recall.csv").open() as file:
        assert {row["language"] for row in csv.DictReader(file)} == set(labels)
    assert state() == before
    assert {path.name for path in tmp_path.iterdir()} == {"my-experiment"}
    assert {path.name for path in folder.iterdir()} == {"my.yaml", nasty, "results", ".snakemake"}


def test_snakemake_looks_for_jobs_to_start_only_when_one_ends(
    snakemake: Snakemake, tmp_path: Path
) -> None:
    """Otherwise it does so once more a second after each time, see `onstart` in common.smk.

    If this fails with a new Snakemake, its scheduler keeps the limit of jobs per second elsewhere.
    """
    files = [f"results/splits/seed{seed}.csv" for seed in range(8)]
    options = ["--configfile", write_config(tmp_path, seeds=8), "--cores", "1", "--verbose"]
    done = snakemake(tmp_path, *files, *options)
    looks, jobs = done.stderr.count("\nReady jobs: "), 9
    assert 1 <= looks <= jobs + 1


def test_the_engines_are_compared_when_little_else_is_left_to_do(
    snakemake: Snakemake, tmp_path: Path
) -> None:
    """Only the report waits for it, so it can run beside `aggregate`, which waits for the rest."""
    targets = ["results/reference.json", "results/tables/findings.json"]
    snakemake(tmp_path, *targets, "--configfile", write_config(tmp_path), "--cores", "1")
    benchmarks = tmp_path / "results/benchmarks"
    ended = {
        file.relative_to(benchmarks).with_suffix("").parts[0]: file.stat().st_mtime_ns
        for file in benchmarks.rglob("*.jsonl")  # of one run, so there is one for each rule
    }
    order = sorted(ended, key=ended.__getitem__)
    assert order[-2:] == ["reference", "aggregate"]
    assert {"train", "baseline", "evaluate", "probe"} < {*order}


def test_a_run_by_hand_needs_no_snakemake(tmp_path: Path) -> None:
    program = shutil.which("noisynames")
    assert program
    done = subprocess.run(
        [program, "train", "--model", "gru", "--noise", "5", "--seed", "0", "--updates", "2000"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert (tmp_path / "results/runs/gru/noise5/seed0/losses.csv").is_file()
    assert "2000 100%" in done.stderr


def test_models_beyond_the_worksheets_run_to_the_report(
    snakemake: Snakemake, tmp_path: Path
) -> None:
    (tmp_path / "own_models.py").write_text(
        "import torch\n"
        "class Bag(torch.nn.Module):\n"
        "    def __init__(self, inputs, outputs, width):\n"
        "        super().__init__()\n"
        "        self.inside = torch.nn.EmbeddingBag(inputs, width, mode='sum')\n"
        "        self.output = torch.nn.Linear(width, outputs)\n"
        "    def forward(self, characters, lengths):\n"
        "        names = [c[:n] for c, n in zip(characters, lengths)]\n"
        "        bags = [self.inside(name[None]) for name in names]\n"
        "        return self.output(torch.cat(bags))\n"
    )
    models = {
        "stacked": {"cell": "lstm", "num_layers": 2, "hidden_size": 4},
        "both_ways": {"cell": "gru", "bidirectional": True, "readout": "max", "hidden_size": 4},
        "transformer": {"cell": "transformer", "readout": "mean", "hidden_size": 8},
        "mine": {"cell": "custom", "module": "own_models:Bag", "options": {"width": 3}},
    }
    training = {"updates": 60, "record_every": 20}
    config = write_config(tmp_path, models=models, training=training)
    snakemake(tmp_path, "--configfile", config, "--cores", "2")
    page = (tmp_path / "results/report.html").read_text()
    assert "4 of 4 runs completed" in page
    with (tmp_path / "results/tables/runs.csv").open() as file:
        engines = {row["model"]: row["engine"] for row in csv.DictReader(file)}
    compiled = dict.fromkeys(models, "compiled")
    assert engines == compiled | {"mine": "autograd"}
    assert "Nothing to be done" in snakemake(tmp_path, "--configfile", config, "-n").stdout

    own = tmp_path / "own_models.py"
    own.write_text(own.read_text() + "# an edit\n")
    jobs = planned(snakemake(tmp_path, "--configfile", config, "-n").stdout)
    assert (jobs["train"], jobs["evaluate"]) == (1, 1)


def test_the_control_experiment_at_toy_size(snakemake: Snakemake, tmp_path: Path) -> None:
    config = yaml.safe_load((ROOT / "config/why.yaml").read_text())
    for spec in config["models"].values():
        spec["hidden_size"] = 4
    config["models"] = {name: config["models"][name] for name in ("rnn", "gru_attention")}
    config |= {"seeds": 1, "training": {"updates": 60, "record_every": 20}}
    config |= {"baselines": ["majority"]}
    config["probe"] = {"longest_suffix": 2, "names_per_language": 2}
    path = tmp_path / "toy.yaml"
    path.write_text(yaml.safe_dump(config))
    snakemake(tmp_path, "--configfile", path, "--cores", "2")
    results = tmp_path / "results"
    names = ["0", "5", "5-prefix", "5-scattered", "5-substitution"]
    assert [p.name for p in sorted((results / "runs/rnn").iterdir())] == [
        f"noise{name}" for name in names
    ]
    with (results / "tables/probes.csv").open() as file:
        rows = list(csv.DictReader(file))
    lengths = {row["distance"] for row in rows if row["probe"] == "accuracy"}
    assert lengths == {"0", "1", "2"}
    assert list(dict.fromkeys(row["trained_at"] for row in rows)) == names
    page = (results / "report.html").read_text()
    assert "10 of 10 runs completed" in page
    assert 'id="figure-placements"' in page
    assert 'id="figure-rates"' not in page
    assert "Nothing to be done" in snakemake(tmp_path, "--configfile", path, "-n").stdout


def test_several_learning_rates_at_toy_size(snakemake: Snakemake, tmp_path: Path) -> None:
    config = yaml.safe_load((ROOT / "config/budget.yaml").read_text())
    config["models"] = {
        name: spec | {"hidden_size": 4, "sweep": {"learning_rate": [0.005, 0.08]}}
        for name, spec in config["models"].items()
        if name in ("rnn", "lstm")
    }
    config |= {"seeds": 2, "noise": {"levels": [5]}, "baselines": []}
    config["training"] |= {"updates": 60, "record_every": 20}
    path = tmp_path / "toy.yaml"
    path.write_text(yaml.safe_dump(config))
    snakemake(tmp_path, "--configfile", path, "--cores", "2")
    with (tmp_path / "results/tables/runs.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {(row["compared_as"], row["learning_rate"]) for row in rows} == {
        (f"{model}_0_005", rate) for model in ("rnn", "lstm") for rate in ("0.005", "0.08")
    }
    assert all(0 <= float(row["validation_accuracy"]) <= 1 for row in rows)
    chosen = json.loads((tmp_path / "results/tables/findings.json").read_text())["rates"]
    assert [sum(record["seeds"].values()) for record in chosen["chosen"]] == [2, 2]
    page = (tmp_path / "results/report.html").read_text()
    assert 'id="figure-rates"' in page
    assert "Does the ranking at one learning rate hold" in page


def test_batching_at_toy_size(snakemake: Snakemake, tmp_path: Path) -> None:
    config = yaml.safe_load((ROOT / "config/batching.yaml").read_text())
    for spec, batch_size in zip(config["models"].values(), (1, 2, 8, 16), strict=True):
        spec.update(batch_size=batch_size, hidden_size=4)
    config |= {"seeds": 2, "noise": {"levels": [5]}, "baselines": []}
    config["training"] = {"updates": 64, "record_every": 16}
    path = tmp_path / "toy.yaml"
    path.write_text(yaml.safe_dump(config))
    snakemake(tmp_path, "--configfile", path, "--cores", "2")
    page = (tmp_path / "results/report.html").read_text()
    assert "Examples seen" in page
    assert "GRU (batches of 2) 2 at 0.04" in page
    with (tmp_path / "results/tables/runs.csv").open() as file:
        plans = {(row["batch_size"], row["learning_rate"]) for row in csv.DictReader(file)}
    assert plans == {("1", "0.005"), ("2", "0.04"), ("8", "0.32"), ("16", "2.56")}


def test_ten_seeds_in_one_process_give_the_same_runs(snakemake: Snakemake, tmp_path: Path) -> None:
    runs = []
    alone, shared = {"split": 12, "train": 12}, {"split": 2, "train": 2}
    for together, jobs in ((1, alone), (10, shared | {"split_ten": 1, "train_ten": 1})):
        folder = tmp_path / str(together)
        training = TINY["training"] | {"seeds_per_job": together}
        config = ["--configfile", write_config(folder, seeds=12, training=training)]
        plan = planned(snakemake(folder, *config, "-n").stdout)
        first = {rule: n for rule, n in plan.items() if rule.startswith(("split", "train"))}
        assert first == jobs
        until = ["--until", *(rule for rule in jobs if rule.startswith("train"))]
        snakemake(folder, *config, "--cores", "2", *until)
        runs.append({name: sums for name, sums in hashes(folder).items() if "/runs/" in name})
    assert len(runs[0]) == 12 * 3
    assert runs[0] == runs[1]
    times = [json.loads(file.read_text()) for file in sorted(tmp_path.rglob("timing.json"))]
    assert all(time["startup_seconds"] >= 0 for time in times)

    # One of the ten is trained again by itself, to the same bytes; the others are unchanged.
    shutil.rmtree(folder / "results/runs/gru/noise0/seed3")
    command = ["noisynames", "train", "--model", "gru", "--noise", "0", "--seed", "3"]
    command += ["--hidden-size", "4", "--updates", "100", "--record-every", "50"]
    subprocess.run([*command, "--split", "results/splits/seed3.csv"], cwd=folder, check=True)
    assert {name: sums for name, sums in hashes(folder).items() if "/runs/" in name} == runs[0]
    assert not planned(snakemake(folder, *config, "-n", *until).stdout)


def test_ten_more_seeds_of_a_big_grid_make_nothing_else(
    snakemake: Snakemake, tmp_path: Path
) -> None:
    """What 110 seeds take in addition to 100: nothing made from those is made again."""
    config = yaml.safe_load((ROOT / "config/big.yaml").read_text())
    path = tmp_path / "big.yaml"

    def rules(seeds: int) -> dict[str, int]:
        path.write_text(yaml.safe_dump(config | {"seeds": seeds}))
        return planned(snakemake(tmp_path, "--configfile", path, "-n").stdout)

    before, after = rules(100), rules(110)
    more = {rule: count - before.get(rule, 0) for rule, count in after.items()}
    assert {rule: count for rule, count in more.items() if count} == {
        "split_ten": 1, "train_ten": 20, "evaluate": 20, "probe": 20, "inspect_attention": 5,
        "baseline": 10,
    }  # fmt: skip


@pytest.fixture(scope="session")
def two_parts(once: Once, snakemake: Snakemake) -> Path:
    """Tables of seed 99, then of 99 to 101, and in plan.txt what a dry run in between said."""
    config: dict[str, Any] = {"models": {"gru": TINY["models"]["gru"] | {"readout": "attention"}}}
    config |= {"noise": {"levels": [2]}, "baselines": BASELINES}

    def make(folder: Path) -> None:
        for seeds in ([99], [99, 100, 101]):
            path = write_config(folder, seeds=seeds, **config)
            plan = snakemake(folder, "--configfile", path, "-n").stdout
            snakemake(folder, "results/tables/runs.csv", "--configfile", path, "--cores", "2")
        (folder / "plan.txt").write_text(plan)

    return once("two_parts", make)


def test_seeds_of_another_hundred_leave_existing_results_alone(two_parts: Path) -> None:
    plan = (two_parts / "plan.txt").read_text()
    assert planned(plan) == {
        "split": 2, "train": 2, "evaluate": 1, "probe": 1, "inspect_attention": 1,
        "baseline": 2, "reference": 1, "aggregate": 1, "plot": 1, "report": 1,
    }  # fmt: skip
    tested = re.findall(r"^(?:baseline|evaluate|probe|inspect_attention) .*", plan, re.MULTILINE)
    tested = [line for line in tested if ":" in line]
    assert len(tested) == 5
    assert all(", noise 2, part -seeds100): " in line for line in tested)


def test_tables_from_parts_of_the_seeds_equal_those_of_all_at_once(
    two_parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results, seeds, noise = two_parts / "results", [99, 100, 101], Noise(2)
    config = resolve(yaml.safe_load((two_parts / "my.yaml").read_text()), SCHEMA)
    training = {k: config["training"][k] for k in ("updates", "record_every", "learning_rate")}
    once = grid.Grid(config["models"], ["2"], ".,;'", seeds, training, BASELINES)
    monkeypatch.setattr(grid, "SEEDS_PER_PART", 1000)
    assert once.parts == {"": seeds}

    runs = [grid.run_folder(results, cell) / grid.RECORD for cell in once.cells]
    splits, file = [grid.split_file(results, seed) for seed in seeds], "noise2.csv"
    output = tmp_path / "evaluation/gru" / file
    predictions.evaluate(runs, splits, noise, [noise], output, keep="all")
    output = tmp_path / "probes/gru" / file
    probes.probe(runs, splits, ".,;'", True, output, **config["probe"])
    output = tmp_path / "attention/gru" / file
    attention.inspect(runs, splits, noise, [noise], output, 5, keep="all")
    for name in once.baselines:
        output = tmp_path / "evaluation" / name / file
        baselines.evaluate(name, splits, seeds, noise, [noise], output, 100, keep="all")

    for name, table in tables.build(results, once, tmp_path).items():
        if name == "attention_agreement":  # of pairs of seeds within a part
            continue
        tables.write({name: table}, tmp_path, "record.json", {})
        expected, found = (
            pd.read_csv(path) for path in (tmp_path / f"{name}.csv", results / f"tables/{name}.csv")
        )
        keys = [c for c in found.columns if not pd.api.types.is_float_dtype(found[c])]
        expected, found = (
            table.sort_values(keys, kind="stable", ignore_index=True) for table in (expected, found)
        )
        pd.testing.assert_frame_equal(found, expected, rtol=1e-5, atol=1e-6)


def test_a_paper_gets_its_tables_figures_and_methods(
    smoke: Path, snakemake: Snakemake, tmp_path: Path
) -> None:
    own = shutil.copytree(smoke, tmp_path / "own")
    snakemake(own, "paper", "--configfile", ROOT / "config/smoke.yaml", "--cores", "1")
    folder = own / "results/paper"
    figures = {path.stem for path in folder.glob("*.pdf")}
    assert figures == {path.stem for path in (smoke / "results/figures").glob("*.svg")}
    assert all(path.read_bytes().startswith(b"%PDF") for path in folder.glob("*.pdf"))
    findings = json.loads((smoke / "results/tables/findings.json").read_text())
    scores = (folder / "scores.md").read_text()
    for record in findings["estimates"]:
        if record["metric"] == "macro_accuracy":
            assert f"{100 * record['mean']:.1f}" in scores
