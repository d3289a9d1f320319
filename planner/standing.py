"""Workloads whose reserved machines serve no other: these may as well run all the time."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from planner.problem import Problem
from planner.purchases import Lot


def standing_workloads(problem: Problem) -> tuple[int, ...]:
    """Workloads with a choice of whole machines whose reserved ones may run in every hour.

    Their reserved machines serve nobody else and are paid for in any case, so an hour's choice is
    only what runs beside them. Not so where plans pay for a part of what runs, or where limits
    look at how much is used.
    """
    request = problem.request
    options = [*problem.options, *(owned.option for owned in problem.owned)]
    coverage = request.limits.coverage
    limited = (coverage.at_least, coverage.at_most, request.limits.utilization.at_least)
    if not request.whole_machines or any(limit is not None for limit in limited):
        return ()
    if any(option.pool is None and option.rates for option in options):
        return ()
    workloads = range(len(request.workloads))
    return tuple(workload for workload in workloads if _stands(problem, workload))


def _stands(problem: Problem, workload: int) -> bool:
    candidates = [problem.candidates[i] for i in problem.candidates_of(workload)]
    pools = {one.machine.pool for one in candidates}
    others = (one for one in problem.candidates if one.workload != workload)
    owned = (one for one in problem.owned if one.option.pool is not None)
    return (
        len(candidates) > 1
        and all(one.serves is not None for one in candidates)
        and not any(pool.size_flexible for pool in pools)
        and not any(one.machine.pool in pools for one in others)
        and all(one.quantity == int(one.quantity) for one in owned)
    )


def reserved_running(
    problem: Problem, bought: Sequence[tuple[Lot, int]], beside: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Reserved machines that run [hour × candidate] so that all demand is served.

    Args:
        problem: the problem.
        bought: lots and their steps.
        beside: machines that run beside the reserved ones [hour × candidate].
    """
    reserved = _reserved(problem, bought)
    running = np.zeros_like(beside)
    for workload in standing_workloads(problem):
        members = problem.candidates_of(workload)
        serves = np.array([problem.candidates[i].serves for i in members], dtype=np.float64)
        lacking = problem.candidates[members[0]].increments - beside[:, members] @ serves
        for position, each in zip(members, serves, strict=True):
            pool = problem.pools.keys.index(problem.candidates[position].machine.pool)
            wanted = np.ceil(np.maximum(lacking, 0.0) / each)
            running[:, position] = np.minimum(wanted, reserved[:, pool])
            lacking = lacking - each * running[:, position]
    return running


def _reserved(problem: Problem, bought: Sequence[tuple[Lot, int]]) -> NDArray[np.float64]:
    """Machines reserved [hour × pool], owned ones among them."""
    reserved = np.zeros((problem.calendar.hours, len(problem.pools.keys)))
    for lot, steps in bought:
        pool = problem.options[lot.option].pool
        if pool is not None:
            reserved[lot.start : lot.end, pool] += steps
    for owned in problem.owned:
        if owned.option.pool is not None:
            reserved[owned.start : owned.end, owned.option.pool] += float(owned.quantity)
    return reserved
