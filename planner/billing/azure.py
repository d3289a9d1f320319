"""Azure's order: reservations by narrower scope, then savings plans; both for the machine alone.

A scope is a path that usage stands below: ``account`` is ``subscription/resource-group`` (a
management group may stand before it), and a commitment that is not ``shared`` serves the usage at
or below its own account. Software is billed apart (``UsageClass.software_usd``) and no commitment
covers it, so reservations do not ask for the operating system. Where Azure is silent:

* Reservations too go from narrower to wider scope, as is written for savings plans.
* Inside a scope: exact sizes (capacity priority) before flexible ones, smallest ratio first.
* What runs is served before on-demand capacity reservations that stand unused.

A savings plan's rates follow the price sheet of the month: bill months of different rates apart.
"""

from decimal import Decimal

from planner.billing.accounting import NANO
from planner.billing.aws import reserved_per_hour
from planner.billing.commitments import Reservation, SavingsPlan
from planner.billing.engine import Service, Step, price_share
from planner.billing.usage import UsageClass


def _scope_rank(owned: Reservation | SavingsPlan, usage: UsageClass) -> tuple[bool, int] | None:
    """The narrowest scope first, the whole billing account last; None outside the scope."""
    if owned.shared:
        return (True, 0)
    inside = usage.account == owned.account or usage.account.startswith(owned.account + "/")
    return (False, -owned.account.count("/")) if inside else None


def _by_ratio(reservation: Reservation, machine: UsageClass) -> Service | None:
    scope = _scope_rank(reservation, machine)
    product = (reservation.region, reservation.tenancy)
    if scope is None or not machine.is_machine or (machine.region, machine.tenancy) != product:
        return None
    ratio = machine.units or Decimal(0)
    if not reservation.size_flexible:
        exact = machine.name == reservation.instance_type
        return Service((*scope, False, ratio), 1.0) if exact else None
    if machine.family != reservation.family or machine.units is None:
        return None
    return Service((*scope, True, ratio), float(ratio))


def _by_discount(plan: SavingsPlan, usage: UsageClass) -> Service | None:
    """Narrower scope, then the longer term, then the highest discount.

    A negotiated on-demand price below the plan's rate is what is charged to the commitment.
    """
    scope, rate = _scope_rank(plan, usage), plan.rates.get(usage.rate_key)
    if scope is None or rate is None or usage.on_demand_usd == 0:
        return None
    charged = min(rate, usage.on_demand_usd)
    rank = (*scope, -plan.term_hours, price_share(charged, usage), charged)
    return Service(rank, float(charged * NANO))


DEDICATED = (Step(providers=("azure",), kind=Reservation, size=reserved_per_hour, serve=_by_ratio),)

SPEND = (
    Step(
        providers=("azure",),
        kind=SavingsPlan,
        size=lambda plan: plan.commitment_usd * NANO,
        serve=_by_discount,
    ),
)
