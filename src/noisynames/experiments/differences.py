"""What differs between two experiments: config, code, data, machine."""

import json
from collections.abc import Mapping
from typing import Any

from noisynames.analysis.tables import records
from noisynames.experiments.opening import Experiment, Record

_NO_MATTER = {"compare_with", "training.report_every", "training.seeds_per_job"}


def described(experiment: Experiment) -> Record:
    """Return a description of an experiment: its runs, code, data and machines."""
    runs = experiment.tables["runs"]
    machines: list[Record] = []
    if "timings" in experiment.tables:
        columns = ["processor", "cores", "system", "python"]
        machines = records(experiment.tables["timings"][columns].drop_duplicates())
    return {
        "name": experiment.name,
        "runs": len(runs),
        "completed": int((runs["status"] == "ok").sum()),
        "models": len(experiment.models),
        "seeds": sorted(set(runs["seed"].tolist())),
        "version": experiment.about.get("version"),
        "commit": experiment.about.get("commit"),
        "source": experiment.manifest.get("source"),
        "sha256": experiment.manifest.get("sha256"),
        "machines": machines,
    }


def differences(
    before: Experiment, after: Experiment, renamed: Mapping[str, str], usual: Mapping[str, Any]
) -> list[Record]:
    """Return what differs in config, code, data and machine.

    Args:
        before: One experiment.
        after: The other.
        renamed: The name after, by the name before, of models that were renamed.
        usual: A config with only defaults, for keys that an older config lacks.

    Returns:
        Records of `key`, in the config (for models, `models.KEY`) or in `described`; `model`, None
        if it applies to all; and `values`, before and after.
    """
    if before.about.get("config") and after.about.get("config"):
        old, new = (_of_config(e.about["config"], usual) for e in (before, after))
    else:
        old, new = (_of_records(e) for e in (before, after))
    models = [(renamed.get(m, m), m) for m in before.models if renamed.get(m, m) in after.models]
    found = [
        {"key": key, "model": None, "values": [old["all"].get(key), new["all"].get(key)]}
        for key in dict.fromkeys([*old["all"], *new["all"]])
        if key not in _NO_MATTER and old["all"].get(key) != new["all"].get(key)
    ]
    known = {(d["key"].rpartition(".")[2], json.dumps(d["values"])) for d in found}
    of_models: dict[tuple[str, str], Record] = {}
    for now, was in models:
        a, b = old["models"].get(was, {}), new["models"].get(now, {})
        for key in dict.fromkeys([*a, *b]):
            if a.get(key) != b.get(key):
                values = [a.get(key), b.get(key)]
                one = of_models.setdefault((key, json.dumps(values)), {"key": key, "models": []})
                one |= {"values": values, "models": [*one["models"], now]}
    for (key, text), one in of_models.items():
        if (key, text) in known:
            continue
        every = len(one["models"]) == len(models) > 1
        for model in [None] if every else one["models"]:
            found.append({"key": f"models.{key}", "model": model, "values": one["values"]})
    old_set, new_set = described(before), described(after)
    for key in ("version", "commit", "source", "sha256", "machines"):
        if old_set[key] != new_set[key]:
            values = [old_set[key], new_set[key]]
            found.append({"key": key, "model": None, "values": values})
    engines = [sorted({str(r["engine"]) for r in e.runs.values()}) for e in (before, after)]
    if engines[0] != engines[1]:
        found.append({"key": "engines", "model": None, "values": engines})
    return found


def _of_config(config: Mapping[str, Any], usual: Mapping[str, Any]) -> Record:
    """Return a config as flat keys, common ones and those of each model, with defaults."""
    rest = {key: value for key, value in config.items() if key != "models"}
    common = {key: value for key, value in usual.items() if key != "models"}
    of_model: Record = next(iter(usual.get("models", {}).values()), {})
    training = config.get("training", {})
    filled = {key: training.get(key, value) for key, value in of_model.items()}
    return {
        "all": _flat(common) | _flat(rest),
        "models": {name: {**filled, **spec} for name, spec in config["models"].items()},
    }


def _of_records(experiment: Experiment) -> Record:
    """Return the same as `_of_config`, as far as the records of runs tell."""
    conditions = list(dict.fromkeys(noise for _, noise in experiment.arms))
    seeds = sorted(set(experiment.tables["runs"]["seed"].tolist()))
    return {
        "all": {"noise.levels": conditions, "seeds": seeds},
        "models": {model: experiment.settings(model) for model in experiment.models},
    }


def _flat(config: Mapping[str, Any], above: str = "") -> Record:
    found: Record = {}
    for key, value in config.items():
        if isinstance(value, dict) and value:
            found |= _flat(value, f"{above}{key}.")
        else:
            found[f"{above}{key}"] = value
    return found
