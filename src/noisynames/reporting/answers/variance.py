"""Beyond the worksheet: where the variance over seeds comes from."""

from noisynames.reporting.answers.study import Answer, Study, question
from noisynames.reporting.words import Record, listed, percent

_SOURCES = {
    "split": "which names are held out",
    "weights": "the initial weights",
    "order": "the order of the names",
    "noise": "the noise",
}


@question(place=9)
def answer(study: Study) -> Answer | None:
    """Answer the question from the findings on accuracy at the lowest noise."""
    records = study.select("variance", metric="macro_accuracy", noise=study.low)
    if not records:
        return None
    return Answer(
        "Where does the variance over seeds come from?",
        _line(study, records),
        [
            f"{study.label(r['model'])}, accuracy {study.under(r['noise'])}, "
            f"{_SOURCES[r['source']]}: {_share(r)} of the variance."
            for r in study.select("variance", metric="macro_accuracy")
        ],
        "accuracy",
        min(int(r["n"]) for r in records),
        "card_variance",
    )


def _line(study: Study, records: list[Record]) -> str:
    """Say which source is the largest, and for which models."""
    groups: dict[str, list[str]] = {}
    for model in dict.fromkeys(r["model"] for r in records):
        own = [r for r in records if r["model"] == model and r["share"] is not None]
        if own:
            largest = max(own, key=lambda r: float(r["share"]))
            groups.setdefault(largest["source"], []).append(model)
    if not groups:
        return "Nothing varies."
    if len(groups) == 1:
        (source,) = groups
        return f"Mostly from {_SOURCES[source]}, for every model."
    parts = [f"{_SOURCES[s]} for {study.names(models)}" for s, models in groups.items()]
    return f"Mostly from {listed(parts)}."


def _share(record: Record) -> str:
    """Return a share with its interval."""
    if record["share"] is None:
        return "none"
    if record["low"] is None:
        return percent(record["share"])
    bounds = f"[{percent(record['low'])}, {percent(record['high'])}]"
    return f"{percent(record['share'])} {bounds}"
