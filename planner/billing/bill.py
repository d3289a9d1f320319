"""The bill: usage and commitments replayed hour by hour in AWS's own order.

It shares no code with the optimizer, so it can judge what that promised.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from catalogs.faults import Faults
from planner.billing.accounting import NANO, Accounting, Ledger, discount_factors, usd
from planner.billing.aws import Application, active_hours, apply_commitments
from planner.billing.commitments import Commitment
from planner.billing.hours import split_into_months
from planner.billing.lines import BillLine, bill_lines
from planner.billing.usage import Usage

# Just below the end of int64 (9.22e18), so that no rounding of the check lets a sum wrap.
LARGEST_NANOUSD = 9 * 10**18


class MonthlyBill(BaseModel):
    """One calendar month (UTC) of a bill.

    ``on_demand_usd`` and ``commitment_usd`` are in the bill's accounting (present values at the
    span's start in ``cash_flow``). ``upfront_cash_usd`` is the upfront paid in the month, a memo
    that is never added; ``cash_usd`` = nominal on-demand + recurring fees + upfront paid.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    month: str
    on_demand_usd: Decimal
    commitment_usd: Decimal
    upfront_cash_usd: Decimal
    cash_usd: Decimal


class CommitmentBill(BaseModel):
    """One commitment in a bill.

    ``committed`` and ``used`` count machine-hours of a reservation, USD of a Savings Plan, over
    the ``active_hours`` inside the span; ``cost_usd`` is in the bill's accounting.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    commitment_id: str
    active_hours: int
    committed: float
    used: float
    cost_usd: Decimal

    @property
    def utilization(self) -> float | None:
        """Share of the commitment used (0–1); None where nothing was committed."""
        return self.used / self.committed if self.committed > 0 else None


@dataclass(frozen=True)
class Statement:
    """What a bill says in sums, without its hours.

    ``coverage`` is the share of the on-demand equivalent served by commitments and
    ``utilization`` the share of the commitments' amortized cost in the span that was used (both
    0–1, None where there is no usage or commitment to share).
    """

    accounting: Accounting
    start: datetime
    commitments: tuple[CommitmentBill, ...]
    months: tuple[MonthlyBill, ...]
    on_demand_equivalent_usd: Decimal
    coverage: float | None
    utilization: float | None

    @property
    def on_demand_usd(self) -> Decimal:
        """On-demand cost of all months, in the bill's accounting."""
        return sum((month.on_demand_usd for month in self.months), Decimal(0))

    @property
    def commitment_usd(self) -> Decimal:
        """Commitment cost of all months, in the bill's accounting."""
        return sum((month.commitment_usd for month in self.months), Decimal(0))

    @property
    def total_usd(self) -> Decimal:
        """On-demand and commitment cost of all months, exact to the nano-dollar."""
        return self.on_demand_usd + self.commitment_usd


@dataclass(frozen=True, eq=False)
class Bill(Statement):
    """What usage costs with the given commitments.

    Arrays are [hour × class] in unit-hours, columns as in the usage; money arrays are nominal
    nano-dollars. ``lines`` are kept on request only.
    """

    hourly_on_demand_nanousd: NDArray[np.int64]
    on_demand_quantity: NDArray[np.float64]
    dedicated_quantity: NDArray[np.float64]
    spend_quantity: NDArray[np.float64]
    lines: tuple[BillLine, ...]

    @property
    def statement(self) -> Statement:
        """Its sums alone, where there is no room for the hours of many bills."""
        return Statement(**{one.name: getattr(self, one.name) for one in fields(Statement)})

    def __str__(self) -> str:
        """Read as a summary for a ticket."""
        shares = f"coverage {_percent(self.coverage)}, utilization {_percent(self.utilization)}"
        return "\n".join(
            [
                f"Bill: {self.accounting}, {len(self.hourly_on_demand_nanousd)} h from "
                f"{self.start:%Y-%m-%d %H:%M} UTC",
                f"  on demand              {self.on_demand_usd:>18,.2f} USD",
                f"  commitments            {self.commitment_usd:>18,.2f} USD",
                f"  total                  {self.total_usd:>18,.2f} USD",
                f"  on-demand equivalent   {self.on_demand_equivalent_usd:>18,.2f} USD",
                f"  {shares}",
            ]
        )


