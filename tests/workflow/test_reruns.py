"""docs/reruns.md, row by row, compared with the real snakemake."""

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import starting
import yaml
from conftest import ROOT, planned

from noisynames.dependencies import modules_behind
from noisynames.models.spec import ModelSpec
from noisynames.training.engines import modules_of, modules_of_model

pytestmark = pytest.mark.workflow

TABLE = re.findall(
    r"^\| (.+?) \| (none|\d.+?) \|$", (ROOT / "docs/reruns.md").read_text(), re.MULTILINE
)
SOURCES = ["Snakefile", "workflow", "src", "report", "config", "profiles", "environment.yml"]


@dataclass
class Experiment:
    """A finished experiment and the clone that made it, both of which tests may change."""

    clone: Path
    folder: Path
    config: dict[str, Any]

    def edit(self, file: str, old: str = "", new: str = "\n# an edit\n") -> None:
        path = self.clone / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1) if old else text + new)

    def delete(self, file: str) -> None:
        (self.folder / "results" / file).unlink()


def clone_to(folder: Path) -> Path:
    for name in SOURCES:
        source = ROOT / name
        ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignore)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, folder / name)
    return folder


def add_seed(it: Experiment) -> None:
    it.config["seeds"] = 3


def remove_seed(it: Experiment) -> None:
    it.config["seeds"] = [1]


def add_model(it: Experiment) -> None:
    it.config["models"]["lstm"] = {"cell": "lstm", "hidden_size": 8}


def remove_model(it: Experiment) -> None:
    del it.config["models"]["rnn"]


def reorder_models(it: Experiment) -> None:
    it.config["models"] = dict(reversed(it.config["models"].items()))


def add_noise(it: Experiment) -> None:
    it.config["noise"]["levels"] = [0, 2, 5]


def touch_everything(it: Experiment) -> None:
    for path in it.clone.rglob("*"):
        if path.is_file():
            os.utime(path)


def use_own_names(it: Experiment) -> None:
    names = it.folder / "names"
    names.mkdir()
    for label in ("Ba", "Do"):
        (names / f"{label}.txt").write_text("".join(f"{label}{c}\n" for c in "abcdefghij"))
    it.config["dataset"] = {"source": "directory", "path": "names"}


def setting(section: str, key: str, value: Any) -> Callable[[Experiment], None]:
    def change(it: Experiment) -> None:
        it.config.setdefault(section, {})[key] = value

    return change


NOTHING: Callable[[Experiment], None] = lambda it: None  # noqa: E731
ACTIONS: dict[str, Callable[[Experiment], None]] = {
    "nothing changed": NOTHING,
    "the clone is made anew, elsewhere": lambda it: setattr(
        it, "clone", clone_to(it.clone.parent / "deeper" / "again")
    ),
    "every source file touched": touch_everything,
    "a comment in the config": NOTHING,  # every case writes the config anew
    "the models in another order": reorder_models,
    "add a seed": add_seed,
    "remove a seed": remove_seed,
    "add a model": add_model,
    "remove a model": remove_model,
    "add a noise level": add_noise,
    "change one model's hidden size": lambda it: it.config["models"]["rnn"].update(hidden_size=9),
    "change the updates": setting("training", "updates", 500),
    "change the engine": setting("training", "engine", "autograd"),
    "remove a baseline": lambda it: it.config.update(baselines=["ngrams"]),
    "move the noise before the names": setting("noise", "placement", "prefix"),
    "change a margin": setting("comparison", "margin", {"final_loss": 0.1}),
    "let seeds vary the weights alone": lambda it: it.config.update(seeds_vary=["weights"]),
    "change the memory probe": setting("probe", "longest_suffix", 5),
    "change how often a run logs": setting("training", "report_every", 100),
    "change the report's title": setting("report", "title", "Another"),
    "change the test fraction": setting("dataset", "test_fraction", 0.3),
    "change the data source": use_own_names,
    "take the alphabet from the names": setting("dataset", "alphabet", "data"),
    "edit a template": lambda it: it.edit("report/partials/methods.html"),
    "edit the page that compares": lambda it: it.edit("report/compare.html"),
    "edit a figure's title": lambda it: it.edit("src/noisynames/reporting/figures/accuracy.py"),
    "edit how differences are judged": lambda it: it.edit(
        "src/noisynames/analysis/statistics/comparing.py"
    ),
    "edit the GRU's kernel": lambda it: it.edit("src/noisynames/models/cells/gru.py"),
    "edit the LSTM's kernel": lambda it: it.edit("src/noisynames/models/cells/lstm.py"),
    "edit the other engine": lambda it: it.edit("src/noisynames/training/autograd.py"),
    "edit how a run is opened": lambda it: it.edit("src/noisynames/runs.py"),
    "edit how a config is read": lambda it: it.edit("src/noisynames/config.py"),
    "edit the RNN's module": lambda it: it.edit("src/noisynames/models/reference.py"),
    "edit how models predict": lambda it: it.edit("src/noisynames/evaluation/inference.py"),
    "edit the noise": lambda it: it.edit("src/noisynames/names/noise.py"),
    "edit the source of the names": lambda it: it.edit("src/noisynames/names/sources/surnames.py"),
    "edit another source": lambda it: it.edit("src/noisynames/names/sources/tutorial.py"),
    "delete one run's losses": lambda it: it.delete("runs/rnn/noise0/seed1/losses.csv"),
    "delete one split": lambda it: it.delete("splits/seed1.csv"),
    "delete a table": lambda it: it.delete("tables/accuracy.csv"),
    "delete a figure": lambda it: it.delete("figures/cross.svg"),
    "delete the report": lambda it: it.delete("report.html"),
    "force one run with -f": NOTHING,
}


