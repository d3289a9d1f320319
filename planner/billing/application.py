"""All commitments applied to usage: owned servers, held machines, reservations, spend plans.

Providers do not meet: each one's commitments serve its own usage, so their steps may interleave.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from planner.billing import aws, azure, gcp, own
from planner.billing.accounting import NANO
from planner.billing.capacity import CapacityReservation
from planner.billing.commitments import Commitment
from planner.billing.engine import Hourly, Nanousd, Serving, Step, Take
from planner.billing.gcp import FlexibleOrder
from planner.billing.hardware import OwnHardware
from planner.billing.usage import Usage, UsageClass

ROUNDING = 1e-12
"""Costs that differ by no more than this share are equal."""

STEPS: tuple[Step[Any], ...] = (
    *own.SERVERS,
    *aws.HELD,
    *(*aws.DEDICATED, *gcp.DEDICATED, *azure.DEDICATED),
    *(*aws.SPEND, *gcp.spend_steps("highest_discount"), *azure.SPEND),
)
"""Every step of every provider."""


@dataclass(frozen=True, eq=False)
class Application:
    """Usage after commitments, arrays [hour × class] in unit-hours.

    ``owned`` is what owned servers serve, ``dedicated`` includes it, and reservations and
    capacity blocks. ``used_hours`` gives, per commitment, its fully used hours: Σ over active
    hours of the share used. ``charges`` is what commitments cost by the hour beside their price
    [hour], nano-dollars, by position. ``takes`` lists who served what, in order; empty unless
    asked for. Its columns past the usage's own are ``unused``: reserved capacity in which
    nothing ran, by the position of its reservation, and how much of it no commitment took.
    """

    owned: Hourly
    dedicated: Hourly
    spend: Hourly
    on_demand: Hourly
    used_hours: tuple[float, ...]
    charges: dict[int, Nanousd]
    takes: tuple[Take, ...]
    unused: tuple[tuple[int, Hourly], ...]


def apply_commitments(
    usage: Usage,
    commitments: Sequence[Commitment],
    *,
    flexible_order: FlexibleOrder = "highest_discount",
    keep_takes: bool = False,
) -> Application:
    """Serve ``usage`` in each provider's own order; what remains is on demand.

    Owned servers are nobody's to order about but their owner's: in every hour they serve before
    anything is rented, or what commitments leave, whichever leaves less to pay.
    """
    before = np.ones(usage.hours)
    if len({isinstance(one, OwnHardware) for one in commitments}) > 1:
        dear, cheap = (
            _left_to_pay(*_served(usage, commitments, hours, flexible_order)[:2])
            for hours in (before, np.zeros(usage.hours))
        )
        before = np.where(cheap < dear * (1 - ROUNDING), 0.0, before)
    serving, owned, after_dedicated, rows = _served(
        usage, commitments, before, flexible_order, keep_takes=keep_takes
    )
    on_demand = serving.remaining()
    unused = tuple((position, serving.uncovered[row]) for position, row in rows.items())
    for position, left in unused:
        price = float(serving.classes[rows[position]].on_demand_usd * NANO)
        serving.charge(position, left * price)
    return Application(
        owned=owned,
        dedicated=usage.quantity - after_dedicated,
        spend=after_dedicated - on_demand,
        on_demand=on_demand,
        used_hours=tuple(serving.used_hours),
        charges=serving.charges,
        takes=tuple(serving.takes),
        unused=unused,
    )


def shares_taken(commitment: Commitment, classes: Sequence[UsageClass]) -> Hourly:
    """The share of a commitment that one unit of each class takes in an hour [class].

    0 where it does not serve the class. Reserved capacity serves nothing itself: its machine takes
    it.
    """
    if isinstance(commitment, CapacityReservation):
        return np.array([float(one == commitment.machine) for one in classes])
    shares = np.zeros(len(classes))
    for step in STEPS:
        if not step.applies(commitment):
            continue
        size = float(step.size(commitment))
        for column, one in enumerate(classes):
            service = step.serve(commitment, one) if step.sees(commitment.provider, one) else None
            if service is not None and size > 0:
                shares[column] = service.weight / size
    return shares


def _served(
    usage: Usage,
    commitments: Sequence[Commitment],
    before: Hourly,
    flexible_order: FlexibleOrder,
    *,
    keep_takes: bool = False,
) -> tuple[Serving, Hourly, Hourly, dict[int, int]]:
    """Everything served; by owned servers; what was left for spend plans and servers; unused rows.

    Owned servers serve first where ``before`` is 1, last where it is 0 [hour].
    """
    serving = Serving(usage, commitments, keep_takes=keep_takes)
    serving.run(own.SERVERS, before)
    first = serving.remaining()
    serving.run(aws.HELD)
    rows = _hold_capacity(serving)
    serving.run((*aws.DEDICATED, *gcp.DEDICATED, *azure.DEDICATED))
    after_dedicated = serving.remaining()
    serving.run((*aws.SPEND, *gcp.spend_steps(flexible_order), *azure.SPEND))
    rented = serving.remaining()
    serving.run(own.SERVERS, 1.0 - before)
    late = rented - serving.remaining()
    return serving, usage.quantity - first + late, after_dedicated - late, rows


def _left_to_pay(serving: Serving, owned: Hourly) -> Hourly:
    """What is paid by the hour beside commitments, at list prices [hour], nano-dollars.

    ``owned`` is what owned servers serve [hour × class]: no software is paid for it.
    """
    software = [float(one.software_usd * NANO) for one in serving.usage.classes]
    due = (serving.usage.quantity - owned) @ np.array(software, dtype=np.float64)
    for one, left in zip(serving.classes, serving.uncovered, strict=True):
        due += left * float(one.price_usd * NANO)
    for charge in serving.charges.values():
        due += charge
    return due


def _hold_capacity(serving: Serving) -> dict[int, int]:
    """Let machines run inside reserved capacity; what stays unused becomes usage of its own.

    Reservations fill one after the other, the id that sorts first before all others. Gives the
    row of each reservation's unused part.
    """
    reservations = [
        (one.commitment_id, position, one)
        for position, one in enumerate(serving.commitments)
        if isinstance(one, CapacityReservation)
    ]
    running: dict[Hashable, Hourly] = {}
    if reservations:
        # By name, so that the order of columns does not show in the last bit of a sum.
        for column in sorted(range(len(serving.classes)), key=serving.names.__getitem__):
            machine = serving.classes[column]
            if machine.spot_usd is None:
                place = _place(machine)
                running[place] = running.get(place, 0.0) + serving.uncovered[column]
    rows: dict[int, int] = {}
    for _, position, reservation in sorted(reservations, key=lambda entry: entry[0]):
        place, held = _place(reservation.machine), np.zeros(serving.usage.hours)
        serving.stretch(reservation).add_to(held, float(reservation.count))
        outside = running.get(place, np.zeros_like(held))
        inside = np.minimum(held, outside)
        running[place] = outside - inside
        rows[position] = serving.add_unused_capacity(reservation.machine, held - inside)
        if reservation.count > 0:
            serving.used_hours[position] = float(inside.sum()) / float(reservation.count)
    return rows


def _place(machine: UsageClass) -> Hashable:
    """What a machine must be alike in to run inside reserved capacity."""
    place = (machine.provider, machine.account, *machine.rate_key, machine.zone)
    return (*place, machine.capacity_group)
