"""How often verdicts are wrong, by simulation: the tables of docs/statistics.md.

    python benchmarks/verdicts.py [--runs 20000]

Everything is seeded: the same number of runs prints the same tables. tests/unit/analysis holds
fewer runs to the same claims.
"""

from collections.abc import Callable, Iterator
from itertools import combinations

import click
import numpy as np
from numpy.typing import NDArray

from noisynames.analysis.statistics.intervals import t_band
from noisynames.analysis.statistics.power import fewest_seeds, power
from noisynames.analysis.statistics.sequential import nominal_levels
from noisynames.analysis.statistics.tests import (
    equivalence_test,
    sign_flip_test,
    smallest_p,
    t_test,
)
from noisynames.analysis.statistics.variance import shares

ALPHA = 0.05
FAMILY = 6
ODDS = 0.25
LOOKS = (10, 20, 30, 40, 50)
PLANTED = (0.5, 0.3, 0.2, 0.0)

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Array]

DIFFERENCES: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.normal(0, 1, shape),
    "skewed (exponential)": lambda rng, shape: rng.exponential(1, shape) - 1,
    "heavy-tailed (t, 3 df)": lambda rng, shape: rng.standard_t(3, shape),
}
"""Differences between two equal models, by their distribution over seeds."""


def false_verdicts(kind: str, n: int, runs: int) -> dict[str, float]:
    """Return how often a difference is detected where there is none, for a kind of differences.

    Under Holm's correction a family has a false verdict where its smallest p value is at most the
    level over its size.

    Returns:
        single: By the t test, of one comparison. family: Of any of six independent ones. pairs: Of
        any of the six pairs of four models. exact: By the sign-flip test, of one comparison.
    """
    rng = np.random.default_rng([n, list(DIFFERENCES).index(kind)])
    draw = DIFFERENCES[kind]
    p = t_test(draw(rng, (n, runs * FAMILY))).reshape(runs, FAMILY)
    models = draw(rng, (n, 4, runs))
    of_pairs = [t_test(models[:, a] - models[:, b]) for a, b in combinations(range(4), 2)]
    return {
        "single": float(np.mean(p <= ALPHA)),
        "family": float(np.mean(p.min(axis=1) <= ALPHA / FAMILY)),
        "pairs": float(np.mean(np.min(of_pairs, axis=0) <= ALPHA / FAMILY)),
        "exact": float(np.mean(sign_flip_test(draw(rng, (n, runs))) <= ALPHA)),
    }


def false_equivalence(kind: str, n: int, margin: float, runs: int) -> float:
    """Return how often two models that differ by exactly the margin are called the same.

    Args:
        kind: Of DIFFERENCES.
        n: Seeds.
        margin: In standard deviations of normal differences.
        runs: How many experiments.
    """
    rng = np.random.default_rng([n, 7])
    found = DIFFERENCES[kind](rng, (n, runs)) + margin
    return float(np.mean(equivalence_test(found, margin) <= ALPHA))


def stated_and_found_power(effect: float, alpha: float, runs: int) -> tuple[int, float, float]:
    """Return the number of seeds stated as needed, their stated power, and their actual power.

    Args:
        effect: Mean difference over its standard deviation.
        alpha: The level.
        runs: How many experiments.
    """
    n = int(fewest_seeds(lambda seeds: power(effect, seeds, alpha), 1)[0])
    found = np.random.default_rng(n).normal(effect, 1, (n, runs))
    return n, float(power(effect, n, alpha)), float(np.mean(t_test(found) <= alpha))


def called_on_new_names(runs: int, training: float = 1.0) -> dict[str, float]:
    """Return how often ten splits find a difference between models that are equal on all names.

    A data set is 500 names, each with a difference of its own; a seed holds out 100 of them, and
    what it finds also varies by training.

    Args:
        runs: How many data sets.
        training: The variance by training, over that by which names are held out.
    """
    rng = np.random.default_rng(5)
    found = np.empty((10, runs))
    for i in range(runs):
        names = rng.normal(0, 1, 500)
        order = rng.permuted(np.tile(np.arange(500), (10, 1)), axis=1)[:, :100]
        found[:, i] = names[order].mean(axis=1)
    found += rng.normal(0, np.sqrt(training / 100), found.shape)
    _, low, high = t_band(found, odds=ODDS)
    return {
        "exact": float(np.mean(sign_flip_test(found) <= ALPHA)),
        "t": float(np.mean(t_test(found) <= ALPHA)),
        "corrected": float(np.mean((low > 0) | (high < 0))),
    }


