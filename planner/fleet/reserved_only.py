"""Machines that a place sells by reservation only: what their usage counts as on demand."""

from decimal import Decimal

from catalogs import Catalog, DedicatedOffer, OfferKind, UnknownRateError


def reservations_of(
    catalog: Catalog, name: str, region: str, os: str, tenancy: str
) -> tuple[DedicatedOffer, ...]:
    """Reservations of exactly this type at a place; blocks of a few days are none."""
    offers = catalog.dedicated_offers(region, (name,), os=os, tenancy=tenancy)
    blocks = OfferKind.CAPACITY_BLOCK
    return tuple(one for one in offers if one.instance_type == name and one.kind is not blocks)


def equivalent_usd(catalog: Catalog, name: str, region: str, os: str, tenancy: str) -> Decimal:
    """What an hour of a machine counts in on-demand equivalents where none is sold on demand.

    The type's lowest on-demand price elsewhere; where there is none, its dearest reservation's
    effective rate.
    """
    elsewhere = []
    for other in catalog.regions():
        try:
            elsewhere.append(catalog.on_demand_usd(name, other, os, tenancy))
        except UnknownRateError:
            continue
    if elsewhere:
        return min(elsewhere)
    offers = reservations_of(catalog, name, region, os, tenancy)
    return max(offer.effective_hourly_usd for offer in offers)
