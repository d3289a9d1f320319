"""The bill: usage and commitments replayed hour by hour in each provider's own order.

It shares no code with the optimizer, so it can judge what that promised.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from catalogs.faults import Faults
from planner.billing.accounting import (
    Accounting,
    Charge,
    Ledger,
    check_total,
    discount_factors,
    usage_nanousd,
    usd,
)
from planner.billing.application import Application, apply_commitments
from planner.billing.capacity import CapacityReservation
from planner.billing.commitments import Commitment
from planner.billing.gcp import FlexibleOrder
from planner.billing.hours import MonthSpan, split_into_months
from planner.billing.lines import bill_lines
from planner.billing.monthly import MonthlyPrice, monthly_prices
from planner.billing.statement import Bill, CommitmentBill, MonthlyBill
from planner.billing.usage import Usage


def bill(
    usage: Usage,
    commitments: Sequence[Commitment],
    *,
    accounting: Accounting = "amortized",
    discount_rate: float = 0.0,
    keep_lines: bool = False,
    flexible_order: FlexibleOrder = "highest_discount",
) -> Bill:
    """Bill ``usage`` with ``commitments`` under each provider's order of application.

    ``amortized`` charges recurring fees and amortized upfront of the hours inside the span.
    ``cash_flow`` charges present values at the span's start, discounted at ``discount_rate``
    (per year of 8,760 h; no other accounting discounts), and credits upfront not yet used up at
    the span's end; upfront paid before the span is sunk. ``full_term`` charges every term to
    its end, in months past the span if need be, but nothing from before the span; what usage
    decides (reserved capacity unused, energy in use) is charged inside the span alone.
    ``flexible_order`` is the usage that GCP's flexible commitments serve first.

    Raises InvalidInputError: an unknown accounting or order, a commitment id given twice, a
    discount rate below 0 or not finite, sums beyond int64 nano-dollars (9 billion USD).
    """
    rate = discount_rate if accounting == "cash_flow" else 0.0
    _check_request(commitments, accounting, discount_rate, flexible_order)
    equivalent = usage_nanousd(usage.quantity, [one.on_demand_usd for one in usage.classes])
    application = apply_commitments(
        usage, commitments, flexible_order=flexible_order, keep_takes=keep_lines
    )
    on_demand = usage_nanousd(application.on_demand, [one.price_usd for one in usage.classes])
    ledger = Ledger(accounting, usage.start, usage.hours, discount_factors(usage.hours, rate))
    paid = _pay_as_you_go(usage, application, on_demand, ledger)
    months, costs = _months(ledger, paid, commitments, application)
    bills = tuple(
        _commitment_bill(usage, commitment, used_hours, cost)
        for commitment, used_hours, cost in zip(
            commitments, application.used_hours, costs, strict=True
        )
    )
    return Bill(
        accounting=accounting,
        start=usage.start,
        hourly_on_demand_nanousd=on_demand.sum(axis=1),
        on_demand_quantity=application.on_demand,
        dedicated_quantity=application.dedicated,
        spend_quantity=application.spend,
        owned_quantity=application.owned,
        unused_quantity=_unused(usage, commitments, application),
        commitments=bills,
        months=months,
        on_demand_equivalent_usd=usd(int(equivalent.sum())),
        coverage=_coverage(usage, application),
        utilization=_utilization(usage, commitments, application.used_hours),
        software_usd=usd(sum(one.software for one in paid.values())),
        sustained_use_usd=usd(sum(one.credit for one in paid.values())),
        lines=bill_lines(usage, commitments, application, on_demand) if keep_lines else (),
    )


class Paid(NamedTuple):
    """What one month's usage costs as it runs [nano-dollars].

    ``on_demand``, ``software`` and the ``credit`` of falling prices are in the accounting,
    ``nominal`` is the three as paid.
    """

    on_demand: int
    software: int
    credit: int
    nominal: int

    @property
    def cost(self) -> int:
        """All of it, in the accounting."""
        return self.on_demand + self.software - self.credit


def _check_request(
    commitments: Sequence[Commitment], accounting: str, discount_rate: float, flexible_order: str
) -> None:
    faults = Faults()
    if accounting not in get_args(Accounting):
        faults.add("accounting", accounting, f"write one of {', '.join(get_args(Accounting))}")
    if flexible_order not in get_args(FlexibleOrder):
        orders = ", ".join(get_args(FlexibleOrder))
        faults.add("flexible_order", flexible_order, f"write one of {orders}")
    if not 0 <= discount_rate < math.inf:
        faults.add("discount_rate", discount_rate, "write a yearly share of 0 or more")
    seen: set[str] = set()
    for position, commitment in enumerate(commitments):
        if commitment.commitment_id in seen:
            field = f"commitments[{position}].commitment_id"
            faults.add(field, commitment.commitment_id, "give every commitment its own id")
        seen.add(commitment.commitment_id)
    faults.raise_if_any()


def _pay_as_you_go(
    usage: Usage, application: Application, on_demand: NDArray[np.int64], ledger: Ledger
) -> dict[str, Paid]:
    """What usage costs as it runs, by the months of the span."""
    hourly = on_demand.sum(axis=1)
    licensed = np.zeros_like(hourly)
    if any(one.software_usd for one in usage.classes):
        rented = usage.quantity - application.owned
        licensed = usage_nanousd(rented, [one.software_usd for one in usage.classes]).sum(axis=1)
    falling = monthly_prices(usage.classes)
    paid: dict[str, Paid] = {}
    for month in split_into_months(ledger.start, ledger.hours):
        taken_off = [_credit(one, application.on_demand, ledger, month) for one in falling]
        nominal = ledger.nominal(hourly, month) + ledger.nominal(licensed, month)
        paid[month.month] = Paid(
            on_demand=ledger.by_the_hour(hourly, month),
            software=ledger.by_the_hour(licensed, month),
            credit=sum(value for value, _ in taken_off),
            nominal=nominal - sum(credit for _, credit in taken_off),
        )
    return paid


def _credit(
    falling: MonthlyPrice, quantity: NDArray[np.float64], ledger: Ledger, month: MonthSpan
) -> tuple[int, int]:
    """A month's credit, in the accounting and nominal [nano-dollars]; by the hour it falls on."""
    hourly = falling.credits_nanousd(quantity, month)
    nominal = round(math.fsum(hourly))
    if ledger.accounting != "cash_flow":
        return nominal, nominal
    worth = ledger.discount[:-1][month.first_hour : month.end_hour]
    return round(math.fsum(hourly * worth)), nominal


