"""Finds what changed from one experiment to another, in numbers.

`compare` returns

    sets: Both experiments, as `differences.described` returns them.
    differences: What differs, as `differences.differences` returns it.
    renamed: The name after, by the name before, of models that were renamed.
    arms: Every arm that both have, by its name after, with `seeds`, how many completed on each
        side; `both`, the number of runs that both have; `identical`, how many of them are the same
        to the byte; `paired`; and `how`: `seeds`, or why seeds are not paired: `splits`, `few`.
    changes: For each metric × arm the estimates `before` and `after`, the attributes of
        `statistics.changes.Change`, `n`, the number of pairs (or None), and `better`: true, false,
        or null if no change is detected or no direction is better.
    only: Arms that only one of them has, with its name as `set`.
    lost: Runs that completed before and diverged after.
    contrasts: Planned contrasts whose verdict changed; None if one side has no planned contrasts.
    costs: For each model, the medians of `seconds` and `memory` (MiB) on both sides.
    outcome: `identical`, `same`, `changed` or `worse`.
    worse: The changes in DECIDING that are for the worse and not below the margin.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from noisynames.analysis.findings import costs
from noisynames.analysis.findings.pairs import METRICS, Key
from noisynames.analysis.findings.training import curves
from noisynames.analysis.statistics.changes import Sample, changes
from noisynames.analysis.statistics.intervals import t_interval
from noisynames.columns import SCORES
from noisynames.errors import UserError
from noisynames.experiments.differences import described, differences
from noisynames.experiments.opening import Arm, Experiment, Record

LEADS = "macro_accuracy"
"""The metric whose changes are counted."""
DECIDING = (LEADS, "held_out_loss")
"""Metrics in which an arm may be worse. Each is tested at 5 %, two-sided: where nothing changed, a
change for the worse is found in at most 5 % of comparisons."""
BETTER = {
    "final_loss": "lower",
    "loss_area": "lower",
    "held_out_loss": "lower",
    LEADS: "higher",
    **dict.fromkeys(SCORES, "higher"),
}
"""The direction that is better; a generalisation gap has none."""
WORSE = {"lower": "higher", "higher": "lower"}


class NotComparableError(UserError):
    """The experiments have nothing in common that can be compared."""


def compare(
    before: Experiment, after: Experiment, usual: Mapping[str, Any] | None = None
) -> Record:
    """Return what changed from one experiment to another.

    Args:
        before: One experiment.
        after: The other.
        usual: A config with only defaults, for keys that an older config lacks.

    Returns:
        A record as described at the top of this file.

    Raises:
        NotComparableError: They have nothing in common that can be compared.
    """
    _check_labels(before, after)
    metrics = _same_metrics(before, after)
    renamed, pairs = _pairs(before, after)
    arms = [_arm(before, after, old, new) for new, old in pairs.items()]
    usual = usual or {}
    margins = _margins([before, after], usual)
    found = [
        change
        for metric in metrics
        for change in _changes(metric, margins.get(metric), before, after, pairs, arms)
    ]
    lost = _lost(before, after, pairs)
    worse = [change for change in found if _is_worse(change)]
    return {
        "sets": [described(before), described(after)],
        "differences": differences(before, after, renamed, usual),
        "renamed": renamed,
        "metrics": {metric: METRICS[metric] for metric in metrics},
        "arms": arms,
        "changes": found,
        "only": [*_others(before, pairs.values()), *_others(after, pairs)],
        "lost": lost,
        "contrasts": _turned(before, after, renamed),
        "costs": _costs(before, after, renamed),
        "outcome": "worse" if worse or lost else _outcome(arms, found),
        "worse": worse,
        "labels": {m: e.label(m) for e in (before, after) for m in e.models},
    }


def history(experiments: Sequence[Experiment], usual: Mapping[str, Any] | None = None) -> Record:
    """Return how accurate every arm was in each of some experiments, and where that changed.

    Args:
        experiments: The oldest first.
        usual: As for `compare`.

    Returns:
        estimates: For each arm and experiment: model, by its last name; noise; the experiment's
            name, `set`, and `place`, from 0; and mean, low, high, n.
        steps: For each arm and two neighbours that have it: model; noise; `set` and `place` of the
            later one; the attributes of `statistics.changes.Change`; and `better`. All are one
            family.

    Raises:
        NotComparableError: Two neighbours have nothing in common that can be compared.
    """
    steps: list[Record] = []
    samples: list[Sample] = []
    called: list[dict[str, str]] = [{m: m for m in experiments[-1].models}]
    for place in range(len(experiments) - 1, 0, -1):
        before, after = experiments[place - 1 : place + 1]
        _check_labels(before, after)
        _same_metrics(before, after)
        renamed, pairs = _pairs(before, after)
        last = called[0]
        called.insert(0, {m: last.get(renamed.get(m, m), m) for m in before.models})
        for new, old in pairs.items():
            where = {"model": last[new[0]], "noise": new[1], "set": after.name, "place": place}
            steps.append(where)
            arm = _arm(before, after, old, new)
            samples.append(_sample(LEADS, before, after, old, new, arm))
    margin = _margins(experiments, usual or {}).get(LEADS)
    estimates = [
        {
            "model": called[place][model], "noise": noise, "set": e.name, "place": place,
            **asdict(t_interval(e.values[LEADS, model, noise])),
        }
        for place, e in enumerate(experiments)
        for model, noise in e.arms
        if (LEADS, model, noise) in e.values
    ]  # fmt: skip
    found = [
        {**step, **asdict(change), "better": _is_better(LEADS, change.verdict)}
        for step, change in zip(steps, changes(samples, margin), strict=True)
    ]
    return {"estimates": estimates, "steps": found}


def _pairs(before: Experiment, after: Experiment) -> tuple[dict[str, str], dict[Arm, Arm]]:
    """Return the renamed models, and each arm that both have with its name before."""
    renamed = _renamed(before, after)
    was = {new: old for old, new in renamed.items()}
    there = {(*arm, before.characters(arm)) for arm in before.arms}
    pairs = {
        arm: old
        for arm in after.arms
        if (*(old := (was.get(arm[0], arm[0]), arm[1])), after.characters(arm)) in there
    }
    if not pairs:
        raise NotComparableError(
            f"{before.name} and {after.name} have no arm in common: {_names(before.arms)}; "
            f"{_names(after.arms)}"
        )
    return renamed, pairs


def _margins(experiments: Sequence[Experiment], usual: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the margins of the last experiment that names any, or else the usual ones."""
    named = [m for e in experiments if (m := e.findings.get("margins"))]
    margins: Mapping[str, Any] = named[-1] if named else usual.get("comparison", {}).get("margin")
    return margins or {}


