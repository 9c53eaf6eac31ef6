"""Two experiments beside each other, as one HTML file with the look of the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from noisynames.reporting import cells, drawing, words
from noisynames.reporting import page as reports
from noisynames.reporting.beside import drawings, sentences
from noisynames.reporting.beside.sentences import LEADS
from noisynames.reporting.figures.look import Look
from noisynames.reporting.figures.registry import BOUNDS, MODEL, NOISE, Numbers

Record = Mapping[str, Any]
_SET = ("Experiment", "set", False)


@dataclass(frozen=True)
class _Drawn:
    """A figure of the page, with what the report's macro `figure` needs."""

    svg: str
    alt: str
    caption: str
    numbers: Numbers
    rows: Sequence[Record]


def render(found: Record, curves: Sequence[Sequence[Record]], templates: Path, title: str) -> str:
    """Return the page.

    Args:
        found: What `experiments.comparing.compare` returns.
        curves: The loss curves of both, as `findings.training.curves` returns them.
        templates: Folder with `compare.html`.
        title: The heading of the page.
    """
    steps = (found.get("history") or {}).get("steps", [])  # last experiments first
    models = list(dict.fromkeys(arm["model"] for arm in [*found["arms"], *steps]))
    noises = list(dict.fromkeys(arm["noise"] for arm in [*found["arms"], *steps]))
    look = Look(models, found["labels"])
    figures = _figures(found, curves, look)
    if found.get("history"):
        figures["history"] = _history(found, look)
    environment = reports.new_environment(templates)
    environment.globals.update(
        label=lambda model: found["labels"].get(model, model),
        figures=figures,
        figure_svg=lambda name: Markup(figures[name].svg),
        figure_caption=lambda name: environment.from_string(figures[name].caption),
        figure_rows=lambda name: figures[name].rows,
        cell=lambda row, key: cells.text(row, key, found["labels"]),
        verdict=sentences.verdict,
        change_of=lambda change: words.interval(change, signs=True),
        seeds_of=_seeds,
        mean_of=lambda contrast, i: (
            "–"
            if contrast["means"][i] is None
            else words.change(contrast["means"][i], contrast["metric"])
        ),
        estimate=lambda metric, side: words.interval({"metric": metric, **side}) if side else "–",
    )
    sections = [
        ("answer", "The short answer"),
        ("differs", "What differs"),
        ("changed", "What changed"),
        *([("history", "History")] if "history" in figures else []),
        ("training", "Training"),
        ("costs", "Time and memory"),
    ]
    return environment.get_template("compare.html").render(
        title=title,
        found=found,
        sections=[s for s in sections if s[0] != "costs" or found["costs"]],
        names=[one["name"] for one in found["sets"]],
        first=sentences.first(found),
        more=sentences.more(found),
        differences=[sentences.difference(found, d) for d in found["differences"]],
        leads=LEADS,
        shown_models={model: found["labels"].get(model, model) for model in models},
        noises=noises,
    )


def _seeds(change: Record) -> str:
    """Return the number of seeds behind a change: of pairs, or of each side."""
    if change["n"] is not None:
        return f"{change['n']} {words.plural('pair', change['n'])}"
    return " and ".join(
        str(side["n"] if side else 0) for side in (change["before"], change["after"])
    )


def _figures(found: Record, curves: Sequence[Sequence[Record]], look: Look) -> dict[str, _Drawn]:
    names = [one["name"] for one in found["sets"]]
    leading = [c for c in found["changes"] if c["metric"] == LEADS]
    return {
        "dumbbells": _Drawn(
            drawing.svg_of(lambda: drawings.dumbbells(found, look), "dumbbells"),
            "Accuracy of every arm before and after, with intervals",
            "Ring: {{ names[0] }}. Full mark: {{ names[1] }}. Mean and 95 % t interval over seeds.",
            Numbers(
                "Macro-averaged held-out accuracy",
                [MODEL, NOISE, _SET, *BOUNDS, ("Seeds", "n", True)],
                lambda tables, findings: [],
            ),
            [
                {"model": c["model"], "noise": c["noise"], "set": name, "metric": LEADS, **side}
                for c in leading
                for name, side in zip(names, (c["before"], c["after"]), strict=True)
                if side
            ],
        ),
        "overlaid": _Drawn(
            drawing.svg_of(lambda: drawings.overlaid(found, curves, look), "overlaid"),
            "Mean training loss of every model in both experiments",
            "Dashed: {{ names[0] }}. Solid: {{ names[1] }}. Means over seeds, at the lowest noise "
            "and, paler, the highest that both have.",
            Numbers(
                "Mean training loss (nats) at the last recorded point",
                [MODEL, NOISE, _SET, ("Loss", "last", True), ("Seeds", "n", True)],
                lambda tables, findings: [],
            ),
            [
                {**{key: curve[key] for key in ("model", "noise", "last", "n")}, "set": name}
                for name, of_set in zip(names, curves, strict=True)
                for curve in of_set
            ],
        ),
    }


def _history(found: Record, look: Look) -> _Drawn:
    steps = {(s["model"], s["noise"], s["place"]): s for s in found["history"]["steps"]}
    rows = []
    for r in found["history"]["estimates"]:
        step = steps.get((r["model"], r["noise"], r["place"]))
        told = sentences.verdict(step) if step else "–"
        rows.append({**r, "metric": LEADS, "told": told})
    return _Drawn(
        drawing.svg_of(lambda: drawings.history(found, look), "history"),
        "Accuracy of every arm in each experiment, in their order",
        "Mean and 95 % t interval over seeds. Ring: changed since the previous experiment, by a "
        "t test adjusted by Holm’s method over all arms and steps.",
        Numbers(
            "Macro-averaged held-out accuracy, and its change since the previous experiment",
            [MODEL, NOISE, _SET, *BOUNDS, ("Seeds", "n", True), ("Verdict", "told", False)],
            lambda tables, findings: [],
        ),
        rows,
    )
