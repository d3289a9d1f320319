"""Quantiles of a demand whose launches and events may turn out in several ways."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from planner.forecasting.known import Known, Outcome, changes

Floats = NDArray[np.float64]

MIXTURE_LEVELS = tuple(((np.arange(19) + 1) / 20).tolist())
"""Quantiles by which each way is described: every twentieth."""
MOST_WAYS = 32
"""Of many ways in which much may turn out, the likeliest are kept."""


def with_change(
    ways: Floats, name: str, known: Known, outcome: Outcome, medians: Mapping[str, Floats]
) -> Floats:
    """Quantiles of a series [way × level × hour] if something turns out in one way.

    Shares of the series' own demand move with it; of another's, they are of its median.
    """
    changed = ways.copy()
    for change in changes(known):
        if change.series == name:
            demand = ways if change.of == name else medians[change.of]
            changed += outcome.share * (change.share * demand + change.units)
    return np.maximum(changed, 0.0)


def likeliest(ways: Floats, chances: Floats) -> tuple[Floats, Floats]:
    """The likeliest ways, their chances filled up to 1."""
    kept = np.sort(np.argsort(-chances, kind="stable")[:MOST_WAYS])
    return ways[kept], chances[kept] / chances[kept].sum()


def mixture_quantiles(ways: Floats, chances: Floats, levels: Sequence[float]) -> Floats:
    """Quantiles of all ways together [level × hour]."""
    count, steps, hours = ways.shape
    if count == 1:
        inside = np.array([np.interp(levels, MIXTURE_LEVELS, one) for one in ways[0].T])
        return inside.T
    points = ways.reshape(count * steps, hours)
    weights = np.repeat(chances / steps, steps)
    order = np.argsort(points, axis=0, kind="stable")
    reached = np.cumsum(weights[order], axis=0) - weights[order] / 2
    ordered = np.take_along_axis(points, order, axis=0)
    found = np.empty((len(levels), hours))
    for hour in range(hours):
        found[:, hour] = np.interp(levels, reached[:, hour], ordered[:, hour])
    return found
