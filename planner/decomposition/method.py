"""Benders' method: the master proposes, the pass over the hours answers with cost and cuts.

Every pass gives the true cost of a plan that can be bought, for it is asked at whole purchases,
and every master a true bound. The hours are first looked at through their means, which is quick
and, by Jensen, never proves too much; then as they are.
"""

import threading
import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from planner.decomposition.master import Master
from planner.decomposition.rounding import round_purchases
from planner.recourse import Hours, Pass, coarsen
from solvers import (
    BoundSource,
    CuttingPlanes,
    Limits,
    Outcome,
    Progress,
    ProgressListener,
    Solver,
    StopReason,
    relative_gap,
)

Floats = NDArray[np.float64]

STEP = 0.6
"""How far from the best point so far towards the master's the next question is asked."""

LP_SHARE = 0.5
"""The continuous master is solved to this share of the gap asked for; rounding has the rest."""

COARSE_SHARE = 0.5
"""The means are solved to this share of the continuous master's gap."""

ROWS_PER_MEAN = 32
LEAST_ROWS_FOR_MEANS = 20_000
"""Fewer rows are looked at as they are from the start."""

MOST_ROUNDS = 500
FEASIBLE = 1e-6
"""Rows broken by no more than this, beside the size of their numbers, are kept."""

SHORTEST_SOLVE_S = 0.05

MOST_STALLED = 8
"""Rounds without a cheaper point after which whole numbers are looked at."""

WHOLE_SHARE = 0.25
"""The master in whole numbers is solved to this share of the gap asked for."""

SESSION = "highs"

FLOAT64_BELOW = 1e-5
"""Gaps below this need demand in full precision."""


