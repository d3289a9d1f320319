"""Policies that follow a rule and optimize nothing: all on demand, or reserved up to the peak."""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from catalogs import DedicatedOffer
from planner.baseline import cheapest_running
from planner.decision import Bought, Policy
from planner.problem import Problem
from planner.purchases import Lot
from planner.rebill import resources_of, usage_of
from planner.stages import Group
from planner.usage import machines_held, machines_needed


def rule_policy(problem: Problem, bought: tuple[Bought, ...]) -> Policy:
    """A rule's purchases, each workload on its cheapest machine; owned commitments stay."""
    futures = [problem.future(scenario) for scenario in range(len(problem.probability))]
    running = np.concatenate([cheapest_running(one) for one in futures])
    held = None
    if problem.holds_capacity:
        held = np.concatenate([cheapest_running(one, machines_held) for one in futures])
    return Policy(bought, {}, running, held=held)


def peak_purchases(problem: Problem) -> tuple[Bought, ...]:
    """At every date, reservations up to each pool's peak until their term ends.

    Of the reservations that may be bought at a date the one with the cheapest unit is taken.
    """
    futures = [problem.future(scenario) for scenario in range(len(problem.probability))]
    usage = np.stack([_pool_usage(one, cheapest_running(one, machines_needed)) for one in futures])
    covered = np.zeros_like(usage)
    for owned in problem.owned:
        if owned.option.pool is not None and owned.option.offer.kind.is_dedicated:
            units = float(owned.quantity) * float(owned.option.pool_units)
            covered[:, owned.start : owned.end, owned.option.pool] += units
    bought: list[Bought] = []
    for pool in range(len(problem.pools.keys)):
        for lot in _cheapest_lots(problem, pool):
            inside = (list(lot.group), slice(lot.start, lot.end), pool)
            lacking = float(np.max(usage[inside] - covered[inside], initial=0.0))
            option = problem.options[lot.option]
            steps = int(np.ceil(lacking / float(option.pool_units) - 1e-9))
            if steps > 0:
                bought.append(Bought(lot, option, steps))
                covered[inside] += steps * float(option.pool_units)
    return tuple(bought)


def _pool_usage(problem: Problem, running: NDArray[np.float64]) -> NDArray[np.float64]:
    """Units used [hour × pool]."""
    quantity = usage_of(problem, running).quantity
    usage = np.zeros((len(quantity), len(problem.pools.keys)))
    for column, machine in enumerate(resources_of(problem)):
        units = float(machine.units)
        usage[:, problem.pools.keys.index(machine.pool)] += quantity[:, column] * units
    return usage


def _cheapest_lots(problem: Problem, pool: int) -> list[Lot]:
    """For every purchase date the reservation of a pool whose unit-hour is cheapest."""

    def price(lot: Lot) -> Fraction:
        option = problem.options[lot.option]
        hours = lot.end - lot.start
        return Fraction(lot.cost_usd) / hours / option.pool_units

    by_date: dict[tuple[int, Group], list[Lot]] = {}
    for lot in problem.lots:
        option = problem.options[lot.option]
        if option.pool == pool and isinstance(option.offer, DedicatedOffer):
            by_date.setdefault((lot.start, lot.group), []).append(lot)
    return [min(lots, key=price) for _, lots in sorted(by_date.items())]
