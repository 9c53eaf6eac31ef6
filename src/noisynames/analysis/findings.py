"""Every number that the report prints: `statistics.json`, computed once from the tables."""

from dataclasses import asdict
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from noisynames.analysis.statistics import (
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
from noisynames.analysis.tables import FINAL_POINTS, Tables
from noisynames.columns import SCORES
from noisynames.grid import ACCURACY, INITIAL, TRAINED, Grid

Findings = dict[str, Any]

METRICS = {
    "final_loss": "final training loss (nats)",
    "loss_area": "mean training loss over the run (nats)",
    "held_out_loss": "held-out loss, macro-averaged (nats)",
    "generalisation_gap": "held-out loss minus final training loss (nats)",
    "macro_accuracy": "macro-averaged held-out accuracy",
    **{name: score.words for name, score in SCORES.items()},
}
LOWER_IS_BETTER = ("final_loss", "loss_area", "held_out_loss", "generalisation_gap")
_COMPARED = ("final_loss", "loss_area", "held_out_loss", "generalisation_gap", "macro_accuracy")

_SMALLEST_NORM = 1e-38
"""Below this, a gradient's norm has left the range of float32, and has no logarithm."""


def find(tables: Tables, grid: Grid) -> Findings:
    """Return all estimates and comparisons as lists of flat records.

    Each record of `estimates` is a metric × model × noise; of `model_comparisons` a metric × noise
    × pair of models; of `noise_effects` a metric × model × noise against the lowest level; of
    `interactions` the change of a pair's difference from the lowest noise level to another; of
    `attention` a quantity × model × trained_at × tested_at. Differences are paired by seed; only
    seeds that both sides completed count. Of models that differ in their learning rate alone, one
    stands in these lists; `rates` holds the others.
    """
    values = _by_run(tables)
    low = grid.quietest
    higher = [noise for noise in grid.noises if noise != low]
    pairs = [(b, a) for a, b in combinations(grid.compared, 2)]
    findings: Findings = {
        "confidence": CONFIDENCE,
        "alpha": ALPHA,
        "final_points": FINAL_POINTS,
        "seeds": len(grid.seeds),
        "quietest": low,
        "noisiest": grid.noisiest,
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
            for noise in grid.noises
            for model in grid.compared
            if (key := (metric, model, noise)) in values
        ],
        "cross": _cross(tables, grid),
    }
    findings["model_comparisons"] = [
        {"metric": metric, "noise": noise, "a": a, "b": b, **record}
        for metric in _COMPARED
        for noise in grid.noises
        for (a, b), record in zip(
            pairs,
            _compared([_paired(values, (metric, a, noise), (metric, b, noise)) for a, b in pairs]),
            strict=True,
        )
    ]
    effects = [(model, noise) for noise in higher for model in grid.compared]
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
    findings["attention_agreement"] = [
        record
        for record in (
            tables["attention_agreement"].to_dict("records") if grid.attention_models else []
        )
        if record["model"] in grid.compared
    ]
    findings["baselines"], findings["baseline_comparisons"] = _baselines(tables, values, grid)
    findings["placements"] = _placements(values, grid)
    findings["memory"], findings["memory_effects"] = _memory(tables, grid)
    findings["gradients"], findings["gradient_reach"] = _gradients(tables, grid)
    findings["rates"] = _rates(tables, grid)
    return findings


Key = tuple[str, str, str]
Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


