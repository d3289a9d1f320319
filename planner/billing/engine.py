"""How every provider's order is carried out: pools of commitments, ranked pairs, take in order.

A step names whose commitments act and whom they serve in which rank; the steps of a provider,
in its module, are its order. Hours do not depend on one another, so a pair takes in all at once.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Generic, NamedTuple, TypeGuard, TypeVar

import numpy as np
from numpy.typing import NDArray

from planner.billing.accounting import NANO, check_total, whole_nanousd
from planner.billing.commitments import Commitment
from planner.billing.hours import Stretch
from planner.billing.usage import Usage, UsageClass

Hourly = NDArray[np.float64]
Nanousd = NDArray[np.int64]
Owned = TypeVar("Owned", bound=Commitment)


class Service(NamedTuple):
    """How a commitment serves a usage class.

    Lower ``rank`` goes first inside the step; ``weight`` is what a unit-hour takes of the
    step's measure.
    """

    rank: tuple[Any, ...]
    weight: float


Services = tuple[tuple[int, Service], ...]
"""The rows that a commitment serves, and how."""


@dataclass(frozen=True)
class Step(Generic[Owned]):
    """One step of a provider's order.

    Attributes:
        providers: whose commitments act; they see the usage of their own provider alone.
        kind: their class.
        size: what one gives in an hour, in the step's measure: normalized units, unit-hours,
            nano-dollars.
        serve: rank and weight of a usage class; None where it is not served.
        includes: which commitments of the class take part.
        serves_unused: whether reserved capacity that stands unused is served, after all that runs.
        serves_all: whether usage of every provider is served, spot usage too.
        surcharge_usd: what a served unit-hour costs beside the commitment [USD].
    """

    providers: tuple[str, ...]
    kind: type[Owned]
    size: Callable[[Owned], Decimal]
    serve: Callable[[Owned, UsageClass], Service | None]
    includes: Callable[[Owned], bool] = lambda _: True
    serves_unused: bool = True
    serves_all: bool = False
    surcharge_usd: Callable[[Owned, UsageClass], Decimal] | None = None

    def applies(self, commitment: Commitment) -> TypeGuard[Owned]:
        """Whether a commitment takes part."""
        if not isinstance(commitment, self.kind) or commitment.provider not in self.providers:
            return False
        return self.includes(commitment)

    def sees(self, provider: str, usage_class: UsageClass) -> bool:
        """Whether a provider's commitments look at a usage class, to serve it or not."""
        own = usage_class.provider == provider and usage_class.spot_usd is None
        return self.serves_all or own


@dataclass(frozen=True, eq=False)
class Pool:
    """Commitments that serve the same usage in the same ranks for one account: used as one.

    ``members`` are positions in the commitments, ``sizes`` what each gives in a whole hour, in
    the step's measure; ``capacity``, what of it is ``offered`` in this turn, and what is ``left``
    of that are [hour].
    """

    first_id: str
    members: tuple[int, ...]
    sizes: tuple[float, ...]
    stretches: tuple[Stretch, ...]
    capacity: Hourly
    offered: Hourly
    left: Hourly

    @property
    def used_share(self) -> Hourly:
        """Share of the capacity used in each hour (0–1); 0 where nothing is committed."""
        used = self.offered - self.left
        share = np.zeros_like(used)
        return np.divide(used, self.capacity, out=share, where=self.capacity > 0)

    def share_of(self, member: int) -> Hourly:
        """One member's share of the capacity in each hour (0–1)."""
        given = np.zeros_like(self.capacity)
        self.stretches[member].add_to(given, self.sizes[member])
        return np.divide(given, self.capacity, out=np.zeros_like(given), where=self.capacity > 0)


@dataclass(frozen=True)
class Pair:
    """A pool that may serve a usage class, and what a unit-hour takes from the pool."""

    pool: Pool
    column: int
    weight: float


