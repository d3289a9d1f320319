"""AWS's own order of applying commitments to usage, hour by hour; not always the cheapest.

Inside each step the owner account's usage comes first, then all other accounts'. Where AWS is
silent or ambiguous the order here is:

* The steps nest outside the accounts: EC2 Instance plans serve the owner and then everyone
  before any Compute plan serves anyone. (AWS may pass the owner through both kinds first.)
* "Leftover goes first to the account with the largest savings" is read pair by pair: leftover
  goes to the (plan, usage) pair with the highest savings share, whichever account it is in.
* Exact-type reservations go before size-flexible ones, as the narrower scope does elsewhere.
* Equal pairs: by the usage's own names, then by the commitment id that sorts first.
* A rate above today's on-demand price still absorbs leftover commitment, last: it is paid for.

All accounts share, but for reservations whose sharing is off; sharing groups are not modelled.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeGuard, TypeVar

import numpy as np
from numpy.typing import NDArray

from planner.billing.commitments import Commitment, Reservation, SavingsPlan
from planner.billing.usage import Usage, UsageClass

NANO = 10**9

Hourly = NDArray[np.float64]
Owned = TypeVar("Owned", Reservation, SavingsPlan)


@dataclass(frozen=True, eq=False)
class Pool:
    """Commitments that serve the same usage at the same rates for one account: used as one.

    ``members`` are positions in the commitments; ``sizes`` what each commits per active hour;
    ``capacity`` and ``left`` are [hour]. The measure is normalized units for size-flexible
    reservations, machine-hours for exact-type ones, nano-dollars for plans.
    """

    account: str
    first_id: str
    members: tuple[int, ...]
    sizes: tuple[float, ...]
    capacity: Hourly
    left: Hourly

    @property
    def used_share(self) -> Hourly:
        """Share of the capacity used in each hour (0–1); 0 where nothing is committed."""
        used = self.capacity - self.left
        share = np.zeros_like(used)
        return np.divide(used, self.capacity, out=share, where=self.capacity > 0)


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


@dataclass(frozen=True, eq=False)
class Application:
    """Usage after commitments, arrays [hour × class] in unit-hours.

    ``used_hours`` gives, per commitment, its fully used hours: Σ over active hours of the share
    used. ``takes`` lists who served what, in order; empty unless asked for.
    """

    dedicated: Hourly
    spend: Hourly
    on_demand: Hourly
    used_hours: tuple[float, ...]
    takes: tuple[Take, ...]


def apply_commitments(
    usage: Usage, commitments: Sequence[Commitment], *, keep_takes: bool = False
) -> Application:
    """Serve ``usage`` with ``commitments`` in AWS's order; what remains is on demand."""
    uncovered = np.ascontiguousarray(usage.quantity.T, dtype=np.float64).copy()
    takes: list[Take] | None = [] if keep_takes else None
    reservations = apply_regional_reservations(usage, commitments, uncovered, takes)
    after_reservations = uncovered.copy()
    ec2_plans = apply_savings_plans("ec2", usage, commitments, uncovered, takes)
    compute_plans = apply_savings_plans("compute", usage, commitments, uncovered, takes)
    return Application(
        dedicated=usage.quantity - after_reservations.T,
        spend=(after_reservations - uncovered).T,
        on_demand=uncovered.T,
        used_hours=_attribute(usage, commitments, [*reservations, *ec2_plans, *compute_plans]),
        takes=tuple(takes or ()),
    )


def apply_regional_reservations(
    usage: Usage,
    commitments: Sequence[Commitment],
    uncovered: Hourly,
    takes: list[Take] | None,
) -> list[Pool]:
    """Regional reservations: the owner's usage, smallest size first, then other accounts'.

    Each reservation serves at most one machine-hour (its units) per clock-hour, so the seconds
    of several machines share it and a larger machine is served in part.
    """
    reservations = [(i, owned) for i, owned in enumerate(commitments) if _is_reservation(owned)]
    pools, ranked = [], []
    for members in _grouped(reservations, _reservation_scope):
        offer = members[0][1]
        pool = _pool(usage, members, _reserved)
        pools.append(pool)
        for column, machine in enumerate(usage.classes):
            if _reservation_serves(offer, machine):
                units = machine.units or Decimal(0)
                other = machine.account != pool.account
                rank = (other, offer.size_flexible, units, _names(machine), pool.first_id)
                weight = float(units) if offer.size_flexible else 1.0
                ranked.append((rank, Pair(pool, column, weight)))
    _serve(ranked, uncovered, takes)
    return pools


def _is_reservation(commitment: Commitment) -> TypeGuard[Reservation]:
    return isinstance(commitment, Reservation)


def _reservation_scope(reservation: Reservation) -> Hashable:
    owner = (reservation.account, reservation.shared)
    product = (*owner, reservation.region, reservation.os, reservation.tenancy)
    if reservation.size_flexible:
        return (*product, "family", reservation.family)
    return (*product, "type", reservation.instance_type)


def _reserved(reservation: Reservation) -> float:
    """Normalized units, or machine-hours of the exact type, a reservation gives in an hour."""
    if reservation.size_flexible and reservation.units is not None:
        return float(reservation.count * reservation.units)
    return float(reservation.count)


