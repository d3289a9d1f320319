"""A policy billed in every future, and what that comes to by their probabilities."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from planner.baseline import cheapest_running
from planner.billing import CommitmentBill, MonthlyBill, Statement
from planner.decision import Bought, Policy
from planner.exchanged import Exchanged
from planner.held import HeldMachines, held_machines, paid_for
from planner.problem import Problem
from planner.purchases import product_of
from planner.rebill import Billed, bill_on_demand, billed_of, rebill, usage_of
from planner.settlement.amounts_kept import broken_amounts
from planner.settlement.broken import Broken
from planner.settlement.limit_peaks import Peak, peaks_of
from planner.settlement.prospects import Prospects, Unbought, unbought_of
from planner.stages import Group
from planner.usage import machines_held

NANO_USD = Decimal("1e-9")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FutureBill:
    """What a policy comes to in one future; its hours are not kept.

    Attributes:
        name: the scenario's.
        probability: the scenario's.
        bought: the lots bought in it.
        exchanges: the exchanges made in it.
        billed: what is committed in it, by the order of the bill's commitments.
        bill: the sums of its bill at exact prices.
        on_demand_usd: the bill of the same demand all on demand.
        on_demand_cash: what is paid for that, by month.
        on_demand_hours: machine-hours left on demand [machine].
        served_hours: machine-hours that commitments serve [machine].
        peaks: the most that counts against each limit on what is had or moved at once.
        broken: amounts that are passed.
        prospects: what a step more of what is bought in no future would do.
        held: machines held ready.
    """

    name: str
    probability: float
    bought: tuple[Bought, ...]
    exchanges: tuple[Exchanged, ...]
    billed: tuple[Billed, ...]
    bill: Statement
    on_demand_usd: Decimal
    on_demand_cash: tuple[tuple[str, Decimal], ...]
    on_demand_hours: Floats
    served_hours: Floats
    peaks: tuple[Peak, ...]
    broken: tuple[Broken, ...]
    prospects: Prospects
    held: tuple[HeldMachines, ...] = ()

    @property
    def savings_usd(self) -> Decimal:
        """What the policy saves over all on demand."""
        return self.on_demand_usd - self.bill.total_usd

    @cached_property
    def commitment_bills(self) -> dict[str, CommitmentBill]:
        """Bills by id, parts added up: of purchases, what is owned, exchanges, capacity held."""
        parts: dict[str, list[CommitmentBill]] = {}
        bills = self.bill.commitments
        names = [one.name for one in self.billed]
        names += [bill.commitment_id for bill in bills[len(names) :]]
        for name, bill in zip(names, bills, strict=True):
            parts.setdefault(name, []).append(bill)
        return {name: _added_up(name, bills) for name, bills in parts.items()}


@dataclass(frozen=True)
class Outlook:
    """A policy billed in every future; one future where demand is taken for certain.

    Attributes:
        problem: the problem with all its futures.
        policy: what is done in them.
        unbought: the options it buys in none of them.
        futures: what it comes to in each.
    """

    problem: Problem
    policy: Policy
    unbought: Unbought
    futures: tuple[FutureBill, ...]

    def mean_usd(self, value: Callable[[FutureBill], Decimal]) -> Decimal:
        """Mean of an amount over the futures, in whole nano-dollars."""
        return mean_usd([(value(one), one.probability) for one in self.futures])

    @property
    def total_usd(self) -> Decimal:
        """Mean bill."""
        return self.mean_usd(lambda one: one.bill.total_usd)

    @property
    def on_demand_usd(self) -> Decimal:
        """Mean bill of the same demand all on demand."""
        return self.mean_usd(lambda one: one.on_demand_usd)

    @property
    def coverage(self) -> float | None:
        """Share of the mean on-demand equivalent that commitments serve."""
        return self._share(
            lambda one: one.bill.coverage, lambda one: one.bill.on_demand_equivalent_usd
        )

    @property
    def utilization(self) -> float | None:
        """Share of the mean commitment cost that is used."""
        return self._share(lambda one: one.bill.utilization, lambda one: one.bill.commitment_usd)

    @property
    def months(self) -> tuple[dict[str, object], ...]:
        """Mean amounts of every month, by their names in a bill."""
        names = sorted({month.month for one in self.futures for month in one.bill.months})
        return tuple(self._mean_month(name) for name in names)

    def entries(self, name: str, group: Group | None = None) -> list[tuple[CommitmentBill, float]]:
        """Bills of a commitment in some futures, all where none are given, with probabilities."""
        futures = self.futures if group is None else [self.futures[s] for s in group]
        return [(one.commitment_bills[name], one.probability) for one in futures]

    def _mean_month(self, name: str) -> dict[str, object]:
        fields = [field for field in MonthlyBill.model_fields if field != "month"]
        bills = [
            (next((month for month in one.bill.months if month.month == name), None), one)
            for one in self.futures
        ]
        mean: dict[str, object] = {"month": name}
        for field in fields:
            amounts = [(getattr(bill, field, Decimal(0)), one.probability) for bill, one in bills]
            mean[field] = mean_usd(amounts)
        return mean

    def _share(
        self, share: Callable[[FutureBill], float | None], weight: Callable[[FutureBill], Decimal]
    ) -> float | None:
        known = [(one, found) for one in self.futures if (found := share(one)) is not None]
        if len(known) <= 1:
            return known[0][1] if known else None
        weights = [one.probability * float(weight(one)) for one, _ in known]
        if not any(weights):  # all was paid before the horizon
            weights = [one.probability for one, _ in known]
        return float(np.average([found for _, found in known], weights=weights))


def _added_up(name: str, parts: list[CommitmentBill]) -> CommitmentBill:
    """A commitment of which exchanges end parts sooner."""
    if len(parts) == 1:
        return parts[0].model_copy(update={"commitment_id": name})
    return CommitmentBill(
        commitment_id=name,
        active_hours=max(one.active_hours for one in parts),
        committed=sum(one.committed for one in parts),
        used=sum(one.used for one in parts),
        cost_usd=sum((one.cost_usd for one in parts), Decimal(0)),
    )


def look_out(problem: Problem, policy: Policy) -> Outlook:
    """Bill a policy in every future of a problem, one after the other."""
    unbought = unbought_of(problem, _options_bought(problem, policy))
    futures = [
        _billed(problem, policy, scenario, unbought) for scenario in range(len(problem.probability))
    ]
    return Outlook(problem, policy, unbought, tuple(futures))


def _options_bought(problem: Problem, policy: Policy) -> set[int]:
    """Positions of options bought, if in a size that is not among the problem's own options."""
    bought = {one.lot.option for one in policy.bought}
    products = {
        product_of(one.option) for one in policy.bought if one.lot.option >= len(problem.options)
    }
    sizes = {at for at, one in enumerate(problem.options) if product_of(one) in products}
    return bought | sizes


