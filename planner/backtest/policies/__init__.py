"""Purchase policies: the rules people use, the planner's own, and hindsight."""

from planner.backtest.policies.named import make_policy
from planner.backtest.policies.policy import Policy

__all__ = ["Policy", "make_policy"]
