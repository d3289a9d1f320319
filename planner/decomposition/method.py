"""Benders' method: the master proposes, the pass over the hours answers with cost and cuts.

Every master gives a true bound, and every pass the true cost of what it is asked about. The hours
are first looked at through their means, which is quick and, by Jensen, never proves too much; then
as they are. Fractions are left until continuous bound and cost agree; then purchases are rounded,
and where that costs too much decided in whole numbers: date by date, then those of all at once.
"""

import logging
import threading
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from planner.decomposition.anchors import Anchors
from planner.decomposition.master import Master
from planner.decomposition.passes import Passes, open_passes
from planner.decomposition.rounding import choose_by_date, choose_whole, whole_points
from planner.decomposition.search import EndedError, Search
from planner.shards import Recourse, Worker
from solvers import (
    PROVEN_GAP,
    BoundSource,
    Limits,
    Outcome,
    ProgressListener,
    Solver,
    StopReason,
    not_above,
)

Floats = NDArray[np.float64]

_log = logging.getLogger(__name__)

STEP = 0.6
"""How far from the best point so far towards the master's the next question is asked."""

LP_SHARE = 0.1
"""Cost and bound of the continuous master come this near, as a share of the gap asked for."""

COARSE_SHARE = 0.7
LEAST_COARSE_GAP = 2e-4
"""The means are solved to this share of the gap asked for; nearer than this they lie themselves."""

ROWS_PER_MEAN = 16
LEAST_ROWS_FOR_MEANS = 20_000
"""Fewer rows are looked at as they are from the start."""

MOST_ROUNDS = 500
MOST_STALLED = 8
"""Rounds without a cheaper point or a better bound after which the next thing is looked at."""
MOST_STALLED_WHOLE = 30
"""Masters in whole numbers without a cheaper plan or a better bound after which it ends so."""

SESSION = "highs"

FLOAT64_BELOW = 1e-5
"""Gaps below this need demand in full precision."""


class Center:
    """The best continuous point so far, from which questions do not stray far."""

    def __init__(self, point: Floats) -> None:
        self.point, self._least = point, np.inf

    def move(self, search: Search, cost: float, full: Floats) -> bool:
        """Stand at a point that was asked about, if it keeps all limits and is the cheapest."""
        if cost >= self._least or not search.keeps(full, whole=False):
            return False
        self.point, self._least = full, cost
        return True

    def forget_cost(self) -> None:
        """From here on costs are others."""
        self._least = np.inf

    def gap_to(self, bound: float) -> float:
        """Gap between its cost and a bound; infinite before there is either."""
        if not np.isfinite(self._least) or not np.isfinite(bound):
            return np.inf
        return max(self._least - bound, 0.0) / max(abs(self._least), 1e-300)

    def towards(self, point: Floats) -> Floats:
        """The next question; the point itself where no limits are known to be kept yet."""
        if not np.isfinite(self._least):
            return point
        return self.point + STEP * (point - self.point)


def solve_master(
    master: Master,
    solver: Solver,
    limits: Limits,
    *,
    progress: ProgressListener | None = None,
    stop: threading.Event | None = None,
    workers: Sequence[Worker] = (),
) -> Outcome:
    """The outcome of a master's problem: its incumbent has the master's columns.

    Its scenarios are shared among ``workers``, if there are any.

    Raises SolverError as solvers do, and WorkerLostError.
    """
    solver.refuse_limits(limits)
    search = Search(master, limits, progress, stop, began=time.perf_counter())
    center = Center(master.everything_on_demand)
    # A dispatch that keeps utilization floors keeps them in the demand as it is, not as rounded,
    # and all of it has a part in them.
    floors = master.floors is not None
    dtype = "float64" if floors or limits.gap < FLOAT64_BELOW else "float32"
    if floors and workers:
        _log.info("plans with utilization floors are made in this process: no workers are used")
    among = () if floors else workers
    with open_passes(master.layout, dtype, among, limits.threads) as passes:
        try:
            reason = _run(search, passes, solver, center)
        except EndedError as ended:
            reason = ended.reason
            offer_whole(search, passes.fine, center.point)
        return _outcome(search, passes.fine, reason)


