"""Many drawn futures reduced to few: each left out is stood for by the nearest one kept.

Futures are kept one after the other, each time the one that brings all futures nearest to one kept
(fast forward selection). What is kept of few is kept of more, so that the error only falls.
"""

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from planner.demand import Demand, Scenario
from planner.forecasting.models import HOURS_PER_WEEK

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True)
class Reduction:
    """Which futures are kept, and how well they stand for all.

    Attributes:
        kept: positions of the futures kept, in order.
        stands_in: the future kept that is nearest to each, by its position in ``kept`` [future].
        error_share: mean distance to it as a share of mean demand.
    """

    kept: tuple[int, ...]
    stands_in: Ints
    error_share: float


def reduce_futures(demand: Demand, count: int) -> Reduction:
    """The best of so many futures to stand for all, by their weekly means.

    The distance of two futures is the mean absolute difference of their weekly means; every series
    counts as a share of its own mean demand, all series alike.
    """
    chance = np.array([one.probability for one in demand.scenarios])
    shares = _weekly_shares(demand, chance)
    distance = cdist(shares, shares, "cityblock")
    kept = _kept(distance, chance, min(count, len(chance)))
    nearest = distance[:, kept].min(axis=1)
    stands_in = np.argmin(distance[:, kept], axis=1)
    stands_in[kept] = np.arange(len(kept))  # where others are the same, too
    return Reduction(tuple(kept), stands_in, float(nearest @ chance))


def _kept(distance: Floats, chance: Floats, count: int) -> list[int]:
    """Futures kept one after the other, in the order of their positions."""
    first = int(np.argmin(distance @ chance))
    kept, nearest = [first], distance[first].copy()

    def gained(position: int) -> float:
        return float(chance @ np.maximum(nearest - distance[position], 0.0))

    # The more is kept, the less another gains: what it once would have gained is a bound.
    waiting = [(-gained(position), position) for position in range(len(chance))]
    heapq.heapify(waiting)
    while len(kept) < count:
        _, position = heapq.heappop(waiting)
        if position in kept:
            continue
        gain = gained(position)
        if waiting and -gain > waiting[0][0]:
            heapq.heappush(waiting, (-gain, position))
            continue
        kept.append(position)
        nearest = np.minimum(nearest, distance[position])
    return sorted(kept)


def reduced(demand: Demand, reduction: Reduction) -> Demand:
    """The futures kept, each as likely as all those it stands for."""
    chance = [one.probability for one in demand.scenarios]
    likely = np.bincount(reduction.stands_in, chance, minlength=len(reduction.kept))
    kept = list(reduction.kept)
    series = {
        name: values.reshape(len(chance), -1)[kept].ravel()
        for name, values in demand.series.items()
    }
    scenarios = tuple(
        Scenario(demand.scenarios[position].name, float(probability))
        for position, probability in zip(kept, likely, strict=True)
    )
    return Demand(demand.start, series, scenarios, demand.repairs)


def _weekly_shares(demand: Demand, chance: Floats) -> Floats:
    """Weekly means as shares of each series' mean demand, so that sums over them are means.

    [future × (series, week)]
    """
    edges = np.arange(0, demand.hours, HOURS_PER_WEEK)
    columns = []
    for name in sorted(demand.series):
        values = demand.series[name].reshape(len(chance), -1)
        mean = float(chance @ values.mean(axis=1))
        weeks = np.add.reduceat(values, edges, axis=1)
        columns.append(weeks / (demand.hours * mean) if mean > 0 else np.zeros_like(weeks))
    return np.concatenate(columns, axis=1) / len(columns)
