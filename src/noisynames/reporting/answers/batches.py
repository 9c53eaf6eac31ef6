"""Question 7: larger batches."""

from noisynames.reporting.answers.study import (
    Answer,
    Study,
    against,
    fewest_seeds,
    not_tested,
    question,
    undecided,
)
from noisynames.reporting.answers.words import Record, each_with_interval, listed


@question(place=7)
def answer(study: Study) -> Answer:
    """Answer it from the findings."""
    asked = "What do larger batches change?"
    sizes = {m: spec["batch_size"] for m, spec in study.models.items()}
    if set(sizes.values()) == {1}:
        return not_tested(
            asked,
            "Every run takes one name per update, as the worksheet does; nothing here bears on "
            "larger batches.",
            "methods",
        )
    sentences = [
        "Batch sizes and learning rates: "
        + "; ".join(
            f"{m} {spec['batch_size']} at {spec['learning_rate']:g}"
            for m, spec in study.models.items()
        )
        + f". Each run sees {study.updates:,} names."
    ]
    smallest = min(sizes, key=lambda m: sizes[m])
    verdicts = []
    shown: list[Record] = []
    for metric, text in (("final_loss", "training loss"), ("macro_accuracy", "accuracy")):
        for noise in dict.fromkeys((study.low, study.top)):
            sentences.append(f"{text.capitalize()} at noise {noise}: ")
            sentences[-1] += (
                f"{each_with_interval(study.select('estimates', metric=metric, noise=noise))}."
            )
            pairs = [
                r
                for r in study.select("model_comparisons", metric=metric, noise=noise)
                if smallest in (r["a"], r["b"])
            ]
            shown += pairs
            lower, higher = against(smallest, pairs)
            worse = higher if metric == "final_loss" else lower
            better = lower if metric == "final_loss" else higher
            if worse or better:
                words = [f"{listed(worse)} worse"] if worse else []
                words += [f"{listed(better)} better"] if better else []
                verdicts.append(f"{text} at noise {noise}: {', '.join(words)} than {smallest}")
    return Answer(
        asked,
        "; ".join(verdicts) or undecided(shown),
        sentences,
        "training",
        fewest_seeds(shown),
    )