def _is_worse(change: Mapping[str, Any]) -> bool:
    """Whether a change is for the worse, and not shown to be below the margin."""
    deciding = change["metric"] in DECIDING
    return deciding and change["better"] is False and not change["below_margin"]


def _outcome(arms: Iterable[Record], found: Iterable[Record]) -> str:
    """Return the outcome of changes of which none is for the worse."""
    if all(arm["identical"] == arm["both"] > 0 for arm in arms):
        return "identical"
    changed = any(c["metric"] == LEADS and c["better"] is not None for c in found)
    return "changed" if changed else "same"


def _others(experiment: Experiment, compared: Iterable[Arm]) -> list[Record]:
    """Return the arms of an experiment that are not compared."""
    known = set(compared)
    return [
        {"model": model, "noise": noise, "set": experiment.name}
        for model, noise in experiment.arms
        if (model, noise) not in known
    ]


def loss_curves(experiment: Experiment) -> list[Record]:
    """Return the mean loss curves of an experiment; see `findings.training.curves`."""
    found: list[Record] | None = experiment.findings.get("curves")
    return curves(experiment.tables) if found is None else found


def _names(arms: Sequence[Arm]) -> str:
    """Return arms for an error message: the first, and how many more there are."""
    model, noise = arms[0]
    return f"{model} at noise {noise}" + (f" and {len(arms) - 1} more" if arms[1:] else "")


def _check_labels(before: Experiment, after: Experiment) -> None:
    """Refuse experiments with different labels, whose numbers cannot be compared."""
    old, new = ({*e.manifest["counts"]} for e in (before, after))
    if old != new:
        what = after.findings.get("label_name", "language")
        told = [
            f"{what} {sorted(extra)[0]!r} is only in {e.name}"
            for e, extra in ((before, old - new), (after, new - old))
            if extra
        ]
        raise NotComparableError(
            f"{before.name} and {after.name} have different data: {'; '.join(told)}"
        )


def _same_metrics(before: Experiment, after: Experiment) -> list[str]:
    old, new = before.findings, after.findings
    points = old.get("final_points") == new.get("final_points")
    metrics = [
        metric
        for metric in METRICS
        if metric in new["metrics"]
        and old["metrics"].get(metric) == new["metrics"][metric]
        and (points or metric not in ("final_loss", "generalisation_gap"))
    ]
    if LEADS not in metrics:
        raise NotComparableError(
            f"{before.name} and {after.name} define {LEADS} differently: "
            f"{old['metrics'].get(LEADS)!r} and {new['metrics'].get(LEADS)!r}"
        )
    return metrics


def _renamed(before: Experiment, after: Experiment) -> dict[str, str]:
    """Return the new name of each renamed model, recognised by settings that no other has."""
    gone = [m for m in before.models if m not in after.models]
    new = [m for m in after.models if m not in before.models]

    def told(experiment: Experiment, names: Iterable[str]) -> dict[str, str]:
        settings = {m: json.dumps(experiment.settings(m), sort_keys=True) for m in names}
        often = Counter(settings.values())
        return {text: m for m, text in settings.items() if often[text] == 1 and text != "{}"}

    old, now = told(before, gone), told(after, new)
    return {old[text]: now[text] for text in old if text in now}


