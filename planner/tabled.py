"""Whole machines solved by tables: reservations first, then what runs beside them.

Where every workload's reservations serve no other, an hour's on-demand cost is a table of the
increments that reserved machines serve. A small model chooses the reservations by these tables;
only quotas on what runs beside them are left out, so its bound holds. With the reservations kept,
the whole model then finds what runs, hour by hour. Where quotas make that dearer than the bound
allows, the whole model is solved as it is.
"""

import threading
import time
from dataclasses import replace

import numpy as np

from planner.by_purchases import solve_by_purchases
from planner.formulation import PlanningModel, build_model, entries, positions
from planner.formulation.committed import commit_to_pools
from planner.formulation.first_stage import buy_lots, limit_upfront, whole_lots
from planner.formulation.quotas import reserve_within
from planner.formulation.recourse_steps import add_steps, find_ladders
from planner.nothing_bought import buy_nothing
from solvers import Limits, LinearModel, Outcome, ProgressListener, Solver, StopReason

SHARE_OF_GAP = 0.1
"""Both steps are solved to this share of the gap asked for, so that together they meet it."""

ROUNDING_GAP = 1e-9
"""Solvers' own rounding; gaps this close to the asked one are met."""

_STOPPED = (StopReason.TIME_LIMIT, StopReason.INTERRUPTED)

SHORTEST_SOLVE_S = 0.1
"""What a step is given at the least, so that one begun in time can end."""


def solve_planning(
    planning: PlanningModel,
    solver: Solver,
    limits: Limits,
    *,
    progress: ProgressListener | None,
    stop: threading.Event | None,
) -> Outcome:
    """The outcome of a planning model, by tables as far as they decide it.

    Raises SolverError as the solver does.
    """
    began = time.perf_counter()
    found = solve_by_tables(planning, solver, limits, stop)
    if found is not None and (_is_met(found) or _is_over(limits, began, stop)):
        return found
    if found is None and planning.problem.request.whole_machines:
        found = solve_by_purchases(
            planning, _remaining(limits, began), progress=progress, stop=stop
        )
        if found is not None and (_is_met(found) or _is_over(limits, began, stop)):
            return found if found.incumbent is not None else _starting_from(found, planning)
    last = solver.solve(planning.linear, _remaining(limits, began), progress=progress, stop=stop)
    if found is not None:
        return _better(found, last, limits)
    if last.incumbent is not None or last.stop not in _STOPPED:
        return last
    return _starting_from(last, planning)


def _is_met(found: Outcome) -> bool:
    return found.stop in (StopReason.OPTIMAL, StopReason.GAP)


def _starting_from(stopped: Outcome, planning: PlanningModel) -> Outcome:
    """The outcome of a solve stopped before it found a point, with the one that buys nothing."""
    began = time.perf_counter()
    point = buy_nothing(planning)
    if point is None:
        return stopped
    objective = planning.linear.compile().objective(point)
    return replace(
        stopped,
        incumbent=point,
        objective=objective,
        bound=None if stopped.bound is None else min(stopped.bound, objective),
        seconds=stopped.seconds + time.perf_counter() - began,
    )


def solve_by_tables(
    planning: PlanningModel, solver: Solver, limits: Limits, stop: threading.Event | None
) -> Outcome | None:
    """A plan of the whole model and a bound; None where tables do not give both."""
    began = time.perf_counter()
    tabled = build_tabled(planning)
    if tabled is None:
        return None
    strict = limits.model_copy(update={"gap": limits.gap * SHARE_OF_GAP})
    first = solver.solve(tabled, strict, stop=stop)
    if first.incumbent is None or first.bound is None:
        return None
    bought = tabled.values("buy", first.incumbent)
    steps = np.where(whole_lots(planning.first.terms), np.rint(bought), bought)
    second = _complete(planning, steps, solver, _remaining(strict, began), stop)
    return None if second.incumbent is None else _joined(first, second, limits)


def build_tabled(planning: PlanningModel) -> LinearModel | None:
    r"""Purchases under their own limits, and what they leave to pay on demand.

    .. math:: \min \sum_k cost_k x_k + \sum_{d,w,k} z_{dwk} \sum_{g \in w} n_g f_d(L_{dg} - k)
    """
    problem = planning.problem
    terms = planning.first.terms
    ladders = list(find_ladders(terms))
    busy = {
        (one.workload, int(stage))
        for one in problem.candidates
        for stage in np.unique(terms.groups.stage[one.needed[terms.groups.moment] > 0])
    }
    if not ladders or problem.weighs_risk:
        return None
    if busy != {(one.workload, one.stage) for one in ladders}:
        return None
    model = LinearModel()
    buy_lots(model, terms)
    pools = commit_to_pools(model, terms)
    reserve_within(model, terms)
    limit_upfront(model, terms)
    for ladder in ladders:
        add_steps(model, terms, pools, ladder, cost=ladder.cost_of_steps(terms.groups.worth))
    model.offset = planning.linear.offset
    return model


def _complete(
    planning: PlanningModel,
    steps: np.ndarray[tuple[int], np.dtype[np.float64]],
    solver: Solver,
    limits: Limits,
    stop: threading.Event | None,
) -> Outcome:
    """The whole model with its purchases kept; its columns are the whole model's."""
    kept = build_model(planning.problem).linear
    buy = kept["buy"]
    same = entries(1.0, positions(buy.size), positions(buy.size), (buy.size, buy.size))
    kept.require("keep purchases", [(buy, same)], equal=steps)
    return solver.solve(kept, limits, stop=stop)


def _remaining(limits: Limits, began: float) -> Limits:
    if limits.time_limit_s is None:
        return limits
    left = max(limits.time_limit_s - (time.perf_counter() - began), SHORTEST_SOLVE_S)
    return limits.model_copy(update={"time_limit_s": left})


def _is_over(limits: Limits, began: float, stop: threading.Event | None) -> bool:
    if stop is not None and stop.is_set():
        return True
    return limits.time_limit_s is not None and time.perf_counter() - began >= limits.time_limit_s


def _joined(first: Outcome, second: Outcome, limits: Limits) -> Outcome:
    """What the second step found under the first one's bound."""
    outcome = replace(
        second,
        bound=first.bound,
        bound_source=first.bound_source,
        seconds=first.seconds + second.seconds,
        iterations=_sum(first.iterations, second.iterations),
    )
    return _stopped(outcome, limits)


def _better(found: Outcome, last: Outcome, limits: Limits) -> Outcome:
    """The cheaper incumbent and the higher bound of two solves of one model."""
    best = found
    if last.objective is not None and last.objective <= (found.objective or np.inf):
        best = last
    bounds = [one for one in (found, last) if one.bound is not None]
    bound = max(bounds, key=lambda one: one.bound or -np.inf)
    outcome = replace(
        best,
        stop=last.stop,
        bound=bound.bound,
        bound_source=bound.bound_source,
        seconds=found.seconds + last.seconds,
        iterations=_sum(found.iterations, last.iterations),
    )
    return _stopped(outcome, limits)


def _stopped(outcome: Outcome, limits: Limits) -> Outcome:
    """The same, stopped by the gap if that is met and by time if not."""
    if outcome.gap is not None and outcome.gap <= limits.gap + ROUNDING_GAP:
        return replace(outcome, stop=StopReason.GAP if outcome.gap else StopReason.OPTIMAL)
    done = (StopReason.OPTIMAL, StopReason.GAP)
    return replace(outcome, stop=StopReason.TIME_LIMIT) if outcome.stop in done else outcome


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
