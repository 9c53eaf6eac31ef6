"""The short answer of an experiment on learning rates."""

from noisynames.reporting.answers.study import DETECTED, Study
from noisynames.reporting.headlines.short import ShortAnswer, headline, how_sure, simpler_method
from noisynames.reporting.words import percent


@headline(turn=2)
def answer(study: Study) -> ShortAnswer | None:
    """Say whether the ranking holds at each model's own best rate, and which model is best then."""
    rates = study.findings["rates"]
    if not rates["models"] or not rates["chosen"]:
        return None
    sentences = []
    for noise in study.noises:
        sentences += [_survival(study, noise), _best(study, noise)]
    told = [s for s in [*sentences, simpler_method(study)] if s]
    return ShortAnswer([*told, how_sure(study)], "card_rates")


def _survival(study: Study, noise: str) -> str:
    """Say how many of the differences in accuracy at one rate remain at the best rates."""
    rates = study.findings["rates"]
    best = {
        (r["a"], r["b"]): r["verdict"]
        for r in rates["best_comparisons"]
        if (r["metric"], r["noise"]) == ("macro_accuracy", noise)
    }
    detected = [
        r
        for r in rates["single_comparisons"]
        if (r["metric"], r["noise"]) == ("macro_accuracy", noise) and r["verdict"] in DETECTED
    ]
    where = study.under(noise)
    if not detected:
        return f"At one rate for all, no difference in accuracy is detected {where}."
    kept = sum(best.get((r["a"], r["b"])) == r["verdict"] for r in detected)
    turned = sum({best.get((r["a"], r["b"])), r["verdict"]} == set(DETECTED) for r in detected)
    if kept == len(detected):
        return f"The ranking by accuracy holds at each model's own best rate {where}."
    gone = len(detected) - kept - turned
    parts = [f"{kept} stay", *([f"{turned} reversed"] if turned else [])]
    parts += [f"{gone} no longer detected"] if gone else []
    return (
        f"Only part of the ranking holds at each model's own best rate {where}: of "
        f"{len(detected)} differences in accuracy, {', '.join(parts)}."
    )


def _best(study: Study, noise: str) -> str:
    """Say which model is best at its own best rate."""
    found = [
        r
        for r in study.findings["rates"]["best"]
        if (r["metric"], r["noise"]) == ("macro_accuracy", noise)
    ]
    if not found:
        return ""
    order = sorted(found, key=lambda r: -r["mean"])
    first = (
        f"{study.label(order[0]['model'])} recognises most names, {percent(order[0]['mean'], 0)}"
    )
    if len(order) == 1:
        return f"At its best rate {first} {study.under(noise)}."
    last = f"{study.label(order[-1]['model'])} fewest, {percent(order[-1]['mean'], 0)}"
    return f"At their own best rates {first}, and {last}."
