"""What a bill says: by month, by commitment, in sums and by the hour."""

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from planner.billing.accounting import Accounting
from planner.billing.lines import BillLine

NANO_USD = Decimal("1e-9")


class MonthlyBill(BaseModel):
    """One calendar month (UTC) of a bill.

    ``on_demand_usd`` and ``commitment_usd`` are in the bill's accounting (present values at the
    span's start in ``cash_flow``). ``on_demand_usd`` is all that is paid as it runs: usage left
    by commitments, less what prices fall by in the month, and software. ``commitment_usd``
    includes owned servers and reserved capacity that stood unused. ``upfront_cash_usd`` is the
    upfront paid in the month, a memo that is never added; ``cash_usd`` = nominal on-demand +
    recurring fees + upfront paid − resale.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    month: str
    on_demand_usd: Decimal
    commitment_usd: Decimal
    upfront_cash_usd: Decimal
    cash_usd: Decimal


class CommitmentBill(BaseModel):
    """One commitment in a bill.

    ``committed`` and ``used`` count unit-hours of a reservation, machine-hours of reserved
    capacity, server-hours of hardware, USD of a spend plan, over the ``active_hours`` inside the
    span; ``cost_usd`` is in the bill's accounting.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    commitment_id: str
    active_hours: float
    committed: float
    used: float
    cost_usd: Decimal

    @property
    def utilization(self) -> float | None:
        """Share of the commitment used (0–1); None where nothing was committed."""
        return self.used / self.committed if self.committed > 0 else None

    @property
    def unused(self) -> float:
        """What was committed and not used, in the same measure."""
        return max(self.committed - self.used, 0.0)

    @property
    def used_usd(self) -> Decimal:
        """The cost of what was used (FOCUS: status Used), in whole nano-dollars."""
        return (self.cost_usd * Decimal(self.utilization or 0.0)).quantize(NANO_USD)

    @property
    def unused_usd(self) -> Decimal:
        """The cost of what was not (FOCUS: status Unused); with ``used_usd`` exactly the cost."""
        return self.cost_usd - self.used_usd


@dataclass(frozen=True)
class Statement:
    """What a bill says in sums, without its hours.

    ``coverage`` is the share of the on-demand equivalent served by commitments and
    ``utilization`` the share of the commitments' amortized cost in the span that was used (both
    0–1, None where there is no usage or commitment to share). The on-demand equivalent is without
    software, which costs the same either way.

    Of ``on_demand_usd``, in the bill's accounting: ``software_usd`` was paid for licences, and
    ``sustained_use_usd`` has been taken off as prices fell in the course of months.
    """

    accounting: Accounting
    start: datetime
    commitments: tuple[CommitmentBill, ...]
    months: tuple[MonthlyBill, ...]
    on_demand_equivalent_usd: Decimal
    coverage: float | None
    utilization: float | None
    software_usd: Decimal
    sustained_use_usd: Decimal

    @property
    def on_demand_usd(self) -> Decimal:
        """On-demand cost of all months, software included, in the bill's accounting."""
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
    nano-dollars, on demand before sustained use and without software. ``dedicated_quantity``
    includes ``owned_quantity``, which owned servers served. ``unused_quantity`` is reserved
    capacity that stood unused and no commitment took, of classes that the usage has. ``lines`` are
    kept on request only.
    """

    hourly_on_demand_nanousd: NDArray[np.int64]
    on_demand_quantity: NDArray[np.float64]
    dedicated_quantity: NDArray[np.float64]
    spend_quantity: NDArray[np.float64]
    owned_quantity: NDArray[np.float64]
    unused_quantity: NDArray[np.float64]
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


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{share:.1%}"
