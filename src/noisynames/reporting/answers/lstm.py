"""Question 6: the LSTM, and several layers."""

from noisynames.reporting.answers.study import (
    Answer,
    Study,
    Unasked,
    fewest_seeds,
    question,
    says,
    statistic,
)
from noisynames.reporting.words import Record


@question(place=6)
def answer(study: Study) -> Answer | Unasked:
    """Answer the question from the findings."""
    asked = "What about the LSTM, and several layers?"
    lstms = [m for m, spec in study.models.items() if spec["cell"] == "lstm"]
    deep = [m for m, spec in study.models.items() if spec["num_layers"] > 1]
    subjects = lstms + [m for m in deep if m not in lstms]
    shown: list[Record] = []
    statistics = []
    for model in subjects:
        for metric, text in (("final_loss", "training loss"), ("macro_accuracy", "accuracy")):
            for noise in study.noises:
                for r in study.select("model_comparisons", metric=metric, noise=noise):
                    if model in (r["a"], r["b"]) and r not in shown:
                        shown.append(r)
                        statistics.append(
                            f"{study.pair(r)} in {text} {study.under(noise)}: {statistic(r)}."
                        )
    if not shown:
        return Unasked(
            asked,
            "no LSTM or deeper model is compared here",
            "snakemake --cores 4 --configfile config/config.yaml",
        )
    contrasts = [c for c in (_cell(study), _layers(study, deep)) if c]
    line = "; ".join(contrasts) or f"{study.names(subjects)}: see the numbers"
    return Answer(asked, f"{line}.", statistics, "accuracy", fewest_seeds(shown), "card_deeper")


def _cell(study: Study) -> str:
    """Return how the plain LSTM compares with the plain GRU, in accuracy without noise."""
    plain = {
        spec["cell"]: m
        for m, spec in reversed([*study.models.items()])
        if spec["num_layers"] == 1 and spec["readout"] == "last"
    }
    if not {"lstm", "gru"} <= plain.keys():
        return ""
    return _contrast(study, plain["lstm"], plain["gru"])


def _layers(study: Study, deep: list[str]) -> str:
    """Return how the first deeper model compares with the one that differs only in layers."""
    for model in deep:
        for other, spec in study.models.items():
            like = {**spec, "num_layers": study.models[model]["num_layers"], "label": None}
            if other != model and like == {**study.models[model], "label": None}:
                return _contrast(study, model, other)
    return ""


def _contrast(study: Study, model: str, other: str) -> str:
    """Return a comparison in accuracy without noise, as a phrase."""
    for r in study.select("model_comparisons", metric="macro_accuracy", noise=study.low):
        if {r["a"], r["b"]} == {model, other}:
            return f"{study.label(r['a'])} against {study.label(r['b'])}: {says(r)}"
    return ""
