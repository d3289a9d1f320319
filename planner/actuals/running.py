"""Machines that run hour by hour: as planned, and as what was needed makes them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from planner.baseline import cheapest_running
from planner.demand import Demand
from planner.fleet import Candidate, find_candidates
from planner.problem import Problem
from planner.running import Counted
from planner.usage import machines_held, machines_running

Floats = NDArray[np.float64]


def in_span(future: Problem, first: int, hours: int) -> Problem:
    """One future's problem in some of its hours; its lots and what is owned stay as they are."""
    calendar = replace(
        future.calendar, start=future.calendar.at(first), hours=hours, purchase_hours=()
    )
    span = slice(first, first + hours)
    return replace(
        future,
        calendar=calendar,
        demand=future.demand.between(calendar.start, hours),
        candidates=tuple(one.within(span) for one in future.candidates),
    )


def held_by_shares(problem: Problem, shares: Floats) -> Floats | None:
    """Machines held [hour × candidate], split like what runs; None where no capacity is held."""
    return running_by_shares(problem, shares, machines_held) if problem.holds_capacity else None


def with_needs(problem: Problem, needs: Sequence[Sequence[Floats]]) -> Problem:
    """The same machines where the workloads need something else.

    Args:
        problem: one future, of the hours of the needs.
        needs: series [hour] of every workload, in the order of its `series_names`.
    """
    if problem.request.whole_machines:  # whole ones are counted in increments of the demand
        named = {
            name: values
            for workload, mine in zip(problem.request.workloads, needs, strict=True)
            for name, values in zip(workload.series_names, mine, strict=True)
        }
        demand = Demand(problem.calendar.start, named)
        levels = {one.workload: one.held for one in problem.candidates if one.held}
        candidates = find_candidates(problem.request, demand, problem.catalog, levels)
    else:
        candidates = tuple(_needing(one, needs[one.workload]) for one in problem.candidates)
    return replace(problem, candidates=candidates)


def _needing(candidate: Candidate, series: Sequence[Floats]) -> Candidate:
    needs = tuple(
        (values, served) for values, (_, served) in zip(series, candidate.needs, strict=True)
    )
    return replace(candidate, needs=needs)


def running_by_shares(
    problem: Problem, shares: Floats, counted: Counted = machines_running
) -> Floats:
    """Machines running [hour × candidate] where workloads are split by these shares.

    A workload without shares runs on the machine that is cheapest on demand.
    """
    running = np.zeros((problem.calendar.hours, len(problem.candidates)), order="F")
    for workload in range(len(problem.request.workloads)):
        positions = problem.candidates_of(workload)
        if len(positions) == 1:
            running[:, positions[0]] = counted(problem, positions[0])
            continue
        if not shares[:, positions].any():
            running[:, positions] = cheapest_running(problem, counted)[:, positions]
            continue
        for position in positions:
            running[:, position] = counted(problem, position) * shares[:, position]
    return running
