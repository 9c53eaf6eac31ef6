"""The worksheet's seven questions, each answered in sentences made from `statistics.json`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from noisynames.analysis.findings import Findings
from noisynames.names.noise import Noise, conditions

Record = Mapping[str, Any]
_DETECTED = ("higher", "lower")


@dataclass(frozen=True)
class Answer:
    """One question and what the numbers say.

    Attributes:
        question: As the worksheet asks it.
        verdict: The answer in a few words.
        sentences: The answer with its numbers, each with its interval.
        evidence: Anchor of the section that shows it.
        seeds: The smallest number of seeds behind a number of the answer; None if none is.
    """

    question: str
    verdict: str
    sentences: list[str]
    evidence: str
    seeds: int | None


def answer_all(findings: Findings, config: Mapping[str, Any]) -> list[Answer]:
    """Return the answers to the worksheet's questions, in its order, and to what else was asked."""
    study = _Study(findings, config)
    return [
        _efficiency(study),
        _loss_under_noise(study),
        _conclusions_under_noise(study),
        _attention(study),
        _held_out(study),
        _lstm_and_layers(study),
        _batches(study),
        *([_learning_rates(study)] if findings["rates"]["models"] else []),
    ]


class _Study:
    """The findings with the names that questions need: reference model, lowest and top noise."""

    def __init__(self, findings: Findings, config: Mapping[str, Any]) -> None:
        self.findings = findings
        self.models: Mapping[str, Any] = config["models"]
        self.low, self.top = findings["quietest"], findings["noisiest"]
        self.noise: Mapping[str, Any] = config["noise"]
        self.updates = config["training"]["updates"]
        batched = any(spec["batch_size"] > 1 for spec in self.models.values())
        self.budget = f"{self.updates:,} {'examples' if batched else 'updates'}"
        plain = [m for m, s in self.models.items() if s["cell"] == "rnn" and s["readout"] == "last"]
        self.reference = (plain or list(self.models))[0]

    def select(self, records: str, **match: Any) -> list[Record]:
        return [
            r
            for r in self.findings[records]
            if all(r[key] == value for key, value in match.items())
        ]

    def ranked(self, metric: str, noise: str, best_first: int = 1) -> list[Record]:
        found = self.select("estimates", metric=metric, noise=noise)
        return sorted(found, key=lambda r: best_first * float(r["mean"]))


def number(value: float) -> str:
    """Return a number as the report prints it: three decimals, a real minus sign."""
    return f"{value:.3f}".replace("-", "−")


def signed(value: float) -> str:
    """Return a difference as the report prints it: three decimals, always with its sign."""
    return f"{value:+.3f}".replace("-", "−")


def interval(record: Record, signs: bool = False) -> str:
    """Return an estimate with its interval, such as `0.312 [0.290, 0.334]`."""
    show = signed if signs else number
    if record["mean"] is None:
        return "no seed"
    if record["low"] is None:
        return f"{show(record['mean'])} (one seed, no interval)"
    return f"{show(record['mean'])} [{show(record['low'])}, {show(record['high'])}]"


def p_value(p: float | None) -> str:
    """Return a p value as the report prints it."""
    if p is None:
        return "p not defined"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def difference(record: Record) -> str:
    """Return a paired difference with interval and adjusted p, in brackets."""
    return f"{interval(record, signs=True)}, {p_value(record['p_adjusted'])}"