def bill(
    usage: Usage,
    commitments: Sequence[Commitment],
    *,
    accounting: Accounting = "amortized",
    discount_rate: float = 0.0,
    keep_lines: bool = False,
) -> Bill:
    """Bill ``usage`` with ``commitments`` under AWS's order of application.

    ``amortized`` charges recurring fees and amortized upfront of the hours inside the span.
    ``cash_flow`` charges present values at the span's start, discounted at ``discount_rate``
    (per year of 8,760 h; no other accounting discounts), and credits upfront not yet used up at
    the span's end; upfront paid before the span is sunk. ``full_term`` charges every term to
    its end, in months past the span if need be, but nothing from before the span.

    Raises InvalidInputError: an unknown accounting, a commitment id given twice, a discount rate
    below 0 or not finite, sums beyond int64 nano-dollars (9 billion USD).
    """
    rate = discount_rate if accounting == "cash_flow" else 0.0
    _check_request(commitments, accounting, discount_rate)
    equivalent = _on_demand_nanousd(usage, usage.quantity)
    application = apply_commitments(usage, commitments, keep_takes=keep_lines)
    on_demand = _on_demand_nanousd(usage, application.on_demand)
    ledger = Ledger(accounting, usage.start, usage.hours, discount_factors(usage.hours, rate))
    hourly = on_demand.sum(axis=1)
    months, costs = _months(ledger, hourly, commitments)
    bills = tuple(
        _commitment_bill(usage, commitment, used_hours, cost)
        for commitment, used_hours, cost in zip(
            commitments, application.used_hours, costs, strict=True
        )
    )
    return Bill(
        accounting=accounting,
        start=usage.start,
        hourly_on_demand_nanousd=hourly,
        on_demand_quantity=application.on_demand,
        dedicated_quantity=application.dedicated,
        spend_quantity=application.spend,
        commitments=bills,
        months=months,
        on_demand_equivalent_usd=usd(int(equivalent.sum())),
        coverage=_coverage(usage, application),
        utilization=_utilization(usage, commitments, application.used_hours),
        lines=bill_lines(usage, commitments, application, on_demand) if keep_lines else (),
    )


def _check_request(
    commitments: Sequence[Commitment], accounting: str, discount_rate: float
) -> None:
    faults = Faults()
    if accounting not in get_args(Accounting):
        faults.add("accounting", accounting, f"write one of {', '.join(get_args(Accounting))}")
    if not 0 <= discount_rate < math.inf:
        faults.add("discount_rate", discount_rate, "write a yearly share of 0 or more")
    seen: set[str] = set()
    for position, commitment in enumerate(commitments):
        if commitment.commitment_id in seen:
            field = f"commitments[{position}].commitment_id"
            faults.add(field, commitment.commitment_id, "give every commitment its own id")
        seen.add(commitment.commitment_id)
    faults.raise_if_any()


def _on_demand_nanousd(usage: Usage, quantity: NDArray[np.float64]) -> NDArray[np.int64]:
    """On-demand cost [hour × class], each cell rounded to the nano-dollar."""
    prices = np.array([float(one.on_demand_usd * NANO) for one in usage.classes])
    with np.errstate(over="ignore"):  # an infinite sum is reported as too large, below
        cost = np.rint(quantity * prices)
        total = float(cost.sum())
    _check_total("usage at on-demand prices [USD]", total)
    return np.asarray(cost, dtype=np.int64)


def _check_total(field: str, nanousd: float) -> None:
    faults = Faults()
    if nanousd > LARGEST_NANOUSD:
        fix = "a bill holds at most 9 billion USD: check units and prices, or bill a shorter span"
        faults.add(field, nanousd / NANO, fix)
    faults.raise_if_any()


def _months(
    ledger: Ledger, hourly: NDArray[np.int64], commitments: Sequence[Commitment]
) -> tuple[tuple[MonthlyBill, ...], list[int]]:
    """Monthly bills, and the cost of each commitment [nano-dollars]."""
    spans = split_into_months(ledger.start, ledger.horizon_hours(commitments))
    charges = [ledger.charges(one, spans) for one in commitments]
    months: list[MonthlyBill] = []
    for position, month in enumerate(spans):
        now = [of_one[position] for of_one in charges]
        upfront = sum(charge.upfront_paid for charge in now)
        nominal = int(hourly[month.first_hour : month.end_hour].sum())
        months.append(
            MonthlyBill(
                month=month.month,
                on_demand_usd=usd(ledger.on_demand(hourly, month)),
                commitment_usd=usd(sum(charge.cost for charge in now)),
                upfront_cash_usd=usd(upfront),
                cash_usd=usd(nominal + upfront + sum(charge.recurring for charge in now)),
            )
        )
    costs = [sum(charge.cost for charge in of_one) for of_one in charges]
    _check_total("commitments, cost [USD]", float(sum(costs)) + float(hourly.sum()))
    return tuple(months), costs


def _commitment_bill(
    usage: Usage, commitment: Commitment, used_hours: float, cost_nanousd: int
) -> CommitmentBill:
    active = active_hours(usage, commitment)
    size = float(commitment.committed_per_hour)
    return CommitmentBill(
        commitment_id=commitment.commitment_id,
        active_hours=active.stop - active.start,
        committed=size * (active.stop - active.start),
        used=size * used_hours,
        cost_usd=usd(cost_nanousd),
    )


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
        active = active_hours(usage, commitment)
        used += float(commitment.amortized_hourly_usd) * hours
        total += float(commitment.amortized_hourly_usd) * (active.stop - active.start)
    return used / total if total > 0 else None


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{share:.1%}"
