"""Turns tables, figures and templates into one self-contained HTML file."""

import json
import subprocess
import unicodedata
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from noisynames.analysis import tables
from noisynames.columns import SCORES
from noisynames.files import damaged, missing, read_record
from noisynames.grid import MERGED, REFERENCE, Cell, Grid
from noisynames.names import dataset as datasets
from noisynames.names import examples as sampling
from noisynames.names import noise
from noisynames.names.alphabet import Alphabet, graphemes
from noisynames.reporting import (
    carrying,
    cells,
    gallery,
    paper,
    playground,
    questions,
    retraining,
    shortly,
    words,
)
from noisynames.reporting.answers.study import VERDICTS, Study
from noisynames.reporting.figures.registry import ReportFigure

if TYPE_CHECKING:  # findings are read, and nothing here computes one
    from noisynames.analysis.findings.summary import Findings

_VERSIONS = ["noisynames", "numpy", "numba", "torch", "pandas", "scipy", "seaborn", "snakemake"]
_MOST_SYMBOLS = 200


def render(
    results: Path, templates: Path, config: Mapping[str, Any], work: Path | None = None
) -> str:
    """Return the report as one HTML page that needs nothing but itself.

    Args:
        results: Folder with `dataset/`, and what `playground` and `retraining` need.
        templates: Folder with `base.html`, its partials, `css/` and `js/`.
        config: The resolved config of the experiment.
        work: Folder with `tables/` and `figures/`; by default `results`.

    Raises:
        UserError: A file that the report needs is missing or damaged.
    """
    work = work or results
    data, findings = tables.read(work / "tables")
    names = datasets.read(results / "dataset" / datasets.NAMES)
    asked = Grid.of(config)
    study = Study(findings, config)
    shown = gallery.applying(asked)
    environment = new_environment(templates)
    environment.globals.update(
        label=lambda model: findings["labels"].get(model, model),
        figures=gallery.ALL,
        shown_figures=shown,
        figure_svg=lambda name: _svg(work / "figures" / f"{name}.svg"),
        figure_caption=lambda name: _caption(environment, gallery.ALL[name]),
        figure_rows=lambda name: gallery.ALL[name].numbers.rows(data, findings),
        matrix=lambda records: cells.matrix(records, asked.compared),
        cell=lambda row, key: cells.text(row, key, findings["labels"]),
    )
    status = _status(data["runs"])
    tried = playground.of(results, config, names, status, findings["labels"])
    answers, unasked = questions.answer_all(findings, config)
    commit = _commit(templates)
    return environment.get_template("base.html").render(
        findings=findings,
        sections=_sections(findings, asked, bool(tried)),
        short=shortly.answer(findings, config),
        answers=answers,
        unasked=unasked,
        ends=study.noises,
        parts=_parts(results / MERGED),
        agreement=_agreement(results / REFERENCE),
        versions={package: version(package) for package in _VERSIONS},
        commit=commit,
        carried=carrying.carried(
            results,
            work,
            [cell for cell, found in status.items() if found != "missing"],
            {"config": config, "commit": commit, "manifest": names.manifest},
        ),
        cost=_cost(findings),
        scores=SCORES,
        playground=tried,
        retraining=retraining.of(results, templates / "wasm", config, status),
        **_of_config(config, findings["labels"]),
        **_of_runs(data, config, findings),
        **_of_names(names, config),
    )


def _of_config(config: Mapping[str, Any], called: Mapping[str, str]) -> dict[str, Any]:
    """Return what templates say about the config, given the label of each model."""
    models = config["models"].values()
    return {
        "title": config["report"]["title"],
        "config": config,
        "config_hash": paper.config_hash(config),
        "config_text": json.dumps(config, indent=2, ensure_ascii=False),
        "batched": any(spec["batch_size"] > 1 for spec in models),
        "rates": sorted({spec["learning_rate"] for spec in models}),
        "not_trained": retraining.left_out(config, called),
        "placements": [noise.PLACEMENTS[name].where for name in config["noise"]["placement"]],
    }


def _sections(findings: "Findings", asked: Grid, tried: bool) -> list[tuple[str, str]]:
    """Return the sections that have something to show, in order, each as (anchor, title)."""
    every = {
        "answer": ("The short answer", True),
        "questions": ("Questions", True),
        "try": ("Try it", tried),
        "training": ("Training", True),
        "noise": ("Noise", len(asked.noises) > 1),
        "memory": ("Memory", True),
        "attention": ("Attention", bool(findings["attention"])),
        "accuracy": ("Accuracy", True),
        "rates": ("Learning rates", bool(findings["rates"]["models"])),
        "runs": ("Runs", True),
        "methods": ("Methods", True),
        "provenance": ("Provenance", True),
    }
    return [(anchor, title) for anchor, (title, has) in every.items() if has]


def _agreement(file: Path) -> dict[str, Any] | None:
    """Return how the engines agreed; None in an unfinished experiment without that check."""
    return read_record(file) if file.exists() else None


