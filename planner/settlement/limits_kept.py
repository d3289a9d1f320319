"""Whether a decision, as billed, keeps the request's limits: the provider has the last word."""

from collections.abc import Hashable

from planner.problem import Problem
from planner.purchases import Option
from planner.settlement.broken import Broken
from planner.settlement.limit_peaks import TOLERANCE
from planner.settlement.outlook import Outlook


def broken_limits(outlook: Outlook) -> tuple[Broken, ...]:
    """The limits that a policy, as billed, does not keep.

    The model keeps them in its own prices and in the cheapest assignment; the provider's order and
    the exact prices may differ. Shares are of the mean over all futures, amounts of each.
    """
    return (
        *_broken_coverage(outlook.problem, outlook.coverage),
        *_broken_utilization(outlook),
        *dict.fromkeys(broken for one in outlook.futures for broken in one.broken),
    )


def _broken_coverage(problem: Problem, coverage: float | None) -> list[Broken]:
    limits = problem.request.limits.coverage
    if coverage is None:
        return []
    if limits.at_least is not None and coverage < limits.at_least - TOLERANCE:
        text = f"the bill covers {coverage:.2%}, below coverage.at_least {limits.at_least:.2%}"
        return [Broken("limits.coverage.at_least", limits.at_least - coverage, text)]
    if limits.at_most is not None and coverage > limits.at_most + TOLERANCE:
        text = f"the bill covers {coverage:.2%}, above coverage.at_most {limits.at_most:.2%}"
        return [Broken("limits.coverage.at_most", coverage - limits.at_most, text)]
    return []


def _broken_utilization(outlook: Outlook) -> list[Broken]:
    floor = outlook.problem.request.limits.utilization.at_least
    if floor is None:
        return []
    shares = list(_utilization(outlook).values())
    low = [share for share in shares if share < floor - TOLERANCE]
    if not low:
        return []
    text = (
        f"the bill uses {len(low)} of {len(shares)} pools' and plans' commitments less than "
        f"utilization.at_least {floor:.2%}, the least {min(low):.2%}"
    )
    return [Broken("limits.utilization.at_least", floor - min(low), text)]


def low_utilization(outlook: Outlook) -> dict[Hashable, float]:
    """Pools and plans that the bill uses less than the floor, and what share of it they reach."""
    floor = outlook.problem.request.limits.utilization.at_least
    if floor is None:
        return {}
    return {
        target: share / floor
        for target, share in _utilization(outlook).items()
        if share < floor - TOLERANCE
    }


def _utilization(outlook: Outlook) -> dict[Hashable, float]:
    """Mean utilization by pool or plan, as a floor counts it."""
    used: dict[Hashable, float] = {}
    committed: dict[Hashable, float] = {}
    for one in outlook.futures:
        # Capacity held follows what was bought, owned and taken; it has no floor.
        for billed, entry in zip(one.billed, one.bill.commitments, strict=False):
            target, units = floor_target(billed.option), _units(billed.option)
            weight = one.probability * units
            used[target] = used.get(target, 0.0) + weight * entry.used
            committed[target] = committed.get(target, 0.0) + weight * entry.committed
    return {target: used[target] / amount for target, amount in committed.items() if amount > 0}


def floor_target(option: Option) -> Hashable:
    """The pool or plan that a floor on utilization is set for."""
    return option.rates if option.pool is None else option.pool


def _units(option: Option) -> float:
    """Units of its pool, or dollars, in a machine or a dollar of an option."""
    return 1.0 if option.pool is None else float(option.pool_units) / float(option.step)
