"""Reads the files of runs into tidy tables, one DataFrame per file of `results/tables/`."""

import io
import itertools
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from noisynames import mistakes
from noisynames.columns import TYPES
from noisynames.errors import UserError
from noisynames.files import (
    csv_text,
    parsed,
    read_record,
    read_recorded,
    read_table,
    write_record,
    write_table,
)
from noisynames.grid import (
    ATTENTION,
    FINDINGS,
    LOSSES,
    RECORD,
    SCORE_TABLES,
    TIMING,
    TIMINGS,
    UNTRAINED,
    Cell,
    Grid,
    run_folder,
    split_file,
)
from noisynames.names import splits
from noisynames.names.noise import Noise

Tables = dict[str, pd.DataFrame]

FINAL_POINTS = 5
"""The final training loss is the mean of this many last recorded points."""
HALF_LOSS = 0.5
"""The target loss is this share of the loss of a uniform guess."""


def build(
    results: Path, grid: Grid, work: Path | None = None, missing: Mapping[Cell, str] | None = None
) -> Tables:
    """Read the files of every run and return the tables by name.

    Args:
        results: The folder that holds `runs/` and `splits/`.
        grid: What was asked for.
        work: The folder that holds `evaluation/` and `attention/`; by default `results`.
        missing: Missing runs, each with the reason; they get a row in the table of runs and
            count nowhere else.

    Raises:
        UserError: A file is missing or damaged, or a run is not what the grid asks for.
    """
    work, missing = work or results, missing or {}
    records = {cell: read_run(results, grid, cell) for cell in grid.cells if cell not in missing}
    seeds = sorted({seed for _, _, seed in records})
    validation = _validation(work / "evaluation", grid)
    _vouch(work / "evaluation", [*grid.models, *grid.baselines], grid)
    _vouch(work / "attention", grid.attention_models, grid)
    scored = {name: _stack(work / "evaluation", grid.models, grid, name) for name in SCORE_TABLES}
    losses = _losses(results, records)
    yardstick_rows = [
        {"seed": seed, **splits.yardsticks(splits.read(split_file(results, seed)))}
        for seed in grid.seeds
        if seed in seeds
    ]
    target = HALF_LOSS * -np.log(yardstick_rows[0]["chance"])
    tables = {
        **scored,
        "losses": losses,
        "runs": _runs(grid, records, missing, losses, scored["accuracy"], validation),
        "yardsticks": pd.DataFrame(yardstick_rows),
        "time_to_target": _time_to_target(losses, records, target),
        "probes": _stack(work / "probes", grid.models, grid),
    }
    if grid.baselines:
        baselines = _stack(work / "evaluation", grid.baselines, grid, "accuracy")
        tables["baselines"] = baselines[baselines["seed"].isin(seeds)]
    if grid.attention_models:
        for name in ATTENTION:
            tables[name] = _stack(work / "attention", grid.attention_models, grid, name)
    if len(grid.parts) > 1:
        tables |= _over_parts(tables, work / "evaluation", grid)
    return {name: _ordered(table, grid) for name, table in tables.items()}


def timings(results: Path, cells: Iterable[Cell]) -> pd.DataFrame:
    """Return what every run cost: the one table that differs each time."""
    rows = []
    for model, noise, seed in cells:
        timing = read_record(run_folder(results, (model, noise, seed)) / TIMING)
        machine = timing.pop("machine")
        rows.append({"model": model, "noise": noise, "seed": seed, **timing, **machine})
    return pd.DataFrame(rows)


def write(tables: Tables, folder: Path, record: str, content: Mapping[str, Any]) -> None:
    """Write every table as CSV, and the record that vouches for them."""
    paths = {name: folder / f"{name}.csv" for name in tables}
    for name, table in tables.items():
        write_table(table, paths[name])
    write_record(folder / record, content, files=paths.values())


def read(folder: Path) -> tuple[Tables, dict[str, Any]]:
    """Read the tables in `folder` by name, and all findings, including what runs cost.

    Raises:
        UserError: A file is missing or damaged.
    """
    return _read(lambda name: folder / name)


def read_files(files: Iterable[Path]) -> tuple[Tables, dict[str, Any]]:
    """Read tables and findings as `read` does, from their files, wherever these are.

    Raises:
        UserError: A file is not given, missing or damaged.
    """
    named = {path.name: path for path in files}

    def place(name: str) -> Path:
        if name not in named:
            raise UserError(f"tables: found no {name}; allowed: every file that aggregate writes")
        return named[name]

    return _read(place)


def _read(place: Callable[[str], Path]) -> tuple[Tables, dict[str, Any]]:
    findings, costs = read_record(place(FINDINGS)), read_record(place(TIMINGS))
    tables = {
        Path(name).stem: read_table(place(name), record)
        for record in (findings, costs)
        for name in record["files"]
    }
    return tables, costs | findings


