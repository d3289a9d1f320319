"""The bill in the provider's own order, for many purchases at once.

The order follows the providers' documentation: for AWS the EC2 User Guide on how Reserved Instances
are applied and the Savings Plans User Guide, for Azure how reservation and savings plan discounts
are applied, for Google Cloud committed use discounts.

* AWS: reservations of one exact type, then size-flexible ones, the smallest size first; EC2
  Instance Savings Plans; Compute Savings Plans. Plans serve the highest discount first, then the
  lowest rate.
* Azure: reservations, the smallest ratio first; savings plans, the longest term first, then the
  highest discount.
* Google Cloud: commitments to resources; flexible commitments, the highest discount first.

All usage and all commitments are in one account. Remaining ties go by the name of the resource.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.fleet import SPEND, Fleet, Floats
from audit.merging import Pot, merged, pots_of, step_of

CELLS = 2_000_000
"""How many (purchase, hour, column) are held in memory at once."""


class Turn(NamedTuple):
    """A pot serves a resource, an hour of which takes so much of it."""

    pot: int
    resource: int
    takes: float


def bills(fleet: Fleet, usage: Floats, purchases: Floats) -> Floats:
    """What each of many purchases costs in total [purchase], USD.

    Args:
        fleet: what is sold, owned and priced.
        usage: what runs [hour × resource].
        purchases: steps bought of every lot [purchase × lot].
    """
    active = fleet.active()
    first, counts = merged(np.hstack([usage, active]))
    pots = pots_of(fleet)
    order = turns(fleet, pots)
    paid = purchases @ np.array([float(lot.cost_usd) for lot in fleet.lots]) + fleet.owned_usd
    rows = max(1, CELLS // (len(first) * (len(fleet.resources) + len(pots))))
    for begin in range(0, len(purchases), rows):
        some = purchases[begin : begin + rows]
        given = [_given(fleet, pot, some, active[first]) for pot in pots]
        left = np.repeat(usage[first].T[:, None, :], len(some), axis=1)
        _serve(order, left, given)
        paid[begin : begin + rows] += np.einsum("rph,r,h->p", left, fleet.prices_usd, counts)
    return np.asarray(paid)


def turns(fleet: Fleet, pots: Sequence[Pot]) -> list[Turn]:
    """Who serves what, in the provider's order."""
    found = [
        (_rank(fleet, pot, position, takes), Turn(at, position, float(takes)))
        for at, pot in enumerate(pots)
        for position, takes in enumerate(pot.takes)
        if takes is not None
    ]
    return [turn for _, turn in sorted(found, key=lambda ranked: ranked[0])]


def _rank(fleet: Fleet, pot: Pot, position: int, takes: Fraction) -> tuple[object, ...]:
    resource, step = fleet.resources[position], step_of(pot.first.kind)
    names = (resource.name, pot.first.name)
    if step == 0:
        return (step, resource.is_flexible, resource.units, *names)
    term = -pot.first.term_hours if fleet.provider == "azure" else 0
    return (step, term, takes / resource.on_demand_usd, takes, *names)


def _given(fleet: Fleet, pot: Pot, purchases: Floats, active: NDArray[np.bool_]) -> Floats:
    """What a pot gives in every hour [purchase × hour]."""
    found = np.zeros((len(purchases), len(active)))
    for member in pot.members:
        commitment = fleet.commitments[member]
        steps = np.full(len(purchases), float(commitment.quantity or 0))
        if commitment.quantity is None:
            steps = purchases[:, member]
        found += np.outer(steps * float(commitment.size), active[:, member])
    return found


def _serve(order: Sequence[Turn], left: Floats, given: Sequence[Floats]) -> None:
    """Let every turn take what it can, hour by hour; on demand serves what is left."""
    for turn in order:
        pot, wanting = given[turn.pot], left[turn.resource]
        taken = np.minimum(wanting * turn.takes, pot)
        pot -= taken
        wanting -= taken / turn.takes
        np.maximum(wanting, 0.0, out=wanting)


def steps_bought(fleet: Fleet, bought: Iterable[tuple[str, Fraction]]) -> Floats:
    """Steps of every lot [1 × lot], for names of lots and quantities as a plan states them."""
    position = {lot.name: at for at, lot in enumerate(fleet.lots)}
    found = np.zeros((1, len(fleet.lots)))
    for name, quantity in bought:
        lot = fleet.lots[position[name]]
        found[0, position[name]] += float(quantity / (lot.size if lot.kind in SPEND else 1))
    return found
