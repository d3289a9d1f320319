"""An offer as an option: one function for each kind that serves more than its own pool."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from catalogs import Catalog, DedicatedOffer, SpendOffer
from catalogs.catalog import AZURE
from planner.fleet import Pools, Resource, Slice
from planner.hardware import HardwareOffer
from planner.one_type import served_type
from planner.purchases.option import Option, ResourceRates
from planner.request import Hardware


def type_option(offer: DedicatedOffer, pools: Pools, account: str = "") -> Option:
    """A commitment to one exact type, which may share its pool with other sizes."""
    rates, served = served_type(offer, pools, account)
    exact = offer.model_copy(update={"size_flexible": False})
    return Option(exact, Decimal(1), rates=rates if served else (), resource_rates=served)


def resource_rates(offer: SpendOffer, catalog: Catalog, pools: Pools) -> ResourceRates:
    """A plan's rates of all resources of the fleet that it covers."""
    return tuple(
        (one, _charged(one, rate))
        for part in pools.slices
        for one in part.resources
        if not one.pool.spot
        if (rate := catalog.spend_rate_usd(offer, one.name, one.region, one.pool.os, one.tenancy))
        is not None
    )


def _charged(resource: Resource, rate: Decimal) -> Decimal:
    """What a plan's dollars are charged: Azure takes the on-demand price where that is lower."""
    return min(rate, resource.on_demand_usd) if resource.provider == AZURE else rate


def _slice_rate(part: Slice, rates: dict[Resource, Decimal]) -> Fraction | None:
    """The lowest rate of a slice's resources, per unit of the slice; None if not covered.

    A plan covers all resources of a slice or none, as far as it is bounded by the catalogue. Where
    nothing runs there is nothing to cover.
    """
    if part.is_idle or any(one not in rates for one in part.resources):
        return None
    return min(Fraction(rates[one]) / part.units_of(one) for one in part.resources)


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
    if part.is_idle:
        return None
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

    A plan that serves one pool only, and all of it at one rate per unit, is the same as machines
    dedicated to that pool: each dollar serves 1/rate units. (Whole machines may be partly covered
    by a plan, so not there.)
    """
    known = dict(covered)
    rates = tuple(_slice_rate(part, known) for part in pools.slices)
    served = [position for position, rate in enumerate(rates) if rate is not None]
    if not served:
        return
    pool = pools.slices[served[0]].pool
    per_unit = {
        Fraction(rates[position] or 0) / pools.slices[position].pool_units for position in served
    }
    is_dedicated = pools.busy_slices_of_pool(pool) == served and len(per_unit) == 1
    if is_dedicated and not whole_machines:
        units = Fraction(step) / (per_unit.pop() or 1)
        yield Option(offer, step, pool, units, rates, covered)
    else:
        yield Option(offer, step, rates=rates, resource_rates=covered)
