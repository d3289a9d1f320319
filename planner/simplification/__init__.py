"""From the cheapest plan to one of few lines, which costs hardly more."""

from planner.bill_search.deadline import Effort
from planner.problem import Problem
from planner.simplification.simplifying import Simplified, simplify

SHARE_OF_SOLVE = 0.5
LEAST_S, LEAST_S_OF_MANY = 5.0, 10.0
"""Seldom more is needed; of many futures each trial bills them all."""

MANY_FUTURES = 8


def effort_of(problem: Problem) -> Effort:
    """What making the plan of a problem simple may take."""
    many = len(problem.probability) > MANY_FUTURES
    return Effort(SHARE_OF_SOLVE, LEAST_S_OF_MANY if many else LEAST_S)


__all__ = ["Simplified", "effort_of", "simplify"]
