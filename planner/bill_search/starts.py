"""Plans to start from beside the model's: those of fixed rules, as far as they are plans."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from planner.baseline import cheapest_running
from planner.decision import Policy
from planner.fixed_rules import peak_purchases, rule_policy
from planner.problem import Problem
from planner.running import Shares
from planner.usage import machines_needed, split_by_choice

Floats = NDArray[np.float64]

ROUNDING = 1e-9

MOST_CELLS = 20_000_000
"""Moments × (candidates and pools) up to which rules are followed; beyond, it takes too long."""


def rule_policies(problem: Problem) -> Iterator[Policy]:
    """Nothing bought, and reservations up to the peak; each workload on its cheapest machine.

    None where a plan cannot say the mix: machines change between the dates at which it may, or by
    a future that nobody can tell from others yet. None of very large problems either.
    """
    moments = problem.calendar.hours * len(problem.probability)
    if moments * (len(problem.candidates) + len(problem.pools.keys)) > MOST_CELLS:
        return
    if problem.request.whole_machines:
        nothing = rule_policy(problem, ())
    else:
        shares = _cheapest_shares(problem)
        if shares is None:
            return
        nothing = Policy((), shares)
    yield nothing
    bought = peak_purchases(problem)
    if bought:
        yield replace(nothing, bought=bought)


def _cheapest_shares(problem: Problem) -> Shares | None:
    """The cheapest machines by candidate and stage; None where they are no mix of a plan.

    In a stage without demand the first machine serves.
    """
    chosen = [one for candidates in split_by_choice(problem)[1] for one in candidates]
    served = {one: np.zeros(problem.stages.count) for one in chosen}
    whole = {one: np.zeros(problem.stages.count) for one in chosen}
    stages = problem.stages.stage[problem.window_of_hour()]
    for scenario in range(len(problem.probability)) if chosen else ():
        future, stage = problem.future(scenario), stages[:, scenario]
        running = cheapest_running(future, machines_needed)
        for one in chosen:
            served[one] += _sums(running[:, one], stage, problem)
            whole[one] += _sums(machines_needed(future, one), stage, problem)
    shares: dict[tuple[int, int], float] = {}
    for candidates in split_by_choice(problem)[1]:
        mix = np.stack([_ratio(served[one], whole[one]) for one in candidates])
        mix[0, ~mix.any(axis=0)] = 1.0
        if not np.all((np.abs(mix) < ROUNDING) | (np.abs(mix - 1.0) < ROUNDING)):
            return None
        for one, row in zip(candidates, np.rint(mix).tolist(), strict=True):
            shares |= {(one, stage): share for stage, share in enumerate(row)}
    return shares


def _sums(machines: Floats, stage: NDArray[np.intp], problem: Problem) -> Floats:
    """Machine-hours of one future in each stage [stage]."""
    summed = np.bincount(stage, machines, minlength=problem.stages.count)
    return np.asarray(summed, dtype=np.float64)


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)
