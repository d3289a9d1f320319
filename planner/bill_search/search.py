"""From the model's plan to the plan whose bill is the least that a search on bills finds.

The model serves usage in the cheapest way, providers in their own order and at exact prices. Where
the bill is dearer than the model's cost, other purchases may be billed less.
"""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.bill_search.deadline import Deadline, OutOfTimeError
from planner.bill_search.descent import Descent
from planner.bill_search.enumeration import cheapest_combination, is_enumerable
from planner.bill_search.floors_met import meet_floor
from planner.bill_search.kept import Keeper
from planner.bill_search.starts import rule_policies
from planner.bill_search.trial import Trial, gains
from planner.decision import Policy
from planner.problem import Problem
from planner.rebill import rebill
from planner.settlement import Outlook, look_out
from planner.tails import Objective

Floats = NDArray[np.float64]

SMALLEST_DIFFERENCE = 1e-3
"""Share of the bill up to which the model's cost agrees with it, where no wider gap is asked."""

PROVEN = 1e-6
"""Bills this near the bound, as a share, are the least there are: tolerance of solvers and ties."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """The plan with the least bill that was found.

    Attributes:
        outlook: its bills in every future.
        notes: what the search changed; none where it is the model's plan.
    """

    outlook: Outlook
    notes: tuple[str, ...] = ()

    @property
    def policy(self) -> Policy:
        """What the plan does."""
        return self.outlook.policy


@dataclass(frozen=True)
class Proven:
    """What the model says of its plan, as objectives.

    Attributes:
        cost_usd: what the plan costs it.
        bound_usd: what no plan costs it less than; None where nothing is known.
    """

    cost_usd: float
    bound_usd: float | None


def search_on_bill(problem: Problem, policy: Policy, proven: Proven, deadline: Deadline) -> Found:
    """The plan with the least bill among the model's, those near it and those of fixed rules.

    A plan whose bill is within the asked gap of the bound stays as it is. Machines run as the plan,
    or the rule, says: purchases alone are varied. Those that the plan's exchanges give from stay as
    they are, and so do the exchanges.

    Args:
        problem: what is planned.
        policy: the model's plan.
        proven: its cost in the model, and the bound.
        deadline: when to end with what is found by then.
    """
    began = time.perf_counter()
    outlook = look_out(problem, policy)
    seconds = time.perf_counter() - began
    kept = meet_floor(problem, outlook, deadline.sooner(seconds))
    notes = () if kept is None else (_floor_note(outlook, kept),)
    outlook = kept or outlook
    # What is found is billed in full in the end, which takes as long as this did.
    search = _Search(problem, outlook, deadline.sooner(seconds))
    best = search.best(proven)
    _log.info("bills searched in %.1f s", time.perf_counter() - began)
    return Found(best.outlook or outlook, (*notes, *_notes(problem, search.given, best)))


@dataclass(frozen=True, eq=False)
class _Billed:
    """A policy, billed in every future.

    Attributes:
        policy: the policy.
        by_future_usd: its bills [scenario].
        objective_usd: what they come to.
        outlook: the bills themselves, where the limits were looked at.
    """

    policy: Policy
    by_future_usd: Floats
    objective_usd: float
    outlook: Outlook | None = None


class _Search:
    """Bills plans in full and compares them."""

    def __init__(self, problem: Problem, outlook: Outlook, deadline: Deadline) -> None:
        self._problem = problem
        self._deadline = deadline
        self._keeper = Keeper(problem, outlook)
        self._objective = Objective(problem)
        self.given = self._looked_at(outlook)

    def best(self, proven: Proven) -> _Billed:
        """The cheapest plan found that keeps the limits."""
        best = self.given
        try:
            for found in self._better_ones(proven):
                if gains(best.objective_usd, found.objective_usd):
                    best = found
        except OutOfTimeError:
            pass
        return best

    def _better_ones(self, proven: Proven) -> Iterator[_Billed]:
        """Plans that keep the limits, some of them cheaper; raises OutOfTimeError."""
        problem, given_usd = self._problem, self.given.objective_usd
        self._deadline.check()
        least_usd = -np.inf if proven.bound_usd is None else proven.bound_usd * (1 + PROVEN)
        if given_usd * (1 - problem.gap) <= least_usd:
            return
        limit_usd = max(SMALLEST_DIFFERENCE, problem.gap) * abs(given_usd)
        differs = given_usd - proven.cost_usd > limit_usd
        rules = list(self._rules(every=differs))
        yield from rules
        for start in sorted([self.given, *rules], key=lambda one: one.objective_usd):
            if start.objective_usd <= least_usd:
                return
            found = self._improved(start, is_due=differs or bool(rules))
            if found is not None:
                yield found

    def _rules(self, *, every: bool) -> Iterator[_Billed]:
        """Plans of fixed rules that keep the limits: all of them, or the cheaper ones."""
        for policy in rule_policies(self._problem):
            rule = self._billed(policy)
            if every or gains(self.given.objective_usd, rule.objective_usd):
                outlook = self._keeper.keeps(policy)
                if outlook is not None:
                    yield self._looked_at(outlook)

    def _improved(self, start: _Billed, *, is_due: bool) -> _Billed | None:
        """A start with other purchases that keep the limits; None where none is better."""
        trial = Trial(
            self._problem, start.policy, start.by_future_usd, self._keeper, self._deadline
        )
        if is_enumerable(trial):
            point = cheapest_combination(trial)
        elif is_due:
            point = Descent(trial).run()
        else:
            return None
        if point is trial.start:
            return None
        outlook = self._keeper.keeps(trial.policy(point))
        return None if outlook is None else self._looked_at(outlook)

    def _billed(self, policy: Policy) -> _Billed:
        """A policy's bill in every future; raises OutOfTimeError."""
        problem, bills = self._problem, []
        for scenario in range(len(problem.probability)):
            self._deadline.check()
            decision = policy.decision(problem, scenario)
            bills.append(float(rebill(problem.future(scenario), decision).total_usd))
        by_future = np.array(bills)
        return _Billed(policy, by_future, self._objective.usd(by_future))

    def _looked_at(self, outlook: Outlook) -> _Billed:
        """A policy that is billed already."""
        by_future = np.array([float(one.bill.total_usd) for one in outlook.futures])
        return _Billed(outlook.policy, by_future, self._objective.usd(by_future), outlook)


def _floor_note(before: Outlook, after: Outlook) -> str:
    """What keeping a floor in the bill has cost."""
    fewer = len(before.policy.bought) - len(after.policy.bought)
    return (
        "limits: fewer commitments are bought than the model's plan has, so that the bill keeps "
        f"utilization.at_least: {fewer} purchases less, for "
        f"{after.total_usd - before.total_usd:,.2f} USD"
    )


def _notes(problem: Problem, given: _Billed, best: _Billed) -> Iterator[str]:
    """What the search changed."""
    if best is given:
        return
    saved = given.objective_usd - best.objective_usd
    share = saved / given.objective_usd if given.objective_usd else 0.0
    what = "weighed cost" if problem.weighs_risk else "bill"
    yield (
        f"purchases: adjusted to the order in which commitments are billed; the {what} is "
        f"{saved:,.2f} USD ({share:.1%}) less than that of the model's plan"
    )
