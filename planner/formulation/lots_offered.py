"""Which of all lots a model offers: those that some plan may need."""

from planner.exchanges import is_convertible
from planner.problem import Problem
from planner.purchases import Lot, without_dominated


def lots_to_offer(problem: Problem) -> tuple[Lot, ...]:
    """All lots, or only the undominated where nothing but cost and service tells them apart.

    Budgets tell them apart by what is paid upfront, quotas on whole machines by their number;
    utilization floors and coverage ceilings by what is committed, beyond what is served. What may
    be exchanged does more than it serves.
    """
    limits = problem.request.limits
    by_commitment = (limits.utilization.at_least, limits.coverage.at_most)
    by_number = problem.request.whole_machines and limits.quotas
    told_apart = bool(problem.upfront_budgets() or by_number)
    if told_apart or any(limit is not None for limit in by_commitment):
        return problem.lots
    kept = without_dominated(problem.lots, problem.options)
    if not problem.targets:
        return kept
    served = set(kept)
    return tuple(
        lot for lot in problem.lots if lot in served or is_convertible(problem.options[lot.option])
    )