def _reservation_serves(reservation: Reservation, machine: UsageClass) -> bool:
    product = (reservation.region, reservation.os, reservation.tenancy)
    if not reservation.shared and machine.account != reservation.account:
        return False
    if machine.service != "ec2" or (machine.region, machine.os, machine.tenancy) != product:
        return False
    if reservation.size_flexible:
        return machine.family == reservation.family and machine.units is not None
    return machine.name == reservation.instance_type


def apply_savings_plans(
    kind: str,
    usage: Usage,
    commitments: Sequence[Commitment],
    uncovered: Hourly,
    takes: list[Take] | None,
) -> list[Pool]:
    """Savings Plans of one kind: all (plan, usage) pairs by savings share, then by lowest rate.

    The savings share 1 − rate / on-demand price is compared exactly; float prices would break
    the ties that the lower rate decides. Free usage has no savings share and takes nothing.
    """
    plans = [
        (i, plan)
        for i, plan in enumerate(commitments)
        if isinstance(plan, SavingsPlan) and plan.kind == kind
    ]
    pools, ranked = [], []
    # Rates of usage that is not here cannot tell two plans apart.
    for members in _grouped(plans, lambda plan: (plan.account, *_rates(plan, usage))):
        pool = _pool(usage, members, lambda plan: float(plan.commitment_usd * NANO))
        pools.append(pool)
        for column, rate in enumerate(_rates(members[0][1], usage)):
            if rate is not None:
                usage_class = usage.classes[column]
                price_share = rate / Fraction(usage_class.on_demand_usd)
                other = usage_class.account != pool.account
                rank = (other, price_share, rate, _names(usage_class), pool.first_id)
                ranked.append((rank, Pair(pool, column, float(rate * NANO))))
    _serve(ranked, uncovered, takes)
    return pools


def _rates(plan: SavingsPlan, usage: Usage) -> tuple[Fraction | None, ...]:
    """The plan's rate per usage class [USD / unit-hour]; None where it does not serve it."""
    inside = ("ec2", plan.region, plan.family)
    rates: list[Fraction | None] = []
    for usage_class in usage.classes:
        here = (usage_class.service, usage_class.region, usage_class.family)
        rate = plan.rates.get(usage_class.rate_key)
        outside = (plan.kind == "ec2" and here != inside) or usage_class.on_demand_usd == 0
        rates.append(None if rate is None or outside else Fraction(rate))
    return tuple(rates)


def _grouped(
    positioned: Iterable[tuple[int, Owned]], scope: Callable[[Owned], Hashable]
) -> list[list[tuple[int, Owned]]]:
    """Commitments of equal scope, with their positions."""
    groups: dict[Hashable, list[tuple[int, Owned]]] = {}
    for position, commitment in positioned:
        groups.setdefault(scope(commitment), []).append((position, commitment))
    return list(groups.values())


def _pool(
    usage: Usage, members: Sequence[tuple[int, Owned]], size: Callable[[Owned], float]
) -> Pool:
    """Join the members' hourly sizes over their terms."""
    capacity = np.zeros(usage.hours)
    for _, commitment in members:
        capacity[active_hours(usage, commitment)] += size(commitment)
    return Pool(
        account=members[0][1].account,
        first_id=min(commitment.commitment_id for _, commitment in members),
        members=tuple(position for position, _ in members),
        sizes=tuple(size(commitment) for _, commitment in members),
        capacity=capacity,
        left=capacity.copy(),
    )


def active_hours(usage: Usage, commitment: Commitment) -> slice:
    """Hours of the usage inside the commitment's term; empty when they do not meet."""
    term = commitment.term_in(usage.start)
    first = min(max(term.start, 0), usage.hours)
    return slice(first, max(first, min(term.stop, usage.hours)))


def _names(usage_class: UsageClass) -> tuple[object, ...]:
    """A total order of usage classes that does not depend on their columns."""
    return (
        usage_class.account,
        *usage_class.rate_key,
        usage_class.zone or "",
        usage_class.family or "",
        usage_class.units or Decimal(0),
        usage_class.on_demand_usd,
    )


def _serve(
    ranked: Iterable[tuple[tuple[Any, ...], Pair]], uncovered: Hourly, takes: list[Take] | None
) -> None:
    """Let each pair in rank order take what it can in every hour; uncovered is [class × hour]."""
    for _, pair in sorted(ranked, key=lambda entry: entry[0]):
        wanting = uncovered[pair.column]
        wanted = wanting * pair.weight
        used = np.minimum(wanted, pair.pool.left)
        # Served whole must leave exactly nothing. Otherwise used < wanted, both rounded, so the
        # quotient cannot exceed what is wanted.
        served = np.where(used == wanted, wanting, used / pair.weight)
        if takes is not None:
            takes.append(Take(pair, served, used))
        np.subtract(pair.pool.left, used, out=pair.pool.left)
        np.subtract(wanting, served, out=wanting)


def _attribute(
    usage: Usage, commitments: Sequence[Commitment], pools: Iterable[Pool]
) -> tuple[float, ...]:
    """Fully used hours per commitment: members of a pool are used pro rata."""
    used_hours = [0.0] * len(commitments)
    for pool in pools:
        share = pool.used_share
        for member, size in zip(pool.members, pool.sizes, strict=True):
            if size > 0:
                used_hours[member] = float(share[active_hours(usage, commitments[member])].sum())
    return tuple(used_hours)
