"""All findings: `findings.json`, computed once from the tables."""

from typing import Any

from noisynames.analysis.findings import (
    accuracy,
    attention,
    baselines,
    comparisons,
    contrasts,
    overview,
    probes,
    rates,
    sweeps,
    training,
    variance,
)
from noisynames.analysis.findings.pairs import by_run
from noisynames.analysis.tables import Tables
from noisynames.grid import Grid

Findings = dict[str, Any]

_ALL_PAIRS = "all pairs of models at one noise and metric"
FAMILIES = {
    "planned_contrasts": "the planned contrasts of models, or those of the noise trained under, at "
    "one noise and metric",
    "model_comparisons": _ALL_PAIRS,
    "noise_effects": "all models and noises against the lowest noise, in one metric",
    "interactions": "all pairs of models and noises against the lowest noise, in one metric",
    "time_to_target": "all pairs of models at one noise",
    "attention_effects": "both questions put to the attention, of all models and noises",
    "baseline_comparisons": "all models against one baseline, at one noise and metric",
    "placements": "all models and pairs of placements, at one level and metric",
    "memory_effects": "all models trained under one noise",
    "rates": _ALL_PAIRS,
}
"""Which comparisons of each list are corrected together."""


def find(tables: Tables, grid: Grid) -> Findings:
    """Return all estimates and comparisons as lists of flat records; their topics describe them.

    Differences are paired by seed; only seeds that both sides completed count. Of models that
    differ only in their learning rate, these lists hold one, and `rates` the others; lists that
    repeat a table (curves, recall, commonest_mistakes, attention_positions) hold all models.
    """
    values = by_run(tables)
    return {
        **overview.find(tables, grid),
        "families": FAMILIES,
        "planned_contrasts": contrasts.planned_contrasts(tables, values, grid),
        "estimates": comparisons.estimates(values, grid),
        "cross": accuracy.cross(tables, grid),
        "model_comparisons": comparisons.model_comparisons(values, grid),
        "noise_effects": comparisons.noise_effects(values, grid),
        "variance": variance.variance(values, grid),
        "sweeps": sweeps.sweeps(values, grid),
        "interactions": comparisons.interactions(values, grid),
        "time_to_target": training.time_to_target(tables, grid),
        "ranks": comparisons.ranks(values, grid),
        "attention": attention.attention(tables, grid),
        "attention_effects": attention.effects(tables, grid),
        "attention_agreement": attention.agreement(tables, grid),
        "baselines": baselines.baselines(tables, grid),
        "baseline_comparisons": baselines.comparisons(tables, values, grid),
        "placements": comparisons.placements(values, grid),
        "memory": probes.memory(tables, grid),
        "memory_effects": probes.memory_effects(tables, grid),
        "gradients": probes.gradients(tables, grid),
        "gradient_reach": probes.gradient_reach(tables, grid),
        "rates": rates.find(tables, grid),
        "curves": training.curves(tables),
        "recall": accuracy.recall(tables),
        "confusion_order": accuracy.confusion_order(tables),
        "most_accurate": accuracy.most_accurate(values, grid),
        "commonest_mistakes": accuracy.commonest_mistakes(tables),
        "attention_positions": attention.positions(tables, grid),
    }
