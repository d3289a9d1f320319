"""Usage, commitments and present cost from what providers bill, read through DuckDB."""

from planner.past_bills.history import BillHistory, CommitmentUse, PoolUsage, ServiceMonth
from planner.past_bills.reading import read_bills
from planner.past_bills.requests import PastRequest, requests_of
from planner.past_bills.usage_tables import BASELINE_FILE, DEMAND_FILE, USAGE_FILE

__all__ = [
    "BASELINE_FILE",
    "DEMAND_FILE",
    "USAGE_FILE",
    "BillHistory",
    "CommitmentUse",
    "PastRequest",
    "PoolUsage",
    "ServiceMonth",
    "read_bills",
    "requests_of",
]
