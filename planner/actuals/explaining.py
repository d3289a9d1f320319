"""Why a bill is not the planned one: bills of what lies between the two, one change at a time.

With G the price of usage on demand before sustained use, N what commitments leave of that, S the
credit of sustained use and C what commitments cost, a bill is B = G - (G - N) - S + C. What
changes G is needed usage, workload by workload, then the machines it runs on. All terms are whole
nano-dollars of bills, so that the parts add up exactly.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from planner.actuals.plan_bill import ActualMonth, Difference, WorkloadUse
from planner.billing import Bill, CapacityReservation, Commitment, Usage
from planner.billing import bill as bill_usage
from planner.billing.accounting import NANO, Ledger, discount_factors, usd, whole_nanousd
from planner.billing.hours import split_into_months
from planner.held import billed_as_running
from planner.problem import Problem
from planner.rebill import reservations_of, usage_of
from planner.request import Accounting

Floats = NDArray[np.float64]
Nanousd = NDArray[np.int64]

ByMonth = Mapping[str, Decimal]
"""Amounts [USD] by month; months without one have 0."""


@dataclass(frozen=True, eq=False)
class Use:
    """Machines running in a span, billed.

    Attributes:
        problem: one future in the span.
        running: machines running [hour × candidate].
        bought: commitments bought or owned that serve in the span.
        held: machines held ready [hour × candidate]; None where no capacity is.
    """

    problem: Problem
    running: Floats
    bought: tuple[Commitment, ...]
    held: Floats | None = None

    @cached_property
    def reservations(self) -> tuple[CapacityReservation, ...]:
        """Capacity reservations for what is held."""
        return reservations_of(self.problem, self.running, self.held)

    @property
    def commitments(self) -> tuple[Commitment, ...]:
        """All of them, capacity reservations last."""
        return (*self.bought, *self.reservations)

    @cached_property
    def bill(self) -> Bill:
        """The bill."""
        return self._billed(self.usage, self.commitments)

    @cached_property
    def hourly(self) -> Nanousd:
        """The price of all usage on demand: rent, then software [2 × hour], nominal."""
        return _priced(self.usage)

    @cached_property
    def on_demand(self) -> ByMonth:
        """The price of all usage on demand, before sustained use."""
        return self.by_month(self.hourly)

    def by_month(self, hourly: Nanousd) -> ByMonth:
        """Amounts by the hour in the accounting, by month."""
        calendar = self.problem.calendar
        rate = calendar.discount_rate if calendar.accounting is Accounting.CASH_FLOW else 0.0
        worth = discount_factors(calendar.hours, rate)
        ledger = Ledger(calendar.accounting.value, calendar.start, calendar.hours, worth)
        return {
            month.month: usd(sum(ledger.by_the_hour(row, month) for row in hourly))
            for month in split_into_months(calendar.start, calendar.hours)
        }

    @cached_property
    def left(self) -> ByMonth:
        """What commitments leave of that."""
        bill = self._billed(_without_falling(self.usage), self.commitments)
        return _months(bill, "on_demand_usd")

    @cached_property
    def credit(self) -> ByMonth:
        """The credit of sustained use."""
        return _less(self.left, _months(self.bill, "on_demand_usd"))

    @cached_property
    def served(self) -> ByMonth:
        """What commitments serve, at on-demand prices."""
        return _less(self.on_demand, self.left)

    @property
    def commitment_usd(self) -> ByMonth:
        """What commitments cost."""
        return _months(self.bill, "commitment_usd")

    @property
    def total_usd(self) -> ByMonth:
        """All of the bill."""
        return {
            month.month: month.on_demand_usd + month.commitment_usd for month in self.bill.months
        }

    @cached_property
    def usage(self) -> Usage:
        """Metered usage."""
        billed = billed_as_running(self.problem, self.running, self.held)
        return usage_of(self.problem, billed)

    def only(self, candidates: Sequence[int]) -> "Use":
        """What some of the machines run."""
        few = replace(
            self.problem, candidates=tuple(self.problem.candidates[one] for one in candidates)
        )
        held = None if self.held is None else self.held[:, candidates]
        return replace(self, problem=few, running=self.running[:, candidates], held=held)

    def _billed(self, usage: Usage, commitments: Sequence[Commitment]) -> Bill:
        calendar = self.problem.calendar
        return bill_usage(
            usage,
            commitments,
            accounting=calendar.accounting.value,
            discount_rate=calendar.discount_rate,
        )


@dataclass(frozen=True)
class Explained:
    """A difference by month and by workload."""

    months: tuple[ActualMonth, ...]
    workloads: tuple[WorkloadUse, ...]


def explain(planned: Use, as_planned: Floats, actual: Use, billed: Use) -> Explained:
    """The difference between the bill of a plan and that of what really ran.

    Args:
        planned: what the plan has running.
        as_planned: what is needed really, on the machines planned for it [hour × candidate].
        actual: what really ran, at the prices planned with.
        billed: the same at the prices really paid.
    """
    needed, usage = _changes(planned, as_planned)
    _, mix = _changes(needed, actual.running)
    months = tuple(_month(month, planned, actual, billed, usage, mix) for month in billed.total_usd)
    return Explained(months, _workloads(planned, usage, mix))


def _changes(use: Use, running: Floats) -> tuple[Use, dict[int, ByMonth]]:
    """The use once all workloads run otherwise, and what each adds to the on-demand price."""
    problem, changes = use.problem, dict[int, ByMonth]()
    now = replace(use, running=use.running.copy(order="F"))
    hourly, total = use.hourly, use.on_demand
    for workload in range(len(problem.request.workloads)):
        mine = problem.candidates_of(workload)
        if np.array_equal(now.running[:, mine], running[:, mine]):
            continue
        # Usage is priced by resource, which others may use too; what else they use cancels out.
        near = _sharing(problem, mine)
        before = now.only(near).hourly
        now.running[:, mine] = running[:, mine]
        hourly = hourly + now.only(near).hourly - before
        changed = use.by_month(hourly)
        changes[workload] = _less(changed, total)
        total = changed
    return replace(use, running=running), changes


def _sharing(problem: Problem, candidates: Sequence[int]) -> list[int]:
    """Candidates billed as some resource that these are billed as, these among them."""
    resources = {
        part.resource for one in candidates for part in problem.candidates[one].machine.parts
    }
    return [
        position
        for position, one in enumerate(problem.candidates)
        if any(part.resource in resources for part in one.machine.parts)
    ]


def _month(
    month: str,
    planned: Use,
    actual: Use,
    billed: Use,
    usage: Mapping[int, ByMonth],
    mix: Mapping[int, ByMonth],
) -> ActualMonth:
    def more(of: Callable[[Use], ByMonth]) -> Decimal:
        return _at(of(actual), month) - _at(of(planned), month)

    difference = Difference(
        usage_usd=_sum(_at(one, month) for one in usage.values()),
        mix_usd=_sum(_at(one, month) for one in mix.values()),
        commitments_usd=-more(lambda one: one.served),
        sustained_use_usd=-more(lambda one: one.credit),
        charged_by_use_usd=more(lambda one: one.commitment_usd),
        prices_usd=_at(billed.total_usd, month) - _at(actual.total_usd, month),
    )
    return ActualMonth(
        month=month,
        on_demand_usd=_at(_months(billed.bill, "on_demand_usd"), month),
        commitment_usd=_at(billed.commitment_usd, month),
        sustained_use_usd=_at(billed.credit, month),
        total_usd=_at(billed.total_usd, month),
        planned_usd=_at(planned.total_usd, month),
        difference=difference,
    )


def _workloads(
    planned: Use, usage: Mapping[int, ByMonth], mix: Mapping[int, ByMonth]
) -> tuple[WorkloadUse, ...]:
    found = []
    for position, workload in enumerate(planned.problem.request.workloads):
        alone = planned.only(planned.problem.candidates_of(position))
        planned_usd = _sum(alone.on_demand.values())
        more, other = (_sum(of.get(position, {}).values()) for of in (usage, mix))
        found.append(
            WorkloadUse(
                workload=workload.name,
                planned_usd=planned_usd,
                usage_usd=more,
                mix_usd=other,
                actual_usd=planned_usd + more + other,
            )
        )
    return tuple(found)


def _without_falling(usage: Usage) -> Usage:
    """The same usage at prices that stay the same all month."""
    classes = [
        one.model_copy(update={"sustained_use": None, "month_cap_hours": None})
        for one in usage.classes
    ]
    return replace(usage, classes=tuple(classes))


def _priced(usage: Usage) -> Nanousd:
    """What usage costs on demand, rounded as bills are: rent, then software [2 × hour]."""
    rows = []
    for prices in (
        [one.price_usd for one in usage.classes],
        [one.software_usd for one in usage.classes],
    ):
        each = np.array([float(price * NANO) for price in prices])
        rows.append(whole_nanousd("usage at on-demand prices [USD]", usage.quantity * each))
    return np.stack([row.sum(axis=1) for row in rows])


def _months(bill: Bill, amount: str) -> ByMonth:
    return {month.month: getattr(month, amount) for month in bill.months}


def _less(one: ByMonth, other: ByMonth) -> ByMonth:
    return {month: _at(one, month) - _at(other, month) for month in {**one, **other}}


def _at(amounts: ByMonth, month: str) -> Decimal:
    return amounts.get(month, Decimal(0))


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))
