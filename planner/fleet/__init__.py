"""The machines each workload may run on, and how many of them it needs hour by hour."""

from planner.fleet.candidate import Candidate, Levels, cheapest_candidates
from planner.fleet.dominance import ROUNDING, units_and_counted
from planner.fleet.finding import find_candidates

__all__ = [
    "ROUNDING",
    "Candidate",
    "Levels",
    "cheapest_candidates",
    "find_candidates",
    "units_and_counted",
]