def _arm(before: Experiment, after: Experiment, old: Arm, new: Arm) -> Record:
    """Say how many runs of an arm are in both, how many are the same, and how it is compared."""
    a, b = before.of_arm(old), after.of_arm(new)
    both = sorted(a.keys() & b.keys())
    alike = [seed for seed in both if a[seed]["split"] == b[seed]["split"]]
    done = [
        experiment.values.get((LEADS, *arm), pd.Series(dtype=float)).index
        for experiment, arm in ((before, old), (after, new))
    ]
    pairs = [seed for seed in alike if seed in done[0] and seed in done[1]]
    paired = len(pairs) > 1 or (len(pairs) == 1 and min(map(len, done)) == 1)
    return {
        "model": new[0],
        "noise": new[1],
        "seeds": [len(index) for index in done],
        "both": len(both),
        "identical": sum(
            a[seed]["files"] == b[seed]["files"] and _same_values(before, after, old, new, seed)
            for seed in alike
        ),
        "paired": paired,
        "how": "seeds" if paired else "splits" if len(alike) < len(both) else "few",
        "pairs": pairs if paired else [],
    }


def _same_values(before: Experiment, after: Experiment, old: Arm, new: Arm, seed: int) -> bool:
    """Whether a run has the same score in every metric, or no score in either experiment."""

    def value(experiment: Experiment, key: Key) -> float | None:
        found = experiment.values.get(key)
        return None if found is None or seed not in found.index else float(found[seed])

    return all(value(before, (m, *old)) == value(after, (m, *new)) for m in METRICS)


def _changes(
    metric: str,
    margin: float | None,
    before: Experiment,
    after: Experiment,
    pairs: Mapping[Arm, Arm],
    arms: Sequence[Record],
) -> list[Record]:
    """Return the change of every arm in a metric; they are one family."""
    samples = [
        _sample(metric, before, after, old, new, arm)
        for (new, old), arm in zip(pairs.items(), arms, strict=True)
    ]
    return [
        {
            "metric": metric,
            "model": arm["model"],
            "noise": arm["noise"],
            "before": _estimate(sample.before),
            "after": _estimate(sample.after),
            "n": sample.before.size if sample.paired else None,
            **asdict(change),
            "better": _is_better(metric, change.verdict),
        }
        for arm, sample, change in zip(arms, samples, changes(samples, margin), strict=True)
    ]


def _sample(
    metric: str, before: Experiment, after: Experiment, old: Arm, new: Arm, arm: Record
) -> Sample:
    """Return an arm's values of a metric before and after; if paired, only those of pairs."""
    a, b = (
        experiment.values.get((metric, *where), pd.Series(dtype=float)).dropna()
        for experiment, where in ((before, old), (after, new))
    )
    if arm["paired"]:
        seeds = [seed for seed in arm["pairs"] if seed in a.index and seed in b.index]
        a, b = a.loc[seeds], b.loc[seeds]
    return Sample(a.to_numpy(float), b.to_numpy(float), arm["paired"])


def _estimate(values: Any) -> Record | None:
    return asdict(t_interval(values)) if values.size else None


def _is_better(metric: str, verdict: str) -> bool | None:
    better = BETTER.get(metric)
    return None if better is None or verdict not in WORSE else verdict == better


def _lost(before: Experiment, after: Experiment, pairs: Mapping[Arm, Arm]) -> list[Record]:
    return [
        {"model": new[0], "noise": new[1], "seed": seed}
        for new, old in pairs.items()
        for seed, record in after.of_arm(new).items()
        if record["status"] == "diverged" and before.of_arm(old).get(seed, {}).get("status") == "ok"
    ]


def _turned(before: Experiment, after: Experiment, renamed: Mapping[str, str]) -> Any:
    """Return the planned contrasts that both have and whose verdict changed."""
    keys = ("metric", "noise", "respect", "a", "b", "model")
    if any("planned_contrasts" not in e.findings for e in (before, after)):
        return None

    def told(contrast: Mapping[str, Any], names: Mapping[str, str]) -> tuple[Any, ...]:
        return tuple(names.get(contrast[key], contrast[key]) for key in keys)

    old = {told(c, renamed): c for c in before.findings["planned_contrasts"]}
    return [
        {
            **{key: c[key] for key in keys},
            "verdicts": [old[told(c, {})]["verdict"], c["verdict"]],
            "means": [old[told(c, {})]["mean"], c["mean"]],
        }
        for c in after.findings["planned_contrasts"]
        if told(c, {}) in old and old[told(c, {})]["verdict"] != c["verdict"]
    ]


def _costs(before: Experiment, after: Experiment, renamed: Mapping[str, str]) -> list[Record]:
    """Return the median costs of a run, for models that both have."""
    if any("timings" not in e.tables for e in (before, after)):
        return []
    old, new = (
        {r["model"]: r for r in costs.find(e.tables["timings"])["costs"]} for e in (before, after)
    )
    old = {renamed.get(model, model): r for model, r in old.items()}
    return [
        {"model": m, **{key: [old[m][key], new[m][key]] for key in ("seconds", "memory")}}
        for m in new
        if m in old
    ]
