"""Purchases taken back until the bill keeps a floor on utilization.

The model lets each commitment serve what suits best; a provider's order may leave one idle that the
model takes to be used. Fewer of it are used better.
"""

from collections.abc import Hashable
from dataclasses import replace
from fractions import Fraction

from planner.bill_search.deadline import Deadline
from planner.decision import Policy
from planner.problem import Problem
from planner.settlement import Outlook, floor_target, look_out, low_utilization

ROUNDS = 8
"""What a floor lacks is taken back so often before the commitments that miss it are given up."""


def meet_floor(problem: Problem, outlook: Outlook, deadline: Deadline) -> Outlook | None:
    """A policy of fewer purchases whose bill keeps the floor; None where it does, or none is found.

    Purchases that exchanges give from stay as they are, and so does what is owned.

    Args:
        problem: what is planned.
        outlook: the policy, billed in every future.
        deadline: when to give up.
    """
    low = low_utilization(outlook)
    if not low:
        return None
    for attempt in range(ROUNDS + 1):
        fewer = _with_fewer(outlook.policy, low, give_up=attempt == ROUNDS)
        if fewer is None or deadline.is_over:
            return None
        outlook = look_out(problem, fewer)
        low = low_utilization(outlook)
        if not low:
            return outlook
    return None


def _with_fewer(policy: Policy, low: dict[Hashable, float], *, give_up: bool) -> Policy | None:
    """The policy with purchases of some pools and plans scaled by a share; None without any."""
    bought = []
    for one in policy.bought:
        share = low.get(floor_target(one.option))
        if share is None or any(made.given_of(one.lot) for made in policy.exchanges):
            bought.append(one)
            continue
        steps = 0 if give_up else int(one.steps * Fraction(share))
        if steps:
            bought.append(replace(one, steps=steps))
    return None if tuple(bought) == policy.bought else replace(policy, bought=tuple(bought))
