"""Question 3: do the conclusions about the models change under noise, and why."""

from noisynames.names.noise import Noise, conditions
from noisynames.reporting.answers.study import (
    DETECTED,
    Answer,
    Study,
    fewest_seeds,
    not_tested,
    question,
    undecided,
)
from noisynames.reporting.answers.words import Record, difference, interval, listed


@question(place=3)
def answer(study: Study) -> Answer:
    """Answer it from the findings."""
    asked = "Do the conclusions about the models change under noise, and why?"
    changes = study.select("interactions", metric="final_loss", noise=study.top)
    if not changes:
        return not_tested(asked, "This needs two models and two noise levels.", "conclusions")
    sentences = []
    swapped, moved = [], []
    for r in changes:
        at = {
            noise: study.select(
                "model_comparisons", metric="final_loss", noise=noise, a=r["a"], b=r["b"]
            )[0]
            for noise in (study.low, study.top)
        }
        verdicts = {at[study.low]["verdict"], at[study.top]["verdict"]}
        pair = f"{r['a']} − {r['b']}"
        if r["verdict"] not in DETECTED:
            continue
        moved.append(pair)
        if verdicts == set(DETECTED):
            swapped.append(pair)
        sentences.append(
            f"{pair} in training loss goes from {interval(at[study.low], signs=True)} at noise "
            f"{study.low} to {interval(at[study.top], signs=True)} at noise {study.top}: a change "
            f"of {difference(r)}."
        )
    if swapped:
        verdict = f"the order changed: {listed(swapped)}"
    elif moved:
        verdict = "differences changed in size, no order reversed beyond doubt"
    else:
        verdict = undecided(changes)
    accuracy = [
        r
        for r in study.select("interactions", metric="macro_accuracy", noise=study.top)
        if r["verdict"] in DETECTED
    ]
    if accuracy:
        sentences.append(
            "In held-out accuracy, too, differences between models changed: "
            + "; ".join(f"{r['a']} − {r['b']} by {difference(r)}" for r in accuracy)
            + "."
        )
    if not sentences:
        sentences = ["No pair of models has a difference in loss that noise changed detectably."]
    return Answer(
        asked,
        verdict,
        sentences + _placement(study) + _memory(study),
        "conclusions",
        fewest_seeds(changes),
    )


def _placement(study: Study) -> list[str]:
    """Say for which models noise costs accuracy only, or more, where it stands last."""
    level = Noise.named(study.top).level
    at = {
        noise.placement: noise.name
        for noise in conditions(**study.noise)
        if noise.level == level and noise.placement != "substitution"  # which takes letters away
    }
    others = [placement for placement in at if placement != "suffix"]
    if "suffix" not in at or not others:
        return []
    sentences = []
    for model in dict.fromkeys(r["model"] for r in study.findings["placements"]):
        effect = {
            placement: study.select(
                "noise_effects", metric="macro_accuracy", model=model, noise=name
            )[0]
            for placement, name in at.items()
        }
        against = {
            r["b"]: r
            for r in study.select(
                "placements", metric="macro_accuracy", model=model, level=level, a="suffix"
            )
            if r["b"] in others
        } | {
            r["a"]: _turned(r)
            for r in study.select(
                "placements", metric="macro_accuracy", model=model, level=level, b="suffix"
            )
            if r["a"] in others
        }
        numbers = "; ".join(f"{p} {difference(r)}" for p, r in effect.items())
        lost = [p for p, r in effect.items() if r["verdict"] == "lower"]
        deeper = [p for p in others if against[p]["verdict"] == "lower"]
        if lost == ["suffix"] and len(deeper) == len(others):
            says = (
                "it loses only where noise stands last, so its loss is one of memory across the "
                "suffix"
            )
        elif "suffix" in lost and len(deeper) == len(others):
            says = (
                "it loses most where noise stands last, so part of its loss is one of memory "
                "across the suffix"
            )
        elif "suffix" in lost and deeper:
            says = f"noise costs it more behind the name than as {listed(deeper)}"
        elif lost:
            says = "it loses, but not detectably more where noise stands last"
        else:
            says = undecided(list(effect.values()))
        sentences.append(
            f"{model}: {says}. Accuracy at level {level} minus noise {study.low}: {numbers}."
        )
    return sentences


def _turned(record: Record) -> Record:
    """Return a comparison with its sides swapped."""
    verdict = {"lower": "higher", "higher": "lower"}.get(record["verdict"], record["verdict"])
    return {**record, "verdict": verdict}


def _memory(study: Study) -> list[str]:
    """Say what the memory probe and the gradients found, for models trained under noise."""
    kept: list[str] = []
    fell: list[str] = []
    longest = max((r["distance"] for r in study.findings["memory"]), default=0)
    for r in study.select("memory_effects", noise=study.top):
        if r["verdict"] in DETECTED:
            (fell if r["verdict"] == "lower" else kept).append(f"{r['model']} by {difference(r)}")
    sentences = []
    if fell:
        sentences.append(
            f"Memory probe: with {longest} distractors behind the name instead of none, models "
            f"trained at noise {study.top} lose accuracy: {'; '.join(fell)}."
        )
    if kept:
        sentences.append(f"Memory probe: with {longest} distractors these gain: {'; '.join(kept)}.")
    reach = study.select("gradient_reach", stage="initial")
    if reach:
        sentences.append(
            "Before training, the gradient's norm changes with each character further from the end "
            "by a factor of "
            + "; ".join(f"{r['model']} {interval(r)}" for r in reach)
            + f": after {longest} characters, "
            + "; ".join(f"{r['model']} {r['left']:.1g}" for r in reach)
            + " of it is left."
        )
    return sentences
