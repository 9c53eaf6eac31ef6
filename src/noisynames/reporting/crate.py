"""A finished experiment as a research object: an RO-Crate that says what its files are.

It follows Workflow Run Crate 0.5, and so Workflow RO-Crate 1.0 and RO-Crate 1.1. The code that made
the results is part of it, so that they can be made again from the crate alone.
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from noisynames import __version__
from noisynames.files import missing, read_record, replacing, write_text

CLONE = Path(__file__).parents[3]
METADATA, CODE = "ro-crate-metadata.json", "crate"
"""The file that makes a folder a crate, and the folder beside it for the code."""
CONFIG = "config/config.yaml"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
FOLDERS = {
    "dataset/": ("Names", "The names, where they come from and what was dropped."),
    "splits/": ("Splits", "Which names each seed trained on and which it held out."),
    "runs/": ("Runs", "Losses, weights, settings and timing of every training run."),
    "evaluation/": ("Evaluation", "Predictions on held-out names and their scores."),
    "attention/": ("Attention", "Attention weights on held-out names."),
    "probes/": ("Probes", "Accuracy as junk after the name grows, and how far gradients reach."),
    "tables/": ("Tables", "Every number of the report, tidy."),
    "figures/": ("Figures", "Every figure of the report."),
}
"""The folders beside the report: the name and the content of each."""
RULES = "figures/rules.svg"
INPUT = f"{CODE}/{CONFIG}"
OUTPUTS = {"report.html": "File", "tables/": "Dataset", "runs/": "Dataset"}
"""What the workflow takes, and what it gives back."""

Entity = dict[str, Any]


def files() -> list[str]:
    """Return the files that the workflow needs to run, relative to the root of the clone."""
    names = ["Snakefile", "LICENSE", "environment.yml", "requirements.lock"]
    for folder in ("workflow", "src", "report"):
        found = sorted((CLONE / folder).rglob("*.*"))
        names += [str(path.relative_to(CLONE)) for path in found if _is_source(path)]
    return [*names, "workflow/Snakefile"]


def _is_source(path: Path) -> bool:
    made = "__pycache__" in path.parts or any(part.endswith(".egg-info") for part in path.parts)
    return path.is_file() and not made


def write(results: Path, config: Mapping[str, Any], metadata: Path) -> None:
    """Write the metadata of a crate, and the code and the config into `crate/` beside it.

    Args:
        results: A finished experiment.
        config: The resolved config.
        metadata: The metadata file to write, METADATA in the root of the crate.

    Raises:
        UserError: The experiment is not finished, or the manifest of its data set was altered.
    """
    parts = [{"@id": name, **part} for name, part in _parts(config).items()]
    graph = [*_root(results, config), *parts, *_parameters(), _run(results, config)]
    content = {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}
    for name in files():
        with replacing(metadata.parent / CODE / name) as part:
            shutil.copyfile(CLONE / name, part)
    text = yaml.safe_dump(dict(config), allow_unicode=True, sort_keys=False)
    write_text(metadata.parent / CODE / CONFIG, text)
    write_text(metadata, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _to(names: Iterable[str]) -> Entity | list[Entity]:
    """Return links to entities; RO-Crate does not put a single one in a list."""
    links = [{"@id": name} for name in names]
    return links[0] if len(links) == 1 else links


def _finished(results: Path) -> str:
    """Return when the report was written: records hold no times."""
    report = results / "report.html"
    if not report.is_file():
        raise missing(report)
    return datetime.fromtimestamp(int(report.stat().st_mtime), UTC).isoformat()


def _folders(config: Mapping[str, Any]) -> list[str]:
    looked_at = any(model["readout"] == "attention" for model in config["models"].values())
    return [name for name in FOLDERS if looked_at or name != "attention/"]


def _root(results: Path, config: Mapping[str, Any]) -> list[Entity]:
    """The crate, the file that describes it, and its licence."""
    seeds, models = len(config["seeds"]), ", ".join(config["models"])
    noise = ", ".join(map(str, config["noise"]["levels"]))
    licence = read_record(results / "dataset/manifest.json")["licence"]
    return [
        {
            "@id": METADATA,
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": _to(["https://w3id.org/ro/crate/1.1", [*PROFILES][-1]]),
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": config["report"]["title"],
            "description": "Classifiers of names, trained and tested under noise: the models"
            f" {models} at the noise levels {noise}, with {seeds} seeds each.",
            "datePublished": _finished(results),
            "license": {"@id": "#licence"},
            "conformsTo": _to(PROFILES),
            "mainEntity": {"@id": f"{CODE}/Snakefile"},
            "mentions": {"@id": "#run"},
            "hasPart": _to([*_parts(config)]),
        },
        {
            "@id": "#licence",
            "@type": "CreativeWork",
            "name": f"Code: MIT. Names: {licence}",
            "description": "The code is under the MIT licence (crate/LICENSE). The names, also"
            f" where results contain them, are under the licence of their source: {licence}.",
        },
        *(
            {"@id": url, "@type": "CreativeWork", "name": name, "version": version}
            for url, (name, version) in PROFILES.items()
        ),
    ]


def _workflow() -> Entity:
    return {
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": "noisynames",
        "description": "Trains recurrent classifiers of names under noise, and reports on them.",
        "version": __version__,
        "license": "MIT",
        "encodingFormat": "text/plain",
        "programmingLanguage": {"@id": "#snakemake"},
        "conformsTo": {"@id": "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"},
        "image": {"@id": RULES},
        "input": _to([_parameter(INPUT)]),
        "output": _to(map(_parameter, OUTPUTS)),
    }


def _parameters() -> list[Entity]:
    """The inputs and outputs of the workflow, and the language that it is written in."""
    kinds = {INPUT: "File", **OUTPUTS}
    return [
        {
            "@id": "#snakemake",
            "@type": "ComputerLanguage",
            "name": "Snakemake",
            "url": {"@id": "https://snakemake.github.io"},
            "identifier": {"@id": "https://doi.org/10.12688/f1000research.29032.1"},
        },
        *(
            {
                "@id": _parameter(name),
                "@type": "FormalParameter",
                "additionalType": kind,
                "name": Path(name).stem,
                "workExample": {"@id": name},
            }
            for name, kind in kinds.items()
        ),
    ]


def _parameter(name: str) -> str:
    return f"#parameter-{Path(name).stem}"


def _run(results: Path, config: Mapping[str, Any]) -> Entity:
    return {
        "@id": "#run",
        "@type": "CreateAction",
        "name": "Run of the workflow",
        "description": "Snakemake ran the workflow with the config, up to the report.",
        "instrument": {"@id": f"{CODE}/Snakefile"},
        "object": _to([INPUT]),
        "result": _to(["report.html", *_folders(config)]),
        "actionStatus": "http://schema.org/CompletedActionStatus",
        "endTime": _finished(results),
    }


def _parts(config: Mapping[str, Any]) -> dict[str, Entity]:
    """The files and folders of the crate, by their paths."""
    parts: dict[str, Entity] = {
        f"{CODE}/Snakefile": _workflow(),
        INPUT: _file("application/yaml", "Config", "What was asked for."),
        f"{CODE}/": {
            "@type": "Dataset",
            "name": "Code",
            "description": "The workflow, its package and templates: all that is needed to run it.",
        },
        "report.html": _file("text/html", "Report", "The results, in one file."),
    }
    for folder in _folders(config):
        name, holds = FOLDERS[folder]
        parts[folder] = {"@type": "Dataset", "name": name, "description": holds}
    parts["figures/"]["hasPart"] = _to([RULES])
    parts[RULES] = _file("image/svg+xml", "Rules", "The rules of the workflow and their order.")
    for name in (INPUT, *OUTPUTS):
        parts[name]["exampleOfWork"] = {"@id": _parameter(name)}
    return parts


def _file(type: str, name: str, description: str) -> Entity:
    return {"@type": "File", "encodingFormat": type, "name": name, "description": description}
