"""The bill as AWS would write it, replayed hour by hour from usage and commitments."""

from planner.billing.accounting import Accounting
from planner.billing.bill import Bill, CommitmentBill, MonthlyBill, Statement, bill
from planner.billing.commitments import Commitment, Reservation, SavingsPlan
from planner.billing.lines import BillLine
from planner.billing.usage import RateKey, Usage, UsageClass, UsageLine

__all__ = [
    "Accounting",
    "Bill",
    "BillLine",
    "Commitment",
    "CommitmentBill",
    "MonthlyBill",
    "RateKey",
    "Reservation",
    "SavingsPlan",
    "Statement",
    "Usage",
    "UsageClass",
    "UsageLine",
    "bill",
]
