"""The baseline of every comparison: all on demand, each workload on its cheapest machine."""

import numpy as np
from numpy.typing import NDArray

from planner.problem import Problem
from planner.running import Counted, fixed_running
from planner.usage import machines_needed, machines_running

Floats = NDArray[np.float64]


def cheapest_running(problem: Problem, counted: Counted = machines_running) -> Floats:
    """Machines [hour × candidate] of one future, each workload on its cheapest machine on demand.

    The cheapest is chosen by span between purchase dates where machines are mixed, by hour where
    they are whole; it depends neither on the offers allowed nor on limits. What a provider sells
    for less the longer it runs in a month counts at the prices of its hours. Spot is left out, and
    machines sold by reservation only stand in where a workload has no others.
    """
    running = fixed_running(problem, counted)
    dates = np.array(sorted({0, *problem.calendar.purchase_hours}))
    window = np.searchsorted(dates, np.arange(problem.calendar.hours), side="right") - 1
    worth = problem.calendar.worth[:-1]
    for workload in range(len(problem.request.workloads)):
        positions = problem.candidates_of(workload)
        if len(positions) == 1:
            continue
        lasting = [p for p in positions if not problem.candidates[p].machine.is_spot]
        sold = [p for p in lasting if problem.candidates[p].machine.sold_on_demand]
        positions = sold or positions
        needed = np.stack([machines_needed(problem, p) for p in positions])
        prices = np.stack([_hourly_usd(problem, p) + _software_usd(problem, p) for p in positions])
        if problem.request.whole_machines:
            choice = np.argmin(needed * prices, axis=0)
        else:
            hourly = needed * prices * worth
            cost = np.stack([np.bincount(window, weights=row) for row in hourly])
            choice = np.argmin(cost, axis=0)[window]
        for row, position in enumerate(positions):
            running[:, position] = np.where(choice == row, counted(problem, position), 0.0)
    return running


def _hourly_usd(problem: Problem, position: int) -> Floats:
    """Price of a candidate's machine-hour in every hour of one future, software apart [hour]."""
    hourly = np.zeros(problem.calendar.hours)
    for part in problem.candidates[position].machine.parts:
        resource = part.resource
        price = np.full(len(hourly), float(resource.on_demand_usd))
        if resource.sustained_use is not None:
            inside = problem.pools.slices[problem.pools.slice_of(resource)]
            shares = np.array([float(share) for share in resource.sustained_use])
            price *= shares[problem.quarters[inside.pool]]
        hourly += float(part.quantity) * price
    return hourly


def on_demand_usd(problem: Problem) -> Floats:
    """What every scenario costs all on demand, in the accounting [scenario]."""
    futures = (problem.future(scenario) for scenario in range(len(problem.probability)))
    return np.array([_future_usd(future) for future in futures])


def _future_usd(future: Problem) -> float:
    """What one future costs all on demand."""
    worth = future.calendar.worth[:-1]
    paid, running = cheapest_running(future, machines_needed), cheapest_running(future)
    return sum(
        float((worth * paid[:, position]) @ _hourly_usd(future, position))
        + float(worth @ running[:, position]) * _software_usd(future, position)
        for position in np.flatnonzero(paid.any(axis=0)).tolist()
    )


def _software_usd(problem: Problem, position: int) -> float:
    """What a candidate's machine-hour costs in software, which is charged while it runs."""
    return float(problem.candidates[position].machine.software_usd)
