"""Lots for which another does as much for no more money."""

import math
from itertools import groupby

from planner.purchases.lots import Lot
from planner.purchases.option import BLOCK, Option
from planner.stages import Group


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
