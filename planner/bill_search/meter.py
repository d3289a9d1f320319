"""What a change of purchases changes on the bill: only the usage that it touches is billed."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.billing import (
    CapacityReservation,
    Commitment,
    MergedUsage,
    SavingsPlan,
    Usage,
    UsageClass,
    full_levels,
    merge_equal_hours,
    monthly_prices,
    running_cost_usd,
    shares_taken,
)
from planner.billing.hours import TICKS_PER_HOUR, Stretch
from planner.decision import Bought, Policy
from planner.exchanged import given_by_date
from planner.held import billed_as_running
from planner.problem import Problem
from planner.rebill import bought_commitment, commitments_of, reservations_of, usage_of

Floats = NDArray[np.float64]
Columns = frozenset[int]
Steps = Mapping[int, int]
"""Steps bought, by the lot's position in the problem."""

MOST_CELLS = 20_000_000
"""Cells of usage [row × class] that are kept for the next bill."""


@dataclass(frozen=True)
class _Future:
    """Usage of one future, and what is committed in it whatever is varied, with whom it serves."""

    usage: Usage
    fixed: tuple[tuple[Commitment, Columns], ...]


class Meter:
    """Bills purchases beside a policy's machines, whose running stays as it is.

    Usage is joined to what the provider's order may let it meet: through a commitment that serves
    both, or a price that falls with the sum of both. All else costs the same before and after.
    """

    def __init__(self, problem: Problem, policy: Policy) -> None:
        self.problem = problem
        self._policy = policy
        self._futures: OrderedDict[int, _Future] = OrderedDict()
        self._merged: OrderedDict[tuple[int, Columns], MergedUsage] = OrderedDict()
        self._running_usd: dict[tuple[int, Columns, tuple[tuple[int, int], ...]], float] = {}
        self._units: dict[int, Commitment] = {}
        self._columns: dict[int, Columns] = {}
        self._most: dict[int, int] = {}
        self._classes = self._future(0).usage.classes
        self._links = self._fixed_links()

    def columns(self, lot: int) -> Columns:
        """Classes of usage that a lot may serve."""
        option = self.problem.lots[lot].option
        if option not in self._columns:
            self._columns[option] = _served(self._unit(lot), self._classes)
        return self._columns[option]

    def touched(self, steps: Steps, lots: Collection[int]) -> Columns:
        """Classes of usage whose bill may change with the steps of some lots."""
        found = frozenset[int]().union(*(self.columns(lot) for lot in lots))
        links = self._links | {self.columns(lot) for lot, count in steps.items() if count > 0}
        while True:
            more = found.union(*(link for link in links if link & found))
            if more == found:
                return found
            found = more

    def change_usd(self, before: Steps, after: Steps, lots: Collection[int]) -> Floats:
        """What the bill of every future changes by if some lots are bought otherwise [scenario]."""
        touched = self.touched({**before, **after}, lots)
        change = np.zeros(len(self.problem.probability))
        for scenario in self._scenarios(lots):
            new = self.running_usd(scenario, touched, after)
            change[scenario] = new - self.running_usd(scenario, touched, before)
        for position in lots:
            lot = self.problem.lots[position]
            more = after.get(position, 0) - before.get(position, 0)
            change[list(lot.group)] += more * lot.cost_usd
        return change

    def running_usd(self, scenario: int, columns: Columns, steps: Steps) -> float:
        """What some usage costs in one future beside the price of commitments [USD]."""
        active = tuple(
            (lot, count)
            for lot, count in sorted(steps.items())
            if count > 0
            and scenario in self.problem.lots[lot].group
            and not self.columns(lot).isdisjoint(columns)
        )
        key = (scenario, columns, active)
        if key not in self._running_usd:
            usage, commitments = self._part(scenario, columns, active)
            self._running_usd[key] = running_cost_usd(usage, commitments)
        return self._running_usd[key]

    def most_steps(self, lot: int) -> int:
        """Steps of a lot beyond which it serves nothing more, in any future: those of the peak."""
        if lot not in self._most:
            shares = shares_taken(self._unit(lot), self._classes)
            peaks = [self._peak(scenario, lot, shares) for scenario in self._scenarios((lot,))]
            self._most[lot] = int(np.ceil(max(peaks, default=0.0) - 1e-9))
        return self._most[lot]

    def levels(self, steps: Steps, lot: int, most: int) -> tuple[Floats, Floats]:
        """Steps of a lot, in fractions, at which hours become fully served, and their worth."""
        touched = self.touched(steps, (lot,))
        found = [(np.zeros(0), np.zeros(0))]
        for scenario in self._scenarios((lot,)):
            active = tuple(
                (one, count)
                for one, count in {**steps, lot: most}.items()
                if count > 0 and scenario in self.problem.lots[one].group
            )
            usage, commitments = self._part(scenario, touched, active)
            wanted = self._unit(lot).commitment_id
            at = next(i for i, one in enumerate(commitments) if one.commitment_id == wanted)
            shares, worth = full_levels(usage, commitments, at)
            found.append((shares * most, worth * self.problem.probability[scenario]))
        return np.concatenate([one for one, _ in found]), np.concatenate([one for _, one in found])

    def _scenarios(self, lots: Iterable[int]) -> list[int]:
        return sorted({scenario for lot in lots for scenario in self.problem.lots[lot].group})

    def _part(
        self, scenario: int, columns: Columns, active: Iterable[tuple[int, int]]
    ) -> tuple[MergedUsage, list[Commitment]]:
        """Some usage of one future, and what may serve it."""
        commitments = [
            self._commitment(lot, count)
            for lot, count in active
            if not self.columns(lot).isdisjoint(columns)
        ]
        fixed = self._future(scenario).fixed
        commitments += [one for one, served in fixed if not served.isdisjoint(columns)]
        return self._usage(scenario, columns), commitments

    def _peak(self, scenario: int, lot: int, shares: Floats) -> float:
        """Steps of a lot that serve all it may serve in its dearest hour of one future."""
        columns, bought = sorted(self.columns(lot)), self.problem.lots[lot]
        usage = self._usage(scenario, self.columns(lot))
        inside = (usage.hour >= bought.start) & (usage.hour < bought.end)
        peak = float(np.max(usage.quantity[inside] @ shares[columns], initial=0.0))
        fixed = self._future(scenario).fixed
        return peak + sum(
            float(one.count) * float(shares[list(served)].sum())
            for one, served in fixed
            if isinstance(one, CapacityReservation)
        )

    def _unit(self, lot: int) -> Commitment:
        """One step of a lot, as billed."""
        if lot not in self._units:
            bought, options = self.problem.lots[lot], self.problem.options
            one = Bought(bought, options[bought.option], 1)
            self._units[lot] = bought_commitment(self.problem, one)
        return self._units[lot]

    def _commitment(self, lot: int, steps: int) -> Commitment:
        unit = self._unit(lot)
        field = "commitment_usd" if isinstance(unit, SavingsPlan) else "count"
        step = self.problem.options[self.problem.lots[lot].option].step
        return unit.model_copy(update={field: step * steps})

    def _future(self, scenario: int) -> _Future:
        """A future's usage and fixed commitments; those looked at last are kept."""
        if scenario in self._futures:
            return self._futures[scenario]
        future = self.problem.future(scenario)
        decision = self._policy.decision(self.problem, scenario)
        given = [one for one in decision.bought if given_by_date(decision.exchanges, one.lot)]
        usage = usage_of(future, billed_as_running(future, decision.running, decision.held))
        fixed = (
            *commitments_of(future, given, decision.exchanges),
            *reservations_of(future, decision.running, decision.held),
        )
        served = [_served(one, usage.classes) for one in fixed]
        self._futures[scenario] = _Future(usage, tuple(zip(fixed, served, strict=True)))
        while len(self._futures) > 1 and usage.quantity.size * len(self._futures) > MOST_CELLS:
            self._futures.popitem(last=False)
        return self._futures[scenario]

    def _usage(self, scenario: int, columns: Columns) -> MergedUsage:
        """Some usage of one future with equal hours merged."""
        key = (scenario, columns)
        if key not in self._merged:
            future, kept = self._future(scenario), sorted(columns)
            usage = future.usage
            part = Usage(
                usage.start,
                tuple(usage.classes[column] for column in kept),
                usage.quantity[:, kept],
            )
            edges = (window * TICKS_PER_HOUR for window in self.problem.windows)
            terms = [Stretch(edge, edge) for edge in edges]
            terms += [one.serving_in(usage.start) for one, _ in future.fixed]
            worth = self.problem.calendar.worth[:-1]
            self._merged[key] = merge_equal_hours(part, terms, worth)
            while len(self._merged) > 1 and self._merged_cells() > MOST_CELLS:
                self._merged.popitem(last=False)
        return self._merged[key]

    def _merged_cells(self) -> int:
        return sum(one.quantity.size for one in self._merged.values())

    def _fixed_links(self) -> frozenset[Columns]:
        """Classes of usage joined by what is committed anyway, or by prices that fall."""
        links = {frozenset(one.columns) for one in monthly_prices(self._classes)}
        for scenario in range(len(self.problem.probability)):
            links |= {served for _, served in self._future(scenario).fixed}
        return frozenset(links)


def _served(commitment: Commitment, classes: Sequence[UsageClass]) -> Columns:
    """Positions of the classes that a commitment may serve."""
    return frozenset(np.flatnonzero(shares_taken(commitment, classes)).tolist())
