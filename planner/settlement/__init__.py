"""From a decision to a plan: billed in every future, its amounts explained, its limits checked."""

from planner.settlement.broken import Broken
from planner.settlement.headline import describe_headline
from planner.settlement.left_after import after_horizon_usd
from planner.settlement.limits_kept import broken_limits, floor_target, low_utilization
from planner.settlement.outlook import Outlook, look_out
from planner.settlement.present_cost import beside, describe_present, doubts_of, present_cost
from planner.settlement.price_bases import price_basis
from planner.settlement.settle import (
    Certificate,
    bill_gap,
    describe_catalog,
    describe_horizon,
    settle,
)

__all__ = [
    "Broken",
    "Certificate",
    "Outlook",
    "after_horizon_usd",
    "beside",
    "bill_gap",
    "broken_limits",
    "describe_catalog",
    "describe_headline",
    "describe_horizon",
    "describe_present",
    "doubts_of",
    "floor_target",
    "look_out",
    "low_utilization",
    "present_cost",
    "price_basis",
    "settle",
]
