"""Commitments already owned: what they serve and cost inside the horizon."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

from catalogs import Catalog, DedicatedOffer, Faults, OfferKind, Payment, SpendOffer
from catalogs.billed import is_size_flexible, pool_units
from planner.calendar import Calendar
from planner.fleet import PlanTerms, Pools
from planner.hardware import HardwareOffer
from planner.purchases import (
    Option,
    hardware_option,
    lot_cost_usd,
    resource_rates,
    spend_option,
    step_price,
    type_option,
)
from planner.request import Accounting, OwnedCommitment, PlanRequest, Reservations

TERM_LEEWAY = 0.01
"""Share by which a commitment's hours may differ from the term sold: leap days, clock changes."""

AnOffer = TypeVar("AnOffer", DedicatedOffer, SpendOffer)


@dataclass(frozen=True)
class Owned:
    """A commitment already owned.

    Attributes:
        commitment: as the request states it.
        option: the offer it was bought by; the step is one machine or one dollar per hour.
        quantity: steps owned.
        start: its first hour within the horizon.
        end: first hour it no longer serves, at most the horizon's length.
        cost_usd: what it costs within the horizon, in the calendar's accounting.
    """

    commitment: OwnedCommitment
    option: Option
    quantity: Decimal
    start: int
    end: int
    cost_usd: float


def resolve_owned(
    request: PlanRequest, catalog: Catalog, pools: Pools, calendar: Calendar
) -> tuple[Owned, ...]:
    """The owned commitments that reach into the horizon, with their rates.

    Raises:
        InvalidInputError: types, families or products the catalogue does not know.
    """
    faults = Faults()
    found: list[Owned] = []
    for position, commitment in enumerate(request.owned):
        field = f"owned.{position}"
        is_rented = commitment.kind is not OfferKind.OWN_HARDWARE
        if is_rented and commitment.region and commitment.region not in catalog.regions():
            faults.add(f"{field}.region", commitment.region, "the catalogue has no such region")
            continue
        if commitment.kind is OfferKind.OWN_HARDWARE:
            option = _servers(field, commitment, request, pools, faults)
        elif commitment.kind.is_dedicated:
            _check_workload(field, commitment, request, faults)
            option = _reservation(field, commitment, catalog, pools, faults)
        else:
            option = _plan(field, commitment, request, catalog, pools, faults)
        start = max(calendar.hour_of(commitment.start), 0)
        end = min(calendar.hour_of(commitment.end), calendar.hours)
        if option is None or start >= end:
            continue
        quantity = commitment.quantity or commitment.commitment_usd or Decimal(0)
        cost = float(quantity) * _step_cost(option, commitment, calendar, start, end)
        found.append(Owned(commitment, option, quantity, start, end, cost))
    faults.raise_if_any()
    return tuple(found)


def plan_matters(request: PlanRequest, terms: PlanTerms) -> bool:
    """Whether a savings plan of these terms may be bought, or is owned."""
    (kind, hours, payment), allowed = terms, request.offers
    may_be_bought = (
        kind in allowed.kinds
        and payment in allowed.payments
        and (allowed.term_hours is None or hours in allowed.term_hours)
    )
    return may_be_bought or any(
        (one.kind, one.payment) == (kind, payment) and is_of_term(hours or 0, one.term_hours)
        for one in request.owned
    )


def _check_workload(
    field: str, commitment: OwnedCommitment, request: PlanRequest, faults: Faults
) -> None:
    """A reservation names its workload where it serves only one, and no other time."""
    known = [workload.name for workload in request.workloads]
    if request.reservations is Reservations.POOLED:
        if commitment.workload is not None:
            fix = "take it out, or write reservations: dedicated; pooled ones serve all"
            faults.add(f"{field}.workload", commitment.workload, fix)
    elif commitment.workload not in known:
        fix = f"name the workload it serves, reservations are dedicated: {', '.join(known)}"
        faults.add(f"{field}.workload", commitment.workload, fix)


def _step_cost(
    option: Option, commitment: OwnedCommitment, calendar: Calendar, start: int, end: int
) -> float:
    """Cost of one step; upfront paid before the horizon is sunk in a cash flow."""
    begun = calendar.hour_of(commitment.start)
    if begun >= 0:
        return lot_cost_usd(option, begun, calendar)
    upfront, hourly = step_price(option)
    upfront -= option.resale_usd
    if calendar.accounting is Accounting.CASH_FLOW:
        sold = option.resale_usd if calendar.hour_of(commitment.end) == end else 0
        recurring = float(hourly) * float(calendar.worth_before[end] - calendar.worth_before[start])
        return recurring - float(sold) * float(calendar.worth[end])
    hours = calendar.hour_of(commitment.end) if calendar.accounting is Accounting.FULL_TERM else end
    return float((upfront / commitment.term_hours + hourly) * (hours - start))


def _reservation(
    field: str, commitment: OwnedCommitment, catalog: Catalog, pools: Pools, faults: Faults
) -> Option | None:
    name, region = str(commitment.instance_type), str(commitment.region)
    if name not in catalog.billed_names:
        near = ", ".join(catalog.near_types(name)) or "none"
        faults.add(f"{field}.instance_type", name, f"no such type; nearest: {near}")
        return None
    prices = _reservation_prices(field, commitment, catalog, faults)
    if prices is None:
        return None
    described = catalog.instance_type(name) if catalog.has_type(name) else None
    platform = (commitment.os, commitment.tenancy)
    offer = DedicatedOffer(
        provider=catalog.billed_names[name],
        kind=commitment.kind,
        region=region,
        os=commitment.os,
        tenancy=commitment.tenancy,
        instance_type=name,
        family=described.family if described else name,
        units=pool_units(described, *platform) if described else Decimal(1),
        size_flexible=described is not None and is_size_flexible(described, *platform),
        term_hours=commitment.term_hours,
        payment=commitment.payment,
        upfront_usd=prices[0],
        hourly_usd=prices[1],
        as_of=catalog.as_of,
    )
    if commitment.kind in (OfferKind.RESERVED_ZONAL, OfferKind.CAPACITY_BLOCK):
        return type_option(offer, pools, commitment.workload or "")
    key = replace(catalog.offer_pool(offer), account=commitment.workload or "")
    pool = pools.keys.index(key) if key in pools.keys else None
    return Option(offer, Decimal(1), pool, Fraction(offer.units))


