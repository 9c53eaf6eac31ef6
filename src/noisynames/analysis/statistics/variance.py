"""Which share of a variance comes from which source."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from noisynames.analysis.statistics.intervals import CONFIDENCE
from noisynames.randomness import Stream

_DRAWS = 20_000


@dataclass(frozen=True)
class Share:
    """The variance that one source causes on its own.

    Attributes:
        deviation: The standard deviation over seeds that vary only this source.
        share: Its variance over the sum of those of all sources; None where nothing varies.
        low, high: The 95 % interval of the share.
        n: The number of seeds.
    """

    deviation: float
    share: float | None
    low: float | None
    high: float | None
    n: int


def shares(sources: Sequence[ArrayLike], confidence: float = CONFIDENCE) -> list[Share]:
    """Return the share of each of several independent sources in the sum of their variances.

    Intervals are those of generalised pivots: a variance is s² (n − 1) / χ² with χ² drawn anew, so
    they assume normal values. What sources cause only together is in no share.
    Sources: Bouthillier et al., "Accounting for variance in machine learning benchmarks" (2021);
    Weerahandi, "Generalized confidence intervals" (1993).

    Args:
        sources: For each source, the values of seeds that vary only it, shape (seeds,), at least
            two.
        confidence: Coverage of the interval, in (0, 1).
    """
    values = [np.asarray(x, dtype=float) for x in sources]
    variances = np.array([x.var(ddof=1) for x in values])
    freedom = np.array([x.size - 1 for x in values])
    total = variances.sum()
    edges = np.full((2, len(values)), np.nan)
    if total > 0:
        pivots = variances * freedom / _chi_squared(tuple(freedom.tolist()))
        tail = (1 - confidence) / 2
        edges = np.quantile(pivots / pivots.sum(axis=1, keepdims=True), [tail, 1 - tail], axis=0)
    return [
        Share(float(np.sqrt(variance)), None, None, None, x.size)
        if total == 0
        else Share(
            float(np.sqrt(variance)), float(variance / total), float(low), float(high), x.size
        )
        for x, variance, low, high in zip(values, variances, *edges, strict=True)
    ]


@cache
def _chi_squared(freedom: tuple[int, ...]) -> NDArray[np.float64]:
    """Return draws of χ² for each of the degrees of freedom; always the same draws."""
    uniform = Stream(0, "variance shares").uniform(_DRAWS, len(freedom))
    drawn: NDArray[np.float64] = stats.chi2.ppf(np.clip(uniform, 1e-12, None), freedom)
    return drawn
