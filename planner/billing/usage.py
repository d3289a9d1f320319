"""Metered usage: how much of what ran in every clock-hour, and what it costs on demand."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from catalogs.faults import Faults
from planner.billing.hours import ONE_HOUR, Stretch, hours_from, misfit

SECONDS_PER_HOUR = 3600

Provider = Literal["aws", "gcp", "azure", "own", "custom"]
Price = Annotated[Decimal, Field(ge=0, le=10**9)]
Share = Annotated[Decimal, Field(ge=0, le=1)]

MACHINE_SERVICE = {
    "aws": "ec2",
    "gcp": "compute-engine",
    "azure": "virtual-machines",
    "own": "servers",
    "custom": "ec2",
}
"""The service whose usage is machines, by provider; custom offers follow AWS's rules."""


class RateKey(NamedTuple):
    """What a spend plan's rate, or an owned server's share, is looked up by."""

    service: str
    name: str
    region: str
    os: str = "linux"
    tenancy: str = "shared"


class UsageClass(BaseModel):
    """Usage that is priced and discounted alike.

    ``name`` is the instance type, a resource such as ``n2/vcpu`` or, outside the machine service
    (the default of ``service``), the usage type. ``units`` are the normalized units of one
    machine, on Azure its ratio in the flexibility group ``family``; on Azure ``account`` is a
    path, ``subscription/resource-group``. Prices are USD per unit-hour: machine-hour for
    machines, the service's own unit (vCPU-hour, GB-second, request) elsewhere.

    * ``spot_usd`` is paid instead of ``on_demand_usd`` for spot usage, which nothing discounts.
    * ``software_usd`` is the licence's own charge on all that is rented; 0 with hybrid benefit.
    * ``sustained_use`` are the price factors (0–1) of the four quarters of a calendar month.
    * ``month_cap_hours``: hours of a calendar month after which one runs on free of charge.
    * ``capacity_group``: it runs in capacity reservations of that group alone, in none of others,
      in no capacity block and on no owned server; what names no group runs in what names none.
    * ``commitment_premium`` (a share) is added to a resource commitment's price on this usage.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    account: str
    provider: Provider = "aws"
    service: str = ""
    name: str
    region: str
    zone: str | None = None
    os: str = "linux"
    tenancy: str = "shared"
    family: str | None = None
    units: Decimal | None = Field(default=None, gt=0, le=10**6)
    on_demand_usd: Price
    spot_usd: Price | None = None
    software_usd: Price = Decimal(0)
    sustained_use: tuple[Share, Share, Share, Share] | None = None
    month_cap_hours: int | None = Field(default=None, gt=0)
    commitment_premium: Share = Decimal(0)
    capacity_group: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _machines_unless_said(cls, given: object) -> object:
        if not isinstance(given, dict):
            return given
        provider = given.get("provider", "aws")
        return {"service": MACHINE_SERVICE.get(str(provider), "")} | given

    @property
    def rate_key(self) -> RateKey:
        """The key of this usage in a spend plan's rates."""
        return RateKey(self.service, self.name, self.region, self.os, self.tenancy)

    @property
    def is_machine(self) -> bool:
        """Whether it is usage of the provider's machine service."""
        return self.service == MACHINE_SERVICE[self.provider]

    @property
    def price_usd(self) -> Decimal:
        """What is paid without commitments [USD / unit-hour], software apart."""
        return self.on_demand_usd if self.spot_usd is None else self.spot_usd


class UsageLine(UsageClass):
    """One metered record: a usage class, its clock-hour and how much ran.

    Write either ``seconds`` that each of ``count`` machines ran in the hour (0–3600), or
    ``quantity`` in unit-hours. ``Usage.from_lines`` judges the values, all lines at once.
    """

    hour: datetime
    seconds: float | None = None
    count: float = 1
    quantity: float | None = None

    @property
    def usage_class(self) -> UsageClass:
        """The class alone, without hour and amount."""
        return UsageClass(**{field: getattr(self, field) for field in UsageClass.model_fields})