class _EndedError(Exception):
    """Time is over, or the user asked to stop."""

    def __init__(self, reason: StopReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass
class _Search:
    """Where a solve stands."""

    master: Master
    limits: Limits
    progress: ProgressListener | None
    stop: threading.Event | None
    planes: CuttingPlanes
    began: float
    bound: float = -np.inf
    incumbent: Floats | None = None
    objective: float = np.inf
    iterations: int = 0
    log: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Raise _EndedError where the solve must end."""
        if self.stop is not None and self.stop.is_set():
            raise _EndedError(StopReason.INTERRUPTED)
        if self.left_s() <= 0:
            raise _EndedError(StopReason.TIME_LIMIT)

    def left_s(self) -> float:
        """Seconds left."""
        if self.limits.time_limit_s is None:
            return np.inf
        return self.limits.time_limit_s - (time.perf_counter() - self.began)

    def gap(self) -> float:
        """Of the incumbent."""
        gap = relative_gap(
            None if self.incumbent is None else self.objective,
            None if not np.isfinite(self.bound) else self.bound,
        )
        return np.inf if gap is None else gap

    def tell(self) -> None:
        """Report the present state."""
        if self.progress is not None:
            found = None if self.incumbent is None else self.objective
            bound = None if not np.isfinite(self.bound) else self.bound
            self.progress(Progress(time.perf_counter() - self.began, found, bound))


def solve_master(
    master: Master,
    solver: Solver,
    limits: Limits,
    *,
    progress: ProgressListener | None = None,
    stop: threading.Event | None = None,
) -> Outcome:
    """The outcome of a master's problem: its incumbent has the master's columns.

    Raises SolverError as solvers do.
    """
    began = time.perf_counter()
    planes = CuttingPlanes(master.start, master.widest)
    search = _Search(master, limits, progress, stop, planes, began)
    hours = master.layout.hours("float64" if limits.gap < FLOAT64_BELOW else "float32")
    fine = Pass(master.layout.structure, hours)
    try:
        reason = _run(search, fine, hours, solver)
    except _EndedError as ended:
        reason = ended.reason
        _rescue(search, fine)
    return _outcome(search, fine, reason)


def _run(search: _Search, fine: Pass, hours: Hours, solver: Solver) -> StopReason:
    """Means first, then hours, then whole numbers; returns why it ended."""
    target = search.limits.gap * LP_SHARE
    center = np.zeros(search.master.start.columns)
    if hours.rows >= LEAST_ROWS_FOR_MEANS:
        means = coarsen(hours, ROWS_PER_MEAN, search.master.layout.series_price_usd)
        coarse = Pass(search.master.layout.structure, means)
        found = _look_at_means(search, coarse, target * COARSE_SHARE)
        if found is None:
            return StopReason.INFEASIBLE
        center = found
    if not _look_at_hours(search, fine, center, target):
        return StopReason.INFEASIBLE
    while search.gap() > search.limits.gap:
        if not _choose_whole(search, fine, solver):
            return StopReason.INFEASIBLE
    return StopReason.GAP if search.gap() > 0 else StopReason.OPTIMAL


def _look_at_means(search: _Search, coarse: Pass, target: float) -> Floats | None:
    """Cuts of the means until master and means agree; their best point, None if infeasible."""
    center, least = np.zeros(search.master.start.columns), np.inf
    point = center
    for _ in range(MOST_ROUNDS):
        search.check()
        cost, full = _ask(search, coarse, point)
        if cost < least:
            least, center = cost, full
        answer = _solve_master(search)
        if answer is None:
            return None
        if least - search.bound <= target * abs(least):
            break
        point = center + STEP * (answer - center)
    return center


def _look_at_hours(search: _Search, fine: Pass, center: Floats, target: float) -> bool:
    """Cuts of all hours until the continuous master and its best point agree; False: infeasible.

    Questions are asked at whole purchases, whose answers are true costs.
    """
    master, least, point, stalled = search.master, np.inf, center, 0
    for _ in range(MOST_ROUNDS):
        search.check()
        cost, full = _ask(search, fine, _whole(master, point))
        _offer(search, cost, full)
        stalled = 0 if cost < least else stalled + 1
        if cost < least:
            least, center = cost, full
        answer = _solve_master(search)
        if answer is None:
            return False
        search.tell()
        if search.gap() <= search.limits.gap:
            break
        if least - search.bound <= target * abs(least) or stalled > MOST_STALLED:
            break
        point = center + STEP * (answer - center)
    return True


def _choose_whole(search: _Search, fine: Pass, solver: Solver) -> bool:
    """The master in whole numbers, and what its plan truly costs; False where it is infeasible."""
    search.check()
    master, limits = search.master, search.limits
    left = search.left_s()
    strict = limits.model_copy(
        update={
            "gap": limits.gap * WHOLE_SHARE,
            "time_limit_s": None if np.isinf(left) else max(left, SHORTEST_SOLVE_S),
        }
    )
    outcome = solver.solve(master, strict, stop=search.stop)
    search.iterations += outcome.iterations or 0
    if outcome.stop is StopReason.INFEASIBLE:
        return False
    if outcome.bound is not None:
        search.bound = max(search.bound, outcome.bound)
    if outcome.incumbent is None:
        raise _EndedError(outcome.stop)
    cost, full = _ask(search, fine, outcome.incumbent)
    _offer(search, cost, full)
    search.tell()
    return True


def _whole(master: Master, point: Floats) -> Floats:
    """A point with whole purchases near its own."""
    values = point.copy()
    block = master.first.model["buy"].slice
    values[block] = round_purchases(master.first, point[block])
    return values


def _ask(search: _Search, pass_: Pass, values: Floats) -> tuple[float, Floats]:
    """The objective at a point's purchases and mix, and the completed point; its cuts are added."""
    master = search.master
    point = master.layout.point(master.committed(values))
    sums = pass_(point)
    by_hours = pass_(point, by="hours") if master.needs_hours else sums
    cuts = master.add(sums, by_hours)
    search.planes.add(cuts.matrix, cuts.constant)
    search.iterations += 1
    full = master.completed(values, sums.value_usd, by_hours.value_usd)
    return master.start.objective(full), full


def _offer(search: _Search, cost: float, full: Floats) -> None:
    """Keep a point as the incumbent if it is feasible and the cheapest."""
    if cost < search.objective and search.master.start.violation(full).scaled <= FEASIBLE:
        search.objective, search.incumbent = cost, full


def _solve_master(search: _Search) -> Floats | None:
    """The continuous master's point, None where it is infeasible; notes its bound."""
    left = search.left_s()
    try:
        answer = search.planes.solve(None if np.isinf(left) else max(left, SHORTEST_SOLVE_S))
    except TimeoutError:
        raise _EndedError(StopReason.TIME_LIMIT) from None
    if answer is None:
        return None
    search.bound = max(search.bound, answer.bound)
    return answer.point


def _rescue(search: _Search, fine: Pass) -> None:
    """A plan where none was looked at before the end: nothing bought, if that keeps the limits."""
    if search.incumbent is None:
        values = np.zeros(search.master.start.columns)
        values[search.master.whole_mix] = 1.0
        _offer(search, *_ask(search, fine, values))


def _outcome(search: _Search, fine: Pass, reason: StopReason) -> Outcome:
    """The end of a solve: the incumbent's cost in full precision, rows in doubt solved apart."""
    objective, incumbent = None, search.incumbent
    if incumbent is not None:
        master = search.master
        point = master.layout.point(incumbent)
        cost = fine.exact(point)
        hours_cost = fine.exact(point, by="hours") if master.needs_hours else cost
        incumbent = master.completed(incumbent, cost, hours_cost)
        objective = master.start.objective(incumbent)
    bound = search.bound if np.isfinite(search.bound) else None
    if objective is not None and bound is not None:
        bound = min(bound, objective)
    return Outcome(
        solver=f"decomposed with {SESSION}",
        stop=reason,
        incumbent=incumbent,
        objective=objective,
        bound=bound,
        bound_source=None if bound is None else BoundSource.SOLVER,
        seconds=time.perf_counter() - search.began,
        iterations=search.iterations,
    )
