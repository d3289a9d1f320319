"""Which of all lots a model offers: those that some plan may need."""

from planner.exchanges import is_convertible
from planner.problem import Problem
from planner.purchases import Lot, without_dominated


def lots_to_offer(problem: Problem) -> tuple[Lot, ...]:
    """All lots, or only the undominated where little but cost and service tells them apart.

    Budgets tell them apart by what is paid upfront, quotas on whole machines by their number: then
    all are offered. Utilization floors and coverage ceilings tell them apart by what is committed,
    beyond what is served. What may be exchanged does more than it serves.
    """
    limits = problem.request.limits
    by_commitment = (limits.utilization.at_least, limits.coverage.at_most)
    by_number = problem.request.whole_machines and limits.quotas
    if problem.upfront_budgets() or by_number:
        return problem.lots
    counts = any(limit is not None for limit in by_commitment)
    kept = without_dominated(problem.lots, problem.options, committing_as_much=counts)
    if not problem.targets:
        return kept
    served = set(kept)
    return tuple(
        lot for lot in problem.lots if lot in served or is_convertible(problem.options[lot.option])
    )
