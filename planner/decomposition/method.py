"""Benders' method: the master proposes, the pass over the hours answers with cost and cuts.

Every master gives a true bound, and every pass the true cost of what it is asked about. The hours
are first looked at through their means, which is quick and, by Jensen, never proves too much; then
as they are. Fractions are left until continuous bound and cost agree; then purchases are rounded,
and where that costs too much decided in whole numbers: date by date, then those of all at once.
"""

import logging
import threading
import time
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from planner.decomposition.anchors import Anchors
from planner.decomposition.diving import dive
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

LEAST_ROWS_WITH_FLOORS = 2_000
"""The same where utilization has floors, which a look at all rows asks much of."""

SMALLER = (1.0, 0.999, 0.99, 0.9, 0.7, 0.0)
"""Shares of a plan's purchases that are asked about until one of them keeps utilization floors."""

MOST_ROUNDS = 500
MOST_STALLED = 8
"""Rounds without a cheaper point or a better bound after which the next thing is looked at."""
MOST_STALLED_WHOLE = 30
"""Masters in whole numbers without a cheaper plan or a better bound after which it ends so."""

MOST_DIVES = 3
"""Dives for whole numbers before these are searched."""

DIVES_SHARE = 0.1
"""With utilization floors there are dives before, as often as costs fall by this share of it."""

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
            if search.incumbent is None:
                search.offer(*search.ask(passes.fine, master.everything_on_demand))
        return _outcome(search, passes.fine, reason)


def _run(search: Search, passes: Passes, solver: Solver, center: Center) -> StopReason:
    """Means first, then hours, then whole numbers; returns why it ended."""
    anchors = Anchors(search)
    floors = search.master.floors is not None
    least = LEAST_ROWS_WITH_FLOORS if floors else LEAST_ROWS_FOR_MEANS
    if passes.rows >= least and search.master.may_look_at_means:
        if not _look_at_means(search, passes.means(ROWS_PER_MEAN), center, anchors):
            return StopReason.INFEASIBLE
        search.planes.thin()
    if not _look_at_hours(search, passes.fine, center, anchors):
        return StopReason.INFEASIBLE
    enough = max(search.limits.gap, PROVEN_GAP)
    for _ in range(MOST_DIVES):
        if search.gap() <= enough or not dive(search, passes.fine):
            break
        search.tell()
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
    near_enough, stalled = max(COARSE_SHARE * search.limits.gap, LEAST_COARSE_GAP), 0
    anchors.look_at(coarse)
    cost, full = search.ask(coarse, center.point)
    for _ in range(MOST_ROUNDS):
        anchors.after(full)
        moved, before = center.move(search, cost, full), search.bound
        answer = search.solve()
        if answer is None:
            return False
        search.tell()
        stalled = 0 if moved or search.bound > before else stalled + 1
        if center.gap_to(search.bound) <= near_enough or stalled > MOST_STALLED:
            break
        search.check()
        cost, full = search.ask(coarse, center.towards(answer.point))
    return True


def _look_at_hours(search: Search, fine: Recourse, center: Center, anchors: Anchors) -> bool:
    """Cuts of all hours until the continuous master and its best point agree; False: infeasible.

    The first question is a plan that can be bought, so that there is one from then on.
    """
    gap, stalled = search.limits.gap, 0
    anchors.look_at(fine)
    cost, full = _first_plan(search, fine, center.point)
    center.forget_cost()
    dived_at = np.inf
    for _ in range(MOST_ROUNDS):
        anchors.after(full)
        moved, before = center.move(search, cost, full), search.bound
        answer = search.solve()
        if answer is None:
            return False
        stalled = 0 if moved or search.bound > before else stalled + 1
        near = center.gap_to(search.bound) <= LP_SHARE * gap
        if moved and center.gap_to(search.bound) <= gap:
            offer_whole(search, fine, center.point)
            floors = search.master.floors is not None
            if floors and search.gap() > gap and cost < dived_at - DIVES_SHARE * gap * abs(cost):
                dive(search, fine)
                dived_at = cost
        search.tell()
        if search.gap() <= gap or near or stalled > MOST_STALLED:
            break
        search.check()
        cost, full = search.ask(fine, center.towards(answer.point))
    return True


def _first_plan(search: Search, fine: Recourse, center: Floats) -> tuple[float, Floats]:
    """The cost of a plan near the center, and the plan: one that keeps utilization floors."""
    if search.master.floors is not None:
        return offer_whole(search, fine, center)
    cost, full = search.ask(fine, next(whole_points(search.master, center)))
    search.offer(cost, full)
    return cost, full


def offer_whole(search: Search, fine: Recourse, center: Floats) -> tuple[float, Floats]:
    """Ask about whole purchases near a plan until some keep all limits; the last one's cost."""
    for point in _whole_points(search.master, center):
        cost, full = search.ask(fine, point)
        if search.offer(cost, full):
            break
    return cost, full


def _whole_points(master: Master, center: Floats) -> Iterator[Floats]:
    """Whole purchases near a plan, those first that are the likeliest to be as cheap.

    A plan that keeps utilization floors keeps them with all purchases a share smaller, too: what
    is committed less is used less by no more than its share. So where floors are, what is below
    comes first, then what is below a little less.
    """
    if master.floors is None:
        yield from whole_points(master, center)
        return
    for share in SMALLER:
        yield list(whole_points(master, _smaller(master, center, share)))[1]


def _smaller(master: Master, point: Floats, share: float) -> Floats:
    """A point of which a share of all purchases is left."""
    values, buy = point.copy(), master.first.model["buy"].slice
    values[buy] *= share
    return values


def _outcome(search: Search, fine: Recourse, reason: StopReason) -> Outcome:
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
