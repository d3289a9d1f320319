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
    they are whole; it depends neither on the offers allowed nor on limits. Spot is left out, and
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
        prices = np.array([float(problem.candidates[p].machine.on_demand_usd) for p in positions])
        if problem.request.whole_machines:
            choice = np.argmin(needed * prices[:, None], axis=0)
        else:
            hourly = needed * prices[:, None] * worth
            cost = np.stack([np.bincount(window, weights=row) for row in hourly])
            choice = np.argmin(cost, axis=0)[window]
        for row, position in enumerate(positions):
            running[:, position] = np.where(choice == row, counted(problem, position), 0.0)
    return running


def on_demand_usd(problem: Problem) -> Floats:
    """What every scenario costs all on demand, in the accounting [scenario]."""
    software = np.array([float(one.machine.software_usd) for one in problem.candidates])
    prices = np.array([float(one.machine.on_demand_usd) for one in problem.candidates]) - software
    worth = problem.calendar.worth[:-1]
    futures = (problem.future(scenario) for scenario in range(len(problem.probability)))
    hourly = (
        cheapest_running(one, machines_needed) @ prices + cheapest_running(one) @ software
        for one in futures
    )
    return np.array([float(worth @ one) for one in hourly])