@dataclass(frozen=True, eq=False)
class Usage:
    """Usage of a span of clock-hours.

    ``start`` is a whole hour, kept in UTC; ``quantity`` is a read-only array
    [hour × class] in unit-hours. Raises InvalidInputError with every fault: a start that is
    naive or inside an hour, a class given twice, a wrong shape, negative or non-finite amounts.
    """

    start: datetime
    classes: tuple[UsageClass, ...]
    quantity: NDArray[np.float64]

    def __post_init__(self) -> None:
        quantity = np.array(self.quantity, dtype=np.float64)
        faults = Faults()
        if (fix := misfit(self.start)) is not None:
            faults.add("usage.start", self.start, fix)
        _check_classes(faults, self.classes)
        _check_quantity(faults, quantity, len(self.classes))
        faults.raise_if_any()
        quantity.setflags(write=False)
        object.__setattr__(self, "quantity", quantity)
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "classes", tuple(self.classes))

    @property
    def hours(self) -> int:
        """Clock-hours in the span."""
        return int(self.quantity.shape[0])

    @property
    def end(self) -> datetime:
        """The first hour after the span."""
        return self.start + self.hours * ONE_HOUR

    def rows_of(self, term: Stretch) -> Stretch:
        """The part of a term inside the span, counted in the rows of ``quantity``."""
        return term.inside(self.hours)

    @classmethod
    def from_lines(
        cls, lines: Iterable[UsageLine], *, start: datetime | None = None, hours: int | None = None
    ) -> Self:
        """Add up metered lines; lines of one class and hour join.

        The span runs from the first to the last line's hour unless ``start`` and ``hours`` say
        otherwise. Raises InvalidInputError with the faults of all lines: naive times, times
        inside an hour or outside the span, negative or non-finite amounts, more than 3600
        seconds of one machine in an hour, both or neither of ``seconds`` and ``quantity``.
        """
        records = list(lines)
        _check_lines(records)
        first, length = _span(records, start, hours)
        columns: dict[UsageClass, int] = {}
        cells: list[tuple[int, int]] = []
        for line in records:
            column = columns.setdefault(line.usage_class, len(columns))
            cells.append((hours_from(first, line.hour), column))
        return cls(first, tuple(columns), _add_up(records, cells, (length, len(columns))))


def _check_classes(faults: Faults, classes: Sequence[UsageClass]) -> None:
    seen: set[UsageClass] = set()
    for position, usage_class in enumerate(classes):
        if usage_class in seen:
            faults.add(f"usage.classes[{position}]", usage_class, "join it with its first column")
        seen.add(usage_class)


def _check_quantity(faults: Faults, quantity: NDArray[np.float64], classes: int) -> None:
    if quantity.ndim != 2 or quantity.shape[0] < 1 or quantity.shape[1] != classes:
        fix = f"give an array of at least one hour × {classes} classes"
        faults.add("usage.quantity.shape", quantity.shape, fix)
        return
    for hour, column in np.argwhere(~(np.isfinite(quantity) & (quantity >= 0))).tolist():
        field = f"usage.quantity[{hour}, {column}]"
        faults.add(field, float(quantity[hour, column]), "write a finite amount of 0 or more")


def _check_lines(lines: Sequence[UsageLine]) -> None:
    faults = Faults()
    for number, line in enumerate(lines):
        field = f"lines[{number}]"
        if (fix := misfit(line.hour)) is not None:
            faults.add(f"{field}.hour", line.hour, fix)
        if (line.seconds is None) == (line.quantity is None):
            given = (line.seconds, line.quantity)
            faults.add(f"{field}.(seconds, quantity)", given, "write exactly one of the two")
        for name in ("seconds", "count", "quantity"):
            amount = getattr(line, name)
            if amount is not None and not (math.isfinite(amount) and amount >= 0):
                faults.add(f"{field}.{name}", amount, "write a finite amount of 0 or more")
        if line.seconds is not None and SECONDS_PER_HOUR < line.seconds < math.inf:
            fix = "a machine runs at most 3600 s in a clock-hour: split over hours, or use count"
            faults.add(f"{field}.seconds", line.seconds, fix)
    faults.raise_if_any()


def _span(
    lines: Sequence[UsageLine], start: datetime | None, hours: int | None
) -> tuple[datetime, int]:
    """First hour and length of the span [hours]; every line must lie in it."""
    faults = Faults()
    if start is not None and (fix := misfit(start)) is not None:
        faults.add("start", start, fix)
    if hours is not None and hours < 1:
        faults.add("hours", hours, "write 1 or more clock-hours")
    if not lines and (start is None or hours is None):
        faults.add("lines", [], "give at least one line, or the span's start and hours")
    faults.raise_if_any()
    first = min(line.hour for line in lines) if start is None else start
    length = hours or hours_from(first, max((line.hour for line in lines), default=first)) + 1
    for number, line in enumerate(lines):
        if not 0 <= hours_from(first, line.hour) < length:
            faults.add(f"lines[{number}].hour", line.hour, "keep it inside the span, or widen that")
    faults.raise_if_any()
    return first, length


def _add_up(
    lines: Sequence[UsageLine], cells: Sequence[tuple[int, int]], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Unit-hours per [hour × class]; seconds join before they are divided, so 4 × 900 s is 1 h."""
    seconds, quantity = np.zeros(shape), np.zeros(shape)
    for line, cell in zip(lines, cells, strict=True):
        if line.seconds is not None:
            seconds[cell] += line.seconds * line.count
        quantity[cell] += line.quantity or 0.0
    return np.asarray(seconds / SECONDS_PER_HOUR + quantity, dtype=np.float64)
