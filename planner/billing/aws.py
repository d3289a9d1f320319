"""AWS's own order of applying commitments to usage, hour by hour; not always the cheapest.

Capacity Blocks hold their machines apart. Then zonal reservations, regional reservations, EC2
Instance plans, Compute plans; at each step what runs before reserved capacity that stands unused,
the owner account's usage before all other accounts'. Where AWS is silent or ambiguous:

* The steps nest outside the accounts: EC2 Instance plans serve the owner and then everyone
  before any Compute plan serves anyone. (AWS may pass the owner through both kinds first.)
* "Leftover goes first to the account with the largest savings" is read pair by pair: leftover
  goes to the (plan, usage) pair with the highest savings share, whichever account it is in.
* Exact-type reservations go before size-flexible ones, as the narrower scope does elsewhere.
* Equal pairs: by the usage's own names, then by the commitment id that sorts first.
* A rate above today's on-demand price still absorbs leftover commitment, last: it is paid for.

All accounts share, but for commitments whose sharing is off; sharing groups are not modelled.
Usage and commitments of provider ``custom`` follow the same order, among themselves.
"""

from decimal import Decimal

from planner.billing.accounting import NANO
from planner.billing.capacity import CapacityBlock
from planner.billing.commitments import Reservation, SavingsPlan
from planner.billing.engine import Service, Step, price_share
from planner.billing.usage import UsageClass

AWS = ("aws", "custom")


def _in_block(block: CapacityBlock, machine: UsageClass) -> Service | None:
    place = (block.region, block.zone, block.instance_type, block.os, block.tenancy)
    here = (machine.region, machine.zone, machine.name, machine.os, machine.tenancy)
    if not machine.is_machine or here != place or not _may_serve(block, machine):
        return None
    if machine.capacity_group is not None:  # it runs in a reservation's capacity
        return None
    return Service((machine.account != block.account,), 1.0)


def _in_zone(reservation: Reservation, machine: UsageClass) -> Service | None:
    """Exact type in its zone: the owner, then the organization."""
    if machine.zone != reservation.zone or not _is_reserved_product(reservation, machine):
        return None
    return Service((machine.account != reservation.account,), 1.0)


def _in_region(reservation: Reservation, machine: UsageClass) -> Service | None:
    """The owner's usage, smallest size first, then other accounts'.

    Each reservation serves at most one machine-hour (its units) per clock-hour, so the seconds
    of several machines share it and a larger machine is served in part.
    """
    if not _is_reserved_product(reservation, machine):
        return None
    units = machine.units or Decimal(0)
    other = machine.account != reservation.account
    weight = float(units) if reservation.size_flexible else 1.0
    return Service((other, reservation.size_flexible, units), weight)


def _is_reserved_product(reservation: Reservation, machine: UsageClass) -> bool:
    product = (reservation.region, reservation.os, reservation.tenancy)
    if (machine.region, machine.os, machine.tenancy) != product:
        return False
    if not machine.is_machine or not _may_serve(reservation, machine):
        return False
    if reservation.size_flexible:
        return machine.family == reservation.family and machine.units is not None
    return machine.name == reservation.instance_type


def _by_savings(plan: SavingsPlan, usage: UsageClass) -> Service | None:
    """All (plan, usage) pairs by savings share, then by lowest rate; the owner's usage first.

    Free usage has no savings share and takes nothing.
    """
    rate = plan.rates.get(usage.rate_key)
    if rate is None or usage.on_demand_usd == 0 or not _may_serve(plan, usage):
        return None
    inside = (plan.region, plan.family)
    if plan.kind == "ec2" and not (usage.is_machine and (usage.region, usage.family) == inside):
        return None
    other = usage.account != plan.account
    return Service((other, price_share(rate, usage), rate), float(rate * NANO))


def _may_serve(owned: CapacityBlock | Reservation | SavingsPlan, usage: UsageClass) -> bool:
    return owned.shared or usage.account == owned.account


def reserved_per_hour(reservation: Reservation) -> Decimal:
    """Normalized units, or machine-hours of the exact type, a reservation gives in an hour."""
    if reservation.size_flexible and reservation.units is not None:
        return reservation.count * reservation.units
    return reservation.count


def _plans(kind: str) -> Step[SavingsPlan]:
    return Step(
        providers=AWS,
        kind=SavingsPlan,
        size=lambda plan: plan.commitment_usd * NANO,
        serve=_by_savings,
        includes=lambda plan: plan.kind == kind,
    )


HELD = (
    Step(
        providers=AWS,
        kind=CapacityBlock,
        size=lambda block: block.count,
        serve=_in_block,
        serves_unused=False,
    ),
)

DEDICATED = (
    Step(
        providers=AWS,
        kind=Reservation,
        size=reserved_per_hour,
        serve=_in_zone,
        includes=lambda reservation: reservation.zone is not None,
        serves_unused=False,
    ),
    Step(
        providers=AWS,
        kind=Reservation,
        size=reserved_per_hour,
        serve=_in_region,
        includes=lambda reservation: reservation.zone is None,
    ),
)

SPEND = (_plans("ec2"), _plans("compute"))
