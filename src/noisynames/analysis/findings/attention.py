"""Where the attention goes."""

import pandas as pd

from noisynames.analysis.findings.comparisons import higher_noises
from noisynames.analysis.findings.pairs import Pair, Record, compared, estimate, standard
from noisynames.analysis.tables import Tables, as_written, records
from noisynames.grid import Grid

_QUANTITIES = (
    "last_character", "last_letter", "on_noise", "noise_share", "entropy", "occlusion_agreement"
)  # fmt: skip


def attention(tables: Tables, grid: Grid) -> list[Record]:
    """Return a record for each model × trained_at × tested_at × quantity."""
    return [
        {
            "quantity": quantity,
            "model": model,
            "trained_at": trained,
            "tested_at": tested,
            **estimate(cell[quantity].dropna()),
        }
        for (model, trained, tested), cell in _cells(tables, grid).items()
        for quantity in _QUANTITIES
        if cell[quantity].notna().any()
    ]


def effects(tables: Tables, grid: Grid) -> list[Record]:
    """Return how attention differs from that at the lowest noise, and from uniform attention.

    The quantity `last_character` is compared with that at the lowest noise, `on_noise` with the
    share of the characters that are noise. All records are one family.
    """
    cells = _cells(tables, grid)
    low = grid.quietest
    asked: list[Record] = []
    pairs: list[Pair] = []
    for model in dict.fromkeys(model for model, _, _ in cells):
        for noise in higher_noises(grid):
            quiet, noisy = cells[model, low, low], cells[model, noise, noise]
            seeds = quiet.index.intersection(noisy.index)
            at_noise, at_low = noisy.loc[seeds], quiet.loc[seeds]
            where = {"model": model, "noise": noise, "against": low}
            asked.append({"quantity": "last_character", **where})
            pairs.append(
                (at_noise["last_character"].to_numpy(), at_low["last_character"].to_numpy())
            )
            asked.append({"quantity": "on_noise", **where})
            pairs.append((at_noise["on_noise"].to_numpy(), at_noise["noise_share"].to_numpy()))
    return compared(asked, pairs, standard("attention", grid))


def agreement(tables: Tables, grid: Grid) -> list[Record]:
    """Return how far seeds agree on where to attend, one record for each model × trained_at."""
    if not grid.attention_models:
        return []
    found = records(tables["attention_agreement"])
    return [record for record in found if record["model"] in grid.compared]


def positions(tables: Tables, grid: Grid) -> list[Record]:
    """Return the mean weight at each position from the end, from the weights in the table.

    One record for each model × trained_at × from_end, tested under the same noise: n is the number
    of seeds with a name that is long enough.
    """
    if not grid.attention_models:
        return []
    table = tables["attention_position"]
    own = as_written(table[table["trained_at"] == table["tested_at"]])
    keys = ["model", "trained_at", "from_end"]
    return [
        {"quantity": "weight", **dict(zip(keys, key, strict=True)), **estimate(weights)}
        for key, weights in own.groupby(keys)["weight"]
    ]


def _cells(tables: Tables, grid: Grid) -> dict[tuple[str, str, str], pd.DataFrame]:
    """Return rows by model, trained_at and tested_at, with the seed as index."""
    if "attention" not in tables or tables["attention"].empty:
        return {}
    table = tables["attention"]
    return {
        (model, trained, tested): table[
            (table["model"] == model)
            & (table["trained_at"] == trained)
            & (table["tested_at"] == tested)
        ].set_index("seed")
        for model in grid.attention_models
        if model in grid.compared
        for trained in grid.noises
        for tested in grid.noises
    }
