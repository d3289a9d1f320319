"""The problem a request means: every input resolved, nothing decided yet."""

from planner.problem.problem import Problem
from planner.problem.resolving import make_problem

__all__ = [
    "Problem",
    "make_problem",
]
