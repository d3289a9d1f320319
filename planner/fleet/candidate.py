"""A machine on which a workload may run, and how many of it are needed hour by hour."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from planner.fleet.machines import Machine


@dataclass(frozen=True)
class Candidate:
    """A machine on which a workload may run.

    Attributes:
        workload: position of the workload in the request.
        machine: the machine.
        needs: demand series [moment] in the workload's unit, each with what one machine serves
            of it; the scarcest decides.
        serves: whole increments of the workload's demand that one machine serves; None where
            machines may be fractional, or their capacities share no increment.
        held: of each of `needs` the level [moment] up to which capacity is held, used or not; none
            where no capacity is held for the workload.
    """

    workload: int
    machine: Machine
    needs: tuple[tuple[NDArray[np.float64], float], ...]
    serves: int | None = None
    held: tuple[NDArray[np.float64], ...] = ()

    @property
    def is_needed(self) -> bool:
        """Whether any of them ever runs or is held."""
        return any(series.any() for series, _ in self.needs) or any(one.any() for one in self.held)

    @property
    def needed(self) -> NDArray[np.float64]:
        """Machines [moment] to be paid for: those that run, or are held. Made anew each time."""
        return np.maximum(self.runs, self.holds) if self.held else self.runs

    @property
    def runs(self) -> NDArray[np.float64]:
        """Machines [moment] that serve the whole workload."""
        return self._machines([series for series, _ in self.needs])

    @property
    def holds(self) -> NDArray[np.float64]:
        """Machines [moment] held for the whole workload."""
        return self._machines(self.held) if self.held else np.zeros(len(self.needs[0][0]))

    def _machines(self, amounts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Machines [moment] that serve some amounts of all that is needed."""
        shares = [
            amount if per == 1.0 else amount / per
            for amount, (_, per) in zip(amounts, self.needs, strict=True)
        ]
        return shares[0] if len(shares) == 1 else np.maximum.reduce(shares)

    @property
    def amounts(self) -> NDArray[np.float64]:
        """All that its cost depends on: machines paid for, and running where these are fewer."""
        return np.concatenate([self.needed, self.runs]) if self.held else self.needed

    @property
    def increments(self) -> NDArray[np.float64]:
        """Demand [moment] in increments."""
        return np.rint(self.needed * (self.serves or 1))

    def within(self, span: slice) -> "Candidate":
        """The same candidate over a span of the moments."""
        needs = tuple((series[span], per) for series, per in self.needs)
        return replace(self, needs=needs, held=tuple(level[span] for level in self.held))


Levels = Mapping[int, tuple[NDArray[np.float64], ...]]
"""By workload, the level [moment] of each of its series up to which capacity is held."""


def cheapest_candidates(candidates: Sequence[Candidate]) -> Iterator[Candidate]:
    """Of each workload the candidate that costs least on demand, all the time."""
    for _, alike in groupby(candidates, key=lambda one: one.workload):
        lasting = [one for one in alike if not one.machine.is_spot]
        costs = [float(one.needed.sum()) * float(one.machine.on_demand_usd) for one in lasting]
        if lasting:
            yield lasting[int(np.argmin(costs))]
