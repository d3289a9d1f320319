"""From the cheapest plan to one of few lines, which costs hardly more."""

from planner.bill_search.deadline import Effort
from planner.simplification.simplifying import Simplified, simplify

EFFORT = Effort(share_of_solve=0.5, least_s=5.0)
"""What making a plan simple may take: seldom more than some seconds are needed."""

__all__ = ["EFFORT", "Simplified", "simplify"]
