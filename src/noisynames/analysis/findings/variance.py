"""Where the variance over seeds comes from, for models that say which draws their seeds vary."""

from itertools import product

from noisynames.analysis.findings.pairs import Record, Values
from noisynames.analysis.statistics.variance import shares
from noisynames.grid import Grid
from noisynames.randomness import SOURCES

_METRICS = ("final_loss", "held_out_loss", "macro_accuracy")


def variance(values: Values, grid: Grid) -> list[Record]:
    """Return the effect of each source of variance alone, for models with variants that vary it.

    Returns:
        One record for each metric × model × noise × source that is varied alone: deviation, the
        standard deviation over seeds; share, of the sum of the variances of all such sources, with
        its interval low and high (null where nothing varies); n, the number of seeds; together, the
        variance over the model's own seeds divided by that sum: 1 where sources add up.
    """
    records = []
    for metric, (model, names), noise in product(_METRICS, grid.variants.items(), grid.noises):
        alone = {
            source: values[metric, name, noise]
            for source, name in product(SOURCES, names)
            if list(grid.models[name].get("seeds_vary", SOURCES)) == [source]
            and len(values.get((metric, name, noise), ())) > 1
        }
        own = values.get((metric, model, noise))
        if len(alone) < 2:
            continue
        found = shares(list(alone.values()))
        total = sum(share.deviation**2 for share in found)
        together = None
        if own is not None and len(own) > 1 and total:
            together = float(own.var() / total)
        records += [
            {
                "metric": metric,
                "model": model,
                "noise": noise,
                "source": source,
                **vars(share),
                "together": together,
            }
            for source, share in zip(alone, found, strict=True)
        ]
    return records
