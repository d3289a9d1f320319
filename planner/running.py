"""Machines running in one future, as shares of workloads or demand alone say."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from planner.problem import Problem
from planner.usage import machines_running, split_by_choice

Shares = Mapping[tuple[int, int], float]
"""Share of the workload by (candidate, window), or (candidate, stage)."""


Counted = Callable[[Problem, int], NDArray[np.float64]]
"""Which machines [hour] of a candidate are counted: those that run, or are held, or paid for."""


def fixed_running(problem: Problem, counted: Counted = machines_running) -> NDArray[np.float64]:
    """Machines [hour × candidate] of one future's workloads without a choice; zero for others."""
    # In column order, as every candidate's hours are written and read together.
    running = np.zeros((problem.calendar.hours, len(problem.candidates)), order="F")
    for position in split_by_choice(problem)[0]:
        running[:, position] = counted(problem, position)
    return running


def mixed_running(
    problem: Problem, shares: Shares, counted: Counted = machines_running
) -> NDArray[np.float64]:
    """Machines [hour × candidate] of one future with these shares by (candidate, window)."""
    running = fixed_running(problem, counted)
    window = problem.window_of_hour()
    for candidate in {candidate for candidate, _ in shares}:
        by_window = np.array([shares[candidate, w] for w in range(len(problem.windows))])
        running[:, candidate] = counted(problem, candidate) * by_window[window]
    return running
