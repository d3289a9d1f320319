"""The options that a request and its catalogue offer to a fleet."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import groupby

from catalogs import Catalog, DedicatedOffer, OfferKind, Payment
from planner.fleet import Pools
from planner.purchases.kinds import hardware_option, resource_rates, spend_option, type_option
from planner.purchases.option import BLOCK, Option
from planner.request import AllowedOffers, PlanRequest


def find_options(request: PlanRequest, catalog: Catalog, pools: Pools) -> tuple[Option, ...]:
    """Every offer that serves a pool and that the request allows, in tie-breaking order."""
    options = [
        *_dedicated_options(request, request.offers, catalog, pools),
        *_block_options(request, catalog, pools),
        *_spend_options(request, catalog, pools),
        *_hardware_options(request, pools),
    ]
    return tuple(sorted(options, key=lambda option: option.order))


def find_targets(request: PlanRequest, catalog: Catalog, pools: Pools) -> tuple[Option, ...]:
    """Convertible reservations of every term and payment, for which others may be exchanged."""
    if not request.offers.exchanges:
        return ()
    convertible = AllowedOffers(kinds=(OfferKind.RESERVED_CONVERTIBLE,))
    options = _dedicated_options(request, convertible, catalog, pools)
    return tuple(sorted(options, key=lambda option: option.order))


def find_sizes(
    request: PlanRequest, catalog: Catalog, pools: Pools, instance_types: Collection[str]
) -> tuple[Option, ...]:
    """Reservations of some types, those included that smaller sizes can stand in for."""
    options = _dedicated_options(request, request.offers, catalog, pools, every_size=True)
    found = (
        one
        for one in options
        if isinstance(one.offer, DedicatedOffer) and one.offer.instance_type in instance_types
    )
    return tuple(sorted(found, key=lambda option: option.order))


def _dedicated_options(
    request: PlanRequest,
    allowed: AllowedOffers,
    catalog: Catalog,
    pools: Pools,
    *,
    every_size: bool = False,
) -> Iterable[Option]:
    kinds = tuple(kind for kind in allowed.kinds if kind.is_dedicated and kind != BLOCK)
    for position, pool in enumerate(pools.keys):
        if not pools.busy_slices_of_pool(position):
            continue
        offers = catalog.dedicated_offers(
            pool.region,
            (pool.family,),
            kinds=kinds,
            term_hours=allowed.term_hours,
            payments=frozenset(allowed.payments),
            os=pool.os,
            tenancy=pool.tenancy,
        )
        offers = tuple(
            offer for offer in offers if catalog.offer_pool(offer) == replace(pool, account="")
        )
        # Several small machines cannot stand in for a large one where quotas count them.
        by_number = request.whole_machines and request.limits.quotas
        for offer in offers if by_number or every_size else _useful_sizes(offers):
            yield Option(offer, Decimal(1), position, Fraction(offer.units))


def _block_options(request: PlanRequest, catalog: Catalog, pools: Pools) -> Iterable[Option]:
    allowed = request.offers
    types = dict.fromkeys(
        (one.name, one.region, one.os, one.tenancy)
        for part in pools.slices
        for one in part.resources
        if BLOCK in allowed.kinds and not one.pool.spot and not part.is_idle
    )
    for name, region, os, tenancy in types:
        offers = catalog.dedicated_offers(
            region, (name,), (BLOCK,), allowed.term_hours, allowed.payments, os, tenancy
        )
        found = (type_option(one, pools) for one in offers if one.instance_type == name)
        yield from (option for option in found if option.rates)


def _useful_sizes(offers: tuple[DedicatedOffer, ...]) -> Iterable[DedicatedOffer]:
    """Of each product the sizes that no smaller ones can stand in for.

    A size-flexible reservation serves all sizes alike; published rates of small sizes carry
    rounding of up to 4 %, so a larger size may be the better buy. Where a smaller size's units
    divide a larger one's and cost no more, upfront and by the hour, the larger adds nothing.
    """

    def product(offer: DedicatedOffer) -> tuple[str, int, str]:
        return offer.kind, offer.term_hours, offer.payment

    for _, sizes in groupby(sorted(offers, key=product), key=product):
        useful: list[DedicatedOffer] = []
        for offer in sorted(sizes, key=lambda size: (size.units, size.offer_id)):
            if not any(_stands_in(smaller, offer) for smaller in useful):
                useful.append(offer)
        yield from useful


def _stands_in(smaller: DedicatedOffer, larger: DedicatedOffer) -> bool:
    copies, rest = divmod(larger.units, smaller.units)
    return (
        rest == 0
        and copies * smaller.upfront_usd <= larger.upfront_usd
        and copies * smaller.hourly_usd <= larger.hourly_usd
    )


def _spend_options(request: PlanRequest, catalog: Catalog, pools: Pools) -> Iterable[Option]:
    allowed = request.offers
    offers = catalog.spend_offers(
        tuple(
            dict.fromkeys(
                (one.region, one.family) for part in pools.slices for one in part.resources
            )
        ),
        kinds=tuple(kind for kind in allowed.kinds if kind.is_spend),
        term_hours=allowed.term_hours,
        payments=frozenset(allowed.payments),
    )
    for offer in offers:
        rates = resource_rates(offer, catalog, pools)
        yield from spend_option(
            offer, request.commitment_step_usd, rates, pools, whole_machines=request.whole_machines
        )


def _hardware_options(request: PlanRequest, pools: Pools) -> Iterable[Option]:
    offers = request.offers
    if OfferKind.OWN_HARDWARE in offers.kinds and Payment.ALL_UPFRONT in offers.payments:
        found = (hardware_option(one, pools) for one in request.hardware)
        yield from (option for option in found if option is not None)
