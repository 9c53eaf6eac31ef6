"""Looks at a growing number of seeds, and how much of the level each look may spend.

Testing after every ten seeds, and stopping where the result is good, finds differences far more
often than the level allows. Planned looks spend the level bit by bit, in the manner of O'Brien and
Fleming: little at first, nearly all of it at the last look. Sources: Lan and DeMets, "Discrete
sequential boundaries for clinical trials" (1983); Armitage, McPherson and Rowe (1969) for the
integrals; Jennison and Turnbull, "Group sequential methods" (2000), ch. 9, for repeated p values.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(121)
_FAR = 8.0
"""How far out to integrate, in standard deviations."""
_LEVELS = np.concatenate([np.geomspace(1e-9, 0.1, 33), np.linspace(0.15, 1, 18)[:-1]])


def spent(fraction: ArrayLike, alpha: float) -> NDArray[np.float64]:
    """Return how much of a two-sided level is spent once a fraction of all seeds is complete."""
    quantile = stats.norm.isf(alpha / 4)  # half the level on each side
    share: NDArray[np.float64] = 4 * stats.norm.sf(quantile / np.sqrt(fraction))
    return share


def nominal_levels(looks: Sequence[int], alpha: float) -> list[float]:
    """Return the two-sided level at which each look tests, so that all together keep `alpha`.

    Args:
        looks: The number of seeds at each look, increasing.
        alpha: The level of all looks together.
    """
    if len(looks) == 1:
        return [alpha]
    times = np.asarray(looks) / looks[-1]
    budget = np.diff(spent(times, alpha), prepend=0)
    walk, levels = _Walk(), []
    for time, share in zip(times, budget, strict=True):
        bound = walk.bound_for(time, share)
        levels.append(float(2 * stats.norm.sf(bound)))
        walk.go_on(time, bound)
    return levels


def peeking_error(looks: Sequence[int], alpha: float) -> float:
    """Return how often at least one of several looks, each at the full level, errs.

    Args:
        looks: The number of seeds at each look, increasing.
        alpha: The level of each look.
    """
    walk, bound, total = _Walk(), float(stats.norm.isf(alpha / 2)), 0.0
    for time in np.asarray(looks) / looks[-1]:
        total += walk.crosses(time, bound)
        walk.go_on(time, bound)
    return total


def repeated_p(p: ArrayLike, looks: Sequence[int], look: int) -> NDArray[np.float64]:
    """Return the smallest level of all looks together at which this look would reject.

    That is what the p value of a single look is worth in a plan of several.

    Args:
        p: Two-sided p values of the look.
        looks: The number of seeds at each look, increasing.
        look: Which of them this is, from 0.
    """
    if len(looks) == 1:
        return np.asarray(p, dtype=float)
    nominal = _nominal_by_level(tuple(looks), look)
    small = np.maximum(np.asarray(p, dtype=float), nominal[0])
    found = np.exp(np.interp(np.log(small), np.log(nominal), np.log(_LEVELS), right=0.0))
    worth: NDArray[np.float64] = np.maximum(found, p)
    return worth


def repeated_p_one_sided(p: ArrayLike, looks: Sequence[int], look: int) -> NDArray[np.float64]:
    """Return the same for one-sided p values: half of what their double is worth."""
    return repeated_p(np.minimum(2 * np.asarray(p, dtype=float), 1), looks, look) / 2


@cache
def _nominal_by_level(looks: tuple[int, ...], look: int) -> NDArray[np.float64]:
    """Return the level of a look for each level in _LEVELS of all looks together."""
    found = [nominal_levels(looks, level)[look] for level in _LEVELS]
    return np.maximum(found, np.finfo(float).tiny)


class _Walk:
    """The density, at the last look, of a Brownian motion that has crossed no bound so far."""

    def __init__(self) -> None:
        self._time = 0.0
        self._places, self._density = np.zeros(1), np.ones(1)  # all of it at 0

    def crosses(self, time: float, bound: float) -> float:
        """Return the probability of a first crossing of ± `bound` standard deviations at `time`."""
        step, edge = np.sqrt(time - self._time), bound * np.sqrt(time)
        beyond = stats.norm.sf((edge - self._places) / step)
        beyond += stats.norm.cdf((-edge - self._places) / step)
        return float(beyond @ self._density)

    def bound_for(self, time: float, probability: float) -> float:
        """Return the bound that is first crossed at `time` with the given probability."""
        if self.crosses(time, 0.0) <= probability:
            return 0.0
        if self.crosses(time, 40.0) >= probability:
            return 40.0
        excess = lambda bound: self.crosses(time, bound) - probability  # noqa: E731
        return float(optimize.brentq(excess, 0.0, 40.0, xtol=1e-10))

    def go_on(self, time: float, bound: float) -> None:
        """Go to `time`, and drop what has crossed the bound there."""
        step, edge = np.sqrt(time - self._time), min(bound, _FAR) * np.sqrt(time)
        places = edge * _NODES
        jumps = stats.norm.pdf((places[:, None] - self._places) / step) / step
        self._density = (jumps @ self._density) * _WEIGHTS * edge
        self._places, self._time = places, time
