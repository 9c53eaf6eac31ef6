"""Question 1: how do the models compare in the efficiency of training."""

from noisynames.reporting.answers.study import (
    Answer,
    Study,
    Unasked,
    fewest_seeds,
    question,
    settled,
    statistic,
)
from noisynames.reporting.words import Record, interval, number


@question(place=1)
def answer(study: Study) -> Answer | Unasked:
    """Answer the question from the findings."""
    asked = "How do the models compare in the efficiency of training?"
    if study.models[study.reference]["cell"] == "rnn":
        asked += " Is there an empirical reason to prefer the GRU or attention over the plain RNN?"
    ranked = study.ranked("final_loss", study.low)
    if not ranked:
        return Unasked(asked, "No run completed.")
    rivals = [
        r
        for r in study.select("model_comparisons", metric="final_loss", noise=study.low)
        if study.reference in (r["a"], r["b"])
    ]
    better, worse = study.against(study.reference, rivals)
    statistics = [
        f"After {study.budget} {study.under(study.low)} the training loss (nats, lower is better) "
        f"was {study.each(ranked)}."
    ]
    statistics += [f"{study.pair(r)} in training loss: {statistic(r)}." for r in rivals]
    return Answer(
        asked,
        _line(study, ranked, rivals, better),
        statistics,
        "training",
        fewest_seeds(ranked),
        "card_efficiency",
        _why(study, worse),
    )


def _line(study: Study, ranked: list[Record], rivals: list[Record], better: list[str]) -> str:
    """Say which model trains to the lowest loss, compared with the reference model."""
    reference = study.label(study.reference)
    if not rivals:
        return f"{reference} is the only model here; its loss ends at {number(ranked[0]['mean'])}."
    if better:
        best = ranked[0]
        return (
            f"Yes: {len(better)} of {len(rivals)} others reach a lower loss than {reference}; "
            f"{study.label(best['model'])} has the lowest, {number(best['mean'])} nats."
        )
    if ranked[0]["model"] == study.reference and len(ranked) > 1:
        first, second = ranked[:2]
        start = "Not in training: " if study.models[study.reference]["cell"] == "rnn" else ""
        return (
            f"{start}{reference} reaches the lowest loss, {number(first['mean'])} nats, "
            f"ahead of {study.label(second['model'])} with {number(second['mean'])}."
        )
    return f"In training loss, {settled(rivals)}."


def _why(study: Study, worse: list[str]) -> list[str]:
    """Say whether the lowest training loss comes from names learnt by heart."""
    gaps = {
        r["model"]: r
        for r in study.select("estimates", metric="generalisation_gap")
        if r["noise"] == study.low
    }
    reference = study.reference
    others = [gaps[m]["mean"] for m in worse if m in gaps]
    if reference not in gaps or not others or gaps[reference]["mean"] <= max(others):
        return []
    return [
        f"{study.label(reference)} also has the widest gap between held-out and training loss, "
        f"{interval(gaps[reference])} nats: its low training loss is partly due to memorised names."
    ]
