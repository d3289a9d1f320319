"""What the reader of a plan should know of defaults taken, and what to mind."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime

from catalogs import Catalog, OfferKind
from catalogs.successors import base_name
from planner.capacity_blocks import MOST_IN_BLOCK
from planner.fleet import Candidate, Pools
from planner.owned import Owned
from planner.purchases import Option
from planner.request import PlanRequest, VcpusAndMemory

STALE_DAYS = 90
"""A catalogue older than this draws a warning."""

NAMED = 5
"""Machines named in a note."""

REFRESHED = ("aws", "azure", "gcp")
"""Providers whose prices `fleetplan catalog refresh` downloads."""


def notes_of(
    request: PlanRequest,
    options: tuple[Option, ...],
    owned: tuple[Owned, ...],
    candidates: tuple[Candidate, ...],
    pools: Pools,
) -> tuple[str, ...]:
    """What the reader should know."""
    return (
        *_nothing_sold(request, options),
        *_without_offers(request, options, candidates, pools),
        *_one_ratio(request, candidates),
        *_same_mix(request, candidates),
        *_idle(owned),
        *_reserved_only(candidates),
        *_licensed(request, candidates),
        *_held(request),
        *_served_by_others(request, candidates),
        *_blocks(options),
    )


def warnings_of(request: PlanRequest, catalog: Catalog, today: datetime) -> tuple[str, ...]:
    """What the reader should mind."""
    return (*_stale(catalog, today), *_steep(request))


def warnings_of_dates(dates: Collection[datetime], today: datetime) -> tuple[str, ...]:
    """Purchase dates on which nothing can be bought any more."""
    past = sorted({one.date() for one in dates if one.date() < today.date()})
    if not past:
        return ()
    told = f"purchase date {past[0]} lies in the past"
    if len(past) > 1:
        told = f"{len(past)} purchase dates lie in the past, {past[0]} to {past[-1]}"
    return (f"purchases: {told}, where nothing can be bought; plan from today on",)


def _nothing_sold(request: PlanRequest, options: tuple[Option, ...]) -> tuple[str, ...]:
    if options or not request.offers.kinds:
        return ()
    return (
        "offers: the catalogue sells none of those allowed for this fleet; all is on demand. Where "
        "the provider sells some by now, import or refresh prices",
    )


def _without_offers(
    request: PlanRequest,
    options: tuple[Option, ...],
    candidates: tuple[Candidate, ...],
    pools: Pools,
) -> list[str]:
    """Machines that no commitment of the catalogue serves; providers may sell some all the same."""
    if not options or not request.offers.kinds:
        return []
    served = {option.pool for option in options}
    rated = {machine for option in options for machine, _ in option.resource_rates}
    missing = {
        f"{part.resource.name} in {part.resource.region}": None
        for one in candidates
        if one.is_needed and not one.machine.is_spot
        for part in one.machine.parts
        if part.resource not in rated
        and pools.slices[pools.slice_of(part.resource)].pool not in served
        and base_name(part.resource.name) == part.resource.name
    }
    if not missing:
        return []
    names = list(missing)
    named = ", ".join(names[:NAMED])
    named += f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return [
        f"offers: no commitment allowed here is in the catalogue for {named}; the provider may "
        "sell some by now: import or refresh prices"
    ]


def _one_ratio(request: PlanRequest, candidates: tuple[Candidate, ...]) -> list[str]:
    """Sums of vCPUs and memory say nothing of how they are spread over what runs."""
    chosen = Counter(one.workload for one in candidates)
    names = [
        workload.name
        for position, workload in enumerate(request.workloads)
        if isinstance(workload.needs, VcpusAndMemory) and chosen[position] > 1
    ]
    if not names:
        return []
    return [
        f"workloads: every machine of {', '.join(names)} serves vCPUs and GiB in the ratio of "
        "their sums; where parts need other ratios, make each a workload of its own"
    ]


def _same_mix(request: PlanRequest, candidates: tuple[Candidate, ...]) -> list[str]:
    """The mix of a workload is one for all hours of a span."""
    chosen = Counter(one.workload for one in candidates)
    names = [one.name for at, one in enumerate(request.workloads) if chosen[at] > 1]
    if not names or request.whole_machines:
        return []
    return [
        f"workloads: between purchase dates {', '.join(names)} runs on one mix of machines, the "
        "same in quiet hours and busy ones; more dates let it follow demand"
    ]


def _served_by_others(request: PlanRequest, candidates: tuple[Candidate, ...]) -> list[str]:
    """Servers and capacity that is held are two ways to have machines for certain."""
    replaced = {name for one in request.hardware for name in one.replaces}
    held = (part.resource for one in candidates if one.held for part in one.machine.parts)
    names = sorted({one.capacity_group for one in held if one.name in replaced})
    if not names:
        return []
    return [
        f"hardware: servers stand in for no machines of {', '.join(names)}, for which capacity is "
        "held; hold less where servers are there for them"
    ]


def _blocks(options: tuple[Option, ...]) -> list[str]:
    if not any(one.offer.kind is OfferKind.CAPACITY_BLOCK for one in options):
        return []
    return [
        "offers: capacity blocks start 8 weeks after they are bought at the latest, hold at most "
        f"{MOST_IN_BLOCK} machines each (more are several blocks) and cannot be had at all times"
    ]


def _held(request: PlanRequest) -> list[str]:
    """Capacity is held on demand: nothing is bought, and nothing binds."""
    names = ", ".join(one.name for one in request.workloads if one.capacity)
    if not names:
        return []
    return [
        f"workloads: capacity held for {names} has no term: it is paid at the on-demand price, "
        "used or not, for as long as it is held; commitments discount it like machines that run"
    ]


def _licensed(request: PlanRequest, candidates: tuple[Candidate, ...]) -> list[str]:
    """Machines that servers would stand in for, were they not licensed."""
    replaced = {name for one in request.hardware for name in one.replaces}
    parts = (part.resource for one in candidates for part in one.machine.parts)
    names = sorted({one.name for one in parts if one.software_usd and one.name in replaced})
    if not names:
        return []
    return [f"hardware: servers stand in for no machines with licences: {', '.join(names)}"]


def _idle(owned: tuple[Owned, ...]) -> list[str]:
    return [
        f"owned: {one.commitment.id} serves nothing of this fleet; its cost counts all the same"
        for one in owned
        if one.option.pool is None and not one.option.resource_rates
    ]


def _reserved_only(candidates: tuple[Candidate, ...]) -> list[str]:
    machines = dict.fromkeys(one.machine for one in candidates if not one.machine.sold_on_demand)
    prices = {(m.instance_type, m.region): m.on_demand_usd for m in machines}
    return [
        f"{name} in {region} is sold by reservation only; on-demand equivalents count it at "
        f"{price_usd:f} USD an hour"
        for (name, region), price_usd in prices.items()
    ]


def _steep(request: PlanRequest) -> list[str]:
    rate = request.horizon.discount_rate
    if rate <= 1:
        return []
    return [f"horizon.discount_rate is {rate:.0%} a year; it is a share, 0.08 for 8%"]


def _stale(catalog: Catalog, today: datetime) -> tuple[str, ...]:
    """Each catalogue whose prices are old, and how to get newer ones."""
    found = []
    for one in catalog.parts:
        age = (today.date() - one.as_of).days
        if age > STALE_DAYS:
            name = f" of {one.name}" if len(catalog.parts) > 1 else ""
            found.append(
                f"catalog: prices{name} are of {one.as_of.isoformat()}, {age} days old; "
                f"{_refreshing(one.provider)}"
            )
    return tuple(found)


def _refreshing(provider: str) -> str:
    if provider in REFRESHED:
        return f"refresh them: fleetplan catalog refresh {provider} --out {provider}.parquet"
    return "refresh them"
