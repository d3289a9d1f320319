"""Purchases on trial: what they cost, by the change on the bill, and whether they may be made."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from planner.bill_search.deadline import Deadline
from planner.bill_search.kept import Keeper
from planner.bill_search.meter import Meter, Steps
from planner.bill_search.purchase_limits import PurchaseLimits
from planner.decision import Bought, Policy
from planner.problem import Problem
from planner.tails import Objective

Floats = NDArray[np.float64]

SMALLEST_GAIN = 1e-9
"""Share of the bill by which purchases must be cheaper to be better: below is rounding."""


@dataclass(frozen=True, eq=False)
class Point:
    """Purchases and what they cost.

    Attributes:
        steps: bought, by the lot's position in the problem; none are 0.
        by_future_usd: bill of every future [scenario].
        objective_usd: what these come to.
    """

    steps: Steps
    by_future_usd: Floats
    objective_usd: float

    def steps_of(self, lot: int) -> int:
        """Steps of a lot that are bought."""
        return self.steps.get(lot, 0)

    def is_cheaper_than(self, other: "Point") -> bool:
        """Whether it costs less than another, beyond rounding."""
        return gains(other.objective_usd, self.objective_usd)


def gains(before_usd: float, after_usd: float) -> bool:
    """Whether a cost is less than another, beyond rounding."""
    return after_usd < before_usd - SMALLEST_GAIN * abs(before_usd)


class Trial:
    """Tries purchases beside the machines of one policy.

    Lots that the policy's exchanges give from stay as they are, and so do the exchanges.
    """

    def __init__(
        self,
        problem: Problem,
        policy: Policy,
        by_future_usd: Floats,
        keeper: Keeper,
        deadline: Deadline,
    ) -> None:
        self.problem = problem
        self.deadline = deadline
        self._keeper = keeper
        self._policy = policy
        self._given = tuple(one for one in policy.bought if _is_given(policy, one))
        self._limits = PurchaseLimits(problem, replace(policy, bought=self._given))
        self._objective = Objective(problem)
        position = {lot: at for at, lot in enumerate(problem.lots)}
        free = (one for one in policy.bought if not _is_given(policy, one))
        steps = {position[one.lot]: one.steps for one in free}
        self.start = Point(steps, by_future_usd, self._objective.usd(by_future_usd))
        self._kept = {position[one.lot] for one in self._given}

    @cached_property
    def meter(self) -> Meter:
        """Bills what changes touch."""
        return Meter(self.problem, self._policy)

    @cached_property
    def lots(self) -> tuple[int, ...]:
        """Lots that may be varied: all that serve usage and that no exchange gives from."""
        every = range(len(self.problem.lots))
        return tuple(one for one in every if one not in self._kept and self.meter.columns(one))

    def buy(self, point: Point, changed: Mapping[int, int]) -> Point | None:
        """The purchases with some lots bought otherwise; None where a limit forbids it at once.

        Raises OutOfTimeError: the search must end.
        """
        self.deadline.check()
        after = {lot: count for lot, count in {**point.steps, **changed}.items() if count > 0}
        if not self._limits.allow(after, point.steps, tuple(changed)):
            return None
        change = self.meter.change_usd(point.steps, after, tuple(changed))
        by_future = point.by_future_usd + change
        return Point(after, by_future, self._objective.usd(by_future))

    def keeps_limits(self, point: Point) -> bool:
        """Whether purchases keep limits that only the whole bill tells of.

        Where there is no time left for that bill, they do not.
        """
        if not self._keeper.needs_bills:
            return True
        return not self.deadline.is_over and self._keeper.keeps(self.policy(point)) is not None

    def policy(self, point: Point) -> Policy:
        """The policy with these purchases."""
        lots, options = self.problem.lots, self.problem.options
        bought = tuple(
            Bought(lots[lot], options[lots[lot].option], count)
            for lot, count in sorted(point.steps.items())
        )
        return replace(self._policy, bought=(*self._given, *bought))


def _is_given(policy: Policy, bought: Bought) -> bool:
    """Whether an exchange gives from a purchase."""
    return any(one.given_of(bought.lot) for one in policy.exchanges)
