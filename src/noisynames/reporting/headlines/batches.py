"""The short answer of an experiment on batch sizes."""

from noisynames.reporting.answers.study import DETECTED, Study, says
from noisynames.reporting.headlines.short import ShortAnswer, headline, how_sure, simpler_method
from noisynames.reporting.words import Record, number, percent


@headline(turn=3)
def answer(study: Study) -> ShortAnswer | None:
    """Say what larger batches cost, where models differ only in their batches."""
    keys = ("batch_size", "learning_rate", "label")
    rest = [{k: v for k, v in s.items() if k not in keys} for s in study.models.values()]
    sizes = {m: int(s["batch_size"]) for m, s in study.models.items()}
    if len(set(sizes.values())) < 2 or any(other != rest[0] for other in rest):
        return None
    small, large = min(sizes, key=lambda m: sizes[m]), max(sizes, key=lambda m: sizes[m])
    sentences = []
    for noise in study.noises:
        for r in study.select("model_comparisons", metric="macro_accuracy", noise=noise):
            if {r["a"], r["b"]} == {small, large}:
                sentences.append(_cost(study, r, noise, sizes))
    sentences.append(_losses(study, small, large))
    told = [s for s in [*sentences, simpler_method(study)] if s]
    return ShortAnswer([*told, how_sure(study)], "card_batches")


def _cost(study: Study, record: Record, noise: str, sizes: dict[str, int]) -> str:
    """Say what batches do to accuracy under a noise."""
    a, b = str(record["a"]), str(record["b"])
    at = {r["model"]: r for r in study.select("estimates", metric="macro_accuracy", noise=noise)}
    where = study.under(noise)
    where = where[0].upper() + where[1:]
    if a not in at or b not in at:
        return ""
    shares = f"{percent(at[a]['mean'], 0)} against {percent(at[b]['mean'], 0)}"
    beyond = "" if record["verdict"] in DETECTED else ", which is not beyond doubt"
    verdict = says(record) if record["verdict"] != "undecided" else "different"
    return (
        f"{where}, batches of {sizes[a]} names instead of {sizes[b]} make accuracy {verdict}: "
        f"{shares}{beyond if record['verdict'] == 'undecided' else ''}."
    )


def _losses(study: Study, small: str, large: str) -> str:
    """Say what batches do to the training loss without noise."""
    at = {r["model"]: r for r in study.select("estimates", metric="final_loss", noise=study.low)}
    if small not in at or large not in at:
        return ""
    return (
        f"Their training loss ends at {number(at[large]['mean'])} nats instead of "
        f"{number(at[small]['mean'])} {study.under(study.low)}, for the same number of names."
    )
