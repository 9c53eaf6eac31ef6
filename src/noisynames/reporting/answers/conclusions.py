"""Question 3: do the conclusions about the models change under noise, and why."""

from noisynames.names.noise import PLACEMENTS, Noise, conditions
from noisynames.reporting.answers.study import (
    DETECTED,
    Answer,
    Study,
    Unasked,
    fewest_seeds,
    question,
    settled,
    statistic,
)
from noisynames.reporting.words import Record, difference, interval, listed, whole_points


@question(place=3)
def answer(study: Study) -> Answer | Unasked:
    """Answer the question from the findings."""
    asked = "Do the conclusions about the models change under noise, and why?"
    changes = study.select("interactions", metric="final_loss", noise=study.top)
    if not changes:
        return Unasked(asked, "this needs two models and two noise levels")
    swapped, statistics = [], []
    for r in changes:
        at = {
            noise: study.select(
                "model_comparisons", metric="final_loss", noise=noise, a=r["a"], b=r["b"]
            )[0]
            for noise in (study.low, study.top)
        }
        if r["verdict"] not in DETECTED:
            continue
        if {at[study.low]["verdict"], at[study.top]["verdict"]} == set(DETECTED):
            swapped.append(study.pair(r))
        statistics.append(
            f"{study.pair(r)} in training loss goes from "
            f"{interval(at[study.low], signs=True)} at noise {study.low} to "
            f"{interval(at[study.top], signs=True)} at noise {study.top}: a change of "
            f"{difference(r)}."
        )
    statistics += [
        f"{study.pair(r)} in held-out accuracy changes by {statistic(r)}."
        for r in study.select("interactions", metric="macro_accuracy", noise=study.top)
        if r["verdict"] in DETECTED
    ]
    why, of_places = placement(study)
    forgets, of_memory = memory(study)
    return Answer(
        asked,
        _line(study, changes, swapped, bool(statistics)),
        [*statistics, *of_places, *of_memory] or ["No difference between two models changed."],
        "noise",
        fewest_seeds(changes),
        "card_conclusions",
        [*why, *forgets][:2],
    )


def _line(study: Study, changes: list[Record], swapped: list[str], moved: bool) -> str:
    """Say whether the order of the models by training loss changes."""
    first = {
        noise: study.label(study.ranked("final_loss", noise)[0]["model"]) for noise in study.noises
    }
    if swapped and first[study.low] != first[study.top]:
        return (
            f"Yes: by training loss {first[study.low]} leads {study.under(study.low)}, "
            f"{first[study.top]} {study.under(study.top)}."
        )
    if swapped:
        count = f"{len(swapped)} of {len(changes)} pairs of models"
        return f"Partly: {first[study.low]} stays first by training loss, but {count} swap places."
    if moved:
        return "Differences change in size; no order is reversed beyond doubt."
    return f"Between the noise levels, {settled(changes)}."


def placement(study: Study) -> tuple[list[str], list[str]]:
    """Say which models lose more to noise after the name than elsewhere; and the numbers.

    Returns:
        Sentences on a cause, and statistics; both empty where noise has only one placement.
    """
    level = Noise.named(study.top).level
    at = {
        noise.placement: noise.name
        for noise in conditions(**study.noise)
        if noise.level == level and noise.placement != "substitution"  # which removes letters
    }
    others = [place for place in at if place != "suffix"]
    if "suffix" not in at or not others:
        return [], []
    groups: dict[str, list[str]] = {}
    statistics = []
    for model in dict.fromkeys(r["model"] for r in study.findings["placements"]):
        effect = {
            place: study.select("noise_effects", metric="macro_accuracy", model=model, noise=name)[
                0
            ]
            for place, name in at.items()
        }
        groups.setdefault(_cost(study, model, level, effect), []).append(model)
        numbers = "; ".join(f"{place} {difference(r)}" for place, r in effect.items())
        statistics.append(
            f"{study.label(model)}, accuracy at level {level} minus noise {study.low}: {numbers}."
        )
    why = [f"{says.replace('WHO', study.names(who))}." for says, who in groups.items() if says]
    return why, statistics


def _cost(study: Study, model: str, level: int, effect: dict[str, Record]) -> str:
    """Return what noise costs a model by placement, a sentence about WHO; "" if undecided."""
    others = [place for place in effect if place != "suffix"]
    against = {}
    for r in study.select("placements", metric="macro_accuracy", model=model, level=level):
        if "suffix" in (r["a"], r["b"]):
            other, sign = (r["b"], r["verdict"]) if r["a"] == "suffix" else (r["a"], _turned(r))
            against[other] = sign
    lost = [place for place, r in effect.items() if r["verdict"] == "lower"]
    deeper = [place for place in others if against.get(place) == "lower"]
    if "suffix" not in lost:
        return ""
    if len(deeper) == len(others):
        only = "only" if lost == ["suffix"] else "most"
        return f"Noise costs WHO {only} when it comes last: they forget the name while reading on"
    if deeper:
        where = listed(PLACEMENTS[place].where for place in deeper)
        return f"Noise costs WHO more after the name than {where}"
    return "Noise costs WHO no more after the name than elsewhere"


def _turned(record: Record) -> str:
    """Return the verdict of a comparison with its sides swapped."""
    verdict = str(record["verdict"])
    return {"lower": "higher", "higher": "lower"}.get(verdict, verdict)


def memory(study: Study) -> tuple[list[str], list[str]]:
    """Say what the memory probe found about models trained under noise; and the numbers."""
    longest = max((r["distance"] for r in study.findings["memory"]), default=0)
    effects = study.select("memory_effects", noise=study.top)
    statistics = [
        f"Memory probe, {study.label(r['model'])} trained at noise {study.top}: with {longest} "
        f"junk characters after the name instead of none, accuracy changes by {difference(r)}."
        for r in effects
        if r["verdict"] in DETECTED
    ]
    fell = sorted((r for r in effects if r["verdict"] == "lower"), key=lambda r: r["mean"])
    why = []
    if fell:
        worst, least = fell[0], fell[-1]
        why.append(
            f"Models forget while they read on: {longest} junk characters take "
            f"{whole_points(worst['mean'])} from {study.label(worst['model'])}"
            + (
                f", but {whole_points(least['mean'])} from {study.label(least['model'])}."
                if least is not worst
                else "."
            )
        )
    reach = study.select("gradient_reach", stage="initial")
    statistics += [
        f"Before training, the gradient of {study.label(r['model'])} changes by a factor of "
        f"{interval(r)} with each character further from the end: after {longest} characters "
        f"{r['left']:.1g} of it is left."
        for r in reach
    ]
    return why, statistics
