"""Usage pools: what a provider bills and discounts together, in linear units."""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from catalogs import PoolKey
from planner.fleet.candidate import Candidate
from planner.fleet.machines import PlanTerms, Resource


@dataclass(frozen=True)
class Slice:
    """Usage of one pool that the model serves at one price.

    Where machines may be fractional: the resources of a pool that the same savings plans cover, and
    whose on-demand price and plan rates per unit are equal or differ by a tolerance at most. Where
    machines are whole: one machine type.

    Attributes:
        pool: position of its pool.
        resources: the resources whose usage it holds.
        pool_units: units of the pool in one unit of the slice.
        on_demand_usd: on-demand price of one unit of the slice; the lowest of its resources.
        quarter: the quarter of a month's prices that its hours pay, where that matters.
        is_idle: whether nothing ever runs in it, so that no offer is worth a thought for it.
    """

    pool: int
    resources: tuple[Resource, ...]
    pool_units: Fraction
    on_demand_usd: Fraction
    quarter: int | None = None
    is_idle: bool = False

    @property
    def listed_usd(self) -> Fraction:
        """On-demand price of one unit before sustained use."""
        factors = self.resources[0].sustained_use
        if self.quarter is None or factors is None:
            return self.on_demand_usd
        return self.on_demand_usd / Fraction(factors[self.quarter])

    def units_of(self, resource: Resource) -> Fraction:
        """Units of the slice in one of a resource."""
        return Fraction(resource.units) / self.pool_units


@dataclass(frozen=True)
class Pools:
    """The usage pools of a fleet and the slices they are made of, in a stable order."""

    keys: tuple[PoolKey, ...]
    slices: tuple[Slice, ...]

    def slice_of(self, resource: Resource) -> int:
        """Position of the slice that holds a resource's usage; the first of several."""
        return self.slices_of(resource)[0]

    def slices_of(self, resource: Resource) -> tuple[int, ...]:
        """Positions of the slices that hold a resource's usage, each in hours of its own."""
        return self._slices[resource]

    @cached_property
    def _slices(self) -> dict[Resource, tuple[int, ...]]:
        found: dict[Resource, tuple[int, ...]] = {}
        for position, part in enumerate(self.slices):
            for one in part.resources:
                found[one] = (*found.get(one, ()), position)
        return found

    def slices_of_pool(self, pool: int) -> list[int]:
        """Positions of a pool's slices."""
        return [i for i, part in enumerate(self.slices) if part.pool == pool]

    def busy_slices_of_pool(self, pool: int) -> list[int]:
        """Those of them in which something runs."""
        return [i for i in self.slices_of_pool(pool) if not self.slices[i].is_idle]


def make_pools(
    candidates: Sequence[Candidate],
    *,
    whole_machines: bool,
    apart: Collection[tuple[str, str]] = (),
    matters: Callable[[PlanTerms], bool] = lambda _: True,
    tolerance: Fraction = Fraction(0),
) -> Pools:
    """The pools all candidates run in, and their slices.

    A slice is priced at the lowest of its resources' unit prices and rates: a relaxation, so that
    a bound stays one. No price of a resource is more than ``tolerance``, as a share, above it.
    Resources on which nothing ever runs are in slices of their own, or they would price others.

    Args:
        candidates: the machines.
        whole_machines: whether each type is a slice of its own.
        apart: types, by region and name, that something serves alone; each is a slice of its own.
        matters: whether a savings plan may be bought or is owned; the rates of others tell nothing
            apart.
        tolerance: share by which prices per unit may differ inside a slice.
    """
    resources = sorted(
        {part.resource for candidate in candidates for part in candidate.machine.parts},
        key=lambda one: (str(one.pool), one.units, one.name, one.os),
    )
    keys = tuple(dict.fromkeys(one.pool for one in resources))
    position = {key: i for i, key in enumerate(keys)}
    busy = {
        part.resource
        for candidate in candidates
        if candidate.is_needed
        for part in candidate.machine.parts
    }
    if whole_machines:
        slices = [
            Slice(
                position[one.pool],
                (one,),
                Fraction(one.units),
                Fraction(one.on_demand_usd),
                is_idle=one not in busy,
            )
            for one in resources
        ]
        return Pools(keys, tuple(slices))
    told_apart: dict[tuple[int, Hashable], list[Resource]] = {}
    for resource in resources:
        is_apart = (resource.region, resource.name) in apart
        # Held capacity is not served by all that serves its type.
        alone = (resource.name, resource.capacity_group) if is_apart else ()
        covered_by = frozenset(_unit_rates(resource, matters)), frozenset(resource.unit_servers)
        is_idle = resource not in busy
        kind = (covered_by, resource.sustained_use, resource.sold_on_demand, alone, is_idle)
        told_apart.setdefault((position[resource.pool], kind), []).append(resource)
    found: list[Slice] = []
    for (pool, _), inside in told_apart.items():
        for equal in _of_equal_prices(inside, matters, tolerance):
            found += _slices(pool, equal, is_idle=equal[0] not in busy)
    return Pools(keys, tuple(found))


def _unit_rates(
    resource: Resource, matters: Callable[[PlanTerms], bool]
) -> dict[PlanTerms, Fraction]:
    """Rates of one unit of a resource's pool under the savings plans that matter."""
    return {terms: rate for terms, rate in resource.unit_plan_rates.items() if matters(terms)}


def _of_equal_prices(
    resources: Iterable[Resource], matters: Callable[[PlanTerms], bool], tolerance: Fraction
) -> Iterator[tuple[Resource, ...]]:
    """Resources in groups in which no unit price or rate is far above the lowest."""
    most = 1 + tolerance
    groups: list[tuple[list[Resource], list[Fraction], list[Fraction]]] = []
    for resource in sorted(resources, key=lambda one: _unit_prices(one, matters)):
        prices = _unit_prices(resource, matters)
        for inside, lowest, highest in groups:
            low, high = list(map(min, lowest, prices)), list(map(max, highest, prices))
            if all(b <= most * a for a, b in zip(low, high, strict=True)):
                inside.append(resource)
                lowest[:], highest[:] = low, high
                break
        else:
            groups.append(([resource], list(prices), list(prices)))
    yield from (tuple(inside) for inside, _, _ in groups)


def _unit_prices(resource: Resource, matters: Callable[[PlanTerms], bool]) -> list[Fraction]:
    """All that one unit of a resource's pool may cost: on demand, under plans, on servers."""
    rates, servers = _unit_rates(resource, matters), resource.unit_servers
    return [
        resource.unit_price_usd,
        *(rates[terms] for terms in sorted(rates, key=str)),
        *(servers[name] for name in sorted(servers)),
    ]


def _slices(pool: int, inside: tuple[Resource, ...], *, is_idle: bool) -> Iterator[Slice]:
    """One slice, or one for each quarter of a month's prices; at the lowest price."""
    lowest = min(one.unit_price_usd for one in inside)
    factors = inside[0].sustained_use
    if factors is None:
        yield Slice(pool, inside, Fraction(1), lowest, is_idle=is_idle)
        return
    for quarter, factor in enumerate(factors):
        yield Slice(pool, inside, Fraction(1), lowest * Fraction(factor), quarter, is_idle)
