"""The short answer of an experiment on where noise is placed."""

from noisynames.names.noise import PLACEMENTS, Noise
from noisynames.reporting.answers.conclusions import memory, placement
from noisynames.reporting.answers.study import Study
from noisynames.reporting.headlines.short import (
    ShortAnswer,
    headline,
    how_sure,
    simpler_method,
    who_is_best,
)
from noisynames.reporting.words import listed, whole_points


@headline(turn=1)
def answer(study: Study) -> ShortAnswer | None:
    """Say which models noise costs more when it comes last, what each placement costs, and why."""
    why, _ = placement(study)
    if not study.findings["placements"]:
        return None
    forgets, _ = memory(study)
    sentences = [*why, *_by_place(study), *forgets, who_is_best(study, study.low)]
    return ShortAnswer(
        [*sentences[:4], *filter(None, [simpler_method(study)]), how_sure(study)][:6],
        "headline_placement",
    )


def _by_place(study: Study) -> list[str]:
    """Say what noise costs at each placement, for the model that it costs most."""
    level = Noise.named(study.top).level
    told = []
    for noise in {r["noise"]: None for r in study.findings["noise_effects"]}:
        condition = Noise.named(noise)
        if condition.level != level:
            continue
        costs = [
            -r["mean"]
            for r in study.select("noise_effects", metric="macro_accuracy", noise=noise)
            if r["mean"] is not None
        ]
        if costs:
            most = whole_points(max(costs)) if max(costs) > 0 else "nothing"
            told.append(f"{most} {PLACEMENTS[condition.placement].where}")
    return [f"The same junk costs a model at most {listed(told)}."] if told else []
