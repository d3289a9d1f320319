"""From the cheapest plan to one of few lines, which costs hardly more."""

from planner.simplification.simplifying import Simplified, simplification_deadline, simplify

__all__ = ["Simplified", "simplification_deadline", "simplify"]
