"""What may be bought and when: offers × purchase dates, with their cost and what they serve."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from itertools import groupby

from catalogs import Catalog, DedicatedOffer, OfferKind, Payment, SpendOffer
from planner.calendar import Calendar
from planner.hardware import HardwareOffer
from planner.machines import Resource
from planner.one_type import served_type
from planner.pools import Pools, Slice
from planner.request import Accounting, AllowedOffers, Hardware, PlanRequest
from planner.stages import Group, Partition

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


@dataclass(frozen=True)
class Lot:
    """An option bought at one date, in the futures its buyer cannot tell apart; USD per step.

    Attributes:
        option: position of the option.
        start: hour of the horizon in which its term begins.
        end: first hour it no longer serves, at most the horizon's length.
        cost_usd: what a step costs within the horizon, in the calendar's accounting.
        upfront_usd: what a step costs at its purchase date.
        group: scenarios in which it is bought.
        probability: theirs together.
        lead_hours: hours from its order to its start.
    """

    option: int
    start: int
    end: int
    cost_usd: float
    upfront_usd: float
    group: Group = (0,)
    probability: float = 1.0
    lead_hours: int = 0

    @property
    def ordered(self) -> int:
        """Hour of the horizon in which it is ordered."""
        return self.start - self.lead_hours

    @property
    def expected_cost_usd(self) -> float:
        """Its cost by its probability."""
        return self.probability * self.cost_usd

    def certain(self) -> "Lot":
        """The same lot where only one future is looked at."""
        return replace(self, group=(0,), probability=1.0)


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


def make_lots(
    options: tuple[Option, ...],
    calendar: Calendar,
    information: Sequence[Partition],
    probability: Sequence[float],
) -> tuple[Lot, ...]:
    """Every option at every purchase date, in every group of scenarios the date can tell apart."""
    return tuple(
        Lot(
            option=position,
            start=date + lead,
            end=min(date + lead + option.offer.term_hours, calendar.hours),
            cost_usd=lot_cost_usd(option, date + lead, calendar),
            upfront_usd=float(step_price(option)[0]),
            group=group,
            probability=sum(probability[scenario] for scenario in group),
            lead_hours=lead,
        )
        for date, partition in zip(calendar.purchase_hours, information, strict=True)
        for group in partition
        for position, option in enumerate(options)
        if date + (lead := lead_hours_of(option)) < calendar.hours
    )


def lead_hours_of(option: Option) -> int:
    """Hours from an option's order to its first hour of service."""
    offer = option.offer
    return offer.hardware.lead_time_hours if isinstance(offer, HardwareOffer) else 0


def lot_cost_usd(option: Option, date: int, calendar: Calendar) -> float:
    """What one step bought in an hour of the horizon costs, in the calendar's accounting."""
    upfront, hourly = step_price(option)
    resale, term = option.resale_usd, option.offer.term_hours
    end = min(date + term, calendar.hours)
    active = end - date
    if calendar.accounting is Accounting.FULL_TERM:
        return float(upfront - resale + hourly * term)
    if calendar.accounting is Accounting.AMORTIZED:
        return float(((upfront - resale) / term + hourly) * active)
    worth, before = calendar.worth, calendar.worth_before
    credit = float(resale + (upfront - resale) * (1 - Fraction(active, term))) * worth[end]
    recurring = float(hourly) * (before[end] - before[date])
    return float(float(upfront) * worth[date] + recurring - credit)


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


def _dedicated_options(
    request: PlanRequest, allowed: AllowedOffers, catalog: Catalog, pools: Pools
) -> Iterable[Option]:
    kinds = tuple(kind for kind in allowed.kinds if kind.is_dedicated and kind != BLOCK)
    for position, pool in enumerate(pools.keys):
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
        for offer in offers if by_number else _useful_sizes(offers):
            yield Option(offer, Decimal(1), position, Fraction(offer.units))


def type_option(offer: DedicatedOffer, pools: Pools, account: str = "") -> Option:
    """A commitment to one exact type, which may share its pool with other sizes."""
    rates, served = served_type(offer, pools, account)
    exact = offer.model_copy(update={"size_flexible": False})
    return Option(exact, Decimal(1), rates=rates if served else (), resource_rates=served)


