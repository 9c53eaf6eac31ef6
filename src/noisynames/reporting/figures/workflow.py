"""The rules of the workflow."""

from typing import TYPE_CHECKING

from noisynames.reporting.figures.look import INK, Look, new_panels
from noisynames.reporting.figures.registry import Numbers, figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from noisynames.analysis.findings.summary import Findings
    from noisynames.analysis.tables import Tables

RULE_GRAPH = {
    "dataset": [],
    "split": ["dataset"],
    "train": ["split"],
    "baseline": ["split"],
    "evaluate": ["split", "train"],
    "probe": ["split", "train"],
    "inspect_attention": ["split", "train"],
    "reference": ["split"],
    "aggregate": ["baseline", "evaluate", "inspect_attention", "probe", "split", "train"],
    "plot": ["aggregate"],
    "report": ["aggregate", "dataset", "plot", "reference", "split", "train"],
}
"""Rules and what each waits for, as `snakemake --rulegraph` prints it."""


@figure(
    alt="The rules of the workflow and what each waits for",
    caption="""
        The rules of the workflow, from left to right in the order in which they must run; an
        arrow leads to the rule that waits. Waits that follow from those shown are left out here
        and listed below. <code>train</code> runs once for every model, noise level and seed.
    """,
    numbers=Numbers(
        "The rules of the workflow and what each waits for",
        [("Rule", "rule", False), ("After", "needs", False)],
        lambda tables, findings: [
            {"rule": rule, "needs": ", ".join(needs) or "–"} for rule, needs in RULE_GRAPH.items()
        ],
    ),
)
def rules(tables: "Tables", findings: "Findings", look: Look) -> "Figure":
    """The rules of the workflow, from left to right in the order in which they must run."""
    depth: dict[str, int] = {}  # counted from the last rule, which is 0
    for rule in reversed(RULE_GRAPH):
        waiting = [depth[other] for other, needs in RULE_GRAPH.items() if rule in needs]
        depth[rule] = min(waiting, default=1) - 1
    first = min(depth.values())
    depth = {rule: d - first for rule, d in depth.items()}
    columns = {d: [rule for rule in RULE_GRAPH if depth[rule] == d] for d in depth.values()}
    place = {
        rule: (d, (len(rules) - 1) / 2 - i)
        for d, rules in columns.items()
        for i, rule in enumerate(rules)
    }
    figure, (axes,) = new_panels(1, height=2.0)
    axes.set_axis_off()
    boxes = {
        rule: axes.text(
            *place[rule], rule, ha="center", va="center", fontsize=8.5, zorder=2,
            bbox={"boxstyle": "round,pad=0.4", "fc": "none", "ec": INK, "lw": 0.8},
        ).get_bbox_patch()
        for rule in RULE_GRAPH
    }  # fmt: skip
    for need, rule in shown_waits():
        far = depth[rule] - depth[need] > 2  # bends around the rules between
        axes.annotate(
            "", place[rule], place[need], zorder=3,  # after the boxes, whose size is known then
            arrowprops={
                "arrowstyle": "-|>", "color": INK, "alpha": 0.6, "shrinkA": 0, "shrinkB": 0,
                "patchA": boxes[need], "patchB": boxes[rule],  # from edge to edge
                "connectionstyle": f"arc3,rad={-0.16 if far else 0}",
            },
        )  # fmt: skip
    axes.set(xlim=(-0.5, max(columns) + 0.5), ylim=(-1.9, 1.9))
    return figure


def shown_waits() -> list[tuple[str, str]]:
    """Return the waits of RULE_GRAPH that do not follow from others, each (before, after)."""
    return [
        (need, rule)
        for rule, needs in RULE_GRAPH.items()
        for need in needs
        if not any(_waits_for(other, need) for other in needs)
    ]


def _waits_for(rule: str, other: str) -> bool:
    """Whether a rule waits for another, or for one that does."""
    return any(need == other or _waits_for(need, other) for need in RULE_GRAPH[rule])
