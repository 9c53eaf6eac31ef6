"""Tables, figures and templates to one self-contained HTML file."""

import json
import subprocess
import unicodedata
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from noisynames.analysis import tables
from noisynames.analysis.findings import Findings
from noisynames.analysis.statistics import t_band
from noisynames.columns import SCORES
from noisynames.files import damaged, missing, read_record
from noisynames.grid import MERGED
from noisynames.names import dataset as datasets
from noisynames.names import examples as sampling
from noisynames.names import noise
from noisynames.names.alphabet import Alphabet, graphemes
from noisynames.reporting.answers import questions, words
from noisynames.reporting.figures.training import SINGLE_SEEDS
from noisynames.reporting.figures.workflow import RULE_GRAPH

_VERSIONS = ["noisynames", "numpy", "numba", "torch", "pandas", "scipy", "seaborn", "snakemake"]
_MOST_SYMBOLS = 200


def render(
    results: Path, templates: Path, config: Mapping[str, Any], work: Path | None = None
) -> str:
    """Return the report as one HTML page that needs nothing but itself.

    Args:
        results: Folder with `dataset/names.csv` and `dataset/manifest.json`.
        templates: Folder with `base.html`, its partials, `css/` and `js/`.
        config: The resolved config of the experiment.
        work: Folder with `tables/` and `figures/`; by default `results`.

    Raises:
        UserError: A file that the report needs is missing or damaged.
    """
    work = work or results
    data, findings = tables.read(work / "tables")
    names = datasets.read(results / "dataset" / datasets.NAMES)
    manifest = names.manifest
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
        thousands=lambda value: f"{value:,}",
    )
    environment.globals.update(
        interval=words.interval,
        inline=lambda path: Markup((templates / path).read_text(encoding="utf-8")),
        figure_svg=lambda name: _svg(work / "figures" / f"{name}.svg"),
    )
    return environment.get_template("base.html").render(
        config=config,
        config_text=json.dumps(config, indent=2, ensure_ascii=False),
        manifest=manifest,
        findings=findings,
        answers=questions.answer_all(findings, config),
        runs=_records(data["runs"]),
        models=_models(data["runs"], config),
        cost=_cost(data["timings"]),
        machine=_machine(data["timings"]),
        parts=_parts(results / MERGED),
        mistakes=_records(data["mistakes"]),
        languages=[
            {"language": language, **counts} for language, counts in manifest["counts"].items()
        ],
        figure_data=figure_data(data, findings),
        versions={package: version(package) for package in _VERSIONS},
        commit=_commit(templates),
        engines=data["timings"]["engine"].value_counts().to_dict(),
        compared=list(dict.fromkeys(data["runs"]["compared_as"])),
        single_seeds=SINGLE_SEEDS,
        alphabet=_symbols(names.alphabet),
        most_symbols=_MOST_SYMBOLS,
        batched=any(spec["batch_size"] > 1 for spec in config["models"].values()),
        rates=sorted({spec["learning_rate"] for spec in config["models"].values()}),
        conditions=_conditions(config, names),
        scores=SCORES,
        placements=[noise.PLACEMENTS[name].where for name in config["noise"]["placement"]],
    )


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as mappings; a missing value is None."""
    return [
        {str(key): None if pd.isna(value) else value for key, value in row.items()}
        for row in table.to_dict("records")
    ]


def _svg(path: Path) -> Markup:
    """Return a figure of our own making to stand in the page as it is."""
    try:
        svg = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise missing(path) from None
    if not svg.rstrip().endswith("</svg>"):
        raise damaged(path)
    return Markup(svg)


def figure_data(data: tables.Tables, findings: Findings) -> dict[str, dict[str, Any]]:
    """Return the numbers of each figure.

    Each has a caption, columns (heading, key, whether it is a number) and rows.
    """
    model, noise = ("Model", "model", False), ("Noise", "noise", True)
    bounds = [("Mean", "mean", True), ("Low", "low", True), ("High", "high", True)]
    curves = _curve_points(data["losses"])
    pace = data["timings"].assign(
        pace=data["timings"]["training_seconds"] / data["timings"]["updates"]
    )
    paces = pace.groupby(["model", "noise"])["pace"].median().to_dict()
    accuracy = [r for r in findings["estimates"] if r["metric"] == "macro_accuracy"]
    ranks = {(r["model"], r["noise"]): r["mean"] for r in findings["ranks"]}
    own = data["recall"][data["recall"]["trained_at"] == data["recall"]["tested_at"]]
    confused = data["confusion"].query("trained_at == tested_at and language != prediction")
    worst = confused.sort_values("share", ascending=False, kind="stable")
    worst = worst.groupby(["model", "trained_at", "language"], sort=False).head(1)
    update = ("Update", "update", True)
    loss_table = {
        "caption": "Mean training loss (nats) with its 95 % t interval at some recorded points",
        "columns": [model, noise, update, *bounds],
        "rows": curves,
    }
    result = {
        "loss_by_noise": loss_table,
        "loss_by_model": loss_table | {"caption": f"{loss_table['caption']}, as above"},
        "loss_by_seconds": {
            "caption": "Mean training loss (nats) against seconds of training",
            "columns": [model, noise, ("Seconds", "seconds", True), *bounds],
            "rows": [
                {**r, "seconds": float(r["update"] * paces[r["model"], r["noise"]])} for r in curves
            ],
        },
        "time_to_target": {
            "caption": "Runs that reached the target loss, and the median updates it took",
            "columns": [
                model, noise, ("Runs", "runs", True), ("Reached it", "reached", True),
                ("Median updates", "median_updates", True),
            ],
            "rows": [
                {**r, "median_updates": None if r["median"] is None else f"{r['median']:,.0f}"}
                for r in findings["time_to_target"]["groups"]
            ],
        },
        "cross": {
            "caption": "Macro-averaged accuracy by training and test noise",
            "columns": [
                model, ("Trained at", "trained_at", True), ("Tested at", "tested_at", True), *bounds
            ],
            "rows": [r for r in findings["cross"] if r["metric"] == "macro_accuracy"],
        },
        "accuracy_by_noise": {
            "caption": "Macro-averaged accuracy and mean rank",
            "columns": [model, noise, *bounds, ("Mean rank", "rank", True)],
            "rows": [{**r, "rank": ranks.get((r["model"], r["noise"]))} for r in accuracy],
        },
        "accuracy": {
            "caption": "Macro-averaged accuracy",
            "columns": [model, noise, *bounds, ("Seeds", "n", True)],
            "rows": accuracy,
        },
        "differences": {
            "caption": "Paired differences in macro-averaged accuracy",
            "columns": [("Pair", "pair", False), noise, *bounds, ("p (Holm)", "p_adjusted", True)],
            "rows": [
                {**r, "pair": f"{r['a']} − {r['b']}"}
                for r in findings["model_comparisons"]
                if r["metric"] == "macro_accuracy"
            ],
        },
        "recall": {
            "caption": "Recall, mean over seeds",
            "columns": [
                ("Language", "language", False), model, ("Noise", "trained_at", True),
                ("Recall", "recall", True),
            ],
            "rows": _records(
                own.groupby(["language", "model", "trained_at"])["recall"].mean().reset_index()
            ),
        },
        "confusion": {
            "caption": "The commonest wrong prediction of every language; tables/confusion.csv "
            "has all",
            "columns": [
                ("Language", "language", False), model, ("Noise", "trained_at", True),
                ("Prediction", "prediction", False), ("Share", "share", True),
            ],
            "rows": _records(worst.sort_values(["model", "trained_at", "language"])),
        },
    }  # fmt: skip
    result["rules"] = {
        "caption": "The rules of the workflow and what each waits for",
        "columns": [("Rule", "rule", False), ("After", "needs", False)],
        "rows": [{"rule": rule, "needs": ", ".join(n) or "–"} for rule, n in RULE_GRAPH.items()],
    }
    result["accuracy"]["rows"] = accuracy + [
        {**r, "model": f"{r['baseline']} (baseline)"}
        for r in findings["baselines"]
        if r["metric"] == "macro_accuracy"
    ]
    trained = ("Trained at", "noise", True)
    result["memory"] = {
        "caption": "Macro-averaged accuracy behind a suffix",
        "columns": [model, trained, ("Distractors", "distance", True), *bounds],
        "rows": findings["memory"],
    }
    result["gradients"] = {
        "caption": "Gradient norm relative to the last character's, as logarithm to base 10",
        "columns": [
            model, trained, ("When", "stage", False), ("From the end", "distance", True), *bounds,
        ],
        "rows": findings["gradients"],
    }  # fmt: skip
    result["placements"] = {
        "caption": "Macro-averaged accuracy minus that at the lowest noise",
        "columns": [model, noise, *bounds, ("p (Holm)", "p_adjusted", True)],
        "rows": [r for r in findings["noise_effects"] if r["metric"] == "macro_accuracy"],
    }
    result["rates"] = {
        "caption": "Final training loss (nats), held-out and validation accuracy at every rate",
        "columns": [
            model, noise, ("Learning rate", "rate_text", True), ("What", "metric", False), *bounds,
            ("Seeds", "n", True),
        ],
        "rows": [{**r, "rate_text": f"{r['rate']:g}"} for r in findings["rates"]["estimates"]],
    }  # fmt: skip
    if "attention" in data:
        result |= _attention_data(data, findings)
    return result


def _attention_data(data: tables.Tables, findings: Findings) -> dict[str, dict[str, Any]]:
    model, noise = ("Model", "model", False), ("Noise", "trained_at", True)
    examples = data["attention_examples"].query("trained_at == tested_at")
    characters = [
        ("Name", "name", False), model, noise, ("Character", "character", False),
        ("Position", "position", True),
    ]  # fmt: skip
    position = data["attention_position"].query("trained_at == tested_at")
    means = position.groupby(["model", "trained_at", "from_end"])["weight"].mean().reset_index()
    shares = {
        (r["model"], r["trained_at"], r["tested_at"]): r["mean"]
        for r in findings["attention"]
        if r["quantity"] == "noise_share"
    }
    return {
        "attention_examples": {
            "caption": "Attention weight on every character",
            "columns": [*characters, ("Weight", "weight", True)],
            "rows": _records(examples),
        },
        "occlusion_examples": {
            "caption": "Loss of log-probability (nats) when a character is left out",
            "columns": [*characters, ("Occlusion", "occlusion", True)],
            "rows": _records(examples),
        },
        "attention_position": {
            "caption": "Mean weight by position from the end",
            "columns": [model, noise, ("From the end", "from_end", True), ("Mean", "weight", True)],
            "rows": _records(means),
        },
        "attention_noise": {
            "caption": "Share of the attention on noise, and of the characters",
            "columns": [
                model, noise, ("Tested at", "tested_at", True), ("Mean", "mean", True),
                ("Low", "low", True), ("High", "high", True), ("Characters", "share", True),
            ],
            "rows": [
                {**r, "share": shares[r["model"], r["trained_at"], r["tested_at"]]}
                for r in findings["attention"]
                if r["quantity"] == "on_noise"
            ],
        },
    }  # fmt: skip


def _curve_points(losses: pd.DataFrame, points: int = 8) -> list[dict[str, Any]]:
    """Return the mean curve of every model × noise level at a few of its points."""
    rows = []
    for (model, level), cell in losses.groupby(["model", "noise"], sort=False):
        wide = cell.pivot_table(index="seed", columns="update", values="loss").dropna()
        if wide.empty:
            continue
        mean, low, high = t_band(wide.to_numpy(float))
        for i in np.unique(np.linspace(0, wide.shape[1] - 1, points).astype(int)):
            row = {"model": model, "noise": level, "update": int(wide.columns[i])}
            bounds = (None, None) if len(wide) == 1 else (float(low[i]), float(high[i]))
            rows.append({**row, "mean": float(mean[i]), "low": bounds[0], "high": bounds[1]})
    return rows


def _parts(path: Path) -> list[dict[str, Any]]:
    """Return what each part of merged results brought, if they are merged."""
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
    """Return the commit of the checkout that holds `folder`, if it is one and git is there."""
    command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _models(runs: pd.DataFrame, config: Mapping[str, Any]) -> list[dict[str, Any]]:
    known = runs[runs["status"] != "missing"].groupby("model")["parameters"].first()
    parameters = {name: int(known[name]) if name in known else None for name in config["models"]}
    return [
        {"name": name, **spec, "parameters": parameters[name]}
        for name, spec in config["models"].items()
    ]


def _symbols(alphabet: Alphabet) -> str:
    """Return the first symbols of an alphabet side by side, a mark on a circle that it can mark."""
    return " ".join(
        f"◌{symbol}" if unicodedata.category(symbol).startswith("M") else symbol
        for symbol in alphabet.symbols[:_MOST_SYMBOLS]
    )


def _conditions(config: Mapping[str, Any], names: datasets.Dataset) -> list[dict[str, Any]]:
    """Return every noise condition and what one name looks like under it, under the first seed."""
    name = "Novak"
    if not all(symbol in names.alphabet for symbol in name):  # a usual name of these then
        name = min((name for _, name in names.rows), key=lambda n: abs(len(graphemes(n)) - 5))
    stem = sampling.Examples.of_names([("", name)] * 6, [""], names.alphabet)
    found = []
    for condition in noise.conditions(**config["noise"]):
        examples = sampling.held_out_examples(stem, condition, config["seeds"][0])
        texts = [examples.text(i) for i in range(len(examples))]
        found.append({"name": condition.name, "level": condition.level, "examples": texts})
    return found


def _cost(timings: pd.DataFrame) -> list[dict[str, Any]]:
    """Return what a model's runs cost, as medians over its runs."""
    rate = timings["updates"] / timings["training_seconds"]
    grouped = timings.assign(rate=rate).groupby(["model", "engine"], sort=False)
    table = grouped.agg(
        runs=("seed", "size"),
        seconds=("training_seconds", "median"),
        startup=("startup_seconds", "median"),
        rate=("rate", "median"),
        memory=("peak_memory_mb", "median"),
    )
    table["rate"] = table["rate"].map("{:,.0f}".format)
    table["memory"] = table["memory"].map("{:.0f}".format)
    return _records(table.reset_index())


def _machine(timings: pd.DataFrame) -> list[dict[str, Any]]:
    columns = ["processor", "cores", "system", "python"]
    return _records(timings[columns].drop_duplicates())
