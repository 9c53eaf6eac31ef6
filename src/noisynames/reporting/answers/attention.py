"""Question 4: where does the attention look."""

from noisynames.reporting.answers.study import Answer, Study, Unasked, fewest_seeds, question
from noisynames.reporting.words import Record, difference, interval, percent

_ANYWHERE = "Attention weights are not causes: a state may be read without being needed."


@question(place=4)
def answer(study: Study) -> Answer | Unasked:
    """Answer the question from the findings."""
    asked = (
        f"Where does the attention look? At noise {study.low} most of it is on the last character: "
        f"why? Does that change at noise {study.top}?"
    )
    own = [r for r in study.findings["attention"] if r["trained_at"] == r["tested_at"]]
    models = list(dict.fromkeys(r["model"] for r in own))
    if not models:
        return Unasked(
            "Where does the attention look?",
            "no model with an attention readout completed",
        )
    statistics: list[str] = []
    for model in models:
        at = {(r["quantity"], r["trained_at"]): r for r in own if r["model"] == model and r["n"]}
        statistics += _statistics(study, model, at)
    first = {(r["quantity"], r["trained_at"]): r for r in own if r["model"] == models[0] and r["n"]}
    return Answer(
        asked,
        _line(study, models[0], first),
        [*statistics, _ANYWHERE],
        "attention",
        fewest_seeds(own),
        "card_attention",
        _why(study, models[0], first),
    )


def _line(study: Study, model: str, at: dict[tuple[str, str], Record]) -> str:
    """Say how much weight is on the last character, without noise and under it."""
    of_model = f" of {study.label(model)}’s weight"
    low = at.get(("last_character", study.low))
    top = at.get(("last_character", study.top))
    if low is None:
        return "No run without noise completed."
    most = "" if low["mean"] > 0.5 else "only "
    line = (
        f"{most}{percent(low['mean'], 0)}{of_model} is on the last character "
        f"{study.under(study.low)}"
    )
    if top is None or study.top == study.low:
        return f"{line[0].upper()}{line[1:]}."
    return f"{line[0].upper()}{line[1:]}, {percent(top['mean'], 0)} {study.under(study.top)}."


def _why(study: Study, model: str, at: dict[tuple[str, str], Record]) -> list[str]:
    """Say why: the last state has read the whole name; and whether attention ignores noise."""
    why = []
    low = at.get(("last_character", study.low))
    if low is not None and low["mean"] > 0.5:
        why.append("The last hidden state has read the whole name, so it alone can decide.")
    for r in study.select("attention_effects", model=model, noise=study.top):
        if r["quantity"] == "last_character" or ("on_noise", study.top) not in at:
            continue
        noise, share = at["on_noise", study.top], at["noise_share", study.top]
        side = {"lower": "so attention passes over it", "higher": "more than its share"}
        if r["verdict"] in side:
            why.append(
                f"Junk is {percent(share['mean'], 0)} of the characters and gets "
                f"{percent(noise['mean'], 0)} of the weight, {side[r['verdict']]}."
            )
    return why


def _statistics(study: Study, model: str, at: dict[tuple[str, str], Record]) -> list[str]:
    """Return a model's numbers: the last character, the last letter, and noise."""
    label, found = study.label(model), []
    if ("last_character", study.low) in at:
        found.append(
            f"{label}, trained and tested at noise {study.low}: "
            f"{interval(at['last_character', study.low])} of its weight on the last character."
        )
    for r in study.select("attention_effects", model=model, noise=study.top):
        what = r["quantity"]
        if (what, study.top) not in at:
            continue
        if what == "last_character":
            found.append(
                f"{label}, at noise {study.top}: {interval(at[what, study.top])} on the last "
                f"character, {interval(at['last_letter', study.top])} on the last letter; the "
                f"change on the last character is {difference(r)}, {r['verdict']}."
            )
        else:
            found.append(
                f"{label}, at noise {study.top}: junk gets {interval(at[what, study.top])} of the "
                f"weight and is {interval(at['noise_share', study.top])} of the characters; the "
                f"difference is {difference(r)}, {r['verdict']}."
            )
    return found
