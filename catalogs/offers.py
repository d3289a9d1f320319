"""What can be bought: instance types, rates, and the commitments a provider sells."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from catalogs.amounts import Dollars
from catalogs.kinds import OfferKind, Payment

HOURS_PER_YEAR = 8760
"""Hours of a one-year term; a three-year term has 26 280 h (not calendar years)."""

NAME_PATTERN = r"^[^:\s]+$"
"""Names that stand in offer ids, whose parts are divided by colons."""

# Stored as whole nano-dollars in 64 bits: nine decimals, below a thousand million dollars.
Usd = Annotated[Dollars, Field(ge=0, lt=10**9, decimal_places=9)]
Quantity = Annotated[Decimal, Field(gt=0, le=10**6)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class InstanceType(_Frozen):
    """A machine one can rent.

    ``family`` and ``size`` default to the name before and after its first dot.
    ``normalized_units`` weigh the sizes of a family against each other; ``size_flexible`` says
    that regional Linux reservations of the family, shared tenancy, cover any of its sizes. Where a
    provider bills and discounts a machine by its parts, ``resources`` are these by their names in
    the price list, such as ``{"n2/vcpu": 4, "n2/gib": 16}``; otherwise it is empty.
    """

    name: str = Field(pattern=NAME_PATTERN)
    provider: str = "custom"
    family: str = Field(default="", validate_default=False)
    size: str = ""
    vcpus: float | None = Field(default=None, gt=0)
    memory_gib: float | None = Field(default=None, gt=0)
    architecture: str | None = None
    gpus: float = Field(default=0, ge=0)
    gpu_model: str | None = None
    burstable: bool = False
    bare_metal: bool = False
    current_generation: bool = True
    local_ssd_gb: float = Field(default=0, ge=0)
    network_gbps: float | None = Field(default=None, ge=0)
    normalized_units: Decimal | None = Field(default=None, gt=0, le=10**6)
    size_flexible: bool = False
    resources: dict[str, Quantity] = {}

    @model_validator(mode="before")
    @classmethod
    def _family_and_size_from_name(cls, given: object) -> object:
        if not (isinstance(given, dict) and isinstance(given.get("name"), str)):
            return given
        family, _, size = given["name"].partition(".")
        return {"family": family, "size": size} | given

    @model_validator(mode="after")
    def _flexible_sizes_have_units(self) -> Self:
        if self.size_flexible and self.normalized_units is None:
            raise ValueError("size_flexible needs normalized_units, the size's weight")
        return self

    @property
    def generation(self) -> int | None:
        """The number in the family's name: m5 is 5, c7gn is 7, u7i-6tb is 7, u-6tb1 is 1."""
        leading = re.match(r"[a-zA-Z]+(\d+)", self.family)
        digits = [leading[1]] if leading else re.findall(r"\d+", self.family)
        return int(digits[-1]) if digits else None


class Rate(_Frozen):
    """One row of a price list, USD per machine and hour.

    Of a savings plan ``hourly_usd`` is the discounted rate: commitment dollars that one
    machine-hour uses up, whatever the payment option. ``derived`` is the rule by which the rate
    was computed, None for a published one.
    """

    provider: str
    instance_type: str
    region: str
    os: str = "linux"
    tenancy: str = "shared"
    kind: OfferKind
    term_hours: int | None = Field(default=None, gt=0, le=10**6)
    payment: Payment | None = None
    upfront_usd: Usd = Decimal(0)
    hourly_usd: Usd
    as_of: date
    source: str
    derived: str | None = None

    @model_validator(mode="after")
    def _terms_fit_the_kind(self) -> Self:
        terms = (self.kind, self.term_hours, self.payment)
        if fault := rate_fault(*terms, self.upfront_usd, self.hourly_usd):
            raise ValueError(fault)
        return self

    @property
    def effective_hourly_usd(self) -> Decimal:
        """Upfront spread over the term plus the recurring rate [USD / machine-hour]."""
        return self.upfront_usd / (self.term_hours or 1) + self.hourly_usd


