"""Question 2: are the losses higher or lower under noise, and why."""

from noisynames.reporting.answers.study import (
    Answer,
    Study,
    fewest_seeds,
    not_tested,
    question,
    undecided,
)
from noisynames.reporting.answers.words import difference, listed


@question(place=2)
def answer(study: Study) -> Answer:
    """Answer it from the findings."""
    asked = f"With noise level {study.top}, are the losses higher or lower, and why?"
    if study.top == study.low:
        return not_tested(asked, "The config has a single noise level.", "noise")
    effects = study.select("noise_effects", metric="final_loss", noise=study.top)
    sentences = [
        f"Training loss at noise {study.top} minus noise {study.low}: "
        + "; ".join(f"{r['model']} {difference(r)}, {r['verdict']}" for r in effects)
        + "."
    ]
    higher = [r["model"] for r in effects if r["verdict"] == "higher"]
    lower = [r["model"] for r in effects if r["verdict"] == "lower"]
    gaps = study.select("noise_effects", metric="generalisation_gap", noise=study.top)
    held_out = study.select("noise_effects", metric="held_out_loss", noise=study.top)
    if narrower := [r for r in gaps if r["verdict"] == "lower" and r["model"] in higher]:
        sentences.append(
            "One reason is in line with the data: with fresh noise on every draw a name seldom "
            "comes twice the same, so less can be learnt by heart. The gap between held-out and "
            "training loss is smaller under noise for "
            + listed(f"{r['model']} ({difference(r)})" for r in narrower)
            + "."
        )
    if harder := [r for r in held_out if r["verdict"] == "higher" and r["model"] in higher]:
        sentences.append(
            "Held-out names are harder to tell as well, so the loss is not only one of memorising: "
            + listed(f"{r['model']} ({difference(r)})" for r in harder)
            + "."
        )
    if higher and not lower:
        verdict = f"higher for {listed(higher)}"
    elif lower and not higher:
        verdict = f"lower for {listed(lower)}"
    elif higher and lower:
        verdict = f"higher for {listed(higher)}, lower for {listed(lower)}"
    else:
        verdict = undecided(effects)
    return Answer(asked, verdict, sentences, "noise", fewest_seeds(effects))
