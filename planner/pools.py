"""Usage pools: what a provider bills and discounts together, in linear units."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from catalogs import PoolKey
from planner.fleet import Candidate, Machine, PlanTerms


@dataclass(frozen=True)
class Slice:
    """Usage of one pool that the model serves and prices alike.

    The machines of a pool that the same savings plans cover (nearly always the whole pool) where
    machines may be fractional; one machine type where they are whole.

    Attributes:
        pool: position of its pool.
        machines: the machines whose usage it holds.
        pool_units: units of the pool in one unit of the slice.
        on_demand_usd: on-demand price of one unit of the slice; the lowest of its machines.
    """

    pool: int
    machines: tuple[Machine, ...]
    pool_units: Fraction
    on_demand_usd: Fraction

    def machine_units(self, machine: Machine) -> Fraction:
        """Units of the slice in one machine."""
        return Fraction(machine.units) / self.pool_units

    def excess_usd(self, machine: Machine) -> Fraction:
        """What an hour of one machine costs on demand beyond the slice's price of its units."""
        return Fraction(machine.on_demand_usd) - self.on_demand_usd * self.machine_units(machine)


@dataclass(frozen=True)
class Pools:
    """The usage pools of a fleet and the slices they are made of, in a stable order."""

    keys: tuple[PoolKey, ...]
    slices: tuple[Slice, ...]

    def slice_of(self, machine: Machine) -> int:
        """Position of the slice that holds a machine's usage."""
        return next(i for i, part in enumerate(self.slices) if machine in part.machines)

    def slices_of_pool(self, pool: int) -> list[int]:
        """Positions of a pool's slices."""
        return [i for i, part in enumerate(self.slices) if part.pool == pool]


def make_pools(candidates: Sequence[Candidate], *, whole_machines: bool) -> Pools:
    """The pools all candidates run in, and their slices.

    The price of a slice's unit is the lowest of its machines', which keeps the bound a true bound;
    each machine's exact excess over it is charged on its whole usage.
    """
    machines = sorted(
        {candidate.machine for candidate in candidates},
        key=lambda machine: (str(machine.pool), machine.units, machine.instance_type),
    )
    keys = tuple(dict.fromkeys(machine.pool for machine in machines))
    position = {key: i for i, key in enumerate(keys)}
    if whole_machines:
        slices = [
            Slice(
                position[machine.pool],
                (machine,),
                Fraction(machine.units),
                Fraction(machine.on_demand_usd),
            )
            for machine in machines
        ]
        return Pools(keys, tuple(slices))
    alike: dict[tuple[int, frozenset[PlanTerms]], list[Machine]] = {}
    for machine in machines:
        covered_by = frozenset(terms for terms, _ in machine.plan_rates)
        alike.setdefault((position[machine.pool], covered_by), []).append(machine)
    slices = [
        Slice(pool, tuple(inside), Fraction(1), min(one.unit_price_usd for one in inside))
        for (pool, _), inside in alike.items()
    ]
    return Pools(keys, tuple(slices))
