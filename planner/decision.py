"""What a solution decides: how much of each lot is bought, and which machines run when."""

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from planner.alike import run_cheapest
from planner.exchanged import Exchanged
from planner.formulation import PlanningModel
from planner.formulation.exchange_rows import given_by_exchange
from planner.formulation.rounded_purchases import round_purchases
from planner.problem import Problem
from planner.purchases import Lot, Option
from planner.running import Shares, fixed_running, mixed_running
from planner.standing import reserved_running
from planner.usage import machines_held

SMALLEST_SHARE = 1e-9
"""Shares of a workload below this are the solver's rounding, not a decision."""


@dataclass(frozen=True)
class Bought:
    """A lot and the whole number of its steps that are bought."""

    lot: Lot
    option: Option
    steps: int

    @property
    def quantity(self) -> Decimal:
        """Machines, or dollars per hour."""
        return self.option.step * self.steps


@dataclass(frozen=True)
class Decision:
    """A plan's two decisions, as they stand if one future comes true.

    Attributes:
        bought: lots with at least one step.
        running: machines running [hour × candidate].
        shares: share of the workload by candidate and window, where there is a choice of mix.
        exchanges: those made, in the order of their dates.
        held: machines held ready [hour × candidate], running or not; None where no capacity is.
    """

    bought: tuple[Bought, ...]
    running: NDArray[np.float64]
    shares: Shares
    exchanges: tuple[Exchanged, ...] = ()
    held: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Policy:
    """What to do in every future: purchases by the futures they are made in, mixes by stage.

    Attributes:
        bought: lots with at least one step.
        shares: share of the workload by candidate and stage, where there is a choice of mix.
        running: machines running [moment × candidate] where they are whole and chosen by the
            hour; None where shares say it all.
        exchanges: those made, in the order of their dates.
        held: machines held ready [moment × candidate] beside such running ones, if any are.
    """

    bought: tuple[Bought, ...]
    shares: Shares
    running: NDArray[np.float64] | None = None
    exchanges: tuple[Exchanged, ...] = ()
    held: NDArray[np.float64] | None = None

    def decision(self, problem: Problem, scenario: int) -> Decision:
        """The decision in one future of the problem."""
        future = problem.future(scenario)
        bought = tuple(
            replace(one, lot=one.lot.certain()) for one in self.bought if scenario in one.lot.group
        )
        if self.running is not None:
            hours = problem.calendar.hours
            span = slice(scenario * hours, (scenario + 1) * hours)
            held = None if self.held is None else self.held[span]
            return Decision(bought, self.running[span], {}, held=held)
        candidates = {candidate for candidate, _ in self.shares}
        shares = {
            (candidate, window): self.shares[candidate, int(stage)]
            for candidate in candidates
            for window, stage in enumerate(problem.stages.stage[:, scenario])
        }
        exchanges = tuple(one.certain() for one in self.exchanges if scenario in one.exchange.group)
        held = mixed_running(future, shares, machines_held) if problem.holds_capacity else None
        return Decision(bought, mixed_running(future, shares), shares, exchanges, held)


def decide(planning: PlanningModel, incumbent: NDArray[np.float64]) -> Policy:
    """Read a solution of the model as a policy; purchases in fractions are rounded together."""
    problem, mix, terms = planning.problem, planning.first.mix, planning.first.terms
    every = np.ones(len(terms.lots), dtype=np.bool_)
    steps = round_purchases(terms, planning.linear.values("buy", incumbent), every)
    bought = tuple(
        Bought(lot, problem.options[lot.option], int(count))
        for lot, count in zip(terms.lots, steps, strict=True)
        if count > 0
    )
    exchanges = _exchanged(planning, incumbent)
    if not mix.size:
        return Policy(bought, {}, exchanges=exchanges)
    values = planning.linear.values("run", incumbent)
    if planning.groups is not None and problem.request.whole_machines:
        merged = np.zeros((len(planning.groups.moment), len(problem.candidates)))
        merged[mix.when, mix.candidate] = np.rint(values)
        running = _whole_running(problem, bought, merged[planning.groups.group_of_moment])
        return Policy(bought, {}, running, held=fixed_held(problem))
    cleaned = np.where(values < SMALLEST_SHARE, 0.0, values)
    total = np.bincount(mix.decision, weights=cleaned, minlength=mix.decisions)
    share = cleaned / total[mix.decision]
    shares = {
        (int(candidate), int(stage)): float(value)
        for candidate, stage, value in zip(mix.candidate, mix.when, share, strict=True)
    }
    owned = [(one.option, Fraction(one.quantity)) for one in problem.owned]
    spending = [*owned, *((one.option, Fraction(one.quantity)) for one in bought)]
    return Policy(bought, run_cheapest(problem, spending, shares), exchanges=exchanges)


def _exchanged(planning: PlanningModel, incumbent: NDArray[np.float64]) -> tuple[Exchanged, ...]:
    exchanges = planning.first.terms.exchanges
    if not len(exchanges):
        return ()
    given = given_by_exchange(exchanges, planning.linear.values("give", incumbent))
    made = [Exchanged(exchanges.exchanges[position], steps) for position, steps in given.items()]
    return tuple(sorted(made, key=lambda one: (one.exchange.hour, one.exchange.group)))


def fixed_held(problem: Problem) -> NDArray[np.float64] | None:
    """Machines held [moment × candidate] where capacity is held without a choice; None if none."""
    if not problem.holds_capacity:
        return None
    futures = (problem.future(scenario) for scenario in range(len(problem.probability)))
    return np.concatenate([fixed_running(one, machines_held) for one in futures])


def _whole_running(
    problem: Problem, bought: tuple[Bought, ...], counted: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Machines running [moment × candidate]: those counted by the hour, and all others."""
    running, hours = [], problem.calendar.hours
    for scenario in range(len(problem.probability)):
        future = problem.future(scenario)
        here = fixed_running(future) + counted[scenario * hours : (scenario + 1) * hours]
        lots = [(one.lot, one.steps) for one in bought if scenario in one.lot.group]
        running.append(here + reserved_running(future, lots, here))
    return np.concatenate(running)
