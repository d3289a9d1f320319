"""Commitments that discount usage: reservations by the unit, spend plans by the dollar."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, model_validator

from planner.billing.capacity import CapacityBlock, CapacityReservation
from planner.billing.hardware import OwnHardware
from planner.billing.obligations import CountedObligation, Money, Obligation, Rate, Units
from planner.billing.usage import RateKey


class Reservation(CountedObligation):
    """Reserved units of one purchase; money is USD per unit.

    * AWS: Reserved Instances; with a ``zone`` they are zonal and serve their exact type there.
      A size-flexible one serves every size of its family in region, operating system and
      tenancy, any other its exact type. ``units`` are the normalized units of one machine.
      ``convertible`` matters to exchanges alone.
    * GCP: a resource commitment of ``count`` units of a resource such as ``n2/vcpu``, which is
      its ``instance_type``.
    * Azure: a reserved size; ``family`` is its flexibility group, ``units`` its ratio; with
      ``size_flexible`` off it is bound to the exact size. The operating system is not asked.
    """

    region: str
    zone: str | None = None
    instance_type: str
    family: str | None = None
    units: Units | None = None
    size_flexible: bool
    convertible: bool = False
    os: str = "linux"
    tenancy: str = "shared"
    upfront_usd: Money
    hourly_usd: Money
    credit_usd: Money = Decimal(0)
    """Of the upfront, what an exchange at the term's end counts as paid for what is taken."""

    @model_validator(mode="after")
    def _scope_fits_provider(self) -> Self:
        if self.size_flexible and (self.family is None or self.units is None):
            raise ValueError("a size-flexible reservation needs family and units")
        if self.zone is not None and self.size_flexible:
            raise ValueError("a zonal reservation serves its exact type: it is not size-flexible")
        if self.zone is not None and self.provider not in ("aws", "custom"):
            raise ValueError("only AWS sells zonal reservations")
        if self.provider == "gcp" and self.size_flexible:
            raise ValueError("a GCP resource commitment is in units of one resource")
        return self

    @property
    def scope(self) -> tuple[object, ...]:
        """Reservations that serve the same usage."""
        product = (self.region, self.zone, self.os, self.tenancy)
        sizes = ("family", self.family) if self.size_flexible else ("type", self.instance_type)
        return (self.provider, self.account, self.shared, *product, *sizes)

    @property
    def resale_usd(self) -> Decimal:
        """What an exchange credits at the term's end [USD / unit]."""
        return self.credit_usd

    @property
    def is_credited(self) -> bool:
        """What is exchanged is not sold."""
        return True

    @property
    def effective_hourly_usd(self) -> Decimal:
        """Upfront not credited spread over the term plus the recurring rate [USD / unit-hour]."""
        return (self.upfront_usd - self.credit_usd) / self.term_hours + self.hourly_usd

    @property
    def amortized_hourly_usd(self) -> Decimal:
        """Upfront spread over the term plus the recurring rate, all units [USD / hour]."""
        return self.effective_hourly_usd * self.count

    @property
    def list_value_usd(self) -> Decimal:
        """Upfront plus the recurring rate over the whole term [USD / unit]."""
        return self.upfront_usd + self.hourly_usd * self.term_hours


class SavingsPlan(Obligation):
    """A spend plan: ``commitment_usd`` of discounted usage, paid for every hour of the term.

    Kind ``ec2`` (AWS's EC2 Instance Savings Plan) serves one family in one region, ``compute``
    every service and region of its provider: AWS's Compute Savings Plan, GCP's flexible
    commitment (in discounted dollars), Azure's savings plan for compute. ``rates`` are USD per
    unit-hour; usage without a rate is not eligible. ``upfront_share`` (0–1) of the term's total
    is paid at the start.
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
        if self.kind == "ec2" and self.provider not in ("aws", "custom"):
            raise ValueError("only AWS sells ec2 plans")
        return self

    @property
    def scope(self) -> tuple[object, ...]:
        """Its rates decide whom it serves; plans of equal rates are found by what they serve."""
        return (self.commitment_id,)

    @property
    def copies(self) -> Decimal:
        """A plan counts as one."""
        return Decimal(1)

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


Commitment = Reservation | SavingsPlan | CapacityReservation | CapacityBlock | OwnHardware