def as_written(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with its numbers as they are in its file.

    What is drawn or printed beside the table's own numbers is computed from these: a recall of
    0.125 in the file is rounded from that, not from the original 0.12500000002.
    """
    return parsed(csv_text(table).encode())


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as records; a missing value is None."""
    return [
        {str(key): None if pd.isna(value) else value for key, value in row.items()}
        for row in table.to_dict("records")
    ]


def read_run(results: Path, grid: Grid, cell: Cell) -> dict[str, Any]:
    """Return a run's record.

    Raises:
        UserError: It is missing, damaged, or not of the run that the grid asks for.
    """
    folder = run_folder(results, cell)
    record = read_record(folder / RECORD)
    characters = grid.noise_characters if Noise.named(cell[1]).level else None
    asked = {**grid.training, **grid.models[cell[0]], "noise_characters": characters}
    asked |= {"kept": dict(grid.drawn(cell).kept)}
    found = {**record["spec"], **record["hyperparameters"], "kept": record.get("kept", {})}
    found["noise_characters"] = record["noise_characters"]
    for key, value in asked.items():
        if key not in UNTRAINED and found.get(key) != value:
            raise UserError(
                f"{folder}: trained with {key} {found.get(key)}, the config says {value}; "
                f"`rm -r {shlex.quote(str(folder))}`, then run again"
            )
    return record


def _files(folder: Path, models: Iterable[str], grid: Grid) -> Iterator[tuple[str, str, Path]]:
    """Yield the model and noise of each arm, and the file of each part of its seeds."""
    for model, noise, part in itertools.product(models, grid.noises, grid.parts):
        yield model, noise, folder / model / f"noise{noise}{part}.csv"


def _vouch(folder: Path, models: Iterable[str], grid: Grid) -> None:
    """Refuse altered files of predictions: not read here, but the tables are made from them."""
    for _, _, path in _files(folder, models, grid):
        read_recorded(path, read_record(path.with_suffix(".json")))


def _stack(folder: Path, models: Iterable[str], grid: Grid, table: str = "") -> pd.DataFrame:
    """Return the tables of all arms as one, with columns for model and noise."""
    frames = []
    for model, noise, path in _files(folder, models, grid):
        record = read_record(path.with_suffix(".json"))
        file = path.with_name(f"{path.stem}-{table}.csv") if table else path
        frame = read_table(file, record)
        frames.append(frame.assign(model=model, trained_at=noise))
    filled = [frame for frame in frames if len(frame)]
    whole = pd.concat(filled or frames[:1], ignore_index=True)
    keys = [key for key in ("model", "trained_at") if key in whole.columns]
    return whole[[*keys, *(column for column in whole.columns if column not in keys)]]


def _over_parts(tables: Tables, evaluation: Path, grid: Grid) -> Tables:
    """Return, for all seeds, the tables that summarise seeds and so far do so part by part.

    How far seeds agree on where to attend is averaged over names, within parts.
    """
    cell = ["model", "trained_at"]
    surest = []
    files = itertools.groupby(_files(evaluation, grid.models, grid), lambda item: item[:2])
    for (model, noise), parts in files:
        paths = [path for _, _, path in parts]
        rows = pd.concat([read_table(p, read_record(p.with_suffix(".json"))) for p in paths])
        found = _mistakes(rows[rows["noise"] == noise])
        surest.append(found.assign(model=model, trained_at=noise))
    whole = {
        "confusion": _weighted_mean(
            tables["confusion"], [*cell, "tested_at", "language", "prediction"], "share", "seeds"
        ),
        "mistakes": pd.concat(surest)[tables["mistakes"].columns],
    }
    if grid.attention_models:
        agreement, examples = tables["attention_agreement"], tables["attention_examples"]
        whole["attention_agreement"] = _weighted_mean(agreement, cell, "agreement", "names")
        first = examples.groupby(cell)["seed"].transform("min")
        whole["attention_examples"] = examples[examples["seed"] == first]
    return whole


def _mistakes(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the most confident mistakes of all seeds under one noise."""
    seeds = []
    for _, rows in predictions.groupby("seed"):
        wrong = rows[rows["language"] != rows["prediction"]]
        columns = wrong[["name", "language", "prediction", "probability"]]
        seeds.append((rows["name"], columns.itertuples(index=False, name=None)))
    return pd.DataFrame(mistakes.most_confident(seeds), columns=mistakes.Mistake._fields)


def _weighted_mean(table: pd.DataFrame, keys: list[str], value: str, weight: str) -> pd.DataFrame:
    """Return a row for each combination of keys: a value's weighted mean and the sum of weights."""
    total = table.assign(**{value: table[value] * table[weight]}).groupby(keys)[[value, weight]]
    sums = total.sum()
    sums[value] /= sums[weight]
    return sums.reset_index()


def _validation(folder: Path, grid: Grid) -> dict[Cell, dict[str, float]]:
    """Return how each run did on its validation names, if it has any."""
    return {
        (model, noise, row["seed"]): row
        for model, noise, path in _files(folder, grid.models, grid)
        for row in read_record(path.with_suffix(".json"))["validation"]
    }


def _ordered(table: pd.DataFrame, grid: Grid) -> pd.DataFrame:
    """Sort by model and noise in the config's order, keeping the order of the other keys."""
    ranks = [("model", [*grid.models, *grid.baselines])]
    ranks += [(key, list(grid.noises)) for key in ("noise", "trained_at", "tested_at")]
    keys = [
        table[key].map({name: i for i, name in enumerate(order)})
        for key, order in ranks
        if key in table.columns
    ]
    if keys:
        table = table.iloc[np.lexsort(keys[::-1])]
    return table.reset_index(drop=True)


def _losses(results: Path, records: Mapping[Cell, dict[str, Any]]) -> pd.DataFrame:
    # As one text: reading thousands of curves one by one takes as long as everything else here.
    header, texts = b"", []
    for cell, record in records.items():
        content = read_recorded(run_folder(results, cell) / LOSSES, record)
        header, _, text = content.partition(b"\n")
        texts.append(text)
    keys = pd.DataFrame(list(records), columns=["model", "noise", "seed"])
    of_point = keys.loc[keys.index.repeat([text.count(b"\n") for text in texts])]
    points = pd.read_csv(io.BytesIO(header + b"\n" + b"".join(texts)), dtype=TYPES)
    return pd.concat([of_point.reset_index(drop=True), points], axis=1)


def _runs(
    grid: Grid,
    records: Mapping[Cell, dict[str, Any]],
    missing: Mapping[Cell, str],
    losses: pd.DataFrame,
    accuracy: pd.DataFrame,
    validation: Mapping[Cell, Mapping[str, float]],
) -> pd.DataFrame:
    compared_as = grid.compared_as
    curves = losses.groupby(["model", "noise", "seed"])["loss"]
    final = curves.apply(lambda loss: loss.tail(FINAL_POINTS).mean())
    area = curves.mean()
    own = accuracy[accuracy["trained_at"] == accuracy["tested_at"]]
    own = own.set_index(["model", "trained_at", "seed"])
    rows = []
    for cell in grid.cells:
        row: dict[str, Any] = dict(zip(("model", "noise", "seed"), cell, strict=True))
        row["compared_as"] = compared_as[cell[0]]
        if cell in missing:
            rows.append({**row, "status": "missing", "reason": missing[cell]})
            continue
        record = records[cell]
        ok = record["status"] == "ok"
        rows.append(
            {
                **row,
                "status": record["status"],
                "reason": "",
                "diverged_at": record["diverged_at"],
                "engine": record["engine"],
                **record["spec"],
                "parameters": record["parameters"],
                "updates": record["hyperparameters"]["updates"],
                "learning_rate": record["hyperparameters"]["learning_rate"],
                "batch_size": record["hyperparameters"]["batch_size"],
                "final_loss": final[cell] if ok else np.nan,
                "loss_area": area[cell] if ok else np.nan,
                "held_out_loss": own["macro_loss"][cell] if ok else np.nan,
                "macro_accuracy": own["macro_accuracy"][cell] if ok else np.nan,
                **{
                    key: validation.get(cell, {}).get(key, np.nan)
                    for key in ("validation_accuracy", "validation_loss")
                },
            }
        )
    whole = ("diverged_at", "hidden_size", "num_layers", "parameters", "updates", "batch_size")
    return pd.DataFrame(rows).astype(dict.fromkeys(whole, "Int64"))


def _time_to_target(
    losses: pd.DataFrame, records: Mapping[Cell, dict[str, Any]], target: float
) -> pd.DataFrame:
    """Return each run's first recorded update at or below a loss; if there is none, its last.

    A run that diverged is censored where it did.
    """
    low = losses[losses["loss"] <= target].groupby(["model", "noise", "seed"])["update"].min()
    reached_at = low.to_dict()
    rows = []
    for cell, record in records.items():
        end = record["diverged_at"] or record["hyperparameters"]["updates"]
        update, reached = reached_at.get(cell, end), int(cell in reached_at)
        rows.append((*cell, target, update, reached))
    columns = ["model", "noise", "seed", "target", "update", "reached"]
    return pd.DataFrame(rows, columns=columns)
