"""The bill as each provider would write it, replayed hour by hour from usage and commitments."""

from planner.billing.accounting import Accounting
from planner.billing.application import shares_taken
from planner.billing.bill import bill
from planner.billing.capacity import CapacityBlock, CapacityReservation
from planner.billing.commitments import Commitment, Reservation, SavingsPlan
from planner.billing.exchanges import exchange_convertible
from planner.billing.gcp import FlexibleOrder, in_resources
from planner.billing.hardware import OwnHardware
from planner.billing.lines import BillLine
from planner.billing.merged import (
    MergedUsage,
    full_levels,
    merge_equal_hours,
    running_cost_usd,
)
from planner.billing.metering import AWS_METERING, Metering, Run, metered_usage
from planner.billing.monthly import monthly_prices
from planner.billing.statement import Bill, CommitmentBill, MonthlyBill, Statement
from planner.billing.usage import Provider, RateKey, Usage, UsageClass, UsageLine

__all__ = [
    "AWS_METERING",
    "Accounting",
    "Bill",
    "BillLine",
    "CapacityBlock",
    "CapacityReservation",
    "Commitment",
    "CommitmentBill",
    "FlexibleOrder",
    "MergedUsage",
    "Metering",
    "MonthlyBill",
    "OwnHardware",
    "Provider",
    "RateKey",
    "Reservation",
    "Run",
    "SavingsPlan",
    "Statement",
    "Usage",
    "UsageClass",
    "UsageLine",
    "bill",
    "exchange_convertible",
    "full_levels",
    "in_resources",
    "merge_equal_hours",
    "metered_usage",
    "monthly_prices",
    "running_cost_usd",
    "shares_taken",
]
