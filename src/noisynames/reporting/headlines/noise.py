"""The short answer of an experiment on noise, or only on models."""

from noisynames.reporting.answers.study import DETECTED, Study
from noisynames.reporting.headlines.short import (
    ShortAnswer,
    headline,
    how_sure,
    junk,
    simpler_method,
    who_is_best,
)
from noisynames.reporting.words import Record, number, whole_points


@headline(turn=9)
def answer(study: Study) -> ShortAnswer | None:
    """Say which model is best, what noise costs, if the loss misleads, if a baseline is better."""
    sentences = [who_is_best(study, study.low)]
    if study.top != study.low:
        under = who_is_best(study, study.top)
        start = f"Under noise {study.top}"
        sentences.append(under.replace(start, f"{start} ({junk(study)})", 1))
        sentences.append(_cost(study))
    misled, simpler = misleading_loss(study), simpler_method(study)
    sentences += [misled, simpler, how_sure(study)]
    told = [sentence for sentence in sentences if sentence]
    return ShortAnswer(told, "headline_noise")


def _cost(study: Study) -> str:
    """Say which models lose most accuracy to noise, and which least, as far as that is known."""
    effects = [
        r
        for r in study.select("noise_effects", metric="macro_accuracy", noise=study.top)
        if r["mean"] is not None
    ]
    if not effects:
        return ""
    effects.sort(key=lambda r: r["mean"])
    worst, least = effects[0], effects[-1]
    if worst["verdict"] != "lower":
        beyond_doubt = any(r["verdict"] in DETECTED for r in effects)
        return "" if beyond_doubt else "Noise costs no model accuracy beyond doubt."
    if len(effects) == 1:
        return f"Noise costs it {whole_points(worst['mean'])}."
    most = _not_told_apart(study, worst, effects)
    if least in most:
        amount = whole_points(worst["mean"])
        return f"Noise costs a model up to {amount}; which it costs most is not beyond doubt."
    if least["verdict"] == "lower":
        rest = f"and {_least(study, least, [r for r in effects if r not in most])}"
    elif least["verdict"] == "same":
        rest = f"and {study.label(least['model'])} nothing to speak of"
    elif least["verdict"] == "higher":
        rest = f"while {study.label(least['model'])} gains {whole_points(least['mean'])}"
    else:
        rest = f"and {study.label(least['model'])} nothing beyond doubt"
    return f"Noise costs {study.names(r['model'] for r in most)} most, {_points(most)}, {rest}."


def _least(study: Study, least: Record, effects: list[Record]) -> str:
    alike = _not_told_apart(study, least, effects)
    return f"{study.names(r['model'] for r in alike)} least, {_points(alike)}"


def _not_told_apart(study: Study, one: Record, effects: list[Record]) -> list[Record]:
    """Return one of the effects of noise, and those that are not detected to differ from it."""
    pairs = study.select("interactions", metric="macro_accuracy", noise=study.top)
    own = [r for r in pairs if one["model"] in (r["a"], r["b"])]
    others = {model for side in study.against(one["model"], own) for model in side}
    return [r for r in effects if r["model"] not in others]


def _points(effects: list[Record]) -> str:
    """Return the sizes of effects in points, `16 to 23 points`."""
    low, high = (
        whole_points(end(effects, key=lambda r: abs(r["mean"]))["mean"]) for end in (min, max)
    )
    return high if low == high else f"{low.partition(' ')[0]} to {high}"


def misleading_loss(study: Study) -> str:
    """Say where the model with the lowest training loss is not among the best on new names."""
    for noise in study.noises:
        by_loss = study.ranked("final_loss", noise)
        by_accuracy = study.ranked("macro_accuracy", noise, best_first=-1)
        if len(by_loss) < 2 or not by_accuracy:
            continue
        lowest = by_loss[0]["model"]
        if len(study.leaders("final_loss", noise, best_first=1)) > 1:
            continue
        if lowest in study.leaders("macro_accuracy", noise, best_first=-1):
            continue
        place = [r["model"] for r in by_accuracy].index(lowest) + 1
        where = "last" if place == len(by_accuracy) else f"number {place} of {len(by_accuracy)}"
        return (
            f"A low training loss misleads: {study.under(noise)} it is lowest for "
            f"{study.label(lowest)} ({number(by_loss[0]['mean'])} nats), which is {where} "
            "on new names."
        )
    return ""
