"""Question 7: larger batches."""

from noisynames.reporting.answers.study import (
    Answer,
    Study,
    Unasked,
    fewest_seeds,
    question,
    says,
    statistic,
)
from noisynames.reporting.words import Record


@question(place=7)
def answer(study: Study) -> Answer | Unasked:
    """Answer the question from the findings."""
    asked = "What do larger batches change?"
    sizes = {m: spec["batch_size"] for m, spec in study.models.items()}
    if set(sizes.values()) == {1}:
        return Unasked(
            asked,
            "every run takes one name per update",
            "snakemake --cores 4 --configfile config/batching.yaml",
        )
    statistics = [
        "Batch sizes and learning rates: "
        + "; ".join(
            f"{study.label(m)} {spec['batch_size']} at {spec['learning_rate']:g}"
            for m, spec in study.models.items()
            if m in study.findings["labels"]
        )
        + f". Each run sees {study.updates:,} names."
    ]
    shown: list[Record] = []
    pairs = _pairs(study)
    for metric, text in (("final_loss", "training loss"), ("macro_accuracy", "accuracy")):
        for noise in study.noises:
            for a, b in pairs:
                for r in study.select("model_comparisons", metric=metric, noise=noise):
                    if {r["a"], r["b"]} == {a, b}:
                        shown.append(r)
                        statistics.append(
                            f"{study.pair(r)} in {text} {study.under(noise)}: {statistic(r)}."
                        )
    return Answer(
        asked,
        _line(study, shown),
        statistics,
        "training",
        fewest_seeds(shown),
        "card_batches",
    )


def _pairs(study: Study) -> list[tuple[str, str]]:
    """Return each batched model with the one that differs from it only in smaller batches."""
    pairs = []
    for model, spec in study.models.items():
        like = [
            other
            for other, theirs in study.models.items()
            if theirs["batch_size"] < spec["batch_size"] and _rest(theirs) == _rest(spec)
        ]
        if like:
            pairs.append((model, min(like, key=lambda m: study.models[m]["batch_size"])))
    return pairs


def _rest(spec: Record) -> Record:
    """Return a model without its batch size, and the learning rate that goes with that."""
    return {k: v for k, v in spec.items() if k not in ("batch_size", "learning_rate", "label")}


def _line(study: Study, shown: list[Record]) -> str:
    """Say what the largest batch does to accuracy, without noise and under it."""
    largest = max(study.models, key=lambda m: int(study.models[m]["batch_size"]))
    own = [r for r in shown if r["metric"] == "macro_accuracy" and largest in (r["a"], r["b"])]
    if not own:
        return "No model here differs from another only in its batches."
    size = study.models[largest]["batch_size"]
    told = ", ".join(f"{says(r)} {study.under(r['noise'])}" for r in own)
    return f"Batches of {size}: accuracy {told}."
