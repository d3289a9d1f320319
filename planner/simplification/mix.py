"""Shares of a mix too small to run: they go to the workload's other machines."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from planner.decision import Policy
from planner.problem import Problem
from planner.running import Shares
from planner.settlement import Outlook
from planner.usage import split_by_choice

SMALLEST_SHARE = 0.01
"""Of a workload on a machine, between two dates."""

Keeps = Callable[[Policy], Outlook | None]
"""A policy billed in every future; None where it breaks a limit."""


def without_small_shares(problem: Problem, outlook: Outlook, keeps: Keeps) -> Outlook:
    """The policy without shares under 1 % of a workload, as far as limits allow.

    All at once; where that breaks a limit, one workload after the other.
    """
    policy, workloads = outlook.policy, split_by_choice(problem)[1]
    small = [one for one in workloads if _moved(policy.shares, one) != policy.shares]
    if not small:
        return outlook
    together = _without(outlook, small, keeps)
    if together is not None:
        return together
    for candidates in small if len(small) > 1 else ():
        outlook = _without(outlook, [candidates], keeps) or outlook
    return outlook


def _without(outlook: Outlook, workloads: list[list[int]], keeps: Keeps) -> Outlook | None:
    """The policy without the small shares of some workloads; None where limits need them."""
    for shares in _ways(outlook.policy.shares, workloads):
        found = keeps(replace(outlook.policy, shares=shares))
        if found is not None:
            return found
    return None


def _ways(shares: Shares, workloads: list[list[int]]) -> Iterator[Shares]:
    """Small shares dealt out among the others as these are, or all given to the largest."""
    dealt = given = shares
    for candidates in workloads:
        dealt = _moved(dealt, candidates)
        given = _moved(given, candidates, to_largest=True)
    yield dealt
    if given != dealt:
        yield given


def _moved(shares: Shares, candidates: list[int], *, to_largest: bool = False) -> Shares:
    """Shares of one workload's machines, none of them small but 0."""
    moved = dict(shares)
    for stage in {stage for candidate, stage in shares if candidate in candidates}:
        mix = {one: shares[one, stage] for one in candidates}
        kept = {one: share for one, share in mix.items() if share >= SMALLEST_SHARE}
        if not kept or not any(0 < share < SMALLEST_SHARE for share in mix.values()):
            continue
        rest = sum(mix.values()) - sum(kept.values())
        largest = max(kept, key=lambda one: kept[one])
        for one in candidates:
            share = kept.get(one, 0.0)
            if to_largest:
                moved[one, stage] = share + (rest if one == largest else 0.0)
            else:
                moved[one, stage] = share * sum(mix.values()) / sum(kept.values())
    return moved
