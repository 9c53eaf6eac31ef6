"""Run files to tidy tables, one DataFrame a file of `results/tables/`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from noisynames import runs, splits
from noisynames.attention import by_position, seed_agreement, summarise
from noisynames.errors import UserError
from noisynames.evaluation import yardsticks
from noisynames.files import read_json, write_text

Tables = dict[str, pd.DataFrame]

_CELL = ["model", "trained_at", "tested_at"]
_RUN = [*_CELL, "seed"]
FINAL_POINTS = 5
"""The final training loss is the mean of this many last recorded points."""
HALF_LOSS = 0.5
"""The target loss is this share of the loss of a uniform guess."""
_MISTAKES = 12
_EXAMPLE_NAMES = 12


@dataclass(frozen=True)
class Grid:
    """What was asked for: every model × noise level × seed.

    Attributes:
        models: Names, in the config's order, which every table and figure keeps.
        attention_models: Those of `models` with an attention readout.
        noise_levels, seeds: As in the config.
    """

    models: Sequence[str]
    attention_models: Sequence[str]
    noise_levels: Sequence[int]
    seeds: Sequence[int]


def build(results: Path, grid: Grid) -> Tables:
    """Read the files of every run in `results` and return the tables by name.

    Raises:
        UserError: A file is missing or damaged.
    """
    predictions = _stack(
        {
            (model, noise): results / "evaluation" / model / f"noise{noise}.csv"
            for model in grid.models
            for noise in grid.noise_levels
        },
        grid,
    )
    losses = _losses(results, grid)
    yardstick_rows = [
        {"seed": seed, **yardsticks(splits.read(results / "splits" / f"seed{seed}.csv"))}
        for seed in grid.seeds
    ]
    target = HALF_LOSS * -np.log(yardstick_rows[0]["chance"])
    recall = _recall(predictions)
    accuracy = _accuracy(predictions, recall)
    tables = {
        "losses": losses,
        "runs": _runs(results, grid, losses, accuracy),
        "accuracy": accuracy,
        "recall": recall,
        "confusion": _confusion(predictions),
        "mistakes": _mistakes(predictions),
        "yardsticks": pd.DataFrame(yardstick_rows),
        "time_to_target": _time_to_target(losses, results, grid, target),
    }
    if grid.attention_models:
        weights = _stack(
            {
                (model, noise): results / "attention" / model / f"noise{noise}.csv"
                for model in grid.attention_models
                for noise in grid.noise_levels
            },
            grid,
        )
        tables["attention"] = _ordered(summarise(weights), grid)
        tables["attention_position"] = _ordered(by_position(weights), grid)
        tables["attention_agreement"] = _ordered(seed_agreement(weights), grid)
        tables["attention_examples"] = _attention_examples(weights)
    return {name: _ordered(table, grid) for name, table in tables.items()}


def timings(results: Path, grid: Grid) -> pd.DataFrame:
    """Return what every run cost: the one table that differs from run to run."""
    rows = []
    for model, noise, seed in _cells(grid):
        timing = read_json(_run_folder(results, model, noise, seed) / runs.TIMING)
        machine = timing.pop("machine")
        rows.append({"model": model, "noise": noise, "seed": seed, **timing, **machine})
    return pd.DataFrame(rows)


def write(tables: Tables, folder: Path) -> None:
    """Write every table as CSV with at most 8 significant digits."""
    for name, table in tables.items():
        write_table(table, folder / f"{name}.csv")


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write one table as CSV."""
    write_text(path, table.to_csv(index=False, float_format="%.8g", lineterminator="\n"))


def read(folder: Path) -> Tables:
    """Read the tables that `write` wrote into `folder`, by name."""
    return {path.stem: read_table(path) for path in sorted(folder.glob("*.csv"))}


def read_table(path: Path) -> pd.DataFrame:
    """Read one CSV table. A name or label such as `Null` or `NA` stays text.

    Raises:
        UserError: The file is missing or is no table.
    """
    try:
        return pd.read_csv(path, keep_default_na=False, na_values={"diverged_at": [""]} | _EMPTY)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a table ({error}); delete it and run again") from None


