"""Turns a decision into a plan: the bill, its splits, coverage, cash flow and reasons."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from catalogs import DedicatedOffer
from planner.billing import Bill
from planner.decision import Bought, Decision, fixed_running
from planner.limits_kept import broken_limits
from planner.plan import (
    CatalogReport,
    MachineShare,
    MonthlyCost,
    OwnedUse,
    Plan,
    PlannedHorizon,
    PoolUse,
    Purchase,
    SolverReport,
)
from planner.problem import Problem
from planner.purchases import Option, step_price
from planner.reasons import reasons_against
from planner.rebill import account_of, bill_on_demand, machines_of, purchase_id, rebill
from planner.usage import whole

NANO_USD = Decimal("1e-9")
LARGEST_DIFFERENCE = Decimal("0.02")
"""A bill further than this from the model's cost, as a share, draws a warning."""

GAP_SLACK = 1e-6
"""Gaps this close to the asked one do not exceed it: the tolerance of solvers and tie-breaking."""


@dataclass(frozen=True)
class Certificate:
    """What the model proves: a plan's cost in its prices, and that no plan costs it less."""

    cost_usd: float
    bound_usd: float | None

    @property
    def gap(self) -> float | None:
        """(cost - bound) / cost; 0 where nothing costs anything."""
        if self.bound_usd is None:
            return None
        if self.cost_usd <= 0:
            return 0.0
        return max(self.cost_usd - self.bound_usd, 0.0) / self.cost_usd


def settle(
    problem: Problem, decision: Decision, certificate: Certificate, solver: SolverReport
) -> Plan:
    """The plan of a decision. Its cost is the provider's bill, not the model's objective."""
    bill, linear_bill = rebill(problem, decision), rebill(problem, decision, linear=True)
    model_cost = _usd(certificate.cost_usd)
    linear_cost = linear_bill.total_usd + _usd(excess_usd(problem, decision))
    on_demand = bill_on_demand(problem, cheapest_running(problem)).total_usd
    gap, asked = certificate.gap, problem.request.solve.gap
    met = gap is not None and gap <= asked + GAP_SLACK
    total = bill.total_usd
    return Plan(
        name=problem.request.name,
        status="optimal" if met else "feasible",
        total_cost_usd=total,
        model_cost_usd=model_cost,
        lower_bound_usd=None if certificate.bound_usd is None else _usd(certificate.bound_usd),
        gap=gap,
        assignment_gap_usd=linear_cost - model_cost,
        linearization_usd=total - linear_cost,
        on_demand_cost_usd=on_demand,
        savings_usd=on_demand - total,
        savings_share=float((on_demand - total) / on_demand) if on_demand else None,
        coverage=bill.coverage,
        utilization=bill.utilization,
        horizon=describe_horizon(problem),
        purchases=_purchases(problem, decision, bill),
        owned=_owned(decision, bill),
        mix=_mix(problem, decision),
        monthly=tuple(MonthlyCost(**month.model_dump()) for month in bill.months),
        pools=_pools(problem, bill),
        not_bought=reasons_against(problem, decision, bill),
        solver=solver,
        catalog=describe_catalog(problem),
        notes=problem.notes,
        warnings=(
            *problem.warnings,
            *_gap_warning(gap, asked, solver.stopped, met=met),
            *_difference_warning(total, model_cost),
            *(f"limits: {one}" for one in broken_limits(problem, decision.bought, bill)),
            *_horizon_warning(decision),
        ),
    )


def cheapest_running(problem: Problem) -> NDArray[np.float64]:
    """Machines [hour × candidate] with each workload on its cheapest on-demand machine.

    The cheapest is chosen by span between purchase dates where machines are mixed, by hour where
    they are whole; it depends neither on the offers allowed nor on quotas. Machines sold by
    reservation only stand in where a workload has no others.
    """
    running = fixed_running(problem)
    dates = np.array(sorted({0, *problem.calendar.purchase_hours}))
    window = np.searchsorted(dates, np.arange(problem.calendar.hours), side="right") - 1
    worth = problem.calendar.worth[:-1]
    for workload in range(len(problem.request.workloads)):
        positions = problem.candidates_of(workload)
        if len(positions) == 1:
            continue
        sold = [p for p in positions if problem.candidates[p].machine.sold_on_demand]
        positions = sold or positions
        needed = np.stack([problem.candidates[p].needed for p in positions])
        prices = np.array([float(problem.candidates[p].machine.on_demand_usd) for p in positions])
        if problem.request.whole_machines:
            needed = whole(needed)
            choice = np.argmin(needed * prices[:, None], axis=0)
        else:
            hourly = needed * prices[:, None] * worth
            cost = np.stack([np.bincount(window, weights=row) for row in hourly])
            choice = np.argmin(cost, axis=0)[window]
        for row, position in enumerate(positions):
            running[:, position] = np.where(choice == row, needed[row], 0.0)
    return running


def excess_usd(problem: Problem, decision: Decision) -> float:
    """What running machines cost beyond their slices' prices, in the accounting."""
    worth = problem.calendar.worth[:-1]
    total = 0.0
    for position, candidate in enumerate(problem.candidates):
        part = problem.pools.slices[problem.pools.slice_of(candidate.machine)]
        excess = float(part.excess_usd(candidate.machine))
        total += excess * float(decision.running[:, position] @ worth)
    return total


def describe_horizon(problem: Problem) -> PlannedHorizon:
    """The hours planned for, as results tell them."""
    calendar = problem.calendar
    return PlannedHorizon(
        start=calendar.start,
        end=calendar.end,
        hours=calendar.hours,
        accounting=calendar.accounting,
        discount_rate=calendar.discount_rate,
    )


