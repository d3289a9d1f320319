"""Why not: for every offer left unbought, the use it needs beside the use it would have had."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from catalogs import DedicatedOffer
from planner.outlook import FutureBill, Outlook
from planner.plan import NotBought
from planner.problem import Problem
from planner.purchases import Lot, Option
from planner.rebill import account_of, machines_of

LITTLE_MACHINES = 1e-6
"""Usage below this is rounding, nothing a purchase could serve."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Unserved:
    """Usage a further purchase could serve: machines [hour × machine], units [hour × pool]."""

    machines: Floats
    pool_units: Floats


@dataclass(frozen=True)
class _Prospect:
    """What one more step of a lot would do: how much it is used, how much it must be used.

    Both are shares of its hours, weighed by what money is worth in them.
    """

    lot: Lot
    utilization: float
    break_even: float | None

    @property
    def margin(self) -> float:
        """How far its use lies above the break-even."""
        return _margin(self.utilization, self.break_even)


def reasons_against(outlook: Outlook) -> tuple[NotBought, ...]:
    """Every option of which nothing is bought in any future, by offer id.

    With several futures utilizations are means over them.
    """
    bought = {one.lot.option for one in outlook.policy.bought}
    found = [_in_future(one, bought) for one in outlook.futures]
    chance = np.array([one.probability for one in outlook.futures])
    means = [_mean([one[option] for one in found], chance) for option in found[0]]
    return tuple(sorted(means, key=lambda one: (one.offer_id, one.workload or "")))


def _in_future(future: FutureBill, bought: set[int]) -> dict[int, NotBought]:
    """Why not, by option, if one future comes true."""
    problem, bill = future.problem, future.bill
    everything = bill.on_demand_quantity + bill.dedicated_quantity + bill.spend_quantity
    before, after = _unserved(problem, everything), _unserved(problem, bill.on_demand_quantity)
    lots: dict[int, list[Lot]] = {}
    for lot in problem.lots:
        lots.setdefault(lot.option, []).append(lot)
    return {
        option: _against(problem, option, lots[option], before, after)
        for option in lots
        if option not in bought
    }


def _mean(found: list[NotBought], chance: Floats) -> NotBought:
    """One verdict on an option from those of all futures."""
    if len(found) == 1:
        return found[0]
    break_evens = [one.break_even_utilization for one in found]
    known = [one for one in break_evens if one is not None]
    needed = float(np.mean(known)) if known else None
    used = float(np.average([one.utilization for one in found], weights=chance))
    alone = float(np.average([one.alone_utilization for one in found], weights=chance))
    update = {
        "break_even_utilization": needed,
        "utilization": used,
        "alone_utilization": alone,
        "reason": _verdict(_margin(used, needed), _margin(alone, needed)),
    }
    return found[0].model_copy(update=update)


def _margin(utilization: float, break_even: float | None) -> float:
    return -math.inf if break_even is None else utilization - break_even


def _against(
    problem: Problem, position: int, lots: list[Lot], before: _Unserved, after: _Unserved
) -> NotBought:
    option = problem.options[position]
    prospects = [_prospect(problem, option, lot, after) for lot in lots]
    best = max(prospects, key=lambda one: (one.margin, -one.lot.start))
    alone = _prospect(problem, option, best.lot, before)
    return NotBought(
        offer_id=option.offer.offer_id,
        workload=account_of(problem, option) or None,
        break_even_utilization=best.break_even,
        utilization=best.utilization,
        alone_utilization=alone.utilization,
        start=problem.calendar.at(best.lot.start),
        reason=_verdict(best.margin, alone.margin),
    )


def _verdict(
    margin: float, alone: float
) -> Literal["too_little_usage", "served_by_others", "limits_steps_or_gap"]:
    """From how far one more step's use lies above the break-even, beside all bought and alone."""
    if margin >= 0:
        return "limits_steps_or_gap"
    return "served_by_others" if alone >= 0 else "too_little_usage"


def _unserved(problem: Problem, machine_hours: Floats) -> _Unserved:
    machines = np.where(machine_hours < LITTLE_MACHINES, 0.0, machine_hours)
    units = np.zeros((machines.shape[1], len(problem.pools.keys)))
    for column, machine in enumerate(machines_of(problem)):
        units[column, problem.pools.keys.index(machine.pool)] = float(machine.units)
    return _Unserved(machines, machines @ units)


def _prospect(problem: Problem, option: Option, lot: Lot, unserved: _Unserved) -> _Prospect:
    if isinstance(option.offer, DedicatedOffer):
        return _reservation_prospect(problem, option, lot, unserved)
    return _plan_prospect(problem, option, lot, unserved)


def _reservation_prospect(
    problem: Problem, option: Option, lot: Lot, unserved: _Unserved
) -> _Prospect:
    """One more reserved machine: used as far as on-demand usage is left in its pool."""
    pool, units = option.pool or 0, float(option.pool_units)
    left = unserved.pool_units[lot.start : lot.end, pool]
    price = min(
        machine.unit_price_usd
        for machine in machines_of(problem)
        if machine.pool == problem.pools.keys[pool]
    )
    worth = problem.calendar.worth[lot.start : lot.end]
    value_usd = units * float(price) * float(worth.sum())
    used = float(np.average(np.minimum(left, units), weights=worth)) / units
    return _Prospect(lot, used, lot.cost_usd / value_usd if value_usd else None)


def _plan_prospect(problem: Problem, option: Option, lot: Lot, unserved: _Unserved) -> _Prospect:
    """One more step of a plan: each hour it serves what is left with the greatest discount."""
    rates = dict(option.machine_rates)
    machines = machines_of(problem)
    ratio = np.array([float(m.on_demand_usd / rates[m]) if m in rates else 0.0 for m in machines])
    left = unserved.machines[lot.start : lot.end] > 0
    displaced = np.where(left, ratio, 0.0).max(axis=1)
    worth = problem.calendar.worth[lot.start : lot.end]
    used = worth * (displaced > 0)
    typical = float(displaced @ worth / used.sum()) if used.any() else float(ratio.max())
    cost_usd = lot.cost_usd / float(option.step) / float(worth.sum())
    utilization = float(used.sum() / worth.sum())
    return _Prospect(lot, utilization, cost_usd / typical if typical else None)
