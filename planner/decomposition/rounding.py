"""Whole purchases: near fractional ones, or by a search in whole numbers over the cuts."""

import logging
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from planner.decomposition.master import Master
from planner.decomposition.search import EndedError, Search
from planner.formulation.exchange_rows import round_exchanges
from planner.formulation.first_stage import whole_lots
from planner.formulation.rounded_purchases import round_purchases
from planner.shards import Recourse
from solvers import (
    CompiledModel,
    Outcome,
    Solver,
    SolverFailedError,
    StopReason,
    get_solver,
)

Floats = NDArray[np.float64]

_log = logging.getLogger(__name__)

SECOND = {"scip": "highs"}
"""Who is asked where a solver breaks down; SCIP where it is another."""

WHOLE_SHARE = 0.25
"""The master in whole numbers is solved to this share of the gap asked for."""

DATED_SHARE = 0.1
"""The same, where the purchases of some dates alone are whole."""

LEAST_DATES = 2
MOST_STEPS = 16
"""Dates are decided in at most so many steps."""
WORTHWHILE = 0.5
"""They are decided once more where that brought so much of the gap asked for."""


def whole_points(master: Master, point: Floats) -> Iterator[Floats]:
    """Points with whole purchases near a point's own: the nearest, those below, those above."""
    block, whole = master.first.model["buy"].slice, whole_lots(master.first.terms)
    for up_from in (0.5, 1.0 - 1e-6, 1e-6):
        values = point.copy()
        values[block] = round_purchases(master.first.terms, point[block], whole, up_from)
        round_exchanges(master.first.model, master.first.terms, values)
        yield values


def choose_by_date(search: Search, fine: Recourse, solver: Solver) -> bool:
    """Purchases of one date after the other in whole numbers, later ones in fractions meanwhile.

    Known as relax-and-fix: most of what a few whole machines cost beside fractions is in when they
    come, and each step is a search among few. Returns whether another round may be worthwhile.
    """
    first = search.master.first
    block = first.model["buy"].slice
    starts = np.array([lot.start for lot in first.terms.lots])
    dates = np.unique(starts[whole_lots(first.terms)])
    if len(dates) < LEAST_DATES:
        return False
    model, before = _without_hopeless(search), search.objective
    point = np.zeros(0)
    for step in np.array_split(dates, min(MOST_STEPS, len(dates))):
        # Columns of later dates may be fractions; those of earlier ones have one value left.
        later = np.zeros(len(model.integer), dtype=np.bool_)
        later[block] = starts > step[-1]
        relaxed = replace(model, integer=model.integer & ~later)
        try:
            outcome = _solve(search, solver, relaxed, DATED_SHARE, proves=step[0] == dates[0])
        except EndedError:
            _offer_rounded(search, fine, point)
            raise
        if outcome.incumbent is None:
            _offer_rounded(search, fine, point)
            return False
        point = outcome.incumbent
        now = block.start + np.flatnonzero((starts >= step[0]) & (starts <= step[-1]))
        lower, upper = model.lower.copy(), model.upper.copy()
        lower[now] = upper[now] = np.where(model.integer[now], np.round(point[now]), point[now])
        model = replace(model, lower=lower, upper=upper)
    search.offer(*search.ask(fine, point[: search.master.start.columns]))
    worthwhile = WORTHWHILE * search.limits.gap * abs(search.objective)
    return before - search.objective > worthwhile


def _offer_rounded(search: Search, fine: Recourse, point: Floats) -> None:
    """Ask about a point whose later dates are decided in fractions, rounded; of none, nothing."""
    if len(point):
        nearest = next(whole_points(search.master, point[: search.master.start.columns]))
        search.offer(*search.ask(fine, nearest))


def choose_whole(search: Search, fine: Recourse, solver: Solver) -> bool:
    """The master in whole numbers, and what its plan truly costs; False where it is infeasible."""
    outcome = _solve(search, solver, _without_hopeless(search), WHOLE_SHARE, proves=True)
    if outcome.stop is StopReason.INFEASIBLE:
        if search.incumbent is None:
            return False
        search.bound = search.objective  # nothing cheaper was left to look at
        return True
    if outcome.incumbent is None:
        raise EndedError(outcome.stop)
    search.offer(*search.ask(fine, outcome.incumbent[: search.master.start.columns]))
    return True


def _solve(
    search: Search, solver: Solver, model: CompiledModel, share: float, *, proves: bool
) -> Outcome:
    """A search in whole numbers, to a share of the gap asked for; ``proves`` a bound of all plans.

    Raises EndedError where the solve must end.
    """
    search.check()
    try:
        outcome = _ask(search, solver, model, share, proves=proves)
    except SolverFailedError as error:
        second = get_solver(SECOND.get(solver.name, "scip"))
        _log.warning("%s; %s is asked instead", error, second.name)
        search.check()
        outcome = _ask(search, second, model, share, proves=proves)
    search.iterations += outcome.iterations or 0
    if proves and outcome.bound is not None:
        search.bound = max(search.bound, min(outcome.bound, search.objective))
    return outcome


def _ask(
    search: Search, solver: Solver, model: CompiledModel, share: float, *, proves: bool
) -> Outcome:
    """What a solver finds; raises SolverFailedError where it breaks down."""
    limits = search.limits
    nearer = {"gap": limits.gap * share, "time_limit_s": search.left_s()}
    return solver.solve(
        model,
        limits.model_copy(update=nearer),
        progress=lambda heard: search.tell(heard.bound if proves else None),
        stop=search.stop,
    )


def _without_hopeless(search: Search) -> CompiledModel:
    """The master's model, without purchases that cost more than the incumbent's gap is wide.

    A purchase's reduced cost is what one more of it adds to the bound at the least.
    """
    model, answer = search.planes.compiled(), search.solve()
    if answer is None or search.incumbent is None:
        return model
    room = search.objective - answer.bound + 1e-9 * abs(search.objective)
    buy = search.master.first.model["buy"].slice
    upper, reduced = model.upper.copy(), answer.reduced[buy]
    with np.errstate(divide="ignore"):
        most = np.where(reduced > 0, max(room, 0.0) / reduced, np.inf)
    upper[buy] = np.minimum(upper[buy], np.where(model.integer[buy], np.floor(most), most))
    return replace(model, upper=upper)
