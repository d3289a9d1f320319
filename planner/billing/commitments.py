"""Commitments as AWS bills them: Reserved Instances by the machine, Savings Plans by the dollar."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from planner.billing.hours import hours_from, misfit
from planner.billing.usage import RateKey


def _whole_utc_hour(moment: datetime) -> datetime:
    if (fix := misfit(moment)) is not None:
        raise ValueError(fix)
    return moment.astimezone(UTC)


Money = Annotated[Decimal, Field(ge=0, le=10**9)]
WholeHour = Annotated[datetime, AfterValidator(_whole_utc_hour)]
Rate = Annotated[Decimal, Field(gt=0, le=10**9)]


class _Commitment(BaseModel):
    """Who pays, from when, for how long; the term may reach beyond the usage on both sides."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    commitment_id: str
    account: str
    start: WholeHour
    term_hours: int = Field(gt=0)

    def term_in(self, span_start: datetime) -> range:
        """Hours of the term, counted from ``span_start``: [first, end), negative before it."""
        first = hours_from(span_start, self.start)
        return range(first, first + self.term_hours)


class Reservation(_Commitment):
    """Reserved Instances of one purchase, regional scope; money is USD per machine.

    ``units`` are the normalized units of one machine. A size-flexible reservation serves every
    size of its family in region, operating system and tenancy; any other one its exact type.
    Where ``shared`` is false, discount sharing is switched off: it serves its own account alone.
    """

    region: str
    instance_type: str
    family: str | None = None
    units: Decimal | None = Field(default=None, gt=0, le=10**6)
    size_flexible: bool
    os: str = "linux"
    tenancy: str = "shared"
    shared: bool = True
    count: Decimal = Field(ge=0, le=10**9)
    upfront_usd: Money
    hourly_usd: Money

    @model_validator(mode="after")
    def _flexible_needs_family_and_units(self) -> Self:
        if self.size_flexible and (self.family is None or self.units is None):
            raise ValueError("a size-flexible reservation needs family and units")
        return self

    @property
    def effective_hourly_usd(self) -> Decimal:
        """Upfront spread over the term plus the recurring rate [USD / machine-hour]."""
        return self.upfront_usd / self.term_hours + self.hourly_usd

    @property
    def committed_per_hour(self) -> Decimal:
        """Machine-hours committed in each hour of the term."""
        return self.count

    @property
    def amortized_hourly_usd(self) -> Decimal:
        """Upfront spread over the term plus the recurring rate, all machines [USD / hour]."""
        return self.effective_hourly_usd * self.count

    @property
    def list_value_usd(self) -> Decimal:
        """Upfront plus the recurring rate over the whole term [USD / machine]."""
        return self.upfront_usd + self.hourly_usd * self.term_hours


class SavingsPlan(_Commitment):
    """A Savings Plan: ``commitment_usd`` of discounted usage, paid for every hour of the term.

    Kind ``ec2`` (EC2 Instance Savings Plan) serves one family in one region, ``compute`` every
    service and region. ``rates`` are USD per unit-hour; usage without a rate is not eligible.
    ``upfront_share`` (0–1) of the term's total is paid at the start.
    """

    kind: Literal["ec2", "compute"]
    region: str | None = None
    family: str | None = None
    commitment_usd: Decimal = Field(ge=0, le=10**9)
    upfront_share: Decimal = Field(default=Decimal(0), ge=0, le=1)
    rates: Mapping[RateKey, Rate]

    @model_validator(mode="after")
    def _scope_fits_kind(self) -> Self:
        scoped = (self.region is not None, self.family is not None)
        if scoped != ((self.kind == "ec2"),) * 2:
            raise ValueError("an ec2 plan needs region and family, a compute plan takes neither")
        return self

    @property
    def upfront_usd(self) -> Decimal:
        """The part of the term's total paid at the start [USD]."""
        return self.commitment_usd * self.term_hours * self.upfront_share

    @property
    def hourly_usd(self) -> Decimal:
        """The part of the commitment paid as it runs [USD / hour]."""
        return self.commitment_usd * (1 - self.upfront_share)

    @property
    def committed_per_hour(self) -> Decimal:
        """Dollars committed in each hour of the term."""
        return self.commitment_usd

    @property
    def amortized_hourly_usd(self) -> Decimal:
        """The commitment itself, however it is paid [USD / hour]."""
        return self.commitment_usd


Commitment = Reservation | SavingsPlan
