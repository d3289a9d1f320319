"""Tries the bill itself: purchases that the provider's own order makes cheaper than the model's."""

from planner.bill_search.deadline import Deadline, deadline_after
from planner.bill_search.search import Found, Proven, search_on_bill

__all__ = ["Deadline", "Found", "Proven", "deadline_after", "search_on_bill"]