def _months(
    ledger: Ledger,
    paid: dict[str, Paid],
    commitments: Sequence[Commitment],
    application: Application,
) -> tuple[tuple[MonthlyBill, ...], list[int]]:
    """Monthly bills, and the cost of each commitment [nano-dollars]."""
    spans = split_into_months(ledger.start, ledger.horizon_hours(commitments))
    charges = [
        ledger.charges(one, spans, application.charges.get(position))
        for position, one in enumerate(commitments)
    ]
    nothing = Paid(0, 0, 0, 0)
    months = tuple(
        _month(month.month, paid.get(month.month, nothing), [one[position] for one in charges])
        for position, month in enumerate(spans)
    )
    costs = [sum(charge.cost for charge in of_one) for of_one in charges]
    as_it_runs = sum(one.on_demand + one.software for one in paid.values())
    check_total("commitments, cost [USD]", float(sum(costs)) + float(as_it_runs))
    return months, costs


def _month(month: str, paid: Paid, charges: Sequence[Charge]) -> MonthlyBill:
    upfront = sum(charge.upfront_paid for charge in charges)
    recurring = sum(charge.recurring for charge in charges)
    return MonthlyBill(
        month=month,
        on_demand_usd=usd(paid.cost),
        commitment_usd=usd(sum(charge.cost for charge in charges)),
        upfront_cash_usd=usd(upfront),
        cash_usd=usd(paid.nominal + upfront + recurring),
    )


def _active_hours(usage: Usage, commitment: Commitment) -> float:
    return commitment.term_in(usage.start).inside(usage.hours).hours


def _commitment_bill(
    usage: Usage, commitment: Commitment, used_hours: float, cost_nanousd: int
) -> CommitmentBill:
    active = _active_hours(usage, commitment)
    size = float(commitment.committed_per_hour)
    return CommitmentBill(
        commitment_id=commitment.commitment_id,
        active_hours=active,
        committed=size * active,
        used=size * used_hours,
        cost_usd=usd(cost_nanousd),
    )


def _unused(
    usage: Usage, commitments: Sequence[Commitment], application: Application
) -> NDArray[np.float64]:
    """Reserved capacity left unused and untaken [hour × class]."""
    unused = np.zeros_like(application.on_demand)
    for position, left in application.unused:
        held = commitments[position]
        if isinstance(held, CapacityReservation) and held.machine in usage.classes:
            unused[:, usage.classes.index(held.machine)] += left
    return unused


def _coverage(usage: Usage, application: Application) -> float | None:
    prices = np.array([float(one.on_demand_usd) for one in usage.classes])
    equivalent = float(usage.quantity.sum(axis=0) @ prices)
    served = application.dedicated.sum(axis=0) + application.spend.sum(axis=0)
    return float(served @ prices) / equivalent if equivalent > 0 else None


def _utilization(
    usage: Usage, commitments: Sequence[Commitment], used_hours: Sequence[float]
) -> float | None:
    """Used over total amortized cost of the commitments' hours inside the span."""
    used, total = 0.0, 0.0
    for commitment, hours in zip(commitments, used_hours, strict=True):
        each = float(commitment.amortized_hourly_usd)
        used += each * hours
        total += each * _active_hours(usage, commitment)
    return used / total if total > 0 else None
