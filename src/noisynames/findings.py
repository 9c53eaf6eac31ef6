"""Every number that the report prints: `statistics.json`, computed once from the tables."""

from dataclasses import asdict
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from noisynames.statistics import (
    ALPHA,
    CONFIDENCE,
    EXACT_UP_TO,
    Comparison,
    compare,
    holm,
    log_rank,
    smallest_p,
    t_interval,
)
from noisynames.tables import FINAL_POINTS, Grid, Tables

Findings = dict[str, Any]

METRICS = {
    "final_loss": "final training loss (nats)",
    "loss_area": "mean training loss over the run (nats)",
    "held_out_loss": "held-out loss, macro-averaged (nats)",
    "generalisation_gap": "held-out loss minus final training loss (nats)",
    "macro_accuracy": "macro-averaged held-out accuracy",
    "accuracy": "held-out accuracy",
    "macro_top3": "macro-averaged top-3 accuracy",
    "macro_f1": "macro-averaged F1",
}
LOWER_IS_BETTER = ("final_loss", "loss_area", "held_out_loss", "generalisation_gap")
_COMPARED = ("final_loss", "loss_area", "held_out_loss", "generalisation_gap", "macro_accuracy")


def find(tables: Tables, grid: Grid) -> Findings:
    """Return all estimates and comparisons as lists of flat records.

    Each record of `estimates` is a metric × model × noise; of `model_comparisons` a metric × noise
    × pair of models; of `noise_effects` a metric × model × noise against the lowest level; of
    `interactions` the change of a pair's difference from the lowest noise level to another; of
    `attention` a quantity × model × trained_at × tested_at. Differences are paired by seed; only
    seeds that both sides completed count.
    """
    values = _by_run(tables)
    low, *higher = sorted(grid.noise_levels)
    pairs = [(b, a) for a, b in combinations(grid.models, 2)]
    findings: Findings = {
        "confidence": CONFIDENCE,
        "alpha": ALPHA,
        "final_points": FINAL_POINTS,
        "seeds": len(grid.seeds),
        "exact_up_to": EXACT_UP_TO,
        "smallest_p": smallest_p(len(grid.seeds)),
        "runs": {
            "planned": len(tables["runs"]),
            "ok": int((tables["runs"]["status"] == "ok").sum()),
            "diverged": int((tables["runs"]["status"] == "diverged").sum()),
            "missing": int((tables["runs"]["status"] == "missing").sum()),
        },
        "metrics": METRICS,
        "leaked_names": int(tables["yardsticks"]["leaked"].sum()),
        "yardsticks": {
            name: asdict(t_interval(tables["yardsticks"][name]))
            for name in ("chance", "majority", "ceiling", "macro_ceiling")
        },
        "estimates": [
            {"metric": metric, "model": model, "noise": noise, **_estimate(values, key)}
            for metric in METRICS
            for noise in grid.noise_levels
            for model in grid.models
            if (key := (metric, model, noise)) in values
        ],
        "cross": _cross(tables, grid),
    }
    findings["model_comparisons"] = [
        {"metric": metric, "noise": noise, "a": a, "b": b, **record}
        for metric in _COMPARED
        for noise in grid.noise_levels
        for (a, b), record in zip(
            pairs,
            _compared([_paired(values, (metric, a, noise), (metric, b, noise)) for a, b in pairs]),
            strict=True,
        )
    ]
    effects = [(model, noise) for noise in higher for model in grid.models]
    findings["noise_effects"] = [
        {"metric": metric, "model": model, "noise": noise, "against": low, **record}
        for metric in _COMPARED
        for (model, noise), record in zip(
            effects,
            _compared([_paired(values, (metric, m, n), (metric, m, low)) for m, n in effects]),
            strict=True,
        )
    ]
    changes = [(a, b, noise) for noise in higher for a, b in pairs]
    findings["interactions"] = [
        {"metric": metric, "a": a, "b": b, "noise": noise, "against": low, **record}
        for metric in _COMPARED
        for (a, b, noise), record in zip(
            changes,
            _compared([_change(values, metric, a, b, n, low) for a, b, n in changes]),
            strict=True,
        )
    ]
    findings["time_to_target"] = _time_to_target(tables, grid)
    findings["ranks"] = _ranks(values, grid)
    findings["attention"], findings["attention_effects"] = _attention(tables, grid)
    findings["attention_agreement"] = (
        tables["attention_agreement"].to_dict("records") if grid.attention_models else []
    )
    return findings


Key = tuple[str, str, int]
Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


def _by_run(tables: Tables) -> dict[Key, pd.Series]:
    """Return each metric × model × noise as a series over the seeds that completed."""
    runs = tables["runs"][tables["runs"]["status"] == "ok"]
    runs = runs.assign(generalisation_gap=runs["held_out_loss"] - runs["final_loss"])
    accuracy = tables["accuracy"]
    own = accuracy[accuracy["trained_at"] == accuracy["tested_at"]]
    own = own.rename(columns={"trained_at": "noise"})
    columns = ["accuracy", "macro_top3", "macro_f1"]
    wide = runs.merge(own[["model", "noise", "seed", *columns]], on=["model", "noise", "seed"])
    return {
        (metric, str(key[0]), int(str(key[1]))): group.set_index("seed")[metric]
        for key, group in wide.groupby(["model", "noise"])
        for metric in METRICS
    }


def _estimate(values: dict[Key, pd.Series], key: Key) -> dict[str, Any]:
    return asdict(t_interval(values[key]))


def _paired(values: dict[Key, pd.Series], a: Key, b: Key) -> Pair:
    empty = pd.Series(dtype=float)
    both = pd.concat([values.get(a, empty), values.get(b, empty)], axis=1, join="inner")
    return both.iloc[:, 0].to_numpy(float), both.iloc[:, 1].to_numpy(float)


