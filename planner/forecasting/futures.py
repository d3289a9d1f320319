"""Futures drawn from a forecast, with how what is known turns out in each of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from planner.demand import Demand
from planner.forecasting.reduction import reduce_futures, reduced
from planner.plan import Label


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
