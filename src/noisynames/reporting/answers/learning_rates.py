"""Beyond the worksheet: whether the ranking is one of a single learning rate."""

from noisynames.reporting.answers.study import (
    DETECTED,
    Answer,
    Study,
    fewest_seeds,
    not_tested,
    question,
    undecided,
)
from noisynames.reporting.answers.words import Record, difference, each_with_interval


@question(place=8)
def answer(study: Study) -> Answer | None:
    """Answer it from the findings."""
    if not study.findings["rates"]["models"]:
        return None
    asked = "Does the ranking at one learning rate survive each model's own best rate?"
    rates = study.findings["rates"]
    if not rates["chosen"]:
        return not_tested(asked, "There are no validation names to choose by.", "rates")
    sentences, verdicts = [], []
    shown: list[Record] = []
    for metric, text in (("macro_accuracy", "accuracy"), ("final_loss", "training loss")):
        for noise in dict.fromkeys((study.low, study.top)):
            both = [
                (single, best)
                for single in rates["single_comparisons"]
                for best in rates["best_comparisons"]
                if all(single[key] == best[key] for key in ("metric", "noise", "a", "b"))
                and (single["metric"], single["noise"]) == (metric, noise)
            ]
            shown += [best for _, best in both]
            detected = [(s, b) for s, b in both if s["verdict"] in DETECTED]
            kept = [s for s, b in detected if b["verdict"] == s["verdict"]]
            turned = [s for s, b in detected if {s["verdict"], b["verdict"]} == set(DETECTED)]
            new = [b for s, b in both if s not in kept + turned and b["verdict"] in DETECTED]
            counts = f"{len(kept)} of {len(detected)} differences kept, {len(turned)} reversed"
            nothing = undecided([single for single, _ in both])
            verdicts.append(f"{text} at noise {noise}: {counts if detected else nothing}")
            estimates = [r for r in rates["best"] if (r["metric"], r["noise"]) == (metric, noise)]
            order = sorted(estimates, key=lambda r: r["mean"] * (-1 if text == "accuracy" else 1))
            sentences.append(
                f"{text.capitalize()} at noise {noise}, each at its own best rate: "
                f"{each_with_interval(order)}."
            )
            sentences += [
                f"{s['a']} − {s['b']} in {text} at noise {noise} turns from {difference(s)} to "
                f"{difference(b)}."
                for s, b in detected
                if s in turned
            ]
            sentences += [
                f"{b['a']} − {b['b']} in {text} at noise {noise} is detected only at the best "
                f"rates: {difference(b)}."
                for b in new
            ]
    for record in rates["chosen"]:
        names = rates["models"][record["model"]]
        tried = sorted(study.models[name]["learning_rate"] for name in names)
        seeds = sum(record["seeds"].values())
        for rate, end in ((tried[0], "smallest"), (tried[-1], "largest")):
            if (count := record["seeds"].get(f"{rate:g}", 0)) > seeds / 2:
                sentences.append(
                    f"{record['model']} took the {end} rate that was tried, {rate:g}, in {count} "
                    f"of {seeds} seeds at noise {record['noise']}: its best may lie beyond."
                )
    return Answer(asked, "; ".join(verdicts), sentences, "rates", fewest_seeds(shown))
