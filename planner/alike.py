"""Where a workload runs, of machines that the model prices alike and the bill does not."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from fractions import Fraction

import numpy as np

from planner.fleet import Resource, running_limits, units_and_counted
from planner.problem import Problem
from planner.purchases import Option
from planner.running import Shares

_SAME_USAGE = 1e-12

Spending = Sequence[tuple[Option, Fraction]]
"""Spend plans, bought or owned, with what they commit to in dollars."""


def run_cheapest(problem: Problem, spending: Spending, shares: Shares) -> Shares:
    """Shares moved to the cheapest of the machines between which the model is indifferent.

    A slice is served at the lowest rate of its machines, so that sizes of one family tie; their own
    rates differ by some percent where a provider rounds those of small ones. What remains equal is
    decided as `Machine.order` has it.

    Args:
        problem: the fleet.
        spending: the plans that will cover it.
        shares: of the workload by candidate and stage.
    """
    moved = dict(shares)
    for alike in _alike(problem, {candidate for candidate, _ in shares}):
        best = min(alike, key=lambda one: _preference(problem, one, spending))
        for stage in {stage for candidate, stage in shares if candidate in alike}:
            total = sum(shares[one, stage] for one in alike)
            moved |= {(one, stage): total if one == best else 0.0 for one in alike}
    return moved


def _alike(problem: Problem, candidates: Iterable[int]) -> list[list[int]]:
    """Candidates of one workload with equal usage of equal slices and equal software.

    Nor does any limit tell them apart.
    """
    limits = running_limits(problem.request, problem.catalog)
    priced: dict[Hashable, list[int]] = defaultdict(list)
    for position in sorted(candidates):
        candidate = problem.candidates[position]
        parts = tuple(_priced(problem, part.resource) for part in candidate.machine.parts)
        priced[candidate.workload, parts].append(position)
    found: list[list[int]] = []
    for positions in priced.values():
        left = positions
        while left:
            usage = units_and_counted(problem.candidates[left[0]], limits)
            same = [
                one
                for one in left
                if one == left[0]
                or np.allclose(
                    units_and_counted(problem.candidates[one], limits), usage, rtol=_SAME_USAGE
                )
            ]
            found.append(same)
            left = [one for one in left if one not in same]
    return [one for one in found if len(one) > 1]


def _priced(problem: Problem, resource: Resource) -> tuple[int, Fraction]:
    """The slice of a resource, and what software costs per unit."""
    at = problem.pools.slice_of(resource)
    return at, Fraction(resource.software_usd) / problem.pools.slices[at].units_of(resource)


def _preference(problem: Problem, position: int, spending: Spending) -> tuple[object, ...]:
    """What a unit takes of the plans, by their dollars; then the order of machines."""
    machine = problem.candidates[position].machine
    taken = Fraction(0)
    for option, dollars in spending:
        rates = dict(option.resource_rates)
        for part in machine.parts:
            rate = rates.get(part.resource)
            if rate is not None:
                taken += dollars * Fraction(rate) / Fraction(part.resource.units)
    return taken, machine.order