def _priced_as(kind: OfferKind) -> OfferKind:
    """Zonal reservations cost what regional ones do."""
    return OfferKind.RESERVED_STANDARD if kind is OfferKind.RESERVED_ZONAL else kind


def _servers(
    field: str,
    commitment: OwnedCommitment,
    request: PlanRequest,
    pools: Pools,
    faults: Faults,
) -> Option | None:
    """Servers as the request describes their hardware; they cost the same if they serve nothing."""
    for one in request.hardware:
        if one.name == commitment.instance_type:
            life = commitment.term_hours
            idle = Option(HardwareOffer(one, life), Decimal(1))
            return hardware_option(one, pools, life) or idle
    known = ", ".join(one.name for one in request.hardware) or "none"
    fix = f"describe it under hardware; there are: {known}"
    faults.add(f"{field}.instance_type", commitment.instance_type, fix)
    return None


def _reservation_prices(
    field: str, commitment: OwnedCommitment, catalog: Catalog, faults: Faults
) -> tuple[Decimal, Decimal] | None:
    """Upfront and hourly price per machine: as stated, else the catalogue's."""
    upfront, hourly = commitment.upfront_usd, commitment.hourly_usd
    if upfront is None and commitment.payment is Payment.NO_UPFRONT and hourly is not None:
        upfront = Decimal(0)
    if hourly is None and commitment.payment is Payment.ALL_UPFRONT and upfront is not None:
        hourly = Decimal(0)
    if upfront is not None and hourly is not None:
        return upfront, hourly
    offers = catalog.dedicated_offers(
        str(commitment.region),
        (str(commitment.instance_type),),
        kinds=(_priced_as(commitment.kind),),
        payments=(commitment.payment,),
        os=commitment.os,
        tenancy=commitment.tenancy,
    )
    offer = _of_its_term(offers, commitment)
    if offer is None:
        fix = f"{_no_such_term(offers, commitment)}, or its upfront_usd and hourly_usd"
        faults.add(field, commitment.id, fix)
        return None
    return (
        offer.upfront_usd if upfront is None else upfront,
        offer.hourly_usd if hourly is None else hourly,
    )


def _plan(
    field: str,
    commitment: OwnedCommitment,
    request: PlanRequest,
    catalog: Catalog,
    pools: Pools,
    faults: Faults,
) -> Option | None:
    is_family = commitment.kind is OfferKind.SAVINGS_PLAN_EC2
    scope = ((str(commitment.region), str(commitment.family)),) if is_family else _scope(pools)
    if not scope:
        return None  # no fleet: its faults are reported, and a plan of no family has no rates
    kinds, payments = (commitment.kind,), (commitment.payment,)
    offers = catalog.spend_offers(scope, kinds=kinds, payments=payments)
    if not offers and not is_family:  # it serves nothing of this fleet
        scope = _places(catalog, commitment.kind)
        offers = catalog.spend_offers(scope, kinds=kinds, payments=payments)
    offer = _of_its_term(offers, commitment)
    if offer is None:
        faults.add(field, commitment.id, _no_such_term(offers, commitment))
        return None
    rates = resource_rates(offer, catalog, pools)
    own = offer.model_copy(update={"term_hours": commitment.term_hours})
    options = spend_option(own, Decimal(1), rates, pools, whole_machines=request.whole_machines)
    return next(iter(options), Option(own, Decimal(1)))


def _scope(pools: Pools) -> tuple[tuple[str, str], ...]:
    return tuple(
        dict.fromkeys((one.region, one.family) for part in pools.slices for one in part.resources)
    )


def _places(catalog: Catalog, kind: OfferKind) -> tuple[tuple[str, str], ...]:
    """Where, and of what, the catalogue sells a kind of savings plan."""
    rates = catalog.rates.loc[catalog.rates["kind"] == kind, ["region", "instance_type"]]
    return tuple(rates.drop_duplicates().itertuples(index=False, name=None))


def _of_its_term(offers: Iterable[AnOffer], commitment: OwnedCommitment) -> AnOffer | None:
    """The offer of the commitment's term: to some a year is 8,760 hours, to others 366 days."""
    return min(
        (one for one in offers if is_of_term(one.term_hours, commitment.term_hours)),
        key=lambda one: (abs(one.term_hours - commitment.term_hours), one.offer_id),
        default=None,
    )


def is_of_term(sold_hours: int, owned_hours: int) -> bool:
    """Whether a commitment's hours are those of a term sold, or nearly."""
    return abs(sold_hours - owned_hours) <= TERM_LEEWAY * sold_hours


def _no_such_term(offers: Iterable[AnOffer], commitment: OwnedCommitment) -> str:
    terms = sorted({one.term_hours for one in offers})
    if not terms:
        return "the catalogue sells nothing of this kind, payment and place; write what it sells"
    sold = " or ".join(map(str, terms))
    return (
        f"lasts {commitment.term_hours} hours, the catalogue sells {sold}; write the start and end "
        "of its whole term"
    )