def rate_fault(
    kind: OfferKind,
    term_hours: int | None,
    payment: Payment | None,
    upfront_usd: Decimal,
    hourly_usd: Decimal,
) -> str | None:
    """What is wrong with a rate's term, payment and prices, given its kind; None if nothing."""
    if kind.is_commitment and (term_hours is None or payment is None):
        return f"{kind} is a commitment: give its term and its payment"
    if not kind.is_commitment and (term_hours is not None or payment is not None):
        return f"{kind} binds for no term: leave out term and payment"
    if not kind.is_dedicated and upfront_usd != 0:
        return f"only reservations carry upfront_usd; leave it out of {kind}"
    if kind.is_spend and hourly_usd == 0:
        return f"a {kind} uses up commitment for all it covers: give hourly_usd above 0"
    if payment is Payment.NO_UPFRONT and upfront_usd != 0:
        return "payment no_upfront with an upfront_usd: write partial_upfront or all_upfront"
    return None


def _term_label(term_hours: int) -> str:
    years, rest = divmod(term_hours, HOURS_PER_YEAR)
    return f"{years}y" if rest == 0 else f"{term_hours}h"


def _term_months(term_hours: int) -> int | None:
    years, rest = divmod(term_hours, HOURS_PER_YEAR)
    return 12 * years if rest == 0 else None


class DedicatedOffer(_Frozen):
    """A reservation of one machine; money is USD per machine.

    ``units`` are the normalized units one machine covers in its pool, 1 where sizes are not
    flexible.
    """

    provider: str
    kind: OfferKind
    region: str
    os: str
    tenancy: str
    instance_type: str
    family: str
    units: Decimal = Field(gt=0)
    size_flexible: bool
    term_hours: int = Field(gt=0)
    payment: Payment
    upfront_usd: Usd
    hourly_usd: Usd
    as_of: date
    derived: str | None = None

    @property
    def offer_id(self) -> str:
        """Such as ``aws:reserved_standard:us-east-1:m5.2xlarge:1y:no_upfront``."""
        plain = (self.os, self.tenancy) == ("linux", "shared")
        platform = () if plain else (self.os, self.tenancy)
        what = (self.provider, self.kind, self.region, self.instance_type, *platform)
        return ":".join((*what, _term_label(self.term_hours), self.payment))

    @property
    def effective_hourly_usd(self) -> Decimal:
        """Upfront spread over the term plus the recurring rate [USD / machine-hour]."""
        return self.upfront_usd / self.term_hours + self.hourly_usd

    @property
    def term_months(self) -> int | None:
        """12 months per 8 760 h; None where the term is no whole number of years."""
        return _term_months(self.term_hours)


class SpendOffer(_Frozen):
    """A savings plan: dollars per hour, used up at discounted rates.

    ``region`` and ``family`` bound what it covers; None is any.
    """

    provider: str
    kind: OfferKind
    region: str | None = None
    family: str | None = None
    os: str | None = None
    term_hours: int = Field(gt=0)
    payment: Payment

    @property
    def offer_id(self) -> str:
        """Such as ``aws:savings_plan_ec2:us-east-1:m5:3y:all_upfront``."""
        scope = (part for part in (self.region, self.family) if part is not None)
        term = _term_label(self.term_hours)
        return ":".join((self.provider, self.kind, *scope, term, self.payment))

    @property
    def upfront_share(self) -> Decimal:
        """Share of the term's commitment that is paid on its first day."""
        return self.payment.upfront_share

    @property
    def term_months(self) -> int | None:
        """12 months per 8 760 h; None where the term is no whole number of years."""
        return _term_months(self.term_hours)


@dataclass(frozen=True, order=True)
class PoolKey:
    """Usage a provider bills and discounts together, in linear units.

    ``family`` is the exact instance type where sizes are not flexible; ``account`` the one whose
    reservations are shared with no other, empty where all share. Spot usage, which no commitment
    covers, is apart.
    """

    provider: str
    region: str
    family: str
    os: str
    tenancy: str
    size_flexible: bool
    account: str = ""
    spot: bool = False

    def __str__(self) -> str:
        """Read as ``us-east-1 m5 linux``; what is not usual only if it is told apart."""
        tenancy = "" if self.tenancy == "shared" else f" {self.tenancy}"
        account = f" for {self.account}" if self.account else ""
        spot = " spot" if self.spot else ""
        return f"{self.region} {self.family} {self.os}{tenancy}{account}{spot}"
