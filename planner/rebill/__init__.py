"""Hands a decision to the billing simulator: the usage it makes, the commitments it buys."""

from planner.rebill.bill import bill_on_demand, rebill
from planner.rebill.commitments import (
    Billed,
    billed_of,
    bought_commitment,
    commitments_of,
    taken_commitment,
)
from planner.rebill.names import account_of, exchange_id, purchase_id, source_id
from planner.rebill.usage import reservations_of, resources_of, usage_of

__all__ = [
    "Billed",
    "account_of",
    "bill_on_demand",
    "billed_of",
    "bought_commitment",
    "commitments_of",
    "exchange_id",
    "purchase_id",
    "rebill",
    "reservations_of",
    "resources_of",
    "source_id",
    "taken_commitment",
    "usage_of",
]
