"""A bill line by line: which commitment served which usage in which hour."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from planner.billing.accounting import NANO, usd
from planner.billing.application import Application
from planner.billing.capacity import CapacityReservation
from planner.billing.commitments import Commitment
from planner.billing.engine import Take
from planner.billing.hours import ONE_HOUR
from planner.billing.usage import Usage, UsageClass


class BillLine(BaseModel):
    """Usage of one class in one hour, paid by one commitment or (id None) on demand.

    ``quantity`` is in unit-hours. ``cost_usd`` is nominal: on demand the price paid before
    sustained use, for a commitment the amortized cost of the part it used. A capacity reservation
    has a line where some of it stood unused and no commitment took that: what it cost.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hour: datetime
    account: str
    name: str
    commitment_id: str | None
    quantity: float
    cost_usd: Decimal


def bill_lines(
    usage: Usage,
    commitments: Sequence[Commitment],
    application: Application,
    on_demand_nanousd: NDArray[np.int64],
) -> tuple[BillLine, ...]:
    """All lines by hour, inside an hour in order of application, on demand last.

    ``on_demand_nanousd`` is [hour × class].
    """
    machines = [one for one in commitments if isinstance(one, CapacityReservation)]
    classes = [*usage.classes, *_in_filling_order(machines)]
    lines: list[BillLine] = []
    for take in application.takes:
        lines += _served(usage, commitments, take, classes[take.pair.column])
    for hour, column in np.argwhere(application.on_demand > 0).tolist():
        quantity = float(application.on_demand[hour, column])
        cost = usd(int(on_demand_nanousd[hour, column]))
        lines.append(_line(usage, hour, usage.classes[column], None, quantity, cost))
    return tuple(sorted([*lines, *_unused(usage, commitments, application)], key=_hour))


def _in_filling_order(reservations: Sequence[CapacityReservation]) -> list[UsageClass]:
    return [one.machine for one in sorted(reservations, key=lambda one: one.commitment_id)]


def _hour(line: BillLine) -> datetime:
    return line.hour


def _served(
    usage: Usage, commitments: Sequence[Commitment], take: Take, usage_class: UsageClass
) -> Iterator[BillLine]:
    """One line per hour and member of the pool, which share pro rata."""
    pool = take.pair.pool
    for member, (position, size) in enumerate(zip(pool.members, pool.sizes, strict=True)):
        commitment, share = commitments[position], pool.share_of(member)
        for hour in np.flatnonzero((share > 0) & (take.quantity > 0)).tolist():
            quantity = float(share[hour] * take.quantity[hour])
            used_hours = float(share[hour] * take.used[hour]) / size
            cost = usd(round(float(commitment.amortized_hourly_usd * NANO) * used_hours))
            name = commitment.commitment_id
            yield _line(usage, hour, usage_class, name, quantity, cost)


def _unused(
    usage: Usage, commitments: Sequence[Commitment], application: Application
) -> Iterator[BillLine]:
    """One line per hour of reserved capacity that stood unused and was not taken over."""
    for position, left in application.unused:
        reservation, cost = commitments[position], application.charges[position]
        if isinstance(reservation, CapacityReservation):
            for hour in np.flatnonzero(left > 0).tolist():
                yield _line(
                    usage,
                    hour,
                    reservation.machine,
                    reservation.commitment_id,
                    float(left[hour]),
                    usd(int(cost[hour])),
                )


def _line(
    usage: Usage,
    hour: int,
    usage_class: UsageClass,
    commitment_id: str | None,
    quantity: float,
    cost_usd: Decimal,
) -> BillLine:
    return BillLine(
        hour=usage.start + hour * ONE_HOUR,
        account=usage_class.account,
        name=usage_class.name,
        commitment_id=commitment_id,
        quantity=quantity,
        cost_usd=cost_usd,
    )
