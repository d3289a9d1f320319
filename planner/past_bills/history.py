"""What past bills say: usage by pool, commitments and how they were used, and the present cost.

Amounts are in the bills' currency, exact; machine-hours are hours of whole machines, or of one vCPU
or GiB where the provider bills those.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from datetime import datetime
from decimal import Decimal

ZERO = Decimal(0)


@dataclass(frozen=True)
class FileRead:
    """One file: its name, format, and what was in it."""

    name: str
    format: str
    rows: int
    columns: int


@dataclass(frozen=True)
class ServiceMonth:
    """One service in one billing month.

    Attributes:
        month: year and month, such as 2026-01.
        provider: whose bill.
        service: as the provider names it.
        is_compute: whether this is machine time and its commitments.
        billed: what is paid for the month.
        effective: with upfront payments spread over what they cover.
        listed: the same usage at list prices, on demand; 0 of what is not usage.
        negative_rows: rows that give money back: credits, refunds and the like.
        committed: of the effective cost, that of commitments, used or not.
        unused: of that, what was left unused.
    """

    month: str
    provider: str
    service: str
    is_compute: bool
    billed: Decimal
    effective: Decimal
    listed: Decimal
    rows: int
    negative_rows: int
    committed: Decimal
    unused: Decimal


@dataclass(frozen=True)
class PoolUsage:
    """Machine time of one kind, in one place, paid one way.

    Attributes:
        purchase_option: on_demand, covered (by a commitment) or spot.
        machine_hours: their sum.
        peak_machines: machine-hours of the busiest hour.
        first_hour, last_hour: UTC.
    """

    provider: str
    account: str | None
    region: str
    zone: str | None
    instance_type: str
    os: str
    tenancy: str
    purchase_option: str
    machine_hours: Decimal
    peak_machines: Decimal
    first_hour: datetime
    last_hour: datetime


@dataclass(frozen=True)
class Term:
    """What a bill says of a commitment's term; None where it does not.

    Attributes:
        machines: reserved.
        upfront: paid for each machine.
        hourly: committed by a plan, or charged for each machine.
    """

    starts: datetime | None
    ends: datetime | None
    payment: str | None
    region: str | None
    family: str | None
    instance_type: str | None
    os: str | None
    tenancy: str | None
    machines: Decimal | None
    upfront: Decimal | None
    hourly: Decimal | None


@dataclass(frozen=True)
class CommitmentUse:
    """A commitment met in the bills, over the time they span.

    Attributes:
        kind: as offers are named; the provider's own word where that is unknown.
        unit: of the quantities; None where the bill names none.
        used_quantity, unused_quantity: what was committed and used, or left unused; None where
            the bill has no quantities.
        bought_quantity: of the purchases billed; covers their whole term.
        used_cost, unused_cost: effective cost of either.
        recurring_cost: fees charged in the span.
        upfront_cost: payments made in the span, for the whole term.
    """

    provider: str
    commitment_id: str
    kind: str
    unit: str | None
    used_quantity: Decimal | None
    unused_quantity: Decimal | None
    bought_quantity: Decimal | None
    used_cost: Decimal
    unused_cost: Decimal
    recurring_cost: Decimal
    upfront_cost: Decimal
    term: Term | None

    @property
    def effective_cost(self) -> Decimal:
        """Used or not."""
        return self.used_cost + self.unused_cost

    @property
    def amortized_cost(self) -> Decimal:
        """The part of the effective cost that recurring fees do not pay."""
        return max(ZERO, self.effective_cost - self.recurring_cost)


@dataclass(frozen=True)
class LeftOut:
    """Rows whose machine time does not reach the demand, by the reason; their cost does count."""

    reason: str
    provider: str
    rows: int
    effective: Decimal


@dataclass(frozen=True)
class Spread:
    """Machine time of rows that span more than an hour, spread evenly over their hours."""

    hours_of_a_row: int
    rows: int
    machine_hours: Decimal


@dataclass(frozen=True)
class BillHistory:
    """Everything read from bills, but the hourly series, which stand in files of their own."""

    currency: str
    files: tuple[FileRead, ...]
    months: tuple[ServiceMonth, ...]
    pools: tuple[PoolUsage, ...]
    commitments: tuple[CommitmentUse, ...]
    left_out: tuple[LeftOut, ...]
    spread: tuple[Spread, ...]
    remarks: tuple[str, ...]

    @property
    def billed(self) -> Decimal:
        """Of all months and services."""
        return sum((one.billed for one in self.months), ZERO)

    @property
    def effective(self) -> Decimal:
        """Of all months and services."""
        return sum((one.effective for one in self.months), ZERO)

    @property
    def listed(self) -> Decimal:
        """Of all months and services."""
        return sum((one.listed for one in self.months), ZERO)

    @property
    def compute_effective(self) -> Decimal:
        """Of machine time and its commitments."""
        return sum((one.effective for one in self.months if one.is_compute), ZERO)

    @property
    def unused_cost(self) -> Decimal:
        """Of commitments left unused."""
        return sum((one.unused_cost for one in self.commitments), ZERO)

    def as_document(self) -> dict[str, object]:
        """For JSON: amounts as numbers, moments as ISO 8601 in UTC."""
        totals = {
            name: float(getattr(self, name))
            for name in ("billed", "effective", "listed", "compute_effective", "unused_cost")
        }
        commitments = [
            _named(one)
            | {
                "effective_cost": float(one.effective_cost),
                "amortized_cost": float(one.amortized_cost),
            }
            for one in self.commitments
        ]
        parts = {one.name: _plain(getattr(self, one.name)) for one in fields(self)}
        return {"totals": totals} | parts | {"commitments": commitments}


def _named(part: CommitmentUse) -> dict[str, object]:
    return {one.name: _plain(getattr(part, one.name)) for one in fields(part)}


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value
