"""Lots for which another does as much for no more money."""

import math
from itertools import groupby

from planner.purchases.lots import Lot
from planner.purchases.option import BLOCK, Option
from planner.stages import Group

TIE = 1e-12
"""Costs within this share of each other are the same, rounded differently."""


def without_dominated(
    lots: tuple[Lot, ...], options: tuple[Option, ...], *, committing_as_much: bool = False
) -> tuple[Lot, ...]:
    """Lots for which no other lot of the same hours and futures does as much for no more money.

    Exact as long as nothing but cost and service tells lots apart; the caller keeps all lots
    where upfront budgets do. Where commitments count beyond what they serve, others must be
    ``committing_as_much``, no less and no more.
    """
    kept: list[Lot] = []
    order = [option.order for option in options]

    def span(lot: Lot) -> tuple[int, int, Group, bool]:
        # A block serves but half of its last hour.
        return lot.start, lot.end, lot.group, options[lot.option].offer.kind is BLOCK

    for _, rivals in groupby(sorted(lots, key=span), key=span):
        group = list(rivals)
        # The better one is kept before the worse one is looked at: the smallest first where whole
        # numbers of it must make up others, else the cheapest per service; then the rule for ties.
        group.sort(
            key=lambda lot: (
                options[lot.option].pool_units if committing_as_much else 0,
                _cost_per_service(lot, options[lot.option]),
                order[lot.option],
            )
        )
        chosen: dict[int | None, list[Lot]] = {}
        for lot in group:
            rivals_of_lot = chosen.setdefault(options[lot.option].pool, [])
            if not any(
                _dominates(other, lot, options)
                and (not committing_as_much or _commits_as_much(other, lot, options))
                for other in rivals_of_lot
            ):
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
    return copies * other.cost_usd <= lot.cost_usd * (1 + TIE)


def _commits_as_much(other: Lot, lot: Lot, options: tuple[Option, ...]) -> bool:
    """Whether some whole number of ``other`` commits just what ``lot`` does."""
    better, worse = options[other.option], options[lot.option]
    if worse.pool is None or better.pool is None:
        return better.rates == worse.rates
    return (worse.pool_units / better.pool_units).denominator == 1