@dataclass(frozen=True, eq=False)
class Take:
    """What one pair served: ``quantity`` unit-hours for ``used`` of the pool's measure [hour]."""

    pair: Pair
    quantity: Hourly
    used: Hourly


class Serving:
    """Usage on its way through the steps: what is left of every class in every hour.

    ``classes`` are the usage's own, then reserved capacity that stands unused; ``uncovered`` has
    a row [hour] for each, in unit-hours; ``names`` order them. ``used_hours`` are, per
    commitment, its fully used hours: Σ over hours of the share used; ``charges`` what it costs
    by the hour beside its price [nano-dollars], by position.
    """

    def __init__(
        self, usage: Usage, commitments: Sequence[Commitment], *, keep_takes: bool = False
    ) -> None:
        self.usage = usage
        self.commitments = commitments
        self.classes = list(usage.classes)
        self.uncovered = list(np.array(usage.quantity.T, dtype=np.float64, order="C"))
        self.used_hours = [0.0] * len(commitments)
        self.charges: dict[int, Nanousd] = {}
        self.takes: list[Take] = []
        self._keep_takes = keep_takes
        self.names = [names_of(one) for one in usage.classes]

    def remaining(self) -> Hourly:
        """What is left of the usage's own classes [hour × class], a copy."""
        own = self.uncovered[: len(self.usage.classes)]
        return np.array(own).reshape(len(own), self.usage.hours).T

    def is_unused_capacity(self, column: int) -> bool:
        """Whether a row is reserved capacity in which nothing runs."""
        return column >= len(self.usage.classes)

    def add_unused_capacity(self, machine: UsageClass, quantity: Hourly) -> int:
        """Let reserved capacity that stands unused be served like usage; gives its row."""
        self.classes.append(machine)
        self.uncovered.append(quantity)
        self.names.append(names_of(machine))
        return len(self.classes) - 1

    def charge(self, position: int, hourly_nanousd: Hourly) -> None:
        """Add to what a commitment costs by the hour beside its price."""
        field = f"commitments[{position}], cost by the hour [USD]"
        so_far = self.charges.get(position, np.zeros(self.usage.hours, dtype=np.int64))
        self.charges[position] = so_far + whole_nanousd(field, hourly_nanousd)
        check_total(field, float(self.charges[position].sum(dtype=np.float64)))

    def run(self, steps: Iterable[Step[Any]], hours: Hourly | None = None) -> None:
        """Let commitments take their turns, step after step; in some hours (1, others 0) only."""
        for step in steps:
            self._run(step, hours)

    def _run(self, step: Step[Owned], hours: Hourly | None) -> None:
        owned = [
            (position, one) for position, one in enumerate(self.commitments) if step.applies(one)
        ]
        if not owned:
            return
        pools: list[Pool] = []
        ranked: list[tuple[tuple[Any, ...], Pair]] = []
        for services, members in self._alike(step, owned):
            pool = self._pool(step, members, hours)
            pools.append(pool)
            for column, (first, weight) in services:
                unused = self.is_unused_capacity(column)
                rank = (unused, *first, self.names[column], pool.first_id)
                ranked.append((rank, Pair(pool, column, weight)))
        for _, pair in sorted(ranked, key=lambda entry: entry[0]):
            self._take(step, pair)
        for pool in pools:
            self._attribute(pool)

    def _alike(
        self, step: Step[Owned], owned: Sequence[tuple[int, Owned]]
    ) -> list[tuple[Services, list[tuple[int, Owned]]]]:
        """Commitments of one account that serve the same usage alike, by id, and that usage."""
        scopes: dict[Hashable, list[tuple[int, Owned]]] = {}
        for position, one in owned:
            scopes.setdefault(one.scope, []).append((position, one))
        groups: dict[tuple[str, Services], list[tuple[int, Owned]]] = {}
        for members in scopes.values():
            first = members[0][1]
            # Rates of usage that is not here cannot tell two plans apart.
            columns = self._columns(step, first.provider)
            offered = ((column, step.serve(first, self.classes[column])) for column in columns)
            services = tuple((column, one) for column, one in offered if one is not None)
            groups.setdefault((first.account, services), []).extend(members)
        return [
            (services, sorted(members, key=lambda entry: entry[1].commitment_id))
            for (_, services), members in groups.items()
        ]

    def _columns(self, step: Step[Owned], provider: str) -> list[int]:
        return [
            column
            for column, one in enumerate(self.classes)
            if (step.serves_unused or not self.is_unused_capacity(column))
            and step.sees(provider, one)
        ]

    def _pool(
        self, step: Step[Owned], members: Sequence[tuple[int, Owned]], hours: Hourly | None
    ) -> Pool:
        """Join the members' hourly sizes over the time they serve."""
        capacity = np.zeros(self.usage.hours)
        sizes = tuple(float(step.size(one)) for _, one in members)
        stretches = tuple(self.stretch(one) for _, one in members)
        for size, stretch in zip(sizes, stretches, strict=True):
            stretch.add_to(capacity, size)
        offered = capacity if hours is None else capacity * hours
        return Pool(
            first_id=members[0][1].commitment_id,
            members=tuple(position for position, _ in members),
            sizes=sizes,
            stretches=stretches,
            capacity=capacity,
            offered=offered,
            left=offered.copy(),
        )

    def stretch(self, commitment: Commitment) -> Stretch:
        """When a commitment serves, inside the span."""
        return self.usage.rows_of(commitment.serving_in(self.usage.start))

    def _take(self, step: Step[Owned], pair: Pair) -> None:
        """Let a pair take what it can in every hour."""
        wanting = self.uncovered[pair.column]
        wanted = wanting * pair.weight
        used = np.minimum(wanted, pair.pool.left)
        # Served whole must leave exactly nothing. Otherwise used < wanted, both rounded, so the
        # quotient cannot exceed what is wanted.
        served = np.where(used == wanted, wanting, used / pair.weight)
        if self._keep_takes:
            self.takes.append(Take(pair, served, used))
        if step.surcharge_usd is not None:
            self._surcharge(step.surcharge_usd, pair, served)
        np.subtract(pair.pool.left, used, out=pair.pool.left)
        np.subtract(wanting, served, out=wanting)

    def _surcharge(
        self, surcharge_usd: Callable[[Any, UsageClass], Decimal], pair: Pair, served: Hourly
    ) -> None:
        for member, position in enumerate(pair.pool.members):
            each = surcharge_usd(self.commitments[position], self.classes[pair.column])
            if each > 0:
                cost = served * pair.pool.share_of(member) * float(each * NANO)
                self.charge(position, cost)

    def _attribute(self, pool: Pool) -> None:
        """Members of a pool are used pro rata."""
        share = pool.used_share
        for position, size, stretch in zip(pool.members, pool.sizes, pool.stretches, strict=True):
            if size > 0:
                self.used_hours[position] += stretch.total(share)


def price_share(rate: Decimal, usage_class: UsageClass) -> Fraction:
    """A rate as a share of the on-demand price; the lower, the higher the discount.

    Compared exactly: float prices would break the ties that the lower rate decides.
    """
    return Fraction(rate) / Fraction(usage_class.on_demand_usd)


def names_of(usage_class: UsageClass) -> tuple[object, ...]:
    """A total order of usage classes that does not depend on their columns."""
    return (
        usage_class.account,
        *usage_class.rate_key,
        usage_class.zone or "",
        usage_class.family or "",
        usage_class.units or Decimal(0),
        usage_class.on_demand_usd,
        usage_class.provider,
        usage_class.spot_usd or Decimal(0),
        usage_class.spot_usd is None,
        usage_class.software_usd,
        usage_class.sustained_use or (),
        usage_class.month_cap_hours or 0,
        usage_class.commitment_premium,
        usage_class.capacity_group or "",
    )
