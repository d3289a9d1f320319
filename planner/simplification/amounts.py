"""The best amount of one purchase, found with few bills where there are many amounts."""

from collections.abc import Callable, Iterable
from itertools import pairwise
from math import inf

MOST_BILLS = 40
"""Amounts billed at most of a purchase of many."""

SLIGHT = 1e-5
"""Share of the bill for which no better amount is looked for."""

Bill = Callable[[int], float]
"""What some steps of a purchase cost, all in all; infinite where a limit forbids them."""

Costs = dict[int, float]
"""Of the amounts billed so far."""


def cheapest_first(bill: Bill, amounts: Iterable[int]) -> list[int]:
    """Amounts that no limit forbids, the cheapest first; the smaller of equal ones."""
    costs = {steps: bill(steps) for steps in amounts}
    allowed = [steps for steps, cost in costs.items() if cost < inf]
    return sorted(allowed, key=lambda steps: (costs[steps], steps))


def best_amount(
    bill: Bill, near: Iterable[int], most: int, enough_usd: float, hopeless_usd: float = inf
) -> int | None:
    """The cheapest amount of many, as if the bill were convex in it; None where none is allowed.

    The search ends where no amount can cost much less, or as little as would be enough.

    Args:
        bill: what an amount costs.
        near: amounts to begin with.
        most: the largest amount.
        enough_usd: a cost that is of interest; dearer amounts need not be told from each other.
        hopeless_usd: where the first amounts all cost more, no others are looked at.
    """
    costs = {steps: bill(steps) for steps in sorted(set(near)) if 0 <= steps <= most}
    is_hopeless = min(costs.values()) > hopeless_usd
    while len(costs) < MOST_BILLS and not is_hopeless:
        steps = _next(costs, most, enough_usd)
        if steps is None:
            break
        costs[steps] = bill(steps)
    best = _best(costs)
    return best if costs[best] < inf else None


def _best(costs: Costs) -> int:
    return min(costs, key=lambda steps: (costs[steps], steps))


def _next(costs: Costs, most: int, enough_usd: float) -> int | None:
    """The amount to bill next: farther on where the best is the last, else in the best gap."""
    order, best = sorted(costs), _best(costs)
    reach = 2 * max(order[-1] - order[0], 1)
    if best == order[-1] and best < most and costs[best] < inf:
        return min(best + reach, most)
    if best == order[0] and best > 0:
        return max(best - reach, 0)
    worth_usd = min(enough_usd, costs[best] - SLIGHT * abs(costs[best]))
    gaps = [gap for gap in pairwise(order) if best in gap and gap[1] - gap[0] > 1]
    least = {gap: _least_usd(costs, order, gap) for gap in gaps}
    promising = [gap for gap in gaps if least[gap] <= worth_usd]
    if not promising:
        return None
    low, high = max(promising, key=lambda gap: gap[1] - gap[0])
    step = max((high - low) * 3 // 8, 1)
    return low + step if best == low else high - step


def _least_usd(costs: Costs, order: list[int], gap: tuple[int, int]) -> float:
    """No amount inside a gap costs less, if the bill is convex in it."""
    low, high = gap
    at, least = order.index(low), -inf
    if costs[high] == inf or costs[low] == inf:
        return -inf
    if at > 0:
        before = order[at - 1]
        slope = (costs[low] - costs[before]) / (low - before)
        least = max(least, costs[low] + min(slope * (high - low - 1), 0.0))
    if at + 2 < len(order) and costs[order[at + 2]] < inf:
        after = order[at + 2]
        slope = (costs[after] - costs[high]) / (after - high)
        least = max(least, costs[high] - max(slope * (high - low - 1), 0.0))
    return least
