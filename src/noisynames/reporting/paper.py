"""For a paper: tables as LaTeX and Markdown, figures as PDF, a paragraph of methods, all tables."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noisynames.columns import SCORES
from noisynames.errors import UserError
from noisynames.files import replacing, write_text
from noisynames.names.noise import PLACEMENTS, Noise
from noisynames.reporting import words
from noisynames.reporting.answers.study import VERDICTS

if TYPE_CHECKING:  # the workflow only asks which tables there are, and needs none of these
    import pandas as pd

    from noisynames.analysis.findings.summary import Findings
    from noisynames.analysis.tables import Tables

Record = Mapping[str, Any]

TABLES = {
    "scores": "Held-out scores, trained and tested under the same noise: mean and 95 % interval",
    "losses": "Losses in nats: mean and 95 % interval",
    "contrasts": "Models that differ in one respect: differences in macro-averaged accuracy",
    "pairs": "All pairs of models: differences in macro-averaged accuracy",
    "noise": "What noise changes: differences from the lowest noise",
    "baselines": "Models against baselines: differences in macro-averaged accuracy",
}
"""The tables for a paper by name, each with its caption."""
METHODS, PARQUET = "methods.md", "tables.parquet"


def write(
    tables: "Tables",
    findings: "Findings",
    config: Mapping[str, Any],
    manifest: Record,
    folder: Path,
) -> None:
    """Write the tables, `methods.md` and `tables.parquet` into a folder.

    Args:
        tables: As `tables.read` returns them.
        findings: As `tables.read` returns them.
        config: The resolved config.
        manifest: The manifest of the data set.
        folder: The folder to write to: `<table>.tex` and `<table>.md` for each of TABLES.

    Raises:
        UserError: pyarrow, which writes `tables.parquet`, is not installed.
    """
    import pandas as pd

    for name, caption in TABLES.items():
        frame = pd.DataFrame(_rows(name, findings))
        write_text(folder / f"{name}.tex", latex(frame, caption, f"tab:{name}"))
        write_text(folder / f"{name}.md", f"{caption}.\n\n{_markdown(frame)}\n")
    write_text(folder / METHODS, methods(findings, config, manifest) + "\n")
    _write_parquet(tables, folder / PARQUET)


def latex(frame: "pd.DataFrame", caption: str, label: str) -> str:
    """Return a table as LaTeX that needs the package booktabs, with all text escaped."""
    if frame.empty:
        return f"% {caption}: nothing to show\n"
    style = (
        frame.style.hide(axis="index").format(escape="latex").format_index(escape="latex", axis=1)
    )
    body = style.to_latex(
        hrules=True, caption=caption.replace("%", r"\%"), label=label, position="t",
        position_float="centering",
    )  # fmt: skip
    for character, command in _IN_LATEX.items():
        body = body.replace(character, command)
    return body


_IN_LATEX = {"−": "$-$", "\u00a0": "~", "×": r"$\times$", "≤": r"$\le$", "’": "'", "–": "--"}
"""Replacements for characters that plain LaTeX cannot print."""


def _markdown(frame: "pd.DataFrame") -> str:
    if frame.empty:
        return "Nothing to show."
    text: str = frame.to_markdown(index=False, disable_numparse=True)
    return text


def _rows(name: str, findings: "Findings") -> list[dict[str, str]]:
    """Return the rows of one of TABLES as text."""
    labels = findings["labels"]
    if name == "scores":
        return _estimates(findings, {"macro_accuracy": "Macro accuracy", **_heads()})
    if name == "losses":
        return _estimates(
            findings,
            {"final_loss": "Training", "held_out_loss": "Held-out", "generalisation_gap": "Gap"},
        )
    if name == "noise":
        return [
            {"Model": labels[r["model"]], "Metric": findings["metrics"][r["metric"]], **_change(r)}
            for r in findings["noise_effects"]
            if r["metric"] in ("macro_accuracy", "final_loss")
        ]
    lists = {
        "contrasts": "planned_contrasts",
        "pairs": "model_comparisons",
        "baselines": "baseline_comparisons",
    }
    return [
        {"Pair": f"{labels.get(r['a'], r['a'])} − {labels.get(r['b'], r['b'])}", **_change(r)}
        for r in findings[lists[name]]
        if r["metric"] == "macro_accuracy" and r.get("respect") != "trained_noise"
    ]


def _heads() -> dict[str, str]:
    return {metric: score.head for metric, score in SCORES.items()}


def _estimates(findings: "Findings", metrics: Mapping[str, str]) -> list[dict[str, str]]:
    """Return one row for each arm, with its metrics."""
    found = {(r["model"], r["noise"], r["metric"]): r for r in findings["estimates"]}
    arms = dict.fromkeys((model, noise) for model, noise, _ in found)
    return [
        {
            "Model": findings["labels"][model],
            "Noise": noise,
            **{
                head: words.interval({**found[model, noise, metric], "metric": metric})
                for metric, head in metrics.items()
            },
        }
        for model, noise in arms
    ]


def _change(record: Record) -> dict[str, str]:
    return {
        "Noise": str(record["noise"]),
        "Difference": words.interval(record, signs=True),
        "Seeds": str(record["n"]),
        "p (Holm)": words.p_value(record["p_adjusted"]),
        "Verdict": VERDICTS[record["verdict"]],
    }


def methods(findings: "Findings", config: Mapping[str, Any], manifest: Record) -> str:
    """Return what was done, as a paragraph for a paper."""
    label, training = config["dataset"]["label_name"], config["training"]
    level = Noise.named(findings["noisiest"])
    margins = [
        f"{words.points(margin, 1).lstrip('+')} points in {findings['metrics'][metric]}"
        if metric in words.SHARES
        else f"{margin:g} in {findings['metrics'][metric]}"
        for metric, margin in findings["margins"].items()
        if margin is not None
    ]
    called = (words.in_sentence(findings["labels"][name]) for name in config["models"])
    models = words.listed(called)
    sentences = [
        f"We trained {len(config['models'])} models ({models}) to name the {label} of "
        f"{manifest['names']:,} names in {manifest['languages']} {words.plural(label)} "
        f"({manifest['source']}, {manifest['version']}) from their characters.",
        f"Each was trained with {training['optimizer'].upper()} on {training['updates']:,} names, "
        f"each drawn by first drawing a {label} uniformly and then one of its names, at a learning "
        f"rate of {training['learning_rate']:g} unless stated with the model.",
        f"Noise level {level.level} adds 0 to {level.level + 1} characters of "
        f"“{config['noise']['characters']}”, {PLACEMENTS[level.placement].where}."
        if level.level
        else "No noise was added.",
        f"Of each {label}'s distinct names {words.percent(config['dataset']['test_fraction'], 0)} "
        "were held out; accuracy is macro-averaged.",
        f"All runs were repeated with {words.seeds(findings['seeds'])}, each of which fixes the "
        "split, the order of the names, the noise and the initial weights, the same for every "
        f"model; {findings['runs']['ok']} of {findings['runs']['planned']} runs completed.",
        f"Intervals are {100 * findings['confidence']:.0f} % t intervals over seeds; differences "
        "are paired by seed and tested by t tests with Holm's correction at "
        f"{100 * findings['alpha']:g} %"
        + (
            f"; two one-sided tests compare them with margins of {words.listed(margins)}."
            if margins
            else "."
        ),
        f"Config {config_hash(config)}; data SHA-256 {manifest['sha256']}.",
    ]
    return " ".join(sentences)


def config_hash(config: Mapping[str, Any]) -> str:
    """Return the identifier of a resolved config: 12 digits of the SHA-256 of its JSON."""
    text = json.dumps(config, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _write_parquet(tables: "Tables", path: Path) -> None:
    """Write all tables as one, with the name of the table in each row."""
    import pandas as pd

    named = [frame.assign(table=name) for name, frame in tables.items() if len(frame)]
    whole = pd.concat(named, ignore_index=True) if named else pd.DataFrame({"table": []})
    columns: Sequence[str] = ["table", *(c for c in whole.columns if c != "table")]
    try:
        with replacing(path) as part:
            whole[[*columns]].to_parquet(part, index=False)
    except ImportError:
        raise UserError(
            "tables.parquet: pyarrow is not installed; install it with: pip install pyarrow"
        ) from None
