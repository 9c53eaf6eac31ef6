"""Beyond the worksheet: whether the ranking depends on the single learning rate."""

from collections.abc import Iterable

from noisynames.reporting.answers.study import (
    DETECTED,
    Answer,
    Study,
    Unasked,
    fewest_seeds,
    question,
    settled,
)
from noisynames.reporting.words import Record, difference

Both = list[tuple[Record, Record]]
"""Comparisons at one rate for all, each with its counterpart at the models' own best rates."""


@question(place=8)
def answer(study: Study) -> Answer | Unasked | None:
    """Answer the question from the findings."""
    rates = study.findings["rates"]
    if not rates["models"]:
        return None
    asked = "Does the ranking at one learning rate hold at each model's own best rate?"
    if not rates["chosen"]:
        return Unasked(
            asked,
            "there are no validation names to choose a rate by",
            "snakemake --cores 4 --config 'dataset={validation_fraction: 0.1}'",
        )
    statistics, shown, lines = [], [], []
    for metric, text in (("macro_accuracy", "accuracy"), ("final_loss", "training loss")):
        for noise in study.noises:
            both = _both(study, metric, noise)
            shown += [best for _, best in both]
            lines.append(_line(text, study.under(noise), both))
            estimates = [r for r in rates["best"] if (r["metric"], r["noise"]) == (metric, noise)]
            order = sorted(estimates, key=lambda r: r["mean"] * (-1 if text == "accuracy" else 1))
            statistics.append(
                f"{text.capitalize()} {study.under(noise)}, each at its own best rate: "
                f"{study.each(order)}."
            )
            statistics += _changed(study, f"{text} {study.under(noise)}", both)
    return Answer(
        asked,
        f"{lines[0][0].upper()}{lines[0][1:]}.",
        [*statistics, *_at_the_end(study)],
        "rates",
        fewest_seeds(shown),
        "card_rates",
        [f"{line[0].upper()}{line[1:]}." for line in lines[1:2]],
    )


def _both(study: Study, metric: str, noise: str) -> Both:
    """Return each comparison of two models at the single rate, and at their best rates."""
    rates = study.findings["rates"]
    return [
        (single, best)
        for single in rates["single_comparisons"]
        for best in rates["best_comparisons"]
        if all(single[key] == best[key] for key in ("metric", "noise", "a", "b"))
        and (single["metric"], single["noise"]) == (metric, noise)
    ]


def _turned(both: Both) -> Both:
    return [(s, b) for s, b in both if {s["verdict"], b["verdict"]} == set(DETECTED)]


def _line(text: str, under: str, both: Both) -> str:
    """Say how many of the differences at one rate remain at the best rates."""
    detected = [(s, b) for s, b in both if s["verdict"] in DETECTED]
    if not detected:
        return f"in {text} {under}, {settled(s for s, _ in both)} at one rate"
    kept = sum(b["verdict"] == s["verdict"] for s, b in detected)
    turned = len(_turned(both))
    reversed_ = f", {turned} {'is' if turned == 1 else 'are'} reversed" if turned else ""
    return f"{kept} of {len(detected)} differences in {text} {under} stay{reversed_}"


def _changed(study: Study, text: str, both: Both) -> Iterable[str]:
    """Say which differences are reversed, and which are detected only at the best rates."""
    for single, best in both:
        if (single, best) in _turned(both):
            yield (
                f"{study.pair(single)} in {text} turns from {difference(single)} to "
                f"{difference(best)}."
            )
        elif single["verdict"] not in DETECTED and best["verdict"] in DETECTED:
            yield (
                f"{study.pair(best)} in {text} is detected only at the best rates: "
                f"{difference(best)}."
            )


def _at_the_end(study: Study) -> Iterable[str]:
    """Say for which models the best rate may lie beyond those that were tried."""
    rates = study.findings["rates"]
    for record in rates["chosen"]:
        tried = sorted(study.every[m]["learning_rate"] for m in rates["models"][record["model"]])
        seeds = sum(record["seeds"].values())
        for rate, end in ((tried[0], "smallest"), (tried[-1], "largest")):
            if (count := record["seeds"].get(f"{rate:g}", 0)) > seeds / 2:
                yield (
                    f"{study.label(record['model'])} took the {end} rate that was tried, {rate:g}, "
                    f"in {count} of {seeds} seeds {study.under(record['noise'])}: its best rate "
                    "may lie beyond it."
                )
