"""Capacity kept free: reservations paid as they stand, and blocks paid upfront."""

from datetime import datetime
from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, model_validator

from planner.billing.hours import TICKS_PER_HOUR, Stretch
from planner.billing.obligations import CountedObligation, Money
from planner.billing.usage import UsageClass

# AWS stops machines from half an hour before a block ends.
CLEARING_HOURS = Decimal("0.5")


class CapacityReservation(CountedObligation):
    """Capacity kept for ``count`` of one ``machine``, at its on-demand price, used or not.

    Machines of the holding account, of the same type, zone, system and tenancy, and of the same
    ``capacity_group`` if it has one (AWS: targeted; Azure: the group), run inside it and
    are billed as ever; what stands unused costs the machine's ``on_demand_usd`` less what
    commitments take over. ``software_usd`` is not charged on what does not run.
    """

    machine: UsageClass

    @model_validator(mode="after")
    def _machine_fits(self) -> Self:
        if self.machine.provider != self.provider or self.machine.account != self.account:
            raise ValueError("a capacity reservation and its machine have one provider and account")
        if self.provider not in ("aws", "azure", "custom") or self.machine.spot_usd is not None:
            raise ValueError("capacity is reserved for AWS's or Azure's on-demand machines")
        return self

    @property
    def scope(self) -> tuple[object, ...]:
        """Reservations are filled one by one."""
        return (self.commitment_id,)

    @property
    def upfront_usd(self) -> Decimal:
        """Nothing is paid ahead."""
        return Decimal(0)

    @property
    def hourly_usd(self) -> Decimal:
        """Nothing but its unused part is charged, which the usage decides."""
        return Decimal(0)

    @property
    def amortized_hourly_usd(self) -> Decimal:
        """It discounts nothing, so it has no part in the commitments' utilization."""
        return Decimal(0)


class CapacityBlock(CountedObligation):
    """Capacity Blocks: ``count`` machines of one type in one zone for some days, paid upfront.

    Without a ``zone`` it serves usage that names none.
    The machines run inside it before any reservation or plan sees them. Its last half hour is
    paid for but serves nothing. ``upfront_usd`` is USD per machine for the whole block.
    """

    provider: Literal["aws", "custom"] = "aws"
    region: str
    zone: str | None
    instance_type: str
    os: str = "linux"
    tenancy: str = "shared"
    upfront_usd: Money
    term_hours: Decimal = Field(gt=CLEARING_HOURS, le=10**9)

    def serving_in(self, span_start: datetime) -> Stretch:
        """The term without the half hour in which machines are stopped."""
        term = self.term_in(span_start)
        return Stretch(term.begin, term.end - round(CLEARING_HOURS * TICKS_PER_HOUR))

    @property
    def scope(self) -> tuple[object, ...]:
        """Blocks that serve the same usage."""
        place = (self.region, self.zone, self.instance_type, self.os, self.tenancy)
        return (self.account, self.shared, *place)

    @property
    def hourly_usd(self) -> Decimal:
        """All is paid upfront."""
        return Decimal(0)

    @property
    def amortized_hourly_usd(self) -> Decimal:
        """Upfront of all machines spread over the block [USD / hour]."""
        return self.upfront_usd * self.count / self.term_hours
