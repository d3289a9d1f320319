"""Futures drawn from a forecast, with how what is known turns out in each of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.demand import Demand
from planner.forecasting.reduction import reduce_futures, reduced
from planner.plan import Label

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Futures:
    """Futures to plan for.

    Attributes:
        demand: what is demanded in each.
        outcomes: how each known thing turns out, by its name [scenario].
        paths: how many were drawn.
        error_share: mean distance of those drawn to those kept, as a share of mean demand; 0 where
            all are kept.
        notes: what to know of the history before they are planned for.
    """

    demand: Demand
    outcomes: Mapping[str, tuple[Label, ...]]
    paths: int
    error_share: float = 0.0
    notes: tuple[str, ...] = ()

    def mean(self, name: str) -> Floats:
        """Mean of a series over the futures, by their probabilities [hour]; 0 without it."""
        scenarios, hours = self.demand.scenarios, self.demand.hours
        values = self.demand.series.get(name)
        if values is None:
            return np.zeros(hours)
        chance = np.array([one.probability for one in scenarios])
        return np.asarray(chance @ values.reshape(len(scenarios), hours) / chance.sum())

    def reduced(self, count: int) -> "Futures":
        """So many of them, each as likely as all those it stands for."""
        if count >= len(self.demand.scenarios):
            return self
        found = reduce_futures(self.demand, count)
        outcomes = {
            name: tuple(labels[position] for position in found.kept)
            for name, labels in self.outcomes.items()
        }
        demand = reduced(self.demand, found)
        return Futures(demand, outcomes, self.paths, found.error_share, self.notes)
