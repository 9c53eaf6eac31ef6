"""The figures of two experiments beside each other."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from noisynames.reporting import words
from noisynames.reporting.beside.sentences import LEADS
from noisynames.reporting.figures.look import (
    INK,
    PAPER,
    Look,
    label_ends,
    name_ticks,
    new_panels,
    percentages,
    select,
    tag,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Record = Mapping[str, Any]

_GAP = 0.13
"""How far the two marks of a row are moved up and down, in rows, so that both are visible."""


def dumbbells(found: Record, look: Look) -> "Figure":
    """Accuracy of every arm before (ring) and after (full mark), one panel for each noise."""
    changes = select(found["changes"], metric=LEADS)
    noises = list(dict.fromkeys(c["noise"] for c in changes))
    models = list(dict.fromkeys(c["model"] for c in changes))
    height = max(1.7, 0.9 + 0.42 * len(models))
    figure, panels = new_panels(len(noises), height=height)
    for axes, noise in zip(panels, noises, strict=True):
        for change in select(changes, noise=noise):
            row = models.index(change["model"])
            sides = [change["before"], change["after"]]
            if all(sides):
                means = [side["mean"] for side in sides]
                line = axes.plot(
                    means, [row - _GAP, row + _GAP], color=look.colour(change["model"]), lw=1.2
                )[0]
                tag(line, "line", change["model"], noise)
            for side, place, name in zip(sides, (-_GAP, _GAP), _set_names(found), strict=True):
                if side:
                    _mark(axes, side, row + place, look, change, name, hollow=place < 0)
        name_ticks(axes.yaxis, range(len(models)), [look.label(model) for model in models])
        axes.set(ylim=(len(models) - 0.5, -0.5), title=_of_noise(noise))
        axes.set_xlabel("Macro-averaged held-out accuracy")
        percentages(axes.xaxis)
    _key(figure, _set_names(found))
    return figure


def overlaid(found: Record, curves: Sequence[Sequence[Record]], look: Look) -> "Figure":
    """Mean training loss before (dashed) and after, one panel for each model."""
    models = list(dict.fromkeys(arm["model"] for arm in found["arms"]))
    noises = list(dict.fromkeys(arm["noise"] for arm in found["arms"]))
    shown = list(dict.fromkeys([noises[0], noises[-1]]))
    was = {new: old for old, new in found["renamed"].items()}
    figure, panels = new_panels(len(models), height=2.15, across=3, sharey=True)
    for axes, model in zip(panels, models, strict=True):
        ends = []
        for noise in shown:
            for side, (name, dashes) in enumerate(
                zip(_set_names(found), ((0, (4, 2)), "-"), strict=True)
            ):
                own = model if side else was.get(model, model)
                for curve in select(list(map(dict, curves[side])), model=own, noise=noise):
                    if not curve["n"]:
                        continue
                    line = axes.plot(
                        curve["update"], curve["mean"], color=look.colour(model), ls=dashes,
                        lw=1.6 if side else 1.2, alpha=1 if noise == shown[0] else 0.6,
                    )[0]  # fmt: skip
                    at_end = f"{look.label(model)}, noise {noise}, {name}: ends at "
                    tag(line, "mean", model, noise, at_end + words.number(curve["last"]))
                    if side:
                        end = (curve["update"][-1], curve["mean"][-1])
                        ends.append((end, f"noise {noise}", look.colour(model)))
        axes.set(title=look.label(model, 36), xlabel="Update")
        axes.set_ylim(bottom=0)
        label_ends(axes, ends)
    for axes in panels[::3]:
        axes.set_ylabel("Loss (Train), nats")
    _key(figure, _set_names(found), lines=True)
    return figure


def history(found: Record, look: Look) -> "Figure":
    """Accuracy of every arm in the order of the experiments, ringed where it changed."""
    estimates, steps = found["history"]["estimates"], found["history"]["steps"]
    noises = list(dict.fromkeys(step["noise"] for step in steps))
    models = list(dict.fromkeys(arm["model"] for arm in [*found["arms"], *steps]))
    names = {r["place"]: r["set"] for r in estimates}
    figure, panels = new_panels(len(noises), height=3.0, sharey=True)
    for axes, noise in zip(panels, noises, strict=True):
        ends = []
        for model in models:
            points = select(estimates, model=model, noise=noise)
            if not points:
                continue
            colour = look.colour(model)
            places, means = [p["place"] for p in points], [p["mean"] for p in points]
            line = axes.plot(places, means, color=colour, ls=look.dashes(model), lw=1.4)[0]
            tag(line, "line", model, noise)
            for point in points:
                _point(axes, point, look, [s["place"] for s in select(
                    steps, model=model, noise=noise) if s["better"] is not None])  # fmt: skip
            ends.append(((places[-1], means[-1]), look.label(model), colour))
        name_ticks(axes.xaxis, sorted(names), [names[place] for place in sorted(names)], 12)
        axes.set_title(_of_noise(noise))
        percentages(axes.yaxis)
        label_ends(axes, ends, noise)
    panels[0].set_ylabel("Macro-averaged held-out accuracy")
    return figure


def _point(axes: "Axes", point: Record, look: Look, changed: Sequence[int]) -> None:
    """Draw an arm in one experiment, with a ring around it if it changed."""
    model, noise, at = point["model"], point["noise"], point["place"]
    colour = look.colour(model)
    if point["low"] is not None:
        band = axes.plot([at, at], [point["low"], point["high"]], color=colour, lw=1.4, alpha=0.5)
        tag(band[0], "band", model, noise)
    if at in changed:
        ring = axes.plot(at, point["mean"], "o", ms=13, mfc="none", mec=INK, mew=1.3)[0]
        tag(ring, "ring", model, noise)
    dot = axes.plot(at, point["mean"], look.marker(model), color=colour, ms=6)[0]
    said = words.interval({"metric": LEADS, **point})
    tag(dot, "mean", model, noise, f"{look.label(model)}, noise {noise}, {point['set']}: {said}")


def _mark(
    axes: "Axes", side: Record, y: float, look: Look, change: Record, name: str, hollow: bool
) -> None:
    """Draw a mean and its interval: as a ring for before, as a full mark for after."""
    model, noise = change["model"], change["noise"]
    colour = look.colour(model)
    if side["low"] is not None:
        band = axes.plot([side["low"], side["high"]], [y, y], color=colour, lw=2, alpha=0.55)[0]
        tag(band, "band", model, noise)
    dot = axes.plot(
        side["mean"], y, look.marker(model), color=colour, ms=6.5, mew=1.4 if hollow else 0.7,
        mfc=PAPER if hollow else colour, mec=colour if hollow else PAPER,
    )[0]  # fmt: skip
    said = words.interval({"metric": LEADS, **side})
    tag(dot, "mean", model, noise, f"{look.label(model)}, noise {noise}, {name}: {said}")


def _key(figure: "Figure", names: Sequence[str], lines: bool = False) -> None:
    from matplotlib.lines import Line2D

    marks = [
        Line2D([], [], color=INK, ls=dashes, lw=1.5, label=words.shortened(name))
        if lines
        else Line2D([], [], color=INK, ls="", marker="o", mfc=face, label=words.shortened(name))
        for name, face, dashes in zip(names, (PAPER, INK), ((0, (4, 2)), "-"), strict=True)
    ]
    figure.legend(handles=marks, loc="outside lower center", ncols=2, frameon=False, fontsize=8)


def _set_names(found: Record) -> list[str]:
    return [one["name"] for one in found["sets"]]


def _of_noise(noise: str) -> str:
    return "Without noise" if noise == "0" else f"Noise {noise}"
