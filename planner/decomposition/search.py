"""The state of a decomposed solve: questions asked, cuts gathered, incumbent and bound."""

import threading
import time
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from planner.decomposition.floors import Floors
from planner.decomposition.master import Master
from planner.decomposition.settlement import Settler
from planner.recourse import Pass, Sums, UsePass
from planner.shards import Recourse
from solvers import (
    Answer,
    CuttingPlanes,
    Limits,
    Progress,
    ProgressListener,
    StopReason,
    relative_gap,
)

Floats = NDArray[np.float64]

FEASIBLE = 1e-6
"""Rows broken by no more than this, beside the size of their numbers, are kept."""

ENOUGH_SHARE = 0.02
"""Misses of utilization floors worth this share of a plan's cost beyond the bound are enough."""

SHORTEST_SOLVE_S = 0.05


class EndedError(Exception):
    """Time is over, or the user asked to stop."""

    def __init__(self, reason: StopReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass
class Search:
    """Where a solve stands.

    Attributes:
        master: the first stage and its cuts.
        limits: when to end.
        progress: told of every round; None for nobody.
        stop: set to end the solve; None where nobody can.
        began: when it began, by the performance counter.
        planes: the continuous master.
        bound: no plan costs less.
        incumbent: the cheapest plan asked about, in whole numbers; None before the first.
        objective: its cost.
        iterations: questions asked, and steps of the search in whole numbers.
        last: the answer to the last question.
    """

    master: Master
    limits: Limits
    progress: ProgressListener | None
    stop: threading.Event | None
    began: float
    planes: CuttingPlanes = field(init=False)
    bound: float = -np.inf
    incumbent: Floats | None = None
    objective: float = np.inf
    iterations: int = 0
    last: Sums | None = None
    _settlers: dict[Pass, Settler] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start the continuous master."""
        self.planes = CuttingPlanes(
            self.master.start, self.master.widest, size=self.master.layout.most_cost_usd
        )

    def check(self) -> None:
        """Raise EndedError where the solve must end."""
        reason = self._ended()
        if reason is not None:
            raise EndedError(reason)

    def _ended(self) -> StopReason | None:
        """Why the solve must end; None where it need not."""
        if self.stop is not None and self.stop.is_set():
            return StopReason.INTERRUPTED
        if self.left_s() is not None and self.elapsed_s() >= (self.limits.time_limit_s or 0.0):
            return StopReason.TIME_LIMIT
        return None

    def elapsed_s(self) -> float:
        """Seconds since it began."""
        return time.perf_counter() - self.began

    def left_s(self) -> float | None:
        """Seconds left for a solve, a few hundredths at the least; None without a limit."""
        limit = self.limits.time_limit_s
        return None if limit is None else max(limit - self.elapsed_s(), SHORTEST_SOLVE_S)

    def ask(self, pass_: Recourse, values: Floats) -> tuple[float, Floats]:
        """The objective at a point's purchases and mix, and the completed point; adds its cuts."""
        master = self.master
        point = master.layout.point(master.committed(values))
        # By worth last: anchors ask for tangents at the prices of the last pass.
        by_hours = pass_(point, by="hours") if master.needs_hours else None
        sums = pass_(point)
        by_hours = sums if by_hours is None else by_hours
        for cuts in master.cuts(sums, by_hours):
            self.planes.add(cuts.matrix, cuts.constant)
        self.iterations += 1
        self.last = sums
        full = master.completed(values, sums.value_usd, by_hours.value_usd)
        if master.floors is not None:
            full = self._settle(master.floors, pass_, full)
        return master.start.objective(full), full

    def _settle(self, floors: Floors, pass_: Recourse, full: Floats) -> Floats:
        """A completed point with a use that keeps the floors; without use if none is found."""
        if not isinstance(pass_, Pass):
            raise TypeError("utilization floors are settled in this process")
        master = self.master
        if pass_ not in self._settlers:
            use = UsePass(pass_.structure, pass_.hours, self.limits.threads)
            chance = master.layout.chance_of_segment
            self._settlers[pass_] = Settler(floors, use, chance, self._is_over)
        gap_usd = master.start.objective(full) - self.bound
        enough_usd = ENOUGH_SHARE * max(gap_usd, 0.0) if np.isfinite(gap_usd) else 0.0
        settlement = self._settlers[pass_].settle(master.layout.point(full), enough_usd)
        for cuts in master.use_cuts(floors, settlement.proofs):
            self.planes.add(cuts.matrix, cuts.constant)
        return master.with_use(floors, full, settlement.used)

    def _is_over(self) -> bool:
        """Whether the solve must end."""
        return self._ended() is not None

    def offer(self, cost: float, full: Floats) -> bool:
        """Keep a point of whole numbers as the incumbent if it is the cheapest.

        Returns whether it keeps all limits.
        """
        keeps = self.keeps(full)
        if keeps and cost < self.objective:
            self.objective, self.incumbent = cost, full
        return keeps

    def keeps(self, full: Floats, *, whole: bool = True) -> bool:
        """Whether a completed point keeps all limits, and is in whole numbers where it must be."""
        model = self.master.start if whole else self.master.relaxed
        return model.violation(full).scaled <= FEASIBLE

    def solve(self) -> Answer | None:
        """The continuous master's optimum, None where it is infeasible; notes its bound."""
        try:
            answer = self.planes.solve(self.left_s())
        except TimeoutError:
            raise EndedError(StopReason.TIME_LIMIT) from None
        if answer is not None:
            self.bound = max(self.bound, answer.bound)
            answer = replace(answer, point=answer.point[: self.master.start.columns])
        return answer

    def gap(self) -> float:
        """Of the incumbent; infinite without one."""
        found = None if self.incumbent is None else self.objective
        gap = relative_gap(found, self.bound if np.isfinite(self.bound) else None)
        return np.inf if gap is None else gap

    def tell(self, found_bound: float | None = None) -> None:
        """Report the present state, with a bound that a search under way has found."""
        if self.progress is not None:
            found = None if self.incumbent is None else self.objective
            bound = max(
                self.bound, min(-np.inf if found_bound is None else found_bound, self.objective)
            )
            self.progress(Progress(self.elapsed_s(), found, bound if np.isfinite(bound) else None))
