"""Question 2: are the losses higher or lower under noise, and why."""

from noisynames.reporting.answers.study import (
    Answer,
    Study,
    Unasked,
    fewest_seeds,
    question,
    settled,
    statistic,
)
from noisynames.reporting.words import Record, listed, number


@question(place=2)
def answer(study: Study) -> Answer | Unasked:
    """Answer the question from the findings."""
    asked = f"With noise level {study.top}, are the losses higher or lower, and why?"
    if study.top == study.low:
        return Unasked(
            "Are the losses higher or lower under noise, and why?",
            "the config has a single noise level",
            "snakemake --cores 4 --config 'noise={levels: [0, 5]}'",
        )
    effects = study.select("noise_effects", metric="final_loss", noise=study.top)
    asked_of = [r for r in effects if r["mean"] is not None]
    statistics = [
        f"{study.label(r['model'])}, training loss at noise {study.top} minus noise {study.low}: "
        f"{statistic(r)}."
        for r in asked_of
    ]
    higher = [r for r in effects if r["verdict"] == "higher"]
    lower = [r for r in effects if r["verdict"] == "lower"]
    why, more = _why(study, {r["model"] for r in higher})
    return Answer(
        asked,
        _line(study, asked_of, higher, lower),
        statistics + more,
        "noise",
        fewest_seeds(effects),
        "card_losses",
        why,
    )


def _line(study: Study, effects: list[Record], higher: list[Record], lower: list[Record]) -> str:
    """Say for which models the loss is higher, and for which lower."""
    if higher and len(higher) == len(effects):
        least, most = min(r["mean"] for r in higher), max(r["mean"] for r in higher)
        if len(higher) == 1:
            return f"Higher, by {number(least)} nats."
        return f"Higher for every model, by {number(least)} to {number(most)} nats."
    if lower and len(lower) == len(effects):
        return "Lower for every model."
    parts = [
        f"{what} for {study.names(r['model'] for r in found)}"
        for what, found in (("higher", higher), ("lower", lower))
        if found
    ]
    if not parts:
        return f"{settled(effects).capitalize()}."
    rest = len(effects) - len(higher) - len(lower)
    parts += [f"undecided for {rest}"] if rest else []
    return f"{listed(parts).capitalize()}." if len(parts) == 1 else f"It is {listed(parts)}."


def _why(study: Study, higher: set[str]) -> tuple[list[str], list[str]]:
    """Say which cause the held-out loss, and the gap to it, support; and the numbers."""
    gaps = study.select("noise_effects", metric="generalisation_gap", noise=study.top)
    held_out = study.select("noise_effects", metric="held_out_loss", noise=study.top)
    narrower = [r for r in gaps if r["verdict"] == "lower" and r["model"] in higher]
    harder = [r for r in held_out if r["verdict"] == "higher" and r["model"] in higher]
    why, statistics = [], []
    if narrower:
        why.append(
            "Noise is drawn anew each time, so a name seldom looks the same twice and less can be "
            "memorised: the gap between held-out and training loss narrows for "
            f"{_of(study, narrower, higher)}."
        )
    if harder:
        why.append(
            "Held-out names are also harder to classify, so less memorising is not the only cause "
            f"(for {_of(study, harder, higher)})."
        )
    for text, records in (("gap to the held-out loss", narrower), ("held-out loss", harder)):
        statistics += [f"{study.label(r['model'])}, {text}: {statistic(r)}." for r in records]
    return why, statistics


def _of(study: Study, records: list[Record], models: set[str]) -> str:
    """Return which models some records are about."""
    found = [r["model"] for r in records]
    return "all of them" if len(found) == len(models) > 1 else study.names(found)
