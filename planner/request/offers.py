"""What may be bought, when and at whose prices; and what is owned already."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from catalogs import HOURS_PER_YEAR, CatalogDocument, OfferKind, Payment
from planner.request.fields import Document, Hour, Hours, Positive, Share, Usd, require_one_of

COMMITMENTS = tuple(kind for kind in OfferKind if kind.is_commitment)
"""What a plan may buy, and one may own already."""

USUAL = tuple(kind for kind in COMMITMENTS if kind is not OfferKind.CAPACITY_BLOCK)
"""What a plan buys unless told otherwise: blocks run out, and start within a few weeks or not."""


class CatalogSource(Document):
    """Where prices come from: a bundled catalogue's name, a file, or the document itself."""

    name: str | None = None
    file: Path | None = None
    inline: CatalogDocument | None = None

    @model_validator(mode="after")
    def _single(self) -> Self:
        require_one_of(self, "name", "file", "inline")
        return self


class PriceMultiplier(Document):
    """A private price: list prices of some products times a factor.

    A rate is multiplied where it meets every criterion given, by every multiplier it meets.
    """

    factor: Annotated[Decimal, Field(gt=0, le=10, decimal_places=9)]
    """0.9 is a discount of 10 %."""
    providers: tuple[str, ...] | None = None
    kinds: tuple[OfferKind, ...] | None = None
    regions: tuple[str, ...] | None = None
    families: tuple[str, ...] | None = None
    """Families of instance types, or names of resources such as n2/vcpu."""


_WHEN = ("dates", "hours", "every_months", "every_hours")


class PurchaseDates(Document):
    """When purchases may be made; every three months from the horizon's start by default."""

    dates: tuple[Hour, ...] | None = None
    hours: tuple[Annotated[int, Field(ge=0, le=10**6)], ...] | None = None
    """Hours after the horizon's start."""
    every_months: Annotated[int, Field(gt=0, le=1200)] | None = None
    every_hours: Hours | None = None

    @model_validator(mode="after")
    def _single(self) -> Self:
        require_one_of(self, *_WHEN)
        return self


class Purchases(PurchaseDates):
    """When purchases may be made, and what those of the plan shown must look like."""

    size_tolerance: Share = 0.01
    """Reservations are bought in the size that runs unless another size saves more than this share
    of what the purchase costs."""
    smallest_usd: Positive | None = None
    """No purchase commits to less over its term, upfront and fees. It binds the plan shown, not
    the bound."""
    most_lines: Annotated[int, Field(gt=0, le=10**6)] | None = None
    """The most purchases, each an offer at a date. It binds the plan shown, not the bound."""

    @model_validator(mode="before")
    @classmethod
    def _usual(cls, given: object) -> object:
        """Every three months where only the look of purchases is given."""
        if isinstance(given, dict) and given and not given.keys() & set(_WHEN):
            return given | {"every_months": 3}
        return given


class AllowedOffers(Document):
    """Which commitments the plan may buy; an empty list of kinds means on demand only."""

    kinds: tuple[OfferKind, ...] = USUAL
    """All but capacity_block when absent."""
    terms_months: tuple[Literal[12, 36], ...] | None = None
    """12 and 36. When neither this nor `terms_hours` is given, the terms of the catalogue that are
    no longer than the planned hours."""
    terms_hours: tuple[Hours, ...] | None = None
    payments: tuple[Payment, ...] = tuple(Payment)
    exchanges: bool = False
    """Convertible reservations, bought or owned, may be exchanged at later purchase dates."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        not_sold = [kind for kind in self.kinds if kind not in COMMITMENTS]
        if not_sold:
            raise ValueError(
                f"{', '.join(not_sold)} is no commitment; choose from {', '.join(COMMITMENTS)}"
            )
        return self

    @property
    def term_hours(self) -> frozenset[int] | None:
        """Allowed terms in hours, or None for every term."""
        if self.terms_months is None and self.terms_hours is None:
            return None
        months = {months // 12 * HOURS_PER_YEAR for months in self.terms_months or ()}
        return frozenset(months | set(self.terms_hours or ()))


class OwnedCommitment(Document):
    """A commitment already owned; its rates come from the catalogue unless given."""

    id: str
    kind: OfferKind
    start: Hour
    end: Hour
    """First hour after its term."""
    payment: Payment = Payment.NO_UPFRONT
    instance_type: str | None = None
    """Of a reservation; of a resource commitment the resource, such as n2/vcpu."""
    region: str | None = None
    zone: str | None = None
    """Of a zonal reservation. Workloads are not told apart by zone: it serves its type's machines
    in its region."""
    family: str | None = None
    """Of an EC2 Instance Savings Plan."""
    quantity: Positive | None = None
    """Machines of a reservation, or units of a resource."""
    commitment_usd: Positive | None = None
    """Dollars per hour of a savings plan."""
    upfront_usd: Usd | None = None
    """Paid upfront per machine; the catalogue's when absent."""
    hourly_usd: Usd | None = None
    """Recurring per machine-hour; the catalogue's when absent."""
    workload: str | None = None
    """The workload a reservation is tied to, where reservations are dedicated."""
    os: str = "linux"
    tenancy: str = "shared"

    @model_validator(mode="after")
    def _complete(self) -> Self:
        problems = []
        if self.kind not in COMMITMENTS:
            problems.append(f"kind must be one of {', '.join(COMMITMENTS)}")
        if self.end <= self.start:
            problems.append("it ends before it begins; let end lie after start")
        lacking = (name for name in self._needed() if getattr(self, name) is None)
        problems.extend(f"write its {name}" for name in lacking)
        foreign = (name for name in self._foreign() if getattr(self, name) is not None)
        problems.extend(f"take out {name}; a {self.kind} has none" for name in foreign)
        if self.payment is Payment.NO_UPFRONT and self.upfront_usd:
            problems.append("an upfront_usd with payment no_upfront; write which payment it is")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _needed(self) -> tuple[str, ...]:
        if self.kind is OfferKind.RESERVED_ZONAL:
            return ("instance_type", "region", "zone", "quantity")
        if self.kind.is_dedicated:
            return ("instance_type", "region", "quantity")
        if self.kind.is_of_family:
            return ("family", "region", "commitment_usd")
        return ("commitment_usd",)

    def _foreign(self) -> tuple[str, ...]:
        if self.kind is OfferKind.RESERVED_ZONAL:
            return ("family", "commitment_usd")
        if self.kind.is_dedicated:
            return ("family", "zone", "commitment_usd")
        own = ("zone", "instance_type", "quantity", "upfront_usd", "hourly_usd", "workload")
        return own if self.kind.is_of_family else (*own, "family", "region")

    @property
    def term_hours(self) -> int:
        """Hours from its start to its end."""
        return int((self.end - self.start).total_seconds()) // 3600