def test_every_row_of_the_page_is_tested() -> None:
    assert [action for action, _ in TABLE] == list(ACTIONS)


@pytest.fixture
def experiment(smoke: Path, tmp_path: Path) -> Experiment:
    folder = shutil.copytree(smoke, tmp_path / "experiment")
    config = yaml.safe_load((ROOT / "config/smoke.yaml").read_text())
    return Experiment(clone_to(tmp_path / "clone"), folder, config)


@pytest.mark.parametrize(("action", "jobs"), TABLE)
def test_the_jobs_in_the_table_run_again(experiment: Experiment, action: str, jobs: str) -> None:
    ACTIONS[action](experiment)
    config = experiment.folder.parent / "my.yaml"
    config.write_text("# a comment\n" + yaml.safe_dump(experiment.config, sort_keys=False))
    run = "results/runs/rnn/noise0/seed0/losses.csv"
    command = ["-s", experiment.clone / "Snakefile", "-n", "--directory"]
    command += [experiment.folder, "--configfile", config]
    command += ["-f", run] if "-f" in action else []
    done = starting.snakemake([str(word) for word in command], ROOT)
    assert done.returncode == 0, done.stderr
    expected = {rule: int(count) for count, rule in re.findall(r"(\d+) (\w+)", jobs)}
    assert planned(done.stdout) == expected


MODELS = {"rnn": ModelSpec("rnn"), "gru_attention": ModelSpec("gru", "attention")}
TESTS = {
    "evaluate": "evaluation.predictions",
    "probe": "evaluation.probes",
    "inspect_attention": "evaluation.attention",
}
"""The module where a job on a trained model begins, by rule."""
BEGINS = {
    "dataset": ["names.dataset", "names.sources.surnames"],
    "split": ["names.splits"],
    "baseline": ["evaluation.baselines"],
    "aggregate": ["analysis.tables", "analysis.findings.summary", "analysis.findings.costs"],
    "plot": ["reporting.drawing"],
    "report": ["reporting.page"],
}
"""The modules where other jobs begin."""
ORDER = ["dataset", "split", "train", "baseline", *TESTS, "aggregate", "plot", "report"]


def rules_behind(module: str) -> set[str]:
    """The rules with any job that runs again when a module is edited."""
    rules = {rule for rule, entries in BEGINS.items() if module in modules_behind(*entries)}
    for spec in MODELS.values():
        training = modules_behind("runs", "training.run", *modules_of("auto", spec))
        rules |= {"train"} if module in training else set()
        rules |= {
            rule
            for rule, entry in TESTS.items()
            if module in training | modules_behind(entry, *modules_of_model(spec))
            and (rule != "inspect_attention" or spec.readout == "attention")
        }
    for first in ("dataset", "split"):
        if first in rules:
            rules |= {*ORDER[ORDER.index(first) :]}
    if rules - {"plot", "report"}:
        rules |= {"aggregate"}
    if "aggregate" in rules:
        rules |= {"plot"}
    return rules | {"report"} if rules else rules


@pytest.mark.full
def test_an_edit_to_any_module_reruns_what_imports_it(experiment: Experiment) -> None:
    package = experiment.clone / "src/noisynames"
    config = experiment.folder.parent / "my.yaml"
    config.write_text(yaml.safe_dump(experiment.config, sort_keys=False))
    command = ["-s", experiment.clone / "Snakefile", "-n", "--directory"]
    command += [experiment.folder, "--configfile", config]
    wrong = {}
    for path in sorted(package.rglob("*.py")):
        module = ".".join(path.relative_to(package).with_suffix("").parts)
        text = path.read_text()
        path.write_text(text + "\n# an edit\n")
        done = starting.snakemake([str(word) for word in command], ROOT)
        assert done.returncode == 0, done.stderr
        path.write_text(text)
        expected = rules_behind(module)
        if set(planned(done.stdout)) != expected:
            wrong[module] = (sorted(planned(done.stdout)), sorted(expected))
    assert not wrong


def test_an_edit_to_the_users_own_names_makes_everything_again(experiment: Experiment) -> None:
    use_own_names(experiment)
    config = experiment.folder.parent / "my.yaml"
    experiment.config["models"] = {"gru": {"cell": "gru", "hidden_size": 2}}
    experiment.config["training"] = {"updates": 20, "record_every": 10}
    config.write_text(yaml.safe_dump(experiment.config))
    command = ["-s", ROOT / "Snakefile", "--directory", experiment.folder]
    command += ["--configfile", config, "--cores", "2"]

    def run(*more: str) -> str:
        done = starting.snakemake([str(word) for word in [*command, *more]], ROOT)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run()
    assert planned(run("-n")) == {}
    with (experiment.folder / "names/Ba.txt").open("a") as file:
        file.write("Bazz\n")
    assert planned(run("-n"))["train"] == 4
