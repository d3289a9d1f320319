"""Servers of one's own that the plan may buy."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from catalogs import HOURS_PER_YEAR, Dollars
from planner.request.fields import Document, Usd

MONTHS_PER_YEAR = 12

Machines = Annotated[Decimal, Field(gt=0, le=10**6, decimal_places=6)]
Positive = Annotated[Dollars, Field(ge=0, le=10**6, decimal_places=9)]


class Hardware(Document):
    """A server that stands in for rented machines; what it costs to buy, house and run.

    It is drawn at full power all the time.
    """

    name: Annotated[str, Field(min_length=1, pattern=r"^[^:\s]+$")]
    site: Annotated[str, Field(min_length=1, pattern=r"^[^:\s]+$")]
    replaces: Annotated[dict[str, Machines], Field(min_length=1)]
    """Machines of each instance type that one server stands in for. Of machines billed by their
    resources, the resources of a series together: {n2/vcpu: 64, n2/gib: 256}."""
    capex_usd: Usd
    salvage_usd: Usd = Decimal(0)
    """What it sells for at the end of its life."""
    life_years: Annotated[int, Field(gt=0, le=20)]
    power_kw: Positive = Decimal(0)
    pue: Annotated[Decimal, Field(ge=1, le=10, decimal_places=6)] = Decimal(1)
    """Power of the site per power of its servers."""
    energy_usd_per_kwh: Positive = Decimal(0)
    space_usd_per_kw_month: Positive = Decimal(0)
    operation_usd_per_hour: Positive = Decimal(0)
    lead_time_hours: Annotated[int, Field(ge=0, le=10**6)] = 0
    """Hours from the order to the first hour it serves; it is paid when it arrives."""

    @property
    def life_hours(self) -> int:
        """Hours it serves."""
        return self.life_years * HOURS_PER_YEAR

    @property
    def hourly_usd(self) -> Decimal:
        """Energy, space and operation, used or not [USD / server-hour]."""
        energy = self.power_kw * self.pue * self.energy_usd_per_kwh
        space = self.power_kw * self.space_usd_per_kw_month * MONTHS_PER_YEAR / HOURS_PER_YEAR
        return energy + space + self.operation_usd_per_hour
