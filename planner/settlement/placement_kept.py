"""Whether workloads run where a request lets them."""

from collections.abc import Iterator

import numpy as np

from planner.decision import Decision
from planner.fleet.placement import Bound, bounds_of
from planner.problem import Problem
from planner.settlement.broken import Broken
from planner.settlement.limit_peaks import TOLERANCE
from planner.usage import machines_running


def broken_placement(problem: Problem, decision: Decision) -> Iterator[Broken]:
    """Bounds on the share of a workload that runs in some places, or on spot, that are not kept."""
    for bound in bounds_of(problem.request, problem.candidates):
        lowest, highest = _extremes(problem, decision, bound)
        name = problem.request.workloads[bound.workload].name
        if lowest < bound.at_least - TOLERANCE:
            text = f"{lowest:.1%} of {name} run there in some hour, below {bound.field}.at_least"
            yield Broken(f"{bound.field}.at_least", bound.at_least - lowest, text)
        if highest > bound.at_most + TOLERANCE:
            text = f"{highest:.1%} of {name} run there in some hour, above {bound.field}"
            yield Broken(bound.field, highest - bound.at_most, text)


def _extremes(problem: Problem, decision: Decision, bound: Bound) -> tuple[float, float]:
    """The least and the largest share of the workload that counts in an hour with demand."""
    share, busy = np.zeros(problem.calendar.hours), np.zeros(problem.calendar.hours, dtype=np.bool_)
    for position in problem.candidates_of(bound.workload):
        whole = machines_running(problem, position)
        busy |= whole > 0
        if position in bound.candidates:
            running = decision.running[:, position]
            share += np.divide(running, whole, out=np.zeros_like(share), where=whole > 0)
    if not busy.any():
        return bound.at_least, bound.at_least
    return float(share[busy].min()), float(share[busy].max())
