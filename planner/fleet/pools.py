"""Usage pools: what a provider bills and discounts together, in linear units."""

from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from catalogs import PoolKey
from planner.fleet.candidate import Candidate
from planner.fleet.machines import Resource


@dataclass(frozen=True)
class Slice:
    """Usage of one pool that the model serves and prices alike.

    The resources of a pool that the same savings plans cover (nearly always the whole pool) where
    machines may be fractional; one machine type where they are whole.

    Attributes:
        pool: position of its pool.
        resources: the resources whose usage it holds.
        pool_units: units of the pool in one unit of the slice.
        on_demand_usd: on-demand price of one unit of the slice; the lowest of its resources.
        quarter: the quarter of a month's prices that its hours pay, where that matters.
    """

    pool: int
    resources: tuple[Resource, ...]
    pool_units: Fraction
    on_demand_usd: Fraction
    quarter: int | None = None

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

    def excess_usd(self, resource: Resource) -> Fraction:
        """What an hour of it costs beyond the slice's price of its units, software included."""
        price = Fraction(resource.on_demand_usd) + Fraction(resource.software_usd)
        return price - self.on_demand_usd * self.units_of(resource)


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


def make_pools(
    candidates: Sequence[Candidate],
    *,
    whole_machines: bool,
    apart: Collection[tuple[str, str]] = (),
) -> Pools:
    """The pools all candidates run in, and their slices.

    The price of a slice's unit is the lowest of its resources', which keeps the bound a true
    bound; each one's exact excess over it is charged on its whole usage. Types ``apart``, by region
    and name, have slices of their own: something serves them alone.
    """
    resources = sorted(
        {part.resource for candidate in candidates for part in candidate.machine.parts},
        key=lambda one: (str(one.pool), one.units, one.name, one.os),
    )
    keys = tuple(dict.fromkeys(one.pool for one in resources))
    position = {key: i for i, key in enumerate(keys)}
    if whole_machines:
        slices = [
            Slice(position[one.pool], (one,), Fraction(one.units), Fraction(one.on_demand_usd))
            for one in resources
        ]
        return Pools(keys, tuple(slices))
    alike: dict[tuple[int, Hashable], list[Resource]] = {}
    for resource in resources:
        covered_by = frozenset(terms for terms, _ in resource.plan_rates)
        servers = frozenset(resource.unit_servers.items())
        # Held capacity is not served by all that serves its type.
        is_apart = (resource.region, resource.name) in apart
        alone = (resource.name, resource.capacity_group) if is_apart else ()
        told_apart = (covered_by, resource.sustained_use, servers, alone)
        alike.setdefault((position[resource.pool], told_apart), []).append(resource)
    slices = [one for (pool, _), inside in alike.items() for one in _slices(pool, tuple(inside))]
    return Pools(keys, tuple(slices))


def _slices(pool: int, inside: tuple[Resource, ...]) -> Iterator[Slice]:
    """One slice, or one for each quarter of a month's prices."""
    lowest = min(one.unit_price_usd for one in inside)
    factors = inside[0].sustained_use
    if factors is None:
        yield Slice(pool, inside, Fraction(1), lowest)
        return
    for quarter, factor in enumerate(factors):
        yield Slice(pool, inside, Fraction(1), lowest * Fraction(factor), quarter)
