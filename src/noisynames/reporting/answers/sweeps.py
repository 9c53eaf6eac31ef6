"""Beyond the worksheet: the effect of a number in which models differ, such as hidden size."""

from noisynames.reporting.answers.study import (
    Answer,
    Study,
    fewest_seeds,
    question,
    statistic,
)
from noisynames.reporting.figures.cards import FEWEST, SWEPT
from noisynames.reporting.words import percent


@question(place=7.5)
def answer(study: Study) -> Answer | None:
    """Answer the question from the findings on the longest sweep."""
    found = [
        s
        for s in study.select("sweeps", metric="macro_accuracy", noise=study.low)
        if s["respect"] in SWEPT and len(s["models"]) >= FEWEST and None not in s["values"]
    ]
    if not found:
        return None
    sweep = max(found, key=lambda s: len(s["models"]))
    what = SWEPT[sweep["respect"]]
    steps = [
        r
        for noise in study.noises
        for r in study.select("planned_contrasts", metric="macro_accuracy", noise=noise)
        if r["respect"] == sweep["respect"] and {r["a"], r["b"]} <= {*sweep["models"]}
    ]
    values, means = sweep["values"], sweep["mean"]
    best = max(range(len(means)), key=lambda i: float(means[i]))
    line = (
        f"From {values[0]:g} to {values[-1]:g}, accuracy {study.under(study.low)} goes from "
        f"{percent(means[0], 0)} to {percent(means[-1], 0)}"
    )
    if best not in (0, len(means) - 1):
        line += f"; the highest is {percent(means[best], 0)} at {values[best]:g}"
    return Answer(
        f"What does the {what} change?",
        f"{line}.",
        [
            f"{r['a_value']:g} instead of {r['b_value']:g}, accuracy {study.under(r['noise'])}: "
            f"{statistic(r)}."
            for r in steps
        ],
        "accuracy",
        fewest_seeds(steps),
        "card_sweeps",
    )