def describe_catalog(problem: Problem) -> CatalogReport:
    """The prices used, as results name them."""
    catalog = problem.catalog
    return CatalogReport(name=catalog.name, source=catalog.source, as_of=catalog.as_of)


def _purchases(problem: Problem, decision: Decision, bill: Bill) -> tuple[Purchase, ...]:
    billed = {one.commitment_id: one for one in bill.commitments}
    purchases = []
    for one in decision.bought:
        upfront, hourly = (one.steps * price for price in step_price(one.option))
        entry = billed[purchase_id(problem, one)]
        purchases.append(
            Purchase(
                **_offer_fields(problem, one.option),
                start=problem.calendar.at(one.lot.start),
                end=problem.calendar.at(one.lot.start + one.option.offer.term_hours),
                quantity=one.quantity,
                upfront_usd=_usd(upfront),
                hourly_usd=_usd(hourly),
                cost_usd=entry.cost_usd,
                utilization=entry.utilization,
                after_horizon_usd=_after_horizon(one),
            )
        )
    return tuple(sorted(purchases, key=lambda one: (one.start, one.offer_id, one.workload or "")))


def _offer_fields(problem: Problem, option: Option) -> dict[str, object]:
    offer = option.offer
    dedicated = isinstance(offer, DedicatedOffer)
    if isinstance(offer, DedicatedOffer) and option.pool is not None:
        scope = str(problem.pools.keys[option.pool])
    else:
        scope = " ".join(part for part in (offer.region, offer.family) if part) or "all regions"
    return {
        "offer_id": offer.offer_id,
        "provider": offer.provider,
        "kind": offer.kind,
        "scope": scope,
        "workload": account_of(problem, option) or None,
        "term_hours": offer.term_hours,
        "term_months": offer.term_months,
        "payment": offer.payment,
        "unit": "machines" if dedicated else "USD per hour",
    }


def _after_horizon(bought: Bought) -> Decimal:
    upfront, hourly = step_price(bought.option)
    term = bought.option.offer.term_hours
    beyond = term - (bought.lot.end - bought.lot.start)
    return _usd(bought.steps * (upfront / term + hourly) * beyond)


def _owned(decision: Decision, bill: Bill) -> tuple[OwnedUse, ...]:
    entries = bill.commitments[len(decision.bought) :]
    return tuple(
        OwnedUse(id=one.commitment_id, cost_usd=one.cost_usd, utilization=one.utilization)
        for one in entries
    )


def _mix(problem: Problem, decision: Decision) -> tuple[MachineShare, ...]:
    edges = (*problem.windows, problem.calendar.hours)
    window_of_hour = problem.window_of_hour()

    def runs(candidate: int, window: int) -> bool:
        return bool(np.any(problem.candidates[candidate].needed[window_of_hour == window] > 0))

    shares = [
        MachineShare(
            workload=problem.request.workloads[problem.candidates[candidate].workload].name,
            start=problem.calendar.at(edges[window]),
            end=problem.calendar.at(edges[window + 1]),
            instance_type=problem.candidates[candidate].machine.instance_type,
            region=problem.candidates[candidate].machine.region,
            share=share,
        )
        for (candidate, window), share in decision.shares.items()
        if share > 0 and runs(candidate, window)
    ]
    return tuple(sorted(shares, key=lambda one: (one.workload, one.start, one.instance_type)))


def _pools(problem: Problem, bill: Bill) -> tuple[PoolUse, ...]:
    machines = machines_of(problem)
    prices = np.array([float(machine.on_demand_usd) for machine in machines])
    on_demand = bill.on_demand_quantity.sum(axis=0) * prices
    covered = (bill.dedicated_quantity + bill.spend_quantity).sum(axis=0) * prices
    found = []
    for key in problem.pools.keys:
        inside = [i for i, machine in enumerate(machines) if machine.pool == key]
        equivalent = float((on_demand + covered)[inside].sum())
        found.append(
            PoolUse(
                pool=str(key),
                machines=tuple(machines[i].instance_type for i in inside),
                on_demand_equivalent_usd=_usd(equivalent),
                coverage=float(covered[inside].sum()) / equivalent if equivalent else None,
            )
        )
    return tuple(found)


def _gap_warning(gap: float | None, asked: float, stopped: str, *, met: bool) -> tuple[str, ...]:
    if met:
        return ()
    why = stopped.replace("_", " ")
    if gap is None:
        return (f"no bound is known, so no gap: the solver stopped at {why}",)
    return (f"the gap is {gap:.3%}, above the {asked:.3%} asked for: the solver stopped at {why}",)


def _difference_warning(total: Decimal, model_cost: Decimal) -> tuple[str, ...]:
    if abs(total - model_cost) <= LARGEST_DIFFERENCE * total:
        return ()
    share = float((total - model_cost) / total)
    return (
        f"{share:+.1%} of the bill is not in the model's cost, so bound and gap say less; see "
        "assignment_gap_usd and linearization_usd",
    )


def _horizon_warning(decision: Decision) -> tuple[str, ...]:
    """Terms judged mostly on hours the plan knows nothing of."""
    beyond = sum((_after_horizon(one) for one in decision.bought), Decimal(0))
    inside = sum((_usd(one.steps * one.lot.cost_usd) for one in decision.bought), Decimal(0))
    if beyond <= inside:
        return ()
    return (
        f"horizon: {float(beyond / (beyond + inside)):.0%} of what is bought runs after it, where "
        "no demand is known; lengthen it, or allow shorter terms",
    )


def _usd(value: object) -> Decimal:
    """Whole nano-dollars of a float or a fraction."""
    return Decimal(str(float(value))).quantize(NANO_USD)  # type: ignore[arg-type]
