"""Compares a plan with the audit's optimum and bills, and says which laws are broken."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np

from audit.enumeration import MOST_PURCHASES, combinations, least_bill
from audit.fleet import Fleet, Floats
from audit.free_assignment import optimum
from audit.provider_bills import bills, steps_bought
from audit.reading import Document, read
from planner import Plan, Surroundings, make_plan, parse_request

ROUNDING = 2e-6
"""Tolerance of the planner's gap, its solver and its tie-breaking, as a share."""

BILLED = 1e-6
"""Tolerance between two bills, as a share."""

NOTHING_USD = 1e-6
"""Smaller differences do not count: bills are in whole nano-dollars by the hour."""


@dataclass(frozen=True)
class Audit:
    """What a plan says and what the audit finds [USD].

    Attributes:
        bound: no purchase costs the model less, as the plan says.
        model: what the model takes the plan to cost.
        bill: what the plan says it is billed.
        own_bill: the audit's bill of the plan's purchases and machines.
        optimum: what the best purchase costs with free assignment.
        least_optimum: no purchase costs less with free assignment.
        least_bill: of all purchases; None where there is a choice, or too many to try.
        has_choice: whether a workload may run on several machines.
        is_proportional: whether prices are proportional inside families.
    """

    bound: float
    model: float
    bill: float
    own_bill: float
    optimum: float
    least_optimum: float
    least_bill: float | None
    has_choice: bool
    is_proportional: bool

    @property
    def broken(self) -> dict[str, float]:
        """The laws that do not hold, each with the excess as a share of the bill."""
        pairs = {
            "the bound is above the optimum": (self.bound, self.optimum, ROUNDING),
            "the optimum is above the plan's bill": (self.least_optimum, self.bill, BILLED),
            "the plan's bill is above the audit's": (self.bill, self.own_bill, BILLED),
            "the plan's bill is below the audit's": (self.own_bill, self.bill, BILLED),
        }
        if self.least_bill is not None:
            least = self.least_bill
            pairs["the optimum is above the least bill"] = (self.least_optimum, least, BILLED)
            pairs["the least bill is above the plan's"] = (least, self.bill, BILLED)
        if self.is_proportional:
            above, below = (f"at proportional prices the model's cost is {way} the optimum"
                            for way in ("above", "below"))  # fmt: skip
            pairs[above] = (self.model, self.optimum, ROUNDING)
            pairs[below] = (self.least_optimum, self.model, ROUNDING)
        return {
            law: (more - less) / max(self.bill, NOTHING_USD)
            for law, (more, less, share) in pairs.items()
            if more > less + max(share * abs(less), NOTHING_USD)
        }

    @property
    def above_bound(self) -> float:
        """What the bill is above the bound, as a share of the bill."""
        return (self.bill - self.bound) / max(self.bill, NOTHING_USD)

    @property
    def above_least_bill(self) -> float | None:
        """What the bill is above the least one, as a share of the bill; None where unknown."""
        if self.least_bill is None:
            return None
        return (self.bill - self.least_bill) / max(self.bill, NOTHING_USD)


def audit(document: Document) -> Audit:
    """The audit of the plan of a request."""
    fleet = read(document)
    plan = make_plan(parse_request(document), Surroundings(folder=Path()))
    free = optimum(fleet)
    is_tried = not fleet.has_choice and combinations(fleet) <= MOST_PURCHASES
    return Audit(
        bound=float(plan.lower_bound_usd or 0),
        model=float(plan.model_cost_usd),
        bill=float(plan.total_cost_usd),
        own_bill=own_bill(fleet, plan),
        optimum=free.usd,
        least_optimum=free.bound_usd,
        least_bill=least_bill(fleet).usd if is_tried else None,
        has_choice=fleet.has_choice,
        is_proportional=fleet.is_proportional(),
    )


def own_bill(fleet: Fleet, plan: Plan) -> float:
    """The audit's bill of what a plan buys and runs [USD].

    A plan lists no mix for a workload if only one of its machines is worth running. Then the
    machine with the bill nearest the plan's counts.
    """
    hour = timedelta(hours=1)
    bought = [
        (f"{one.offer_id} @ {(one.start - plan.horizon.start) // hour}", Fraction(one.quantity))
        for one in plan.purchases
    ]
    quantities, billed = steps_bought(fleet, bought), float(plan.total_cost_usd)
    found = [
        float(bills(fleet, fleet.usage(shares), quantities)[0]) for shares in mixes(fleet, plan)
    ]
    return min(found, key=lambda usd: abs(usd - billed))


def mixes(fleet: Fleet, plan: Plan) -> Iterator[Floats]:
    """Where workloads run in a plan [hour × machine]: everything that its mix can mean."""
    listed, hour = {one.workload for one in plan.mix}, timedelta(hours=1)
    shares, unlisted = np.zeros((fleet.hours, len(fleet.machines))), []
    for workload, name in enumerate(fleet.workloads):
        mine = [at for at, one in enumerate(fleet.machines) if one.workload == workload]
        if name not in listed:
            unlisted.append(mine)
    for one in plan.mix:
        at = fleet.position(one.workload, one.instance_type)
        begin, end = ((moment - plan.horizon.start) // hour for moment in (one.start, one.end))
        shares[begin:end, at] += one.share
    for chosen in product(*unlisted):
        found = shares.copy()
        found[:, list(chosen)] = 1.0
        yield found
