"""Question 4: where does the attention look."""

from noisynames.reporting.answers.study import Answer, Study, fewest_seeds, not_tested, question
from noisynames.reporting.answers.words import difference, interval


@question(place=4)
def answer(study: Study) -> Answer:
    """Answer it from the findings."""
    asked = (
        f"Where does the attention look? At noise {study.low} most of it is on the last character: "
        f"why? Does that change at noise {study.top}?"
    )
    own = [r for r in study.findings["attention"] if r["trained_at"] == r["tested_at"]]
    models = list(dict.fromkeys(r["model"] for r in own))
    if not models:
        return not_tested(asked, "No model with attention completed.", "attention")
    sentences, verdicts = [], []
    for model in models:
        at = {(r["quantity"], r["trained_at"]): r for r in own if r["model"] == model}
        if ("last_character", study.low) in at:
            last = at["last_character", study.low]
            sentences.append(
                f"{model}, trained and tested at noise {study.low}, puts {interval(last)} of its "
                "weight on the last character"
                + (
                    ": the last hidden state has read the whole name, so it alone can carry the "
                    "decision."
                    if last["mean"] > 0.5
                    else ", which is not most of it."
                )
            )
        for r in study.select("attention_effects", model=model, noise=study.top):
            if r["question"] == "last_character":
                sentences.append(
                    f"At noise {study.top} the weight on the last character is "
                    f"{interval(at['last_character', study.top])}, on the last real letter "
                    f"{interval(at['last_letter', study.top])}; the change on the last character "
                    f"is {difference(r)}, {r['verdict']}."
                )
                verdicts.append(f"{model}: weight on the last character {r['verdict']} under noise")
            else:
                side = {
                    "lower": "less than its share of the characters, so attention passes over it",
                    "higher": "more than its share of the characters",
                }.get(r["verdict"], r["verdict"])
                sentences.append(
                    f"Noise gets {interval(at['on_noise', study.top])} of the weight and is "
                    f"{interval(at['noise_share', study.top])} of the characters: {side} "
                    f"({difference(r)})."
                )
    sentences.append("Attention weights are not causes: a state may be read without being needed.")
    return Answer(
        asked,
        "; ".join(verdicts) or "see the numbers",
        sentences,
        "attention",
        fewest_seeds(own),
    )
