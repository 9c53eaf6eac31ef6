"""Question 6: the LSTM, and several layers."""

from noisynames.reporting.answers.study import DETECTED, Answer, Study, fewest_seeds, question
from noisynames.reporting.answers.words import Record, difference, listed


@question(place=6)
def answer(study: Study) -> Answer:
    """Answer it from the findings."""
    asked = "What about the LSTM, and several layers?"
    lstms = [m for m, spec in study.models.items() if spec["cell"] == "lstm"]
    deep = [m for m, spec in study.models.items() if spec["num_layers"] > 1]
    sentences, verdicts = [], []
    shown: list[Record] = []
    for model in lstms + [m for m in deep if m not in lstms]:
        of_model: list[Record] = []
        for metric, text in (("final_loss", "training loss"), ("macro_accuracy", "accuracy")):
            for r in study.select("model_comparisons", metric=metric, noise=study.low):
                if model in (r["a"], r["b"]):
                    of_model.append(r)
                    sentences.append(
                        f"{r['a']} − {r['b']} in {text} at noise {study.low}: {difference(r)}; "
                        f"{r['verdict']}."
                    )
        if of_model:  # there is none at a further learning rate of a model
            detected = sum(r["verdict"] in DETECTED for r in of_model)
            verdicts.append(f"{model}: {detected} of {len(of_model)} differences detected")
        shown += of_model
    compared = {model for r in shown for model in (r["a"], r["b"])}
    for kind, models, missing in (
        ("several layers", deep, "No model here has several layers, so nothing is said of them."),
        ("LSTM", lstms, "No model here is an LSTM."),
    ):
        if not compared.intersection(models):
            verdicts.append(f"{kind} not tested")
            nothing = f"{listed(models)}: there is nothing to compare with." if models else missing
            sentences.append(nothing)
    return Answer(asked, "; ".join(verdicts), sentences, "accuracy", fewest_seeds(shown))
