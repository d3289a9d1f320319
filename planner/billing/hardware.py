"""Owned servers: what they cost to buy, to power, to house and to run."""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, model_validator

from planner.billing.obligations import CountedObligation, Money, Units
from planner.billing.usage import RateKey

HOURS_PER_YEAR = 8760
MONTHS_PER_YEAR = 12


class OwnHardware(CountedObligation):
    """Servers of one purchase, from the day they run to the end of their life.

    ``serves`` says how many servers a unit-hour of usage needs; what they serve is not rented.
    Money and power are per server. ``salvage_usd`` is what a server sells for at the end of its
    life; ``idle_power_share`` (0–1) what it draws unused, of ``power_kw`` at full use.
    ``space_usd_per_kw_month`` is paid for ``power_kw``, ``operation_hourly_usd`` by the hour.
    """

    provider: Literal["own"] = "own"
    serves: Mapping[RateKey, Units]
    capex_usd: Money
    salvage_usd: Money = Decimal(0)
    power_kw: Decimal = Field(default=Decimal(0), ge=0, le=10**6)
    pue: Decimal = Field(default=Decimal(1), ge=1, le=10)
    idle_power_share: Decimal = Field(default=Decimal(1), ge=0, le=1)
    energy_usd_per_kwh: Money = Decimal(0)
    space_usd_per_kw_month: Money = Decimal(0)
    operation_hourly_usd: Money = Decimal(0)

    @model_validator(mode="after")
    def _sold_for_less_than_bought(self) -> Self:
        if self.salvage_usd > self.capex_usd:
            raise ValueError("salvage_usd is at most capex_usd")
        return self

    @property
    def scope(self) -> tuple[object, ...]:
        """Servers of one purchase are used together."""
        return (self.commitment_id,)

    @property
    def upfront_usd(self) -> Decimal:
        """The purchase price [USD / server]."""
        return self.capex_usd

    @property
    def resale_usd(self) -> Decimal:
        """What a server sells for at the end of its life [USD]."""
        return self.salvage_usd

    @property
    def full_energy_hourly_usd(self) -> Decimal:
        """Energy of a server in full use, cooling included [USD / hour]."""
        return self.power_kw * self.pue * self.energy_usd_per_kwh

    @property
    def busy_hourly_usd(self) -> Decimal:
        """What an hour of full use adds to the energy of an idle one [USD / server-hour]."""
        return self.full_energy_hourly_usd * (1 - self.idle_power_share)

    @property
    def hourly_usd(self) -> Decimal:
        """Idle power, space and operation [USD / server-hour], used or not."""
        space = self.power_kw * self.space_usd_per_kw_month * MONTHS_PER_YEAR / HOURS_PER_YEAR
        idle = self.full_energy_hourly_usd * self.idle_power_share
        return idle + space + self.operation_hourly_usd

    @property
    def amortized_hourly_usd(self) -> Decimal:
        """Purchase less salvage over the life, and the hourly costs, all servers [USD / hour]."""
        written_off = (self.capex_usd - self.salvage_usd) / self.term_hours
        return (written_off + self.hourly_usd) * self.count

    def annuity_hourly_usd(self, yearly_rate: float) -> float:
        """A server's hourly cost when capital costs ``yearly_rate`` [USD / server-hour].

        The purchase less discounted salvage times the capital recovery factor
        r / (1 − (1 + r)^−L), L the life in years; a straight line where r is 0. Bills charge
        capital so only in ``cash_flow``, by discounting what is paid.
        """
        years = float(self.term_hours) / HOURS_PER_YEAR
        at_end = math.pow(1 + yearly_rate, -years)
        recovery = yearly_rate / (1 - at_end) if yearly_rate else 1 / years
        worth = float(self.capex_usd) - float(self.salvage_usd) * at_end
        return worth * recovery / HOURS_PER_YEAR + float(self.hourly_usd)
