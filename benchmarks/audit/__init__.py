"""An audit of plans that shares no code with the planner's model or bill.

``reading`` reads a request. ``free_assignment`` finds the least cost if commitments serve what
saves most. ``provider_bills`` bills in the provider's order, ``enumeration`` bills every purchase.
``random_requests`` makes requests, and ``laws`` compares a plan with all of these.
"""

from audit.enumeration import LeastBill, combinations, least_bill
from audit.fleet import Fleet
from audit.free_assignment import Optimum, optimum
from audit.laws import Audit, audit
from audit.provider_bills import bills
from audit.random_requests import PROVIDERS, random_request
from audit.reading import read

__all__ = [
    "PROVIDERS",
    "Audit",
    "Fleet",
    "LeastBill",
    "Optimum",
    "audit",
    "bills",
    "combinations",
    "least_bill",
    "optimum",
    "random_request",
    "read",
]