def called_by_peeking(runs: int) -> dict[str, float]:
    """Return how often looks after every ten of 50 seeds find a difference where there is none."""
    seeds = np.random.default_rng(1).normal(0, 1, (LOOKS[-1], runs))
    p = np.array([t_test(seeds[:n]) for n in LOOKS])
    levels = np.array(nominal_levels(LOOKS, ALPHA))[:, None]
    return {
        "planned": float(np.mean((p <= levels).any(axis=0))),
        "unplanned": float(np.mean((p <= ALPHA).any(axis=0))),
    }


def recovered_shares(n: int, runs: int) -> tuple[Array, float]:
    """Return the mean estimates of PLANTED shares, and how often intervals cover those above 0."""
    rng = np.random.default_rng(3)
    found = np.empty((runs, len(PLANTED)))
    covered = []
    for i in range(runs):
        estimates = shares([rng.normal(0, np.sqrt(share), n) for share in PLANTED])
        found[i] = [one.share or 0 for one in estimates]
        covered += [
            (one.low or 0) <= share <= (one.high or 0)
            for one, share in zip(estimates, PLANTED, strict=True)
            if share
        ]
    return found.mean(axis=0), float(np.mean(covered))


def tables(runs: int) -> Iterator[str]:
    """Yield the lines of all tables, as Markdown."""
    yield "| differences | seeds | t test, one comparison | six of them | all pairs of four models "
    yield "| sign flips, one comparison |\n|---|---|---|---|---|---|\n"
    for kind in DIFFERENCES:
        for n in (3, 5, 10):
            found = false_verdicts(kind, n, runs)
            exact = f"{found['exact']:.1%}" if smallest_p(n) <= ALPHA else "cannot"
            rates = " | ".join(f"{found[key]:.1%}" for key in ("single", "family", "pairs"))
            yield f"| {kind} | {n} | {rates} | {exact} |\n"
    yield "\n| differences | seeds | margin 1 | margin 2 | margin 4 |\n|---|---|---|---|---|\n"
    for kind in DIFFERENCES:
        for n in (3, 5, 10):
            rates = " | ".join(f"{false_equivalence(kind, n, m, runs):.1%}" for m in (1, 2, 4))
            yield f"| {kind} | {n} | {rates} |\n"
    yield "\n| effect | level | seeds needed | stated power | found |\n|---|---|---|---|---|\n"
    for effect in (0.3, 0.5, 1.0, 2.0, 4.0):
        for alpha in (ALPHA, ALPHA / FAMILY):
            n, stated, real = stated_and_found_power(effect, alpha, runs)
            yield f"| {effect:g} | {alpha:.4f} | {n} | {stated:.1%} | {real:.1%} |\n"
    yield "\n| variance by training | sign flips | t test | for new names |\n|---|---|---|---|\n"
    for training in (0.0, 0.5, 1.0, 2.0):
        found = called_on_new_names(runs // 4, training)
        rates = " | ".join(f"{found[key]:.1%}" for key in ("exact", "t", "corrected"))
        yield f"| {training:g} | {rates} |\n"
    found = called_by_peeking(runs)
    yield "\n| five looks, one after every ten seeds | false verdicts |\n|---|---|\n"
    yield f"| each at 5 % | {found['unplanned']:.1%} |\n"
    yield f"| planned | {found['planned']:.1%} |\n"
    yield "\n| seeds | 50 % | 30 % | 20 % | 0 % | intervals that cover |\n"
    yield "|---|---|---|---|---|---|\n"
    for n in (5, 10, 20):
        means, covered = recovered_shares(n, runs // 20)
        yield f"| {n} | {' | '.join(f'{mean:.1%}' for mean in means)} | {covered:.1%} |\n"


@click.command(context_settings={"show_default": True})
@click.option("--runs", type=click.IntRange(min=100), default=20_000, help="Of each simulation.")
def main(runs: int) -> None:
    """Print the tables of docs/statistics.md."""
    print("".join(tables(runs)), end="")


if __name__ == "__main__":
    main()
