"""How models do at each of their learning rates, and at the best by validation."""

from itertools import chain, combinations, product

import pandas as pd

from noisynames.analysis.findings.pairs import Record, Values, compared, estimate, paired, standard
from noisynames.analysis.tables import Tables
from noisynames.grid import Grid

_METRICS = ("final_loss", "macro_accuracy")


def find(tables: Tables, grid: Grid) -> Record:
    """Return how models do at each of their learning rates, and at the best by validation.

    Every seed chooses the best with its own validation names, which are not among its test names.

    Returns:
        models: The names of each model that has several rates, by the name that stands for them.
        estimates: One record for each metric × model × noise × rate, validation accuracy included.
        chosen: One record for each model × noise: how many seeds chose each rate.
        best: One record for each metric × model × noise, at the rate that each seed chose.
        single_comparisons, best_comparisons: All pairs of models at the usual rate, and at the
            best rate of each; a family is all pairs at one noise and metric.
    """
    several = {first: names for first, names in grid.rates.items() if len(names) > 1}
    if not several:
        lists = ("estimates", "chosen", "best", "single_comparisons", "best_comparisons")
        return {"models": several, **{key: [] for key in lists}}
    runs = tables["runs"][tables["runs"]["model"].isin([*chain(*several.values())])]
    usual = runs[(runs["model"] == runs["compared_as"]) & (runs["status"] == "ok")]
    best = _best(runs)
    at_usual, at_best = _values(usual), _values(best)
    return {
        "models": several,
        "estimates": _estimates(runs),
        "chosen": _chosen(best, several, grid),
        "best": [
            {"metric": metric, "model": model, "noise": noise, **estimate(at_best[key])}
            for metric, noise, model in product(_METRICS, grid.noises, several)
            if (key := (metric, model, noise)) in at_best
        ],
        "single_comparisons": _comparisons(at_usual, several, grid),
        "best_comparisons": _comparisons(at_best, several, grid),
    }


def _estimates(runs: pd.DataFrame) -> list[Record]:
    records = []
    for key, cell in runs.groupby(["compared_as", "noise", "learning_rate"], sort=False):
        where = dict(zip(("model", "noise", "rate"), key, strict=True))
        for metric in (*_METRICS, "validation_accuracy"):
            done = cell[metric].dropna()
            if len(done):
                records.append({"metric": metric, **where, **estimate(done), "seeds": len(cell)})
    return records


def _best(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the run that did best on validation names, for each model × noise × seed."""
    judged = runs.dropna(subset="validation_accuracy").sort_values(
        ["validation_accuracy", "validation_loss"], ascending=[False, True], kind="stable"
    )
    return judged.groupby(["compared_as", "noise", "seed"], sort=True).head(1)


def _chosen(best: pd.DataFrame, several: dict[str, list[str]], grid: Grid) -> list[Record]:
    records = []
    for model, noise in product(several, grid.noises):
        cell = best[(best["compared_as"] == model) & (best["noise"] == noise)]
        counts = cell["learning_rate"].value_counts().sort_index()
        if len(counts):
            seeds = {f"{rate:g}": int(count) for rate, count in counts.items()}
            records.append({"model": model, "noise": noise, "seeds": seeds})
    return records


def _values(runs: pd.DataFrame) -> Values:
    return {
        (metric, str(model), str(noise)): cell.set_index("seed")[metric]
        for metric in _METRICS
        for (model, noise), cell in runs.groupby(["compared_as", "noise"], sort=False)
    }


def _comparisons(values: Values, several: dict[str, list[str]], grid: Grid) -> list[Record]:
    pairs = [(b, a) for a, b in combinations(several, 2)]
    records = []
    for metric, noise in product(_METRICS, grid.noises):
        records += compared(
            [{"metric": metric, "noise": noise, "a": a, "b": b} for a, b in pairs],
            [paired(values, (metric, a, noise), (metric, b, noise)) for a, b in pairs],
            standard(metric, grid),
        )
    return records
