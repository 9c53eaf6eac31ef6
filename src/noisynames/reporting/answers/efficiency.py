"""Question 1: how do the models compare in the efficiency of training."""

from noisynames.reporting.answers.study import (
    Answer,
    Study,
    against,
    fewest_seeds,
    not_tested,
    question,
    undecided,
)
from noisynames.reporting.answers.words import difference, each_with_interval, interval, listed


@question(place=1)
def answer(study: Study) -> Answer:
    """Answer it from the findings."""
    asked = (
        "How do the models compare in the efficiency of training? Is there an empirical reason to "
        "prefer the GRU or attention over the plain RNN?"
    )
    ranked = study.ranked("final_loss", study.low)
    if not ranked:
        return not_tested(asked, "No run completed.", "runs")
    sentences = [
        f"After {study.budget} at noise {study.low} the training loss (nats, lower is "
        f"better) was {each_with_interval(ranked)}."
    ]
    rivals = [
        r
        for r in study.select("model_comparisons", metric="final_loss", noise=study.low)
        if study.reference in (r["a"], r["b"])
    ]
    better, worse = against(study.reference, rivals)
    if better:
        sentences.append(
            f"{listed(better)} reached a lower loss than {study.reference}, which is an empirical "
            "reason to prefer that, as far as training goes."
        )
    if worse:
        sentences.append(
            f"{listed(worse)} ended with a higher loss than {study.reference}: at this learning "
            "rate and length of training, the training loss gives no reason to prefer that."
        )
    if rivals:
        compared = (f"{r['a']} − {r['b']} {difference(r)}, {r['verdict']}" for r in rivals)
        sentences.append(f"Paired differences: {'; '.join(compared)}.")
    gaps = {
        r["model"]: r
        for r in study.select("estimates", metric="generalisation_gap")
        if r["noise"] == study.low
    }
    if (
        worse
        and study.reference in gaps
        and gaps[study.reference]["mean"] > max(gaps[m]["mean"] for m in worse if m in gaps)
    ):
        sentences.append(
            f"But {study.reference} also has the widest gap between held-out and training loss, "
            f"{interval(gaps[study.reference])}: a low training loss here is partly names learnt "
            "by heart. Question 5 says what held-out names show."
        )
    if better and worse:
        verdict = f"training loss: {listed(better)} below, {listed(worse)} above {study.reference}"
    elif better:
        verdict = f"training loss: {listed(better)} below {study.reference}"
    elif worse:
        verdict = f"training loss: {study.reference} below {listed(worse)}"
    else:
        verdict = undecided(rivals) if rivals else "one model only"
    return Answer(asked, verdict, sentences, "training", fewest_seeds(ranked))
