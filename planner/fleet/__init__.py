"""The machines each workload may run on, their pools, and how many are needed hour by hour."""

from planner.fleet.candidate import Candidate, Levels, cheapest_candidates
from planner.fleet.dominance import units_and_counted
from planner.fleet.finding import find_candidates
from planner.fleet.machines import (
    GCP,
    Machine,
    Part,
    PlanTerms,
    Resource,
    is_sold_on_demand,
    make_machine,
    spot_machine,
)
from planner.fleet.pools import Pools, Slice, make_pools
from planner.fleet.running_limits import RunningLimit, running_limits

__all__ = [
    "GCP",
    "Candidate",
    "Levels",
    "Machine",
    "Part",
    "PlanTerms",
    "Pools",
    "Resource",
    "RunningLimit",
    "Slice",
    "cheapest_candidates",
    "find_candidates",
    "is_sold_on_demand",
    "make_machine",
    "make_pools",
    "running_limits",
    "spot_machine",
    "units_and_counted",
]
