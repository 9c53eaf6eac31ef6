"""What changed between two experiments, in words; it computes no statistics."""

from collections.abc import Mapping, Sequence
from typing import Any

from noisynames.columns import SCORES
from noisynames.names.noise import Noise
from noisynames.reporting import words

Record = Mapping[str, Any]

LEADS = "macro_accuracy"
_MOST = 4
"""More arms than this are only counted here; the table names them."""
_WORDS = {
    "version": "Version of noisynames",
    "commit": "Commit of the code",
    "source": "Source of the names",
    "sha256": "Checksum of the data",
    "machines": "Machine",
    "engines": "Engine",
    "noise.levels": "Noise levels",
    "seeds": "Seeds",
}
_METRICS = {"held_out_loss": "held-out loss"}


def first(found: Record) -> str:
    """Return the outcome of comparing two experiments, in one sentence."""
    arms = found["arms"]
    if all(arm["identical"] == arm["both"] > 0 for arm in arms):
        runs = sum(arm["both"] for arm in arms)
        every = not found["only"] and all(s["runs"] == runs for s in found["sets"])
        what = "Nothing changed" if every else "Nothing changed in what both have"
        return f"{what}: {runs:,} {words.plural('run', runs)} identical to the byte."
    leading = [c for c in found["changes"] if c["metric"] == LEADS]
    changed = [c for c in leading if c["better"] is not None]
    if changed:
        told = [f"{arm(found, c)} is {_how_much(c)}" for c in changed[:_MOST]]
        told += [f"{len(changed) - _MOST} more are in the table"] if changed[_MOST:] else []
        which = f"{len(changed)} of {_arms(len(arms))} changed"
        return f"{which}: {'; '.join(told)}."
    same = sum(c["verdict"] == "same" for c in leading)
    unknown = len(leading) - same
    if not unknown:
        return f"No arm changed: all {len(arms)} are as accurate as before, for practical purposes."
    kept = f"{same} {_is(same)} the same for practical purposes, " if same else ""
    which = f"Of {_arms(len(arms))} none changed beyond doubt"
    return f"{which}: {kept}{unknown} {_is(unknown)} undecided."


def more(found: Record) -> list[str]:
    """Return what else to say first: what is worse, what is missing, how it was tested."""
    if all(arm["identical"] == arm["both"] > 0 for arm in found["arms"]):
        return _apart(found)
    sentences = []
    worse = [c for c in found["worse"] if c["metric"] != LEADS]
    if found["worse"]:
        count = len({(c["model"], c["noise"]) for c in found["worse"]})
        sentences.append(f"{_arms(count).capitalize()} {_is(count)} worse by more than matters.")
    else:
        sentences.append("Nothing is shown to be worse by more than matters.")
    sentences += [
        f"{arm(found, c)}: its {_METRICS[c['metric']]} is {_how_much(c)}." for c in worse[:_MOST]
    ]
    ends = [
        end
        for c in found["changes"]
        if c["metric"] == LEADS and c["verdict"] == "undecided" and c["low"] is not None
        for end in (c["low"], c["high"])
    ]
    if ends:
        low, high = words.points(min(ends)), words.points(max(ends))
        sentences.append(f"The intervals of undecided arms go from {low} to {high} points.")
    if found["lost"]:
        count = len(found["lost"])
        runs = f"{count} {words.plural('run', count)}"
        sentences.append(f"{runs} that completed before diverged, which counts as worse.")
    if any(difference["key"] == "sha256" for difference in found["differences"]):
        sentences.append("The names differ, so a change may be due to them, not the models.")
    return [*sentences, *_apart(found), _tested(found["arms"])]


def _apart(found: Record) -> list[str]:
    """Return how many arms are in one experiment only, and which models have another name."""
    told = []
    for one in found["sets"]:
        count = sum(arm["set"] == one["name"] for arm in found["only"])
        if count:
            told.append(f"{_arms(count).capitalize()} {_is(count)} in “{one['name']}” only.")
    for old, new in found["renamed"].items():
        told.append(f"“{old}” is now called “{new}”: both were trained in the same way.")
    return told


def _tested(arms: Sequence[Record]) -> str:
    """Return how arms were compared: paired by seed or not, and why not."""
    paired = [arm for arm in arms if arm["paired"]]
    others = [arm for arm in arms if not arm["paired"]]
    pairing = "paired by seed: both sides have the seeds, and a seed splits the names the same way"
    if not others:
        return f"Arms are {pairing}."
    if all(arm["how"] == "splits" for arm in others):
        why = "the same seed splits the names differently"
    else:
        why = "fewer than two seeds completed on both sides with the same split"
    apart = f"compared as two samples (Welch’s t test), since {why}"
    if not paired:
        return f"Arms are {apart}."
    return (
        f"{_arms(len(paired)).capitalize()} {_is(len(paired))} {pairing}; the others are {apart}."
    )


def arm(found: Record, record: Record) -> str:
    """Return an arm as it is called in a sentence: `GRU under noise 5`."""
    model = words.in_sentence(str(found["labels"].get(record["model"], record["model"])))
    noise = record["noise"]
    return f"{model} {f'under noise {noise}' if Noise.named(noise).level else 'without noise'}"


def _arms(count: int) -> str:
    return f"{count} {words.plural('arm', count)}"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _how_much(change: Record) -> str:
    """Return a detected change in words: `2.1 points less accurate`."""
    metric, up = change["metric"], change["mean"] > 0
    amount = words.change(abs(change["mean"]), metric).lstrip("+")
    small = ", by less than matters" if change["below_margin"] else ""
    if metric == LEADS:
        return f"{amount} points {'more' if up else 'less'} accurate{small}"
    unit = "points" if metric in SCORES else "nats"
    return f"{amount} {unit} {'higher' if up else 'lower'}{small}"


def verdict(change: Record) -> str:
    """Return a verdict for a table, with whether the change is for the better."""
    if change["reason"]:
        return f"not tested: {change['reason']}"
    found = str(change["verdict"])
    if found in ("same", "undecided"):
        return {"same": "the same for practical purposes"}.get(found, found)
    good = {True: ": better", False: ": worse", None: ""}[change["better"]]
    return f"{found}{good}{', by less than matters' if change['below_margin'] else ''}"


def difference(found: Record, record: Record) -> tuple[str, str, str]:
    """Return a difference in config, code, data or machine: its name and both values, in words."""
    key, model = record["key"], record["model"]
    *_, last = key.split(".")
    what = _WORDS.get(key, last.replace("_", " ").capitalize())
    if key.startswith("models."):
        owner = "every model" if model is None else found["labels"].get(model, model)
        what = f"{what} of {owner}"
    elif key not in _WORDS and "." in key:
        what = f"{what} ({key.partition('.')[0].replace('_', ' ')})"
    old, new = (_told(value) for value in record["values"])
    return what, old, new


def _told(value: Any) -> str:
    """Return a value of a config as a person would write it."""
    if isinstance(value, list) and value:
        if len(value) > 2 and value == list(range(len(value))):
            return f"0 to {value[-1]}"
        return "; ".join(_told(item) for item in value)
    if isinstance(value, Mapping) and value:
        return ", ".join(f"{key}: {_told(item)}" for key, item in value.items())
    if isinstance(value, float):
        return f"{value:g}"
    plain = {"None": "not given", "True": "yes", "False": "no", "[]": "none", "{}": "none"}
    return plain.get(str(value), str(value))