def new_environment(templates: Path) -> Environment:
    """Return the Jinja environment that renders the templates of a folder."""
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=words.number,
        signed=words.signed,
        p_value=words.p_value,
        percent=words.percent,
        plural=words.plural,
        thousands=lambda value: f"{value:,}",
    )
    environment.globals.update(
        interval=words.interval,
        baseline=words.baseline,
        change=cells.change,
        verdicts=VERDICTS,
        counted=lambda count, noun: f"{count:,} {words.plural(noun, count)}",
        noise_words=lambda name: "Without noise" if name == "0" else f"Noise {name}",
        inline=lambda path: Markup((templates / path).read_text(encoding="utf-8")),
    )
    return environment


def _status(runs: pd.DataFrame) -> dict[Cell, str]:
    """Return what became of each run."""
    return dict(
        zip(
            zip(runs["model"], runs["noise"], runs["seed"], strict=True),
            runs["status"],
            strict=True,
        )
    )


def _of_runs(
    data: tables.Tables, config: Mapping[str, Any], findings: "Findings"
) -> dict[str, Any]:
    """Return what templates say about runs, and the machines that trained them."""
    runs = data["runs"]
    machine = ["processor", "cores", "system", "python"]
    return {
        "runs": tables.records(runs),
        "models": _models(runs, config, findings["labels"]),
        "shown_models": {
            model: findings["labels"][model] for model in dict.fromkeys(runs["compared_as"])
        },
        "mistakes": tables.records(data["mistakes"]),
        "machine": tables.records(data["timings"][machine].drop_duplicates()),
    }


def _of_names(names: datasets.Dataset, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what templates say about the names, and what noise does to one of them."""
    return {
        "manifest": names.manifest,
        "languages": [
            {"language": language, **counts}
            for language, counts in names.manifest["counts"].items()
        ],
        "alphabet": _symbols(names.alphabet),
        "most_symbols": _MOST_SYMBOLS,
        "conditions": _conditions(config, names),
    }


def _cost(findings: "Findings") -> list[dict[str, Any]]:
    """Return what each model's runs cost, with rates and memory rounded to whole numbers."""
    return [
        {**r, "rate": f"{r['rate']:,.0f}", "memory": f"{r['memory']:.0f}"}
        for r in findings["costs"]
    ]


def _caption(environment: Environment, figure: ReportFigure) -> Template:
    """Return a figure's caption as a template that a page can include."""
    macros = '{% from "macros.html" import band, seeds with context %}'
    return environment.from_string(macros + figure.caption)


def _svg(path: Path) -> Markup:
    """Return a figure that the workflow drew, which is inlined unescaped."""
    try:
        svg = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise missing(path) from None
    if not svg.rstrip().endswith("</svg>"):
        raise damaged(path)
    return Markup(svg)


def _parts(path: Path) -> list[dict[str, Any]]:
    """Return what each part of merged results contributed; nothing if they are not merged."""
    parts: list[dict[str, Any]] = read_record(path)["parts"] if path.exists() else []
    return [
        {
            **part,
            "seeds": ", ".join(map(str, part["seeds"])),
            "processors": ", ".join(part["processors"]),
        }
        for part in parts
    ]


def _commit(folder: Path) -> str | None:
    """Return the commit of the checkout that holds `folder`; None without checkout or git."""
    command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _models(
    runs: pd.DataFrame, config: Mapping[str, Any], labels: Mapping[str, str]
) -> list[dict[str, Any]]:
    known = runs[runs["status"] != "missing"].groupby("model")["parameters"].first()
    parameters = {name: int(known[name]) if name in known else None for name in config["models"]}
    return [
        {"name": name, **spec, "label": labels[name], "parameters": parameters[name]}
        for name, spec in config["models"].items()
    ]


def _symbols(alphabet: Alphabet) -> str:
    """Return the first symbols of an alphabet, combining marks on a dotted circle."""
    return " ".join(
        f"◌{symbol}" if unicodedata.category(symbol).startswith("M") else symbol
        for symbol in alphabet.symbols[:_MOST_SYMBOLS]
    )


def _conditions(config: Mapping[str, Any], names: datasets.Dataset) -> list[dict[str, Any]]:
    """Return every noise condition and what one name looks like under it, for the first seed."""
    name = "Novak"
    if not all(symbol in names.alphabet for symbol in name):  # then one of typical length
        name = min((name for _, name in names.rows), key=lambda n: abs(len(graphemes(n)) - 5))
    stem = sampling.Examples.of_names([("", name)] * 6, [""], names.alphabet)
    found = []
    for condition in noise.conditions(**config["noise"]):
        examples = sampling.held_out_examples(stem, condition, config["seeds"][0])
        texts = [examples.text(i) for i in range(len(examples))]
        found.append({"name": condition.name, "level": condition.level, "examples": texts})
    return found
