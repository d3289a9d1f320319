"""The least bill of all purchases, each billed in the provider's order."""

import math
from dataclasses import dataclass
from itertools import product

import numpy as np

from audit.fleet import Commitment, Fleet, Floats
from audit.provider_bills import bills

MOST_PURCHASES = 40_000
"""The audit does not bill more purchases than this one by one."""

NEARLY = 1e-9


@dataclass(frozen=True)
class LeastBill:
    """The least bill and its purchase.

    Attributes:
        usd: the bill.
        steps: steps bought, by the lot's name.
    """

    usd: float
    steps: dict[str, int]


def combinations(fleet: Fleet) -> int:
    """Number of purchases that can make sense."""
    usage = fleet.usage()
    return math.prod(most_steps(lot, usage) + 1 for lot in fleet.lots)


def most_steps(lot: Commitment, usage: Floats) -> int:
    """So many steps of a lot serve all that it can serve in every hour [usage: hour × resource]."""
    takes = np.array([float(one or 0) for one in lot.takes])
    wanted = float((usage[lot.begin : lot.end] @ takes).max(initial=0.0))
    return math.ceil(wanted / float(lot.size) - NEARLY)


def least_bill(fleet: Fleet) -> LeastBill:
    """The least bill of a fleet whose workloads have no choice of machines.

    Raises:
        ValueError: a workload has a choice.
    """
    if fleet.has_choice:
        raise ValueError("a workload has a choice of machines, so purchases do not fix the bill")
    usage = fleet.usage()
    steps = [range(most_steps(lot, usage) + 1) for lot in fleet.lots]
    purchases = np.array(list(product(*steps)), dtype=float)
    found = bills(fleet, usage, purchases)
    best = int(np.argmin(found))
    bought = zip(fleet.lots, purchases[best], strict=True)
    return LeastBill(float(found[best]), {lot.name: int(count) for lot, count in bought})