_NUMBERS = (
    "final_loss", "loss_area", "held_out_loss", "macro_accuracy", "entropy", "occlusion_agreement",
)  # fmt: skip
_EMPTY = {column: [""] for column in _NUMBERS}


def _cells(grid: Grid) -> list[tuple[str, int, int]]:
    return [(m, n, s) for m in grid.models for n in grid.noise_levels for s in grid.seeds]


def _run_folder(results: Path, model: str, noise: int, seed: int) -> Path:
    return results / "runs" / model / f"noise{noise}" / f"seed{seed}"


def _stack(files: dict[tuple[str, int], Path], grid: Grid) -> pd.DataFrame:
    frames = []
    for (model, noise), path in files.items():
        frame = read_table(path).rename(columns={"noise": "tested_at"})
        frame = frame[frame["seed"].isin(grid.seeds)]
        frames.append(frame.assign(model=model, trained_at=noise))
    return pd.concat(frames, ignore_index=True)


def _ordered(table: pd.DataFrame, grid: Grid) -> pd.DataFrame:
    """Sort by model in the config's order, then by the other keys as they stand."""
    if "model" not in table.columns:
        return table.reset_index(drop=True)
    rank = {model: i for i, model in enumerate(grid.models)}
    order = table["model"].map(rank).argsort(kind="stable")
    return table.iloc[order].reset_index(drop=True)


def _losses(results: Path, grid: Grid) -> pd.DataFrame:
    frames = []
    for model, noise, seed in _cells(grid):
        frame = read_table(_run_folder(results, model, noise, seed) / runs.LOSSES)
        if list(frame.columns) != ["update", "loss"]:
            path = _run_folder(results, model, noise, seed) / runs.LOSSES
            raise UserError(f"{path}: not a table of update and loss; delete it and run again")
        frames.append(frame.assign(model=model, noise=noise, seed=seed))
    return pd.concat(frames)[["model", "noise", "seed", "update", "loss"]]


def _recall(predictions: pd.DataFrame) -> pd.DataFrame:
    """Per language: recall, precision and F1 of each run and evaluation noise level."""
    predictions = predictions.assign(correct=predictions["language"] == predictions["prediction"])
    keys = [*_RUN, "language"]
    table = predictions.groupby(keys).agg(names=("correct", "size"), recall=("correct", "mean"))
    predicted = predictions.groupby([*_RUN, "prediction"])["correct"].mean()
    predicted.index.names = keys
    # A language that is never predicted has precision 0, and so F1 0.
    table["precision"] = predicted.reindex(table.index).fillna(0.0)
    total = table["recall"] + table["precision"]
    table["f1"] = (2 * table["recall"] * table["precision"] / total.where(total > 0)).fillna(0.0)
    return table.reset_index()


def _accuracy(predictions: pd.DataFrame, recall: pd.DataFrame) -> pd.DataFrame:
    """Per run and evaluation noise level: plain, macro-averaged and top-3 accuracy, F1, loss."""
    scored = predictions.assign(correct=predictions["rank"] == 1, in_top3=predictions["rank"] <= 3)
    per_name = scored.groupby(_RUN).agg(
        accuracy=("correct", "mean"), loss=("loss", "mean"), names=("correct", "size")
    )
    # Training draws languages uniformly, so a loss to hold against it is averaged over languages.
    per_language = scored.groupby([*_RUN, "language"]).agg(
        macro_loss=("loss", "mean"), macro_top3=("in_top3", "mean")
    )
    macro = per_language.groupby(_RUN).mean()
    averages = recall.groupby(_RUN).agg(macro_accuracy=("recall", "mean"), macro_f1=("f1", "mean"))
    return per_name.join(averages).join(macro).reset_index()


