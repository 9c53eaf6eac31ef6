"""Question 5: do the models differ in accuracy on held-out names."""

from noisynames.reporting.answers.study import (
    DETECTED,
    Answer,
    Study,
    Unasked,
    fewest_seeds,
    question,
    settled,
    statistic,
)
from noisynames.reporting.words import Record, interval, listed, percent


@question(place=5)
def answer(study: Study) -> Answer | Unasked:
    """Answer the question from the findings."""
    asked = "On held-out names, unseen in training, do the models differ in accuracy?"
    statistics: list[str] = []
    compared: list[Record] = []
    for noise in study.noises:
        ranked = study.ranked("macro_accuracy", noise, best_first=-1)
        if not ranked:
            continue
        pairs = study.select("model_comparisons", metric="macro_accuracy", noise=noise)
        compared += pairs
        statistics.append(
            f"Macro-averaged accuracy {study.under(noise)} (chance is "
            f"{percent(study.findings['yardsticks']['chance']['mean'])}): {study.each(ranked)}."
        )
        statistics += [
            f"{study.pair(r)} {study.under(noise)}: {statistic(r)}."
            for r in pairs
            if r["verdict"] in DETECTED
        ]
    if not statistics:
        return Unasked(asked, "no run completed")
    beaten, more = _baselines(study)
    return Answer(
        asked,
        _line(study, compared),
        statistics + more,
        "accuracy",
        fewest_seeds(compared) if compared else study.findings["seeds"],
        "card_accuracy",
        beaten,
    )


def _line(study: Study, compared: list[Record]) -> str:
    """Say which model leads under each noise."""
    leads = []
    for noise in study.noises:
        ranked = study.ranked("macro_accuracy", noise, best_first=-1)
        leaders = study.leaders("macro_accuracy", noise, best_first=-1)
        if not ranked:
            continue
        if len(leaders) == 1 and len(ranked) > 1:
            best = percent(ranked[0]["mean"], 0)
            leads.append(f"{study.label(leaders[0])} leads {study.under(noise)} ({best})")
        elif len(leaders) < len(ranked):
            share = f"{len(leaders)} of {len(ranked)} models share the lead"
            leads.append(f"{share} {study.under(noise)}")
    if leads:
        return f"Yes: {listed(leads)}."
    if not compared:
        return "There is only one model."
    return f"{settled(compared).capitalize()}."


def _baselines(study: Study) -> tuple[list[str], list[str]]:
    """Say whether a baseline does better than every model; and the numbers.

    Returns:
        At most one sentence, and statistics.
    """
    ahead, statistics = [], []
    for noise in study.noises:
        for baseline in study.select("baselines", metric="macro_accuracy", noise=noise):
            against = [
                r
                for r in study.select("baseline_comparisons", metric="macro_accuracy", noise=noise)
                if r["b"] == baseline["baseline"]
            ]
            if against and all(r["verdict"] == "lower" for r in against):
                ahead.append(f"{percent(baseline['mean'], 0)} {study.under(noise)}")
            groups = {
                "beat it": [r["a"] for r in against if r["verdict"] == "higher"],
                "fall behind it": [r["a"] for r in against if r["verdict"] == "lower"],
                "do as well": [r["a"] for r in against if r["verdict"] == "same"],
                "are undecided": [r["a"] for r in against if r["verdict"] == "undecided"],
            }
            told = "; ".join(f"{study.names(who)} {what}" for what, who in groups.items() if who)
            statistics.append(
                f"Baseline {baseline['baseline']} {study.under(noise)}: {interval(baseline)}; "
                f"{told}."
            )
    why = []
    if ahead:
        why.append(
            f"A logistic regression on character n-grams does better than every network: "
            f"{listed(ahead)}."
        )
    return why, statistics
