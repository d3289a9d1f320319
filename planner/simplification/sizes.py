"""Reservations in the size that runs, where they are bought in another that serves the same."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from catalogs import DedicatedOffer
from planner.bill_search.trial import Point, Trial
from planner.decision import Policy
from planner.problem import Problem
from planner.purchases import Lot, product_of

LITTLE_UNITS = 1e-6
"""Usage below this is rounding."""

Running = Mapping[tuple[int, str], NDArray[np.float64]]
"""Mean units that run of a pool and type, all futures weighed [hour]."""


@dataclass(frozen=True)
class Resized:
    """A reservation in the size that runs instead of another.

    Attributes:
        before: the type it was to be bought in.
        after: the type it is bought in.
        forgone_usd: what the other size would save.
    """

    before: str
    after: str
    forgone_usd: float


def running_units(problem: Problem, policy: Policy) -> Running:
    """What runs of every type in every pool, where machines are billed whole."""
    found: dict[tuple[int, str], NDArray[np.float64]] = {}
    for scenario, chance in enumerate(problem.probability.tolist()):
        running = policy.decision(problem, scenario).running
        for position, candidate in enumerate(problem.candidates):
            machine = candidate.machine
            if not machine.is_whole:
                continue
            key = problem.pools.keys.index(machine.pool), machine.resource.name
            units = chance * float(machine.resource.units) * running[:, position]
            found[key] = found[key] + units if key in found else units
    return found


def in_sizes_that_run(
    trial: Trial,
    point: Point,
    lines: Collection[int],
    running: Running,
    tolerance: float,
    least: Mapping[int, int],
) -> tuple[Point, list[Resized]]:
    """Some purchases in sizes that run, where another saves no more than a share of its cost.

    Of several sizes that run, the one of most usage. A size that runs stays.
    """
    done: list[Resized] = []
    for lot in sorted(lines):
        for other in _sizes(trial.problem, lot, running):
            found = _moved(trial, point, lot, other, least)
            if found is None:
                continue
            bought = trial.problem.lots[lot]
            most_usd = tolerance * point.steps_of(lot) * bought.expected_cost_usd
            forgone_usd = found.objective_usd - point.objective_usd
            if forgone_usd <= most_usd and trial.keeps_limits(found):
                before, after = (_type_of(trial.problem, one) for one in (lot, other))
                done.append(Resized(before, after, forgone_usd))
                point = found
                break
    return point, done


def _moved(
    trial: Trial, point: Point, lot: int, other: int, least: Mapping[int, int]
) -> Point | None:
    """The purchases with one of them in another size, a number of it more or less."""
    options, lots = trial.problem.options, trial.problem.lots
    units = point.steps_of(lot) * options[lots[lot].option].pool_units
    exact = units / options[lots[other].option].pool_units
    there = point.steps_of(other)
    counts = {there + count for count in (floor(exact), ceil(exact)) if count > 0}
    found = (
        trial.buy(point, {lot: 0, other: count})
        for count in sorted(counts)
        if count >= least.get(other, 1)
    )
    return min(
        (one for one in found if one is not None), key=lambda one: one.objective_usd, default=None
    )


def _sizes(problem: Problem, lot: int, running: Running) -> list[int]:
    """Lots that are the same purchase in a size that runs meanwhile, that of most usage first."""
    bought = problem.lots[lot]
    option = problem.options[bought.option]
    if option.pool is None or not isinstance(option.offer, DedicatedOffer):
        return []
    if not option.offer.size_flexible or _usage(problem, lot, running) > LITTLE_UNITS:
        return []
    same = [
        other
        for other, one in enumerate(problem.lots)
        if _occasion(one) == _occasion(bought)
        and other != lot
        and product_of(problem.options[one.option]) == product_of(option)
        and _usage(problem, other, running) > LITTLE_UNITS
    ]
    return sorted(same, key=lambda other: (-_usage(problem, other, running), other))


def _occasion(lot: Lot) -> tuple[object, ...]:
    return lot.start, lot.end, lot.group


def _usage(problem: Problem, lot: int, running: Running) -> float:
    """Units that run of a lot's own type while it serves."""
    bought = problem.lots[lot]
    pool = problem.options[bought.option].pool
    units = None if pool is None else running.get((pool, _type_of(problem, lot)))
    return 0.0 if units is None else float(units[bought.start : bought.end].sum())


def _type_of(problem: Problem, lot: int) -> str:
    offer = problem.options[problem.lots[lot].option].offer
    return offer.instance_type if isinstance(offer, DedicatedOffer) else ""
