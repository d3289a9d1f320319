"""An offer the plan may buy: its smallest step, what that serves and what it is priced at."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from catalogs import DedicatedOffer, OfferKind, SpendOffer
from planner.fleet import Resource
from planner.hardware import HardwareOffer

Offer = DedicatedOffer | SpendOffer | HardwareOffer

ZERO = Fraction(0)

BLOCK = OfferKind.CAPACITY_BLOCK

Rates = tuple[Fraction | None, ...]
"""Commitment dollars a spend plan needs per unit of each slice; None where it does not apply."""

ResourceRates = tuple[tuple[Resource, Decimal], ...]
"""Commitment dollars a spend plan needs per hour of each resource it covers."""


@dataclass(frozen=True)
class Option:
    """An offer the plan may buy.

    Attributes:
        offer: the offer.
        step: its smallest purchase: one machine, or the commitment step in dollars per hour.
        pool: the only pool it serves, or None for a plan that serves several.
        pool_units: units of that pool which one step serves in every hour.
        rates: of a spend plan, dollars per unit of each slice; of servers, servers.
        resource_rates: the exact rates, by the resource, that it is billed at.
    """

    offer: Offer
    step: Decimal
    pool: int | None = None
    pool_units: Fraction = Fraction(0)
    rates: Rates = ()
    resource_rates: ResourceRates = ()

    @property
    def resale_usd(self) -> Fraction:
        """What a step is worth at its term's end."""
        offer = self.offer
        return Fraction(offer.hardware.salvage_usd) if isinstance(offer, HardwareOffer) else ZERO

    @property
    def order(self) -> tuple[int, int, str]:
        """How ties are broken: more flexible product, then shorter term, then id."""
        return (-self.offer.kind.flexibility, self.offer.term_hours, self.offer.offer_id)


def product_of(option: Option) -> tuple[object, ...]:
    """What the sizes of one reservation have in common."""
    offer = option.offer
    return option.pool, offer.kind, offer.term_hours, offer.payment


def lead_hours_of(option: Option) -> int:
    """Hours from an option's order to its first hour of service."""
    offer = option.offer
    return offer.hardware.lead_time_hours if isinstance(offer, HardwareOffer) else 0


def step_price(option: Option) -> tuple[Fraction, Fraction]:
    """Upfront and recurring hourly price of one step, USD."""
    offer, step = option.offer, Fraction(option.step)
    if isinstance(offer, SpendOffer):
        share = Fraction(offer.upfront_share)
        return step * share * offer.term_hours, step * (1 - share)
    if isinstance(offer, HardwareOffer):
        hardware = offer.hardware
        return step * Fraction(hardware.capex_usd), step * Fraction(hardware.hourly_usd)
    return step * Fraction(offer.upfront_usd), step * Fraction(offer.hourly_usd)