def _block_options(request: PlanRequest, catalog: Catalog, pools: Pools) -> Iterable[Option]:
    allowed = request.offers
    types = dict.fromkeys(
        (one.name, one.region, one.os, one.tenancy)
        for part in pools.slices
        for one in part.resources
        if BLOCK in allowed.kinds and not one.pool.spot
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


def resource_rates(offer: SpendOffer, catalog: Catalog, pools: Pools) -> ResourceRates:
    """A plan's rates of all resources of the fleet that it covers."""
    return tuple(
        (one, rate)
        for part in pools.slices
        for one in part.resources
        if not one.pool.spot
        if (rate := catalog.spend_rate_usd(offer, one.name, one.region, one.pool.os, one.tenancy))
        is not None
    )


def _slice_rate(part: Slice, rates: dict[Resource, Decimal]) -> Fraction | None:
    """The lowest rate of a slice's resources, per unit of the slice; None if not covered.

    A plan covers all resources of a slice or none, as far as it is bounded by the catalogue.
    """
    if any(one not in rates for one in part.resources):
        return None
    return min(Fraction(rates[one]) / part.units_of(one) for one in part.resources)


def _hardware_options(request: PlanRequest, pools: Pools) -> Iterable[Option]:
    offers = request.offers
    if OfferKind.OWN_HARDWARE in offers.kinds and Payment.ALL_UPFRONT in offers.payments:
        found = (hardware_option(one, pools) for one in request.hardware)
        yield from (option for option in found if option is not None)


def hardware_option(
    hardware: Hardware, pools: Pools, life_hours: int | None = None
) -> Option | None:
    """A server as an option, which serves what it stands in for; None where that is nothing."""
    rates = tuple(_servers_of_slice(hardware, part) for part in pools.slices)
    if not any(rates):
        return None
    covered = tuple(
        (resource, servers)
        for resource in dict.fromkeys(one for part in pools.slices for one in part.resources)
        for name, servers in resource.servers
        if name == hardware.name
    )
    offer = HardwareOffer(hardware, life_hours)
    return Option(offer, Decimal(1), rates=rates, resource_rates=covered)


def _servers_of_slice(hardware: Hardware, part: Slice) -> Fraction | None:
    """The fewest servers that a unit of a slice takes; None where it serves none of it."""
    found = [
        Fraction(servers) / part.units_of(resource)
        for resource in part.resources
        for name, servers in resource.servers
        if name == hardware.name
    ]
    return min(found) if found else None


def spend_option(
    offer: SpendOffer, step: Decimal, covered: ResourceRates, pools: Pools, *, whole_machines: bool
) -> Iterable[Option]:
    """A spend plan as an option; none where it serves nothing of the fleet.

    A plan that serves one linear pool only, and all of it, is the same as machines dedicated to
    that pool: each dollar serves 1/rate units. (Whole machines may be partly covered by a plan, so
    not there.)
    """
    rates = tuple(_slice_rate(part, dict(covered)) for part in pools.slices)
    served = [position for position, rate in enumerate(rates) if rate is not None]
    if not served:
        return
    position = served[0]
    alone = pools.slices_of_pool(pools.slices[position].pool) == served
    if alone and not whole_machines:
        units = Fraction(step) / Fraction(rates[position] or 1)
        yield Option(offer, step, pools.slices[position].pool, units, rates, covered)
    else:
        yield Option(offer, step, rates=rates, resource_rates=covered)


def without_dominated(lots: tuple[Lot, ...], options: tuple[Option, ...]) -> tuple[Lot, ...]:
    """Lots for which no other lot of the same hours and futures does as much for no more money.

    Exact as long as nothing but cost and service tells lots apart; the caller keeps all lots
    where upfront budgets or utilization floors do.
    """
    kept: list[Lot] = []
    order = [option.order for option in options]

    def span(lot: Lot) -> tuple[int, int, Group, bool]:
        # A block serves but half of its last hour.
        return lot.start, lot.end, lot.group, options[lot.option].offer.kind is BLOCK

    for _, rivals in groupby(sorted(lots, key=span), key=span):
        group = list(rivals)
        # Cheapest per service first, then the rule for ties: the better one is kept before
        # the worse one is looked at.
        group.sort(key=lambda lot: (_cost_per_service(lot, options[lot.option]), order[lot.option]))
        chosen: dict[int | None, list[Lot]] = {}
        for lot in group:
            rivals_of_lot = chosen.setdefault(options[lot.option].pool, [])
            if not any(_dominates(other, lot, options) for other in rivals_of_lot):
                rivals_of_lot.append(lot)
                kept.append(lot)
    return tuple(sorted(kept, key=lambda lot: (lot.start, lot.group, lot.option)))


def _cost_per_service(lot: Lot, option: Option) -> float:
    if option.pool is not None:
        return lot.cost_usd / float(option.pool_units)
    return lot.cost_usd * float(min(rate for rate in option.rates if rate is not None))


def _dominates(other: Lot, lot: Lot, options: tuple[Option, ...]) -> bool:
    """Whether some whole number of ``other``, of the same pool or of none like it, does as much.

    That is, serves all that ``lot`` does, at no higher cost.
    """
    better, worse = options[other.option], options[lot.option]
    if worse.pool is None:
        return (
            better.step == worse.step
            and other.cost_usd <= lot.cost_usd
            and all(
                theirs is None or (ours is not None and ours <= theirs)
                for ours, theirs in zip(better.rates, worse.rates, strict=True)
            )
        )
    copies = math.ceil(worse.pool_units / better.pool_units)
    return copies * other.cost_usd <= lot.cost_usd