def _change(
    values: dict[Key, pd.Series], metric: str, a: str, b: str, noise: int, low: int
) -> Pair:
    keys = [(metric, a, noise), (metric, b, noise), (metric, a, low), (metric, b, low)]
    empty = pd.Series(dtype=float)
    table = pd.concat([values.get(key, empty) for key in keys], axis=1, join="inner").to_numpy(
        float
    )
    return table[:, 0] - table[:, 1], table[:, 2] - table[:, 3]


def _compared(pairs: list[Pair]) -> list[dict[str, Any]]:
    return [_record(comparison) for comparison in compare(pairs)]


def _record(comparison: Comparison) -> dict[str, Any]:
    estimate = asdict(comparison.difference)
    if comparison.difference.n == 0:
        estimate["mean"] = None
    return {
        **estimate,
        "p": comparison.p,
        "p_adjusted": comparison.p_adjusted,
        "verdict": comparison.verdict,
    }


def _time_to_target(tables: Tables, grid: Grid) -> dict[str, Any]:
    """Updates to the target loss: how many runs reached it, and log-rank tests of all pairs."""
    table = tables["time_to_target"]
    cells = {
        (model, noise): table[(table["model"] == model) & (table["noise"] == noise)]
        for model in grid.models
        for noise in grid.noise_levels
    }
    groups = []
    for (model, noise), cell in cells.items():
        reached = cell["reached"] == 1
        median = float(cell["update"].where(reached, np.inf).median())
        groups.append(
            {
                "model": model,
                "noise": noise,
                "runs": len(cell),
                "reached": int(reached.sum()),
                "median": median if np.isfinite(median) else None,
            }
        )
    tests = []
    for noise in grid.noise_levels:
        pairs = [(b, a) for a, b in combinations(grid.models, 2)]
        p_values = [
            log_rank(
                (cells[a, noise]["update"], cells[a, noise]["reached"] == 1),
                (cells[b, noise]["update"], cells[b, noise]["reached"] == 1),
            )
            for a, b in pairs
        ]
        tests += [
            {"noise": noise, "a": a, "b": b, "p": p, "p_adjusted": adjusted}
            for (a, b), p, adjusted in zip(pairs, p_values, holm(p_values), strict=True)
        ]
    return {"target": float(table["target"].iloc[0]), "groups": groups, "tests": tests}


def _ranks(values: dict[Key, pd.Series], grid: Grid) -> list[dict[str, Any]]:
    """Mean rank by macro-averaged accuracy within a seed and noise level; 1 is best."""
    records = []
    for noise in grid.noise_levels:
        keys = {m: ("macro_accuracy", m, noise) for m in grid.models}
        columns = {m: values[key] for m, key in keys.items() if key in values}
        if not columns:
            continue
        ranks = pd.DataFrame(columns).dropna().rank(axis=1, ascending=False)
        records += [
            {"model": model, "noise": noise, **asdict(t_interval(ranks[model]))}
            for model in columns
            if len(ranks)
        ]
    return records


def _cross(tables: Tables, grid: Grid) -> list[dict[str, Any]]:
    """Trained-at × tested-at: macro-averaged accuracy and loss."""
    groups = tables["accuracy"].groupby(["model", "trained_at", "tested_at"])
    records = []
    for model in grid.models:
        for trained in grid.noise_levels:
            for tested in grid.noise_levels:
                if (model, trained, tested) not in groups.groups:
                    continue
                group = groups.get_group((model, trained, tested))
                records += [
                    {
                        "metric": metric,
                        "model": model,
                        "trained_at": trained,
                        "tested_at": tested,
                        **asdict(t_interval(group[metric])),
                    }
                    for metric in ("macro_accuracy", "macro_loss")
                ]
    return records


def _attention(tables: Tables, grid: Grid) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Where attention goes, and how that differs from the lowest noise and from uniform."""
    if "attention" not in tables or tables["attention"].empty:
        return [], []
    table = tables["attention"]
    quantities = [
        "last_character", "last_letter", "on_noise", "noise_share", "entropy",
        "occlusion_agreement",
    ]  # fmt: skip
    cells = {
        (model, trained, tested): table[
            (table["model"] == model)
            & (table["trained_at"] == trained)
            & (table["tested_at"] == tested)
        ].set_index("seed")
        for model in grid.attention_models
        for trained in grid.noise_levels
        for tested in grid.noise_levels
    }
    estimates = [
        {
            "quantity": quantity,
            "model": model,
            "trained_at": trained,
            "tested_at": tested,
            **asdict(t_interval(cell[quantity].dropna())),
        }
        for (model, trained, tested), cell in cells.items()
        for quantity in quantities
        if cell[quantity].notna().any()
    ]
    low, *higher = sorted(grid.noise_levels)
    asked = []
    pairs: list[Pair] = []
    for model in grid.attention_models:
        for noise in higher:
            quiet, noisy = cells[model, low, low], cells[model, noise, noise]
            seeds = quiet.index.intersection(noisy.index)
            at_noise, at_low = noisy.loc[seeds], quiet.loc[seeds]
            asked.append({"question": "last_character", "model": model, "noise": noise})
            pairs.append(
                (at_noise["last_character"].to_numpy(), at_low["last_character"].to_numpy())
            )
            asked.append({"question": "on_noise_minus_share", "model": model, "noise": noise})
            pairs.append((at_noise["on_noise"].to_numpy(), at_noise["noise_share"].to_numpy()))
    effects = [
        {**what, "against": low, **record}
        for what, record in zip(asked, _compared(pairs), strict=True)
    ]
    return estimates, effects
