"""What all of the report is about: how many runs and seeds, and what a number is held against."""

from noisynames.analysis.findings.pairs import METRICS, Record, estimate
from noisynames.analysis.statistics import ALPHA, CONFIDENCE, EXACT_UP_TO, smallest_p
from noisynames.analysis.tables import FINAL_POINTS, Tables
from noisynames.grid import Grid
from noisynames.models.labels import labels


def find(tables: Tables, grid: Grid) -> Record:
    """Return the constants of the statistics, the counts of runs, and the yardsticks."""
    status = tables["runs"]["status"]
    return {
        "confidence": CONFIDENCE,
        "alpha": ALPHA,
        "final_points": FINAL_POINTS,
        "seeds": len(grid.seeds),
        "labels": _labels(grid),
        "label_name": grid.label_name,
        "quietest": grid.quietest,
        "noisiest": grid.noisiest,
        "exact_up_to": EXACT_UP_TO,
        "smallest_p": smallest_p(len(grid.seeds)),
        "runs": {
            "planned": len(status),
            **{name: int((status == name).sum()) for name in ("ok", "diverged", "missing")},
        },
        "metrics": METRICS,
        "leaked_names": int(tables["yardsticks"]["leaked"].sum()),
        "yardsticks": {
            name: estimate(tables["yardsticks"][name])
            for name in ("chance", "majority", "ceiling", "macro_ceiling")
        },
    }


def _labels(grid: Grid) -> dict[str, str]:
    """Return what each model is called; one that stands for several rates, by what they share."""
    return labels(grid.models) | labels({name: grid.models[name] for name in grid.compared})