def utilization_of(entries: list[tuple[CommitmentBill, float]]) -> float | None:
    """Share of a commitment that is used, over the futures that have it."""
    committed = sum(chance * entry.committed for entry, chance in entries)
    if len(entries) == 1:
        return entries[0][0].utilization
    return sum(chance * entry.used for entry, chance in entries) / committed if committed else None


def mean_usd(amounts: list[tuple[Decimal, float]]) -> Decimal:
    """Mean of amounts by their probabilities, in whole nano-dollars."""
    if len(amounts) == 1:
        return amounts[0][0]
    chances = [Decimal(repr(chance)) for _, chance in amounts]
    total = sum(
        (usd * chance for (usd, _), chance in zip(amounts, chances, strict=True)), Decimal()
    )
    return (total / sum(chances)).quantize(NANO_USD)


def _billed(problem: Problem, policy: Policy, scenario: int, unbought: Unbought) -> FutureBill:
    future, decision = problem.future(scenario), policy.decision(problem, scenario)
    bill, named = rebill(future, decision), problem.demand.scenarios[scenario]
    peaks = peaks_of(future, decision, bill)
    served = bill.dedicated_quantity + bill.spend_quantity
    cheapest_held = cheapest_running(future, machines_held) if future.holds_capacity else None
    paid = paid_for(decision.running, decision.held)
    rented = bill_on_demand(future, cheapest_running(future), cheapest_held)
    return FutureBill(
        name=named.name,
        probability=named.probability,
        bought=decision.bought,
        exchanges=decision.exchanges,
        billed=tuple(billed_of(future, decision.bought, decision.exchanges)),
        bill=bill.statement,
        on_demand_usd=rented.total_usd,
        on_demand_cash=tuple((month.month, month.cash_usd) for month in rented.months),
        on_demand_hours=bill.on_demand_quantity.sum(axis=0),
        served_hours=served.sum(axis=0),
        peaks=peaks,
        broken=broken_amounts(future, decision, bill, peaks),
        prospects=unbought.prospects(bill, usage_of(future, paid).quantity),
        held=held_machines(future, decision.running, decision.held),
    )
