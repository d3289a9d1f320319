"""A bill line by line: which commitment served which usage in which hour."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from planner.billing.accounting import NANO, usd
from planner.billing.aws import Application, Take, active_hours
from planner.billing.commitments import Commitment
from planner.billing.hours import ONE_HOUR
from planner.billing.usage import Usage


class BillLine(BaseModel):
    """Usage of one class in one hour, paid by one commitment or (id None) on demand.

    ``quantity`` is in unit-hours. ``cost_usd`` is nominal: on demand the price paid, for a
    commitment the amortized cost of the part it used.
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
    lines = [line for take in application.takes for line in _served(usage, commitments, take)]
    for hour, column in np.argwhere(application.on_demand > 0).tolist():
        quantity = float(application.on_demand[hour, column])
        cost = usd(int(on_demand_nanousd[hour, column]))
        lines.append(_line(usage, hour, column, None, quantity, cost))
    return tuple(sorted(lines, key=lambda line: line.hour))


def _served(usage: Usage, commitments: Sequence[Commitment], take: Take) -> Iterator[BillLine]:
    """One line per hour and member of the pool, which share pro rata."""
    pool = take.pair.pool
    for member, size in zip(pool.members, pool.sizes, strict=True):
        commitment = commitments[member]
        active = active_hours(usage, commitment)
        for hour in range(active.start, active.stop):
            if size > 0 and take.quantity[hour] > 0:
                share = size / float(pool.capacity[hour])
                quantity = share * float(take.quantity[hour])
                used_hours = share * float(take.used[hour]) / size
                cost = usd(round(float(commitment.amortized_hourly_usd * NANO) * used_hours))
                name = commitment.commitment_id
                yield _line(usage, hour, take.pair.column, name, quantity, cost)


def _line(
    usage: Usage,
    hour: int,
    column: int,
    commitment_id: str | None,
    quantity: float,
    cost_usd: Decimal,
) -> BillLine:
    usage_class = usage.classes[column]
    return BillLine(
        hour=usage.start + hour * ONE_HOUR,
        account=usage_class.account,
        name=usage_class.name,
        commitment_id=commitment_id,
        quantity=quantity,
        cost_usd=cost_usd,
    )