def _runs(results: Path, grid: Grid, losses: pd.DataFrame, accuracy: pd.DataFrame) -> pd.DataFrame:
    curves = losses.groupby(["model", "noise", "seed"])["loss"]
    final = curves.apply(lambda loss: loss.tail(FINAL_POINTS).mean())
    area = curves.mean()
    own = accuracy[accuracy["trained_at"] == accuracy["tested_at"]]
    own = own.set_index(["model", "trained_at", "seed"])
    rows = []
    for key in _cells(grid):
        record = runs.read_record(_run_folder(results, *key))
        ok = record["status"] == "ok"
        rows.append(
            {
                "model": key[0],
                "noise": key[1],
                "seed": key[2],
                "status": record["status"],
                "diverged_at": record["diverged_at"],
                "engine": record["engine"],
                **record["spec"],
                "parameters": record["parameters"],
                "updates": record["hyperparameters"]["updates"],
                "learning_rate": record["hyperparameters"]["learning_rate"],
                "final_loss": final[key] if ok else np.nan,
                "loss_area": area[key] if ok else np.nan,
                "held_out_loss": own["macro_loss"][key] if ok else np.nan,
                "macro_accuracy": own["macro_accuracy"][key] if ok else np.nan,
            }
        )
    return pd.DataFrame(rows).astype({"diverged_at": "Int64"})


def _time_to_target(losses: pd.DataFrame, results: Path, grid: Grid, target: float) -> pd.DataFrame:
    """The first recorded update of each run at or below a loss; where it never came, the last one.

    A run that diverged is censored where it did.
    """
    rows = []
    curves = dict(iter(losses.groupby(["model", "noise", "seed"])))
    for key in _cells(grid):
        record = runs.read_record(_run_folder(results, *key))
        curve = curves.get(key)
        reached = curve is not None and bool((curve["loss"] <= target).any())
        if curve is not None and reached:
            update = int(curve.loc[curve["loss"] <= target, "update"].min())
        else:
            update = record["diverged_at"] or record["hyperparameters"]["updates"]
        model, noise, seed = key
        rows.append(
            {"model": model, "noise": noise, "seed": seed, "target": target}
            | {"update": update, "reached": int(reached)}
        )
    return pd.DataFrame(rows)


def _confusion(predictions: pd.DataFrame) -> pd.DataFrame:
    """Row-normalised confusion, averaged over seeds: P(prediction | language)."""
    languages = sorted(predictions["language"].unique())
    counts = predictions.groupby([*_RUN, "language", "prediction"]).size().unstack(fill_value=0)
    shares = counts.reindex(columns=languages, fill_value=0)
    shares = shares.div(shares.sum(axis=1), axis=0)
    mean = shares.groupby([*_CELL, "language"]).mean()
    long = mean.reset_index().melt([*_CELL, "language"], var_name="prediction", value_name="share")
    return long.sort_values([*_CELL, "language", "prediction"])


def _mistakes(predictions: pd.DataFrame) -> pd.DataFrame:
    """The most confident mistakes of each model, tested at the noise it was trained at."""
    own = predictions[predictions["trained_at"] == predictions["tested_at"]]
    wrong = own[own["language"] != own["prediction"]]
    keys = ["model", "trained_at", "name", "language", "prediction"]
    table = wrong.groupby(keys).agg(probability=("probability", "max"), seeds=("seed", "nunique"))
    held_out = own.groupby(["model", "trained_at", "name"])["seed"].nunique().rename("held_out")
    table = table.reset_index().join(held_out, on=["model", "trained_at", "name"])
    table = table.sort_values(
        ["model", "trained_at", "probability", "name", "language"],
        ascending=[True, True, False, True, True],
    )
    shown: pd.DataFrame = table.groupby(["model", "trained_at"]).head(_MISTAKES)
    return shown


def _attention_examples(weights: pd.DataFrame) -> pd.DataFrame:
    """The weights of a few names of the first seed, one a language, for the heat maps."""
    first = weights[weights["seed"] == weights["seed"].min()]
    names = first[["language", "name"]].drop_duplicates().groupby("language").head(1)
    chosen = names.iloc[np.linspace(0, len(names) - 1, min(_EXAMPLE_NAMES, len(names))).astype(int)]
    table = first.merge(chosen, on=["language", "name"])
    ordered: pd.DataFrame = table.sort_values([*_RUN, "language", "name", "position"])
    return ordered