def _by_run(tables: Tables) -> dict[Key, pd.Series]:
    """Return each metric × model × noise as a series over the seeds that completed."""
    runs = tables["runs"][tables["runs"]["status"] == "ok"]
    runs = runs.assign(generalisation_gap=runs["held_out_loss"] - runs["final_loss"])
    accuracy = tables["accuracy"]
    own = accuracy[accuracy["trained_at"] == accuracy["tested_at"]]
    own = own.rename(columns={"trained_at": "noise"})
    wide = runs.merge(own[["model", "noise", "seed", *SCORES]], on=["model", "noise", "seed"])
    return {
        (metric, str(key[0]), str(key[1])): group.set_index("seed")[metric]
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
    values: dict[Key, pd.Series], metric: str, a: str, b: str, noise: str, low: str
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
        for model in grid.compared
        for noise in grid.noises
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
    for noise in grid.noises:
        pairs = [(b, a) for a, b in combinations(grid.compared, 2)]
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
    for noise in grid.noises:
        keys = {m: ("macro_accuracy", m, noise) for m in grid.compared}
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
    for model in grid.compared:
        for trained in grid.noises:
            for tested in grid.noises:
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
    models = [model for model in grid.attention_models if model in grid.compared]
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
        for model in models
        for trained in grid.noises
        for tested in grid.noises
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
    low = grid.quietest
    higher = [noise for noise in grid.noises if noise != low]
    asked = []
    pairs: list[Pair] = []
    for model in models:
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


def _baselines(
    tables: Tables, values: dict[Key, pd.Series], grid: Grid
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Baselines, tested at the noise they were fitted at, and every model against each of them.

    A family is all models against one baseline, at one noise and metric.
    """
    if not grid.baselines:
        return [], []
    table = tables["baselines"]
    own = table[table["trained_at"] == table["tested_at"]].set_index("seed")
    scores = ["macro_accuracy", *SCORES]
    metrics = {**dict(zip(scores, scores, strict=True)), "held_out_loss": "macro_loss"}
    cells: dict[Key, pd.Series] = {
        (metric, baseline, noise): own[(own["model"] == baseline) & (own["trained_at"] == noise)][
            column
        ]
        for metric, column in metrics.items()
        for baseline in grid.baselines
        for noise in grid.noises
    }
    estimates = [
        {"metric": metric, "baseline": baseline, "noise": noise, **asdict(t_interval(cell))}
        for (metric, baseline, noise), cell in cells.items()
        if len(cell)
    ]
    comparisons = [
        {"metric": metric, "noise": noise, "a": model, "b": baseline, **record}
        for metric in ("macro_accuracy", "held_out_loss")
        for noise in grid.noises
        for baseline in grid.baselines
        for model, record in zip(
            grid.compared,
            _compared(
                [
                    _paired({**values, **cells}, (metric, m, noise), (metric, baseline, noise))
                    for m in grid.compared
                ]
            ),
            strict=True,
        )
    ]
    return estimates, comparisons


def _placements(values: dict[Key, pd.Series], grid: Grid) -> list[dict[str, Any]]:
    """Every placement of noise against every other at the same level, within a model.

    A family is all models and pairs of placements at one level and metric.
    """
    records = []
    for level in sorted({noise.level for noise in grid.conditions} - {0}):
        there = [noise for noise in grid.conditions if noise.level == level]
        asked = [(model, a, b) for model in grid.compared for a, b in combinations(there, 2)]
        if not asked:
            continue
        for metric in ("final_loss", "macro_accuracy"):
            pairs = [_paired(values, (metric, m, a.name), (metric, m, b.name)) for m, a, b in asked]
            records += [
                {
                    "metric": metric, "model": model, "level": level,
                    "a": a.placement, "b": b.placement, **record,
                }
                for (model, a, b), record in zip(asked, _compared(pairs), strict=True)
            ]  # fmt: skip
    return records


def _probe(tables: Tables, probe: str, model: str, noise: str) -> pd.DataFrame:
    """Return what a probe found: one row per seed, one column per distance that all seeds have."""
    table = tables["probes"]
    rows = table[
        (table["probe"] == probe) & (table["model"] == model) & (table["trained_at"] == noise)
    ]
    return rows.pivot(index="seed", columns="distance", values="value").dropna(axis=1)


def _memory(tables: Tables, grid: Grid) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Accuracy behind a suffix of each length, and behind the longest one minus behind none.

    A family of effects is all models trained under one noise.
    """
    estimates, effects = [], []
    for noise in grid.noises:
        pairs = []
        for model in grid.compared:
            wide = _probe(tables, ACCURACY, model, noise)
            estimates += [
                {
                    "model": model, "noise": noise, "distance": int(distance),
                    **asdict(t_interval(wide[distance])),
                }
                for distance in wide.columns
            ]  # fmt: skip
            column = [wide[d].to_numpy(float) for d in (wide.columns[-1:], wide.columns[:1])]
            pairs.append((column[0].ravel(), column[1].ravel()))
        effects += [
            {"model": model, "noise": noise, **record}
            for model, record in zip(grid.compared, _compared(pairs), strict=True)
        ]
    return estimates, effects


def _gradients(tables: Tables, grid: Grid) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Gradient norms by distance from the end, relative to the last character's, over seeds.

    Means and intervals are of the logarithm to base 10, since norms shrink by factors. The reach is
    by what factor a norm changes with every step away from the end, as 10 to the least-squares
    slope of those logarithms, over seeds.
    """
    estimates, reach = [], []
    # Before training a model is the same whatever noise it will be trained under.
    asked = [(INITIAL, grid.quietest), *((TRAINED, noise) for noise in grid.noises)]
    for (probe, noise), model in product(asked, grid.compared):
        wide = _probe(tables, probe, model, noise)
        if wide.empty:
            continue
        norms = np.maximum(wide.to_numpy(float), _SMALLEST_NORM)
        logs = np.log10(norms / norms[:, :1])
        where = {"model": model, "noise": noise, "stage": probe.split()[0]}
        estimates += [
            {**where, "distance": int(distance), **asdict(t_interval(logs[:, i]))}
            for i, distance in enumerate(wide.columns)
        ]
        slopes = np.polyfit(wide.columns.to_numpy(float), logs.T, 1)[0]
        slope = asdict(t_interval(slopes))
        factor = {
            key: None if slope[key] is None else float(10 ** slope[key])
            for key in ("mean", "low", "high")
        }
        reach.append({**where, **factor, "n": slope["n"]})
    return estimates, reach


def _rates(tables: Tables, grid: Grid) -> dict[str, Any]:
    """How models do at each of their learning rates, and at the best one by validation.

    The best is chosen in every seed by its own validation names, which are none of its test names.

    Returns:
        estimates: One record for each metric × model × noise × rate, also of validation accuracy.
        chosen: One record for each model × noise: how many seeds chose each rate.
        best: One record for each metric × model × noise, at the rate that each seed chose.
        single_comparisons, best_comparisons: All pairs of models at the usual rate, and each at its
            best; a family is all pairs at one noise and metric.
    """
    several = {first: names for first, names in grid.rates.items() if len(names) > 1}
    found: dict[str, Any] = {
        "models": several, "estimates": [], "chosen": [], "best": [], "single_comparisons": [],
        "best_comparisons": [],
    }  # fmt: skip
    if not several:
        return found
    runs = tables["runs"]
    runs = runs[runs["compared_as"].isin(several)]
    metrics = ("final_loss", "macro_accuracy")
    for key, cell in runs.groupby(["compared_as", "noise", "learning_rate"], sort=False):
        where = dict(zip(("model", "noise", "rate"), key, strict=True))
        for metric in (*metrics, "validation_accuracy"):
            done = cell[metric].dropna()
            if len(done):
                record = {"metric": metric, **where, **asdict(t_interval(done))}
                found["estimates"].append({**record, "seeds": len(cell)})
    judged = runs.dropna(subset="validation_accuracy").sort_values(
        ["validation_accuracy", "validation_loss"], ascending=[False, True], kind="stable"
    )
    best = judged.groupby(["compared_as", "noise", "seed"], sort=True).head(1)
    for model, noise in product(several, grid.noises):
        cell = best[(best["compared_as"] == model) & (best["noise"] == noise)]
        counts = cell["learning_rate"].value_counts().sort_index()
        if len(counts):
            seeds = {f"{rate:g}": int(count) for rate, count in counts.items()}
            found["chosen"].append({"model": model, "noise": noise, "seeds": seeds})
    usual = runs[(runs["model"] == runs["compared_as"]) & (runs["status"] == "ok")]
    pairs = [(b, a) for a, b in combinations(several, 2)]
    for table, name in ((usual, "single_comparisons"), (best, "best_comparisons")):
        for metric in metrics:
            values: dict[Key, pd.Series] = {
                (metric, str(model), str(noise)): cell.set_index("seed")[metric]
                for (model, noise), cell in table.groupby(["compared_as", "noise"], sort=False)
            }
            for noise in grid.noises:
                if table is best:
                    found["best"] += [
                        {"metric": metric, "model": m, "noise": noise, **_estimate(values, key)}
                        for m in several
                        if (key := (metric, m, noise)) in values
                    ]
                asked = [_paired(values, (metric, a, noise), (metric, b, noise)) for a, b in pairs]
                found[name] += [
                    {"metric": metric, "noise": noise, "a": a, "b": b, **record}
                    for (a, b), record in zip(pairs, _compared(asked), strict=True)
                ]
    return found
