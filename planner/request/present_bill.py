"""What the fleet costs today: the bill that plans are shown beside."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from catalogs import Dollars
from planner.request.fields import Document, Hour, refuse_repeated, require_one_of

Amount = Annotated[Dollars, Field(gt=-(10**12), lt=10**12, decimal_places=9, allow_inf_nan=False)]
Month = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]


class BilledMonth(Document):
    """Machine time and its commitments in one month of one provider's bill."""

    month: Month
    """Such as 2026-01."""
    provider: Annotated[str, Field(min_length=1)]
    effective_usd: Amount
    """Upfront payments spread over what they cover; commitments left unused included."""
    listed_usd: Amount
    """The same usage on demand, at list prices."""
    committed_usd: Amount = Decimal(0)
    """Of the effective cost, that of commitments, used or not."""
    unused_usd: Amount = Decimal(0)
    """Of that, what was left unused."""


class BilledHours(Document):
    """The hours in which a provider billed machine time."""

    provider: Annotated[str, Field(min_length=1)]
    start: Hour
    end: Hour
    """First hour without."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end <= self.start:
            raise ValueError("end must lie after start")
        return self


class PastBill(Document):
    """What was billed, in sums: what `fleetplan usage import` reads from bills."""

    months: Annotated[tuple[BilledMonth, ...], Field(min_length=1)]
    hours: Annotated[tuple[BilledHours, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        refuse_repeated([f"{one.month} of {one.provider}" for one in self.months])
        refuse_repeated([one.provider for one in self.hours])
        return self


class PresentBill(Document):
    """The bill of the present fleet: a file that `fleetplan usage import` wrote, or its sums."""

    file: Path | None = None
    """Its `baseline.json`."""
    inline: PastBill | None = None
    providers: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Whose bills count; all there are when absent."""

    @model_validator(mode="after")
    def _single(self) -> Self:
        require_one_of(self, "file", "inline")
        return self