def _run(search: Search, passes: Passes, solver: Solver, center: Center) -> StopReason:
    """Means first, then hours, then whole numbers; returns why it ended."""
    anchors = Anchors(search)
    if passes.rows >= LEAST_ROWS_FOR_MEANS and search.master.may_look_at_means:
        if not _look_at_means(search, passes.means(ROWS_PER_MEAN), center, anchors):
            return StopReason.INFEASIBLE
        search.planes.thin()
    if not _look_at_hours(search, passes.fine, center, anchors):
        return StopReason.INFEASIBLE
    enough = max(search.limits.gap, PROVEN_GAP)
    while search.gap() > enough and choose_by_date(search, passes.fine, solver):
        search.tell()
    stalled = 0
    while search.gap() > enough:
        before = search.bound, search.objective
        if not choose_whole(search, passes.fine, solver):
            return StopReason.INFEASIBLE
        search.tell()
        stalled = stalled + 1 if (search.bound, search.objective) == before else 0
        if stalled > MOST_STALLED_WHOLE:
            return StopReason.STALLED
    return StopReason.GAP if search.gap() > 0 else StopReason.OPTIMAL


def _look_at_means(search: Search, coarse: Recourse, center: Center, anchors: Anchors) -> bool:
    """Cuts of the means until master and means agree at the center; False: infeasible."""
    point, near_enough = center.point, max(COARSE_SHARE * search.limits.gap, LEAST_COARSE_GAP)
    stalled = 0
    anchors.look_at(coarse)
    for _ in range(MOST_ROUNDS):
        search.check()
        cost, full = search.ask(coarse, point)
        anchors.after(full)
        moved, before = center.move(search, cost, full), search.bound
        answer = search.solve()
        if answer is None:
            return False
        search.tell()
        stalled = 0 if moved or search.bound > before else stalled + 1
        if center.gap_to(search.bound) <= near_enough or stalled > MOST_STALLED:
            break
        point = center.towards(answer.point)
    return True


def _look_at_hours(search: Search, fine: Recourse, center: Center, anchors: Anchors) -> bool:
    """Cuts of all hours until the continuous master and its best point agree; False: infeasible.

    The first question is a plan that can be bought, so that there is one from then on.
    """
    gap, stalled = search.limits.gap, 0
    anchors.look_at(fine)
    cost, full = search.ask(fine, next(whole_points(search.master, center.point)))
    search.offer(cost, full)
    center.forget_cost()
    for _ in range(MOST_ROUNDS):
        anchors.after(full)
        moved, before = center.move(search, cost, full), search.bound
        answer = search.solve()
        if answer is None:
            return False
        stalled = 0 if moved or search.bound > before else stalled + 1
        if moved and center.gap_to(search.bound) <= gap:
            offer_whole(search, fine, center.point)
        search.tell()
        near = center.gap_to(search.bound) <= LP_SHARE * gap
        if search.gap() <= gap or near or stalled > MOST_STALLED:
            break
        search.check()
        cost, full = search.ask(fine, center.towards(answer.point))
    return True


def offer_whole(search: Search, fine: Recourse, center: Floats) -> None:
    """Ask about the nearest whole purchases that keep all limits."""
    for point in whole_points(search.master, center):
        if search.offer(*search.ask(fine, point)):
            break


def _outcome(search: Search, fine: Recourse, reason: StopReason) -> Outcome:
    """The end of a solve: the incumbent's cost in full precision, rows in doubt solved apart."""
    objective, incumbent = None, search.incumbent
    if incumbent is not None and search.master.floors is not None:
        objective = search.objective  # settled already
    elif incumbent is not None:
        master = search.master
        point = master.layout.point(incumbent)
        cost = fine.exact(point)
        hours_cost = fine.exact(point, by="hours") if master.needs_hours else cost
        incumbent = master.completed(incumbent, cost, hours_cost)
        objective = master.start.objective(incumbent)
    bound = search.bound if np.isfinite(search.bound) else None
    if objective is not None and bound is not None:
        bound = not_above(SESSION, bound, objective)
    return Outcome(
        solver=f"decomposed with {SESSION}",
        stop=reason,
        incumbent=incumbent,
        objective=objective,
        bound=bound,
        bound_source=None if bound is None else BoundSource.SOLVER,
        seconds=search.elapsed_s(),
        iterations=search.iterations,
    )
