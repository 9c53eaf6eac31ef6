"""Tables of runs with made-up outcomes."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from noisynames.analysis.findings import summary
from noisynames.analysis.findings.summary import Findings
from noisynames.analysis.tables import Tables
from noisynames.config import resolve
from noisynames.evaluation.jobs import Columns
from noisynames.grid import Grid

SCHEMA = Path(__file__).parents[1] / "workflow/schemas/config.schema.yaml"
SEEDS = 10
MODELS = {"rnn": {"cell": "rnn"}, "gru": {"cell": "gru"}}
PLACES = {"levels": [0, 5], "placement": ["suffix", "prefix", "scattered"]}
RATES = {
    "rnn": {"cell": "rnn"},
    "rnn_fast": {"cell": "rnn", "learning_rate": 0.1},
    "gru": {"cell": "gru"},
    "gru_fast": {"cell": "gru", "learning_rate": 0.1},
}
CELLS: dict[str, dict[str, Any]] = {
    "rnn": {"cell": "rnn"},
    "lstm": {"cell": "lstm"},
    "deep": {"cell": "lstm", "num_layers": 2},
}
LANGUAGES = ("Elvish", "Klingon")


def columns(table: pd.DataFrame) -> Columns:
    """A data frame as the arrays that jobs on an arm work with."""
    return {str(name): column.to_numpy() for name, column in table.items()}


def tables_of(grid: Grid, accuracy: dict[tuple[str, str], float], **more: Any) -> Tables:
    """Tables of runs with about these accuracies; the loss is 1 minus accuracy.

    Args:
        grid: What was asked for.
        accuracy: Of each model × noise.
        more: `validation` and `loss` of a model; `ngrams`, the baseline's accuracy; `spread` over
            seeds; `lost`, runs that are not there, by their status; `draw`, which little it is.
    """
    rng = np.random.default_rng(more.get("draw", 0))
    lost, spread = more.get("lost", {}), more.get("spread", 0.003)
    runs = pd.DataFrame(
        {
            "model": model,
            "noise": noise,
            "seed": seed,
            "compared_as": grid.compared_as[model],
            "status": lost.get((model, noise, seed), "ok"),
            "learning_rate": grid.models[model]["learning_rate"],
            "batch_size": grid.models[model]["batch_size"],
            "macro_accuracy": (a := accuracy[model, noise] + rng.normal(0, spread)),
            "final_loss": more.get("loss", {}).get(model, 1) - a,
            "loss_area": 1 - a,
            "held_out_loss": 2 - a,
            "validation_accuracy": more.get("validation", {}).get(model, np.nan),
            "validation_loss": 1.0,
        }
        for model, noise, seed in grid.cells
    )
    done = runs[runs["status"] == "ok"]
    scores = done.assign(trained_at=runs["noise"], tested_at=runs["noise"], macro_loss=1.0)
    for key in ("accuracy", "macro_top3", "macro_f1"):
        scores[key] = scores["macro_accuracy"]
    keys = ["model", "trained_at", "tested_at", "seed", "accuracy", "macro_accuracy"]
    keys += ["macro_top3", "macro_f1", "macro_loss"]
    accuracies = scores[keys]
    baselines = [
        accuracies[accuracies["model"] == grid.compared[0]].assign(
            model=name, macro_accuracy=more.get("ngrams", 0.5) if name == "ngrams" else 0.1
        )
        for name in grid.baselines
    ]
    probes = pd.DataFrame(
        {
            "model": model, "trained_at": noise, "seed": seed, "probe": probe,
            "distance": distance,
            "value": 0.5**distance if probe != "accuracy" else 0.8 - 0.05 * distance,
        }
        for model, noise, seed in grid.cells
        for probe in ("accuracy", "initial gradient", "trained gradient")
        for distance in range(5)
    )  # fmt: skip
    languages = accuracies.merge(pd.DataFrame({"language": LANGUAGES}), how="cross")
    cells = accuracies.drop_duplicates(["model", "trained_at"])
    mistaken = pd.DataFrame(
        [
            ("Elvish", "Elvish", 0.7), ("Elvish", "Klingon", 0.3),
            ("Klingon", "Elvish", 0.4), ("Klingon", "Klingon", 0.6),
        ],
        columns=["language", "prediction", "share"],
    )  # fmt: skip
    updates = pd.DataFrame({"update": [100, 200, 300], "loss": [3.0, 2.0, 1.0]})
    return {
        "runs": runs,
        "losses": runs[["model", "noise", "seed"]].merge(updates, how="cross"),
        "recall": languages.assign(recall=languages["macro_accuracy"]),
        "confusion": cells[["model", "trained_at", "tested_at"]].merge(mistaken, how="cross"),
        "accuracy": accuracies,
        "baselines": pd.concat(baselines) if baselines else accuracies.iloc[:0],
        "probes": probes,
        "yardsticks": pd.DataFrame(
            [{"chance": 0.1, "majority": 0.2, "ceiling": 0.9, "macro_ceiling": 0.9, "leaked": 0}]
            * len(grid.seeds)
        ),
        "time_to_target": pd.DataFrame(
            {
                "model": model,
                "noise": noise,
                "seed": seed,
                "target": 1.0,
                "update": 9,
                "reached": 1,
            }
            for model, noise, seed in grid.cells
        ),
    }


def placed(rnn: list[float], gru: list[float]) -> tuple[Findings, dict[str, Any]]:
    """The findings, and their config, for accuracies at 0, 5, 5-prefix and 5-scattered."""
    config = resolve({"models": MODELS, "noise": PLACES, "seeds": SEEDS}, SCHEMA)
    grid = Grid.of(config)
    assert grid.noises == ["0", "5", "5-prefix", "5-scattered"]
    values = {
        (model, noise): value
        for model, row in (("rnn", rnn), ("gru", gru))
        for noise, value in zip(grid.noises, row, strict=True)
    }
    return summary.find(tables_of(grid, values), grid), config


def quiet(
    models: dict[str, Any], accuracy: dict[str, float], **more: Any
) -> tuple[Findings, dict[str, Any]]:
    """The findings, and their config, for models of these accuracies at noise 0."""
    config = resolve({"models": models, "noise": {"levels": [0]}, "seeds": SEEDS}, SCHEMA)
    grid = Grid.of(config)
    values = {(model, "0"): value for model, value in accuracy.items()}
    return summary.find(tables_of(grid, values, **more), grid), config


def noisy(
    accuracy: dict[str, tuple[float, float]], seeds: int = SEEDS, **more: Any
) -> tuple[Findings, dict[str, Any]]:
    """The findings, and their config, for models of these accuracies without noise and under it."""
    models = {name: CELLS.get(name, {"cell": "gru"}) for name in accuracy}
    config = resolve({"models": models, "noise": {"levels": [0, 5]}, "seeds": seeds}, SCHEMA)
    grid = Grid.of(config)
    values = {
        (model, noise): value
        for model, both in accuracy.items()
        for noise, value in zip(("0", "5"), both, strict=True)
    }
    return summary.find(tables_of(grid, values, **more), grid), config
