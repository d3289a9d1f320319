"""Every combination of few purchases, where that is quickly done: the best of them is exact."""

import math
from itertools import product

from planner.bill_search.deadline import OutOfTimeError
from planner.bill_search.trial import Point, Trial

MOST_LOTS = 3
MOST_COMBINATIONS = 2_000


def is_enumerable(trial: Trial) -> bool:
    """Whether there are so few lots, and amounts of them, that every combination is tried."""
    if len(trial.problem.lots) > MOST_LOTS:
        return False
    return math.prod(len(_amounts(trial, lot)) for lot in trial.lots) <= MOST_COMBINATIONS


def cheapest_combination(trial: Trial) -> Point:
    """The cheapest purchases that keep all limits, of those that there is time to try."""
    best, found = trial.start, []
    try:
        for steps in product(*(_amounts(trial, lot) for lot in trial.lots)):
            point = trial.buy(trial.start, dict(zip(trial.lots, steps, strict=True)))
            if point is not None:
                found.append(point)
    except OutOfTimeError:
        pass
    found.sort(key=lambda one: (one.objective_usd, sum(one.steps.values())))
    for point in found:
        if not point.is_cheaper_than(best):
            break
        if trial.keeps_limits(point):
            return point
    return best


def _amounts(trial: Trial, lot: int) -> range:
    """From none to those that serve the peak, or to what is bought where that is more."""
    return range(max(trial.meter.most_steps(lot), trial.start.steps_of(lot)) + 1)
