"""Question 5: do the models differ in accuracy on held-out names."""

from noisynames.reporting.answers.study import (
    DETECTED,
    Answer,
    Study,
    fewest_seeds,
    not_tested,
    question,
    undecided,
)
from noisynames.reporting.answers.words import (
    Record,
    difference,
    each_with_interval,
    interval,
    listed,
    number,
)


@question(place=5)
def answer(study: Study) -> Answer:
    """Answer it from the findings."""
    asked = "On held-out names, unseen in training, do the models differ in accuracy?"
    sentences = []
    winners = []
    compared: list[Record] = []
    for noise in dict.fromkeys((study.low, study.top)):
        ranked = study.ranked("macro_accuracy", noise, best_first=-1)
        if not ranked:
            continue
        pairs = study.select("model_comparisons", metric="macro_accuracy", noise=noise)
        compared += pairs
        sentences.append(
            f"Macro-averaged accuracy at noise {noise} (chance is "
            f"{number(study.findings['yardsticks']['chance']['mean'])}): "
            f"{each_with_interval(ranked)}."
        )
        detected = [r for r in pairs if r["verdict"] in DETECTED]
        if detected:
            sentences.append(
                f"Detected differences at noise {noise}: "
                + "; ".join(f"{r['a']} − {r['b']} {difference(r)}" for r in detected)
                + "."
            )
        best = ranked[0]["model"]
        beaten = {r["b"] for r in detected if r["a"] == best} | {
            r["a"] for r in detected if r["b"] == best
        }
        if beaten and len(beaten) == len(ranked) - 1:
            winners.append(f"{best} best at noise {noise}")
        elif detected:
            winners.append(f"yes at noise {noise}, for {len(detected)} of {len(pairs)} pairs")
        else:
            winners.append(f"{undecided(pairs) if pairs else 'one model only'} at noise {noise}")
    if not sentences:
        return not_tested(asked, "No run completed.", "accuracy")
    sentences += _baselines(study)
    return Answer(asked, "; ".join(winners), sentences, "accuracy", fewest_seeds(compared))


def _baselines(study: Study) -> list[str]:
    """Say which models beat which baselines."""
    sentences = []
    for noise in dict.fromkeys((study.low, study.top)):
        found = study.select("baselines", metric="macro_accuracy", noise=noise)
        for baseline in found:
            against = [
                r
                for r in study.select("baseline_comparisons", metric="macro_accuracy", noise=noise)
                if r["b"] == baseline["baseline"]
            ]
            groups = {
                "beat it": [r["a"] for r in against if r["verdict"] == "higher"],
                "fall behind it": [r["a"] for r in against if r["verdict"] == "lower"],
                "do as well, for practical purposes": [
                    r["a"] for r in against if r["verdict"] == "same"
                ],
                "are undecided": [r["a"] for r in against if r["verdict"] == "undecided"],
            }
            says = "; ".join(f"{listed(names)} {what}" for what, names in groups.items() if names)
            sentences.append(
                f"Baseline {baseline['baseline']} at noise {noise}: {interval(baseline)}; {says}."
            )
    return sentences
