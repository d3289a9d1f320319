"""Azure's pricing rules as data: names of series, and which sizes a reservation serves.

Azure publishes the flexibility groups of its reservations as a file of ratios, which is not among
the price tables here. Groups are therefore derived: within a series, sizes weigh as their vCPUs,
and only sizes whose prices bear that out belong to the group.
"""

import re
from decimal import Decimal

LARGEST_PLAN_DISCOUNT = Decimal("0.65")
"""Savings plans give up to 65 % (Azure, savings plan overview, 2023); more is a misprint."""

_BURSTABLE = re.compile(r"B[a-z]*(v\d+)?$")


def family_name(series: str) -> str:
    """A series as Azure writes it: ``Ds_v5`` of the size names is the Dsv5 series."""
    return re.sub(r"_v(\d+)$", r"v\1", series.strip())


def is_burstable(family: str) -> bool:
    """Whether sizes of the family bank CPU credits: the B series."""
    return _BURSTABLE.match(family) is not None