def _and(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _seeds(records: Iterable[Record]) -> int | None:
    return min((int(r["n"]) for r in records), default=None)


def _list(records: Iterable[Record]) -> str:
    return "; ".join(f"{r['model']} {interval(r)}" for r in records)


def _not_tested(question: str, why: str, evidence: str) -> Answer:
    return Answer(question, "not tested", [why], evidence, None)


def _undecided(records: list[Record]) -> str:
    """Return the verdict where no difference was detected."""
    few = any(r["verdict"] == "too few seeds to tell" for r in records)
    return "too few seeds to tell" if few else "no difference detected"


def _efficiency(study: _Study) -> Answer:
    question = (
        "How do the models compare in the efficiency of training? Is there an empirical reason to "
        "prefer the GRU or attention over the plain RNN?"
    )
    ranked = study.ranked("final_loss", study.low)
    if not ranked:
        return _not_tested(question, "No run completed.", "runs")
    sentences = [
        f"After {study.budget} at noise {study.low} the training loss (nats, lower is "
        f"better) was {_list(ranked)}."
    ]
    rivals = [
        r
        for r in study.select("model_comparisons", metric="final_loss", noise=study.low)
        if study.reference in (r["a"], r["b"])
    ]
    better, worse = _against(study.reference, rivals)
    if better:
        sentences.append(
            f"{_and(better)} reached a lower loss than {study.reference}, which is an empirical "
            "reason to prefer that, as far as training goes."
        )
    if worse:
        sentences.append(
            f"{_and(worse)} ended with a higher loss than {study.reference}: at this learning rate "
            "and length of training, the training loss gives no reason to prefer that."
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
        verdict = f"training loss: {_and(better)} below, {_and(worse)} above {study.reference}"
    elif better:
        verdict = f"training loss: {_and(better)} below {study.reference}"
    elif worse:
        verdict = f"training loss: {study.reference} below {_and(worse)}"
    else:
        verdict = _undecided(rivals) if rivals else "one model only"
    return Answer(question, verdict, sentences, "training", _seeds(ranked))


def _against(reference: str, records: Iterable[Record]) -> tuple[list[str], list[str]]:
    """Return the models detected to be lower, and higher, than the reference."""
    lower: list[str] = []
    higher: list[str] = []
    for r in records:
        if r["verdict"] not in _DETECTED:
            continue
        other = r["a"] if r["b"] == reference else r["b"]
        other_is_higher = (r["verdict"] == "higher") == (r["a"] == other)
        (higher if other_is_higher else lower).append(other)
    return lower, higher


def _loss_under_noise(study: _Study) -> Answer:
    question = f"With noise level {study.top}, are the losses higher or lower, and why?"
    if study.top == study.low:
        return _not_tested(question, "The config has a single noise level.", "noise")
    effects = study.select("noise_effects", metric="final_loss", noise=study.top)
    sentences = [
        f"Training loss at noise {study.top} minus noise {study.low}: "
        + "; ".join(f"{r['model']} {difference(r)}, {r['verdict']}" for r in effects)
        + "."
    ]
    higher = [r["model"] for r in effects if r["verdict"] == "higher"]
    lower = [r["model"] for r in effects if r["verdict"] == "lower"]
    gaps = study.select("noise_effects", metric="generalisation_gap", noise=study.top)
    held_out = study.select("noise_effects", metric="held_out_loss", noise=study.top)
    if narrower := [r for r in gaps if r["verdict"] == "lower" and r["model"] in higher]:
        sentences.append(
            "One reason is in line with the data: with fresh noise on every draw a name seldom "
            "comes twice the same, so less can be learnt by heart. The gap between held-out and "
            "training loss is smaller under noise for "
            + _and(f"{r['model']} ({difference(r)})" for r in narrower)
            + "."
        )
    if harder := [r for r in held_out if r["verdict"] == "higher" and r["model"] in higher]:
        sentences.append(
            "Held-out names are harder to tell as well, so the loss is not only one of memorising: "
            + _and(f"{r['model']} ({difference(r)})" for r in harder)
            + "."
        )
    if higher and not lower:
        verdict = f"higher for {_and(higher)}"
    elif lower and not higher:
        verdict = f"lower for {_and(lower)}"
    elif higher and lower:
        verdict = f"higher for {_and(higher)}, lower for {_and(lower)}"
    else:
        verdict = _undecided(effects)
    return Answer(question, verdict, sentences, "noise", _seeds(effects))


def _conclusions_under_noise(study: _Study) -> Answer:
    question = "Do the conclusions about the models change under noise, and why?"
    changes = study.select("interactions", metric="final_loss", noise=study.top)
    if not changes:
        return _not_tested(question, "This needs two models and two noise levels.", "conclusions")
    sentences = []
    swapped, moved = [], []
    for r in changes:
        at = {
            noise: study.select(
                "model_comparisons", metric="final_loss", noise=noise, a=r["a"], b=r["b"]
            )[0]
            for noise in (study.low, study.top)
        }
        verdicts = {at[study.low]["verdict"], at[study.top]["verdict"]}
        pair = f"{r['a']} − {r['b']}"
        if r["verdict"] not in _DETECTED:
            continue
        moved.append(pair)
        if verdicts == set(_DETECTED):
            swapped.append(pair)
        sentences.append(
            f"{pair} in training loss goes from {interval(at[study.low], signs=True)} at noise "
            f"{study.low} to {interval(at[study.top], signs=True)} at noise {study.top}: a change "
            f"of {difference(r)}."
        )
    if swapped:
        verdict = f"the order changed: {_and(swapped)}"
    elif moved:
        verdict = "differences changed in size, no order reversed beyond doubt"
    else:
        verdict = _undecided(changes)
    accuracy = [
        r
        for r in study.select("interactions", metric="macro_accuracy", noise=study.top)
        if r["verdict"] in _DETECTED
    ]
    if accuracy:
        sentences.append(
            "In held-out accuracy, too, differences between models changed: "
            + "; ".join(f"{r['a']} − {r['b']} by {difference(r)}" for r in accuracy)
            + "."
        )
    if not sentences:
        sentences = ["No pair of models has a difference in loss that noise changed detectably."]
    return Answer(
        question,
        verdict,
        sentences + _placement(study) + _memory(study),
        "conclusions",
        _seeds(changes),
    )


def _placement(study: _Study) -> list[str]:
    """Say for which models noise costs accuracy only, or more, where it stands last."""
    level = Noise.named(study.top).level
    at = {
        noise.placement: noise.name
        for noise in conditions(**study.noise)
        if noise.level == level and noise.placement in ("suffix", "prefix", "scattered")
    }
    others = [placement for placement in at if placement != "suffix"]
    if "suffix" not in at or not others:
        return []
    sentences = []
    for model in dict.fromkeys(r["model"] for r in study.findings["placements"]):
        effect = {
            placement: study.select(
                "noise_effects", metric="macro_accuracy", model=model, noise=name
            )[0]
            for placement, name in at.items()
        }
        against = {
            r["b"]: r
            for r in study.select(
                "placements", metric="macro_accuracy", model=model, level=level, a="suffix"
            )
            if r["b"] in others
        } | {
            r["a"]: _turned(r)
            for r in study.select(
                "placements", metric="macro_accuracy", model=model, level=level, b="suffix"
            )
            if r["a"] in others
        }
        numbers = "; ".join(f"{p} {difference(r)}" for p, r in effect.items())
        lost = [p for p, r in effect.items() if r["verdict"] == "lower"]
        deeper = [p for p in others if against[p]["verdict"] == "lower"]
        if lost == ["suffix"] and len(deeper) == len(others):
            says = (
                "it loses only where noise stands last, so its loss is one of memory across the "
                "suffix"
            )
        elif "suffix" in lost and len(deeper) == len(others):
            says = (
                "it loses most where noise stands last, so part of its loss is one of memory "
                "across the suffix"
            )
        elif "suffix" in lost and deeper:
            says = f"noise costs it more behind the name than as {_and(deeper)}"
        elif lost:
            says = "it loses, but not detectably more where noise stands last"
        else:
            says = _undecided(list(effect.values()))
        sentences.append(
            f"{model}: {says}. Accuracy at level {level} minus noise {study.low}: {numbers}."
        )
    return sentences


def _turned(record: Record) -> Record:
    """Return a comparison with its sides swapped."""
    verdict = {"lower": "higher", "higher": "lower"}.get(record["verdict"], record["verdict"])
    return {**record, "verdict": verdict}


def _memory(study: _Study) -> list[str]:
    """Say what the memory probe and the gradients found, for models trained under noise."""
    kept: list[str] = []
    fell: list[str] = []
    longest = max((r["distance"] for r in study.findings["memory"]), default=0)
    for r in study.select("memory_effects", noise=study.top):
        if r["verdict"] in _DETECTED:
            (fell if r["verdict"] == "lower" else kept).append(f"{r['model']} by {difference(r)}")
    sentences = []
    if fell:
        sentences.append(
            f"Memory probe: with {longest} distractors behind the name instead of none, models "
            f"trained at noise {study.top} lose accuracy: {'; '.join(fell)}."
        )
    if kept:
        sentences.append(f"Memory probe: with {longest} distractors these gain: {'; '.join(kept)}.")
    reach = study.select("gradient_reach", stage="initial")
    if reach:
        sentences.append(
            "Before training, the gradient's norm changes with each character further from the end "
            "by a factor of "
            + "; ".join(f"{r['model']} {interval(r)}" for r in reach)
            + f": after {longest} characters, "
            + "; ".join(f"{r['model']} {r['mean'] ** longest:.1g}" for r in reach)
            + " of it is left."
        )
    return sentences


def _attention(study: _Study) -> Answer:
    question = (
        f"Where does the attention look? At noise {study.low} most of it is on the last character: "
        f"why? Does that change at noise {study.top}?"
    )
    own = [r for r in study.findings["attention"] if r["trained_at"] == r["tested_at"]]
    models = list(dict.fromkeys(r["model"] for r in own))
    if not models:
        return _not_tested(question, "No model with attention completed.", "attention")
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
        question, "; ".join(verdicts) or "see the numbers", sentences, "attention", _seeds(own)
    )


def _held_out(study: _Study) -> Answer:
    question = "On held-out names, unseen in training, do the models differ in accuracy?"
    sentences = []
    winners = []
    compared: list[Record] = []
    for noise in dict.fromkeys((study.low, study.top)):
        ranked = study.ranked("macro_accuracy", noise, best_first=-1)
        if not ranked:
            continue
        pairs = study.select("model_comparisons", metric="macro_accuracy", noise=noise)
        compared += pairs
        sentences.append(
            f"Macro-averaged accuracy at noise {noise} (chance is "
            f"{number(study.findings['yardsticks']['chance']['mean'])}): {_list(ranked)}."
        )
        detected = [r for r in pairs if r["verdict"] in _DETECTED]
        if detected:
            sentences.append(
                f"Detected differences at noise {noise}: "
                + "; ".join(f"{r['a']} − {r['b']} {difference(r)}" for r in detected)
                + "."
            )
        best = ranked[0]["model"]
        beaten = {r["b"] for r in detected if r["a"] == best} | {
            r["a"] for r in detected if r["b"] == best
        }
        if beaten and len(beaten) == len(ranked) - 1:
            winners.append(f"{best} best at noise {noise}")
        elif detected:
            winners.append(f"yes at noise {noise}, for {len(detected)} of {len(pairs)} pairs")
        else:
            winners.append(f"{_undecided(pairs) if pairs else 'one model only'} at noise {noise}")
    if not sentences:
        return _not_tested(question, "No run completed.", "accuracy")
    sentences += _baselines(study)
    return Answer(question, "; ".join(winners), sentences, "accuracy", _seeds(compared))


def _baselines(study: _Study) -> list[str]:
    """Say which models beat which baselines."""
    sentences = []
    for noise in dict.fromkeys((study.low, study.top)):
        found = study.select("baselines", metric="macro_accuracy", noise=noise)
        for baseline in found:
            against = [
                r
                for r in study.select("baseline_comparisons", metric="macro_accuracy", noise=noise)
                if r["b"] == baseline["baseline"]
            ]
            groups = {
                "beat it": [r["a"] for r in against if r["verdict"] == "higher"],
                "fall behind it": [r["a"] for r in against if r["verdict"] == "lower"],
                "cannot be told from it": [
                    r["a"] for r in against if r["verdict"] == "no difference detected"
                ],
                "have too few seeds to tell": [
                    r["a"] for r in against if r["verdict"] == "too few seeds to tell"
                ],
            }
            says = "; ".join(f"{_and(names)} {what}" for what, names in groups.items() if names)
            sentences.append(
                f"Baseline {baseline['baseline']} at noise {noise}: {interval(baseline)}; {says}."
            )
    return sentences


def _lstm_and_layers(study: _Study) -> Answer:
    question = "What about the LSTM, and several layers?"
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
            detected = sum(r["verdict"] in _DETECTED for r in of_model)
            verdicts.append(f"{model}: {detected} of {len(of_model)} differences detected")
        shown += of_model
    compared = {model for r in shown for model in (r["a"], r["b"])}
    for kind, models, missing in (
        ("several layers", deep, "No model here has several layers, so nothing is said of them."),
        ("LSTM", lstms, "No model here is an LSTM."),
    ):
        if not compared.intersection(models):
            verdicts.append(f"{kind} not tested")
            nothing = f"{_and(models)}: there is nothing to compare with." if models else missing
            sentences.append(nothing)
    return Answer(question, "; ".join(verdicts), sentences, "accuracy", _seeds(shown))


def _batches(study: _Study) -> Answer:
    question = "What do larger batches change?"
    sizes = {m: spec["batch_size"] for m, spec in study.models.items()}
    if set(sizes.values()) == {1}:
        return _not_tested(
            question,
            "Every run takes one name an update, as the worksheet does; nothing here bears on "
            "larger batches.",
            "methods",
        )
    sentences = [
        "Batch sizes and learning rates: "
        + "; ".join(
            f"{m} {spec['batch_size']} at {spec['learning_rate']:g}"
            for m, spec in study.models.items()
        )
        + f". Each run sees {study.updates:,} names."
    ]
    smallest = min(sizes, key=lambda m: sizes[m])
    verdicts = []
    shown: list[Record] = []
    for metric, text in (("final_loss", "training loss"), ("macro_accuracy", "accuracy")):
        for noise in dict.fromkeys((study.low, study.top)):
            sentences.append(f"{text.capitalize()} at noise {noise}: ")
            sentences[-1] += f"{_list(study.select('estimates', metric=metric, noise=noise))}."
            pairs = [
                r
                for r in study.select("model_comparisons", metric=metric, noise=noise)
                if smallest in (r["a"], r["b"])
            ]
            shown += pairs
            lower, higher = _against(smallest, pairs)
            worse = higher if metric == "final_loss" else lower
            better = lower if metric == "final_loss" else higher
            if worse or better:
                words = [f"{_and(worse)} worse"] if worse else []
                words += [f"{_and(better)} better"] if better else []
                verdicts.append(f"{text} at noise {noise}: {', '.join(words)} than {smallest}")
    return Answer(
        question, "; ".join(verdicts) or _undecided(shown), sentences, "training", _seeds(shown)
    )


def _learning_rates(study: _Study) -> Answer:
    question = "Does the ranking at one learning rate survive each model's own best rate?"
    rates = study.findings["rates"]
    if not rates["chosen"]:
        return _not_tested(question, "There are no validation names to choose by.", "rates")
    sentences, verdicts = [], []
    shown: list[Record] = []
    for metric, text in (("macro_accuracy", "accuracy"), ("final_loss", "training loss")):
        for noise in dict.fromkeys((study.low, study.top)):
            both = [
                (single, best)
                for single in rates["single_comparisons"]
                for best in rates["best_comparisons"]
                if all(single[key] == best[key] for key in ("metric", "noise", "a", "b"))
                and (single["metric"], single["noise"]) == (metric, noise)
            ]
            shown += [best for _, best in both]
            detected = [(s, b) for s, b in both if s["verdict"] in _DETECTED]
            kept = [s for s, b in detected if b["verdict"] == s["verdict"]]
            turned = [s for s, b in detected if {s["verdict"], b["verdict"]} == set(_DETECTED)]
            new = [b for s, b in both if s not in kept + turned and b["verdict"] in _DETECTED]
            counts = f"{len(kept)} of {len(detected)} differences kept, {len(turned)} reversed"
            undecided = _undecided([single for single, _ in both])
            verdicts.append(f"{text} at noise {noise}: {counts if detected else undecided}")
            estimates = [r for r in rates["best"] if (r["metric"], r["noise"]) == (metric, noise)]
            order = sorted(estimates, key=lambda r: r["mean"] * (-1 if text == "accuracy" else 1))
            sentences.append(
                f"{text.capitalize()} at noise {noise}, each at its own best rate: {_list(order)}."
            )
            sentences += [
                f"{s['a']} − {s['b']} in {text} at noise {noise} turns from {difference(s)} to "
                f"{difference(b)}."
                for s, b in detected
                if s in turned
            ]
            sentences += [
                f"{b['a']} − {b['b']} in {text} at noise {noise} is detected only at the best "
                f"rates: {difference(b)}."
                for b in new
            ]
    for record in rates["chosen"]:
        names = rates["models"][record["model"]]
        tried = sorted(study.models[name]["learning_rate"] for name in names)
        seeds = sum(record["seeds"].values())
        for rate, end in ((tried[0], "smallest"), (tried[-1], "largest")):
            if (count := record["seeds"].get(f"{rate:g}", 0)) > seeds / 2:
                sentences.append(
                    f"{record['model']} took the {end} rate that was tried, {rate:g}, in {count} "
                    f"of {seeds} seeds at noise {record['noise']}: its best may lie beyond."
                )
    return Answer(question, "; ".join(verdicts), sentences, "rates", _seeds(shown))
