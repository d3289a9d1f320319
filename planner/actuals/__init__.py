"""What really ran, billed under the commitments of a plan, and the difference to it explained."""

from planner.actuals.plan_bill import CommitmentUse, PlanBill
from planner.actuals.rebilling import Actuals, bill_plan, parse_plan
from planner.actuals.usage_file import usage_source

__all__ = ["Actuals", "CommitmentUse", "PlanBill", "bill_plan", "parse_plan", "usage_source"]
