"""Tables, figures and templates to one self-contained HTML file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from noisynames import answers, noise, sampling, tables
from noisynames.alphabet import ALPHABET, decode
from noisynames.errors import UserError
from noisynames.files import read_json


def render(results: Path, templates: Path, config: Mapping[str, Any]) -> str:
    """Return the report as one HTML page that needs nothing but itself.

    Args:
        results: Folder with `dataset/manifest.json`, `tables/` and `figures/`.
        templates: Folder with `base.html`, its partials, `css/` and `js/`.
        config: The resolved config of the experiment.

    Raises:
        UserError: A file that the report needs is missing or damaged.
    """
    data = tables.read(results / "tables")
    findings = read_json(results / "tables" / "statistics.json")
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=answers.number,
        signed=answers.signed,
        p_value=answers.p_value,
        thousands=lambda value: f"{value:,}",
    )
    environment.globals.update(
        interval=answers.interval,
        inline=lambda path: Markup((templates / path).read_text(encoding="utf-8")),
        figure_svg=lambda name: _svg(results / "figures" / f"{name}.svg"),
    )
    return environment.get_template("base.html").render(
        config=config,
        config_text=json.dumps(config, indent=2, ensure_ascii=False),
        manifest=read_json(results / "dataset" / "manifest.json"),
        findings=findings,
        answers=answers.answer_all(findings, config),
        runs=_records(data["runs"]),
        models=_models(data["runs"], config),
        noise_examples=_noise_examples(config),
        cost=_cost(data["timings"]),
        machine=_machine(data["timings"]),
        mistakes=_records(data["mistakes"]),
        alphabet=ALPHABET,
        noise_characters=noise.NOISE_CHARACTERS,
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
        return Markup(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such figure; run `snakemake plot`") from None


def _models(runs: pd.DataFrame, config: Mapping[str, Any]) -> list[dict[str, Any]]:
    parameters = runs.groupby("model")["parameters"].first()
    return [
        {"name": name, **spec, "parameters": int(parameters[name])}
        for name, spec in config["models"].items()
    ]


def _noise_examples(config: Mapping[str, Any], name: str = "Novak") -> list[dict[str, Any]]:
    """Return what one name looks like at each noise level, under the first seed."""
    stem = sampling.Examples.of_names([("", name)] * 6, [""])
    return [
        {
            "level": level,
            "names": [
                decode(examples[i])
                for examples in [sampling.held_out_examples(stem, level, config["seeds"][0])]
                for i in range(len(examples))
            ],
        }
        for level in config["noise"]["levels"]
    ]


def _cost(timings: pd.DataFrame) -> list[dict[str, Any]]:
    """Return what a model's runs cost, as medians over its runs."""
    rate = timings["updates"] / timings["training_seconds"]
    grouped = timings.assign(rate=rate).groupby(["model", "engine"], sort=False)
    table = grouped.agg(
        runs=("seed", "size"),
        seconds=("training_seconds", "median"),
        startup=("startup_seconds", "median"),
        rate=("rate", "median"),
        memory=("peak_memory_mb", "max"),
    )
    return _records(table.reset_index())


def _machine(timings: pd.DataFrame) -> list[dict[str, Any]]:
    columns = ["processor", "cores", "system", "python"]
    return _records(timings[columns].drop_duplicates())
