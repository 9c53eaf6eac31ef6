"""What the whole report uses: the numbers of runs and seeds, and what numbers are compared with."""

import math

from noisynames.analysis.findings.pairs import METRICS, Record, estimate
from noisynames.analysis.statistics.comparing import ALPHA
from noisynames.analysis.statistics.intervals import CONFIDENCE
from noisynames.analysis.statistics.power import POWER
from noisynames.analysis.statistics.sequential import nominal_levels, peeking_error
from noisynames.analysis.statistics.tests import EXACT_UP_TO, smallest_p
from noisynames.analysis.tables import FINAL_POINTS, Tables
from noisynames.grid import Grid
from noisynames.models.labels import labels


def find(tables: Tables, grid: Grid) -> Record:
    """Return the constants of the statistics, the counts of runs, and the yardsticks."""
    status = tables["runs"]["status"]
    return {
        "confidence": CONFIDENCE,
        "alpha": ALPHA,
        "power": POWER,
        "looks": _looks(grid),
        "margins": grid.margins,
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
        "random_loss": -math.log(float(tables["yardsticks"]["chance"].mean())),
        "leaked_names": int(tables["yardsticks"]["leaked"].sum()),
        "yardsticks": {
            name: estimate(tables["yardsticks"][name])
            for name in ("chance", "majority", "ceiling", "macro_ceiling")
        },
    }


def _looks(grid: Grid) -> Record:
    """Return the planned looks, which of them this is, and the risk of looking without a plan.

    Returns:
        planned: The number of seeds at each look. this: Which of them this is, from 1. level: The
        level at which this one tests a single comparison. unplanned: How often five equally spaced
        looks, each at the full level, would detect a difference where there is none.
    """
    return {
        "planned": list(grid.looks),
        "this": grid.look + 1,
        "level": nominal_levels(grid.looks, ALPHA)[grid.look],
        "unplanned": peeking_error(range(1, 6), ALPHA),
    }


def _labels(grid: Grid) -> dict[str, str]:
    """Return each model's label; for one that stands for several rates, what they share."""
    return labels(grid.models) | labels({name: grid.models[name] for name in grid.compared})
