"""Turns a decision into a plan: the bill, its splits, coverage, cash flow and reasons."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from fractions import Fraction

import numpy as np

from catalogs import DedicatedOffer, SpendOffer
from planner.decision import Bought, Decision, Policy
from planner.fleet import Part
from planner.forecasting.basis import describe_basis
from planner.forecasting.describing import describe_reduction
from planner.hardware import HardwareOffer
from planner.held import paid_for
from planner.plan import (
    CatalogReport,
    ForecastBasis,
    LimitPeak,
    MachineShare,
    MonthlyCost,
    OwnedUse,
    Plan,
    PlannedHorizon,
    PoolUse,
    Purchase,
    RepairDone,
    SolverReport,
)
from planner.problem import Problem
from planner.purchases import Offer, Option, step_price
from planner.rebill import account_of, purchase_id, rebill, resources_of
from planner.settlement.exchanges_told import describe_exchanges
from planner.settlement.held_report import describe_held
from planner.settlement.limits_kept import broken_limits
from planner.settlement.outlook import Outlook, look_out, mean_usd, utilization_of
from planner.settlement.present_cost import doubts_of, present_cost
from planner.settlement.reasons import reasons_against
from planner.settlement.spread import describe_futures, describe_known, describe_risk, names_of

NANO_USD = Decimal("1e-9")
LARGEST_DIFFERENCE = Decimal("0.02")
"""A bill further than this from the model's cost, as a share, draws a warning."""

RESOURCE_UNITS = {"vcpu": "vCPUs", "gib": "GiB"}
"""Units of resources as people write them."""

GAP_SLACK = 1e-6
"""Gaps this close to the asked one do not exceed it: the tolerance of solvers and tie-breaking."""


@dataclass(frozen=True)
class Certificate:
    """What the model proves: a plan's cost in its prices, and that no plan costs it less.

    Attributes:
        cost_usd: mean cost.
        objective_usd: what was minimized: the mean, or the mean and the bad futures as weighed.
        bound_usd: no plan's objective is less.
        neutral_usd: mean cost of the plan that minimizes the mean; None where that is this one.
    """

    cost_usd: float
    objective_usd: float
    bound_usd: float | None
    neutral_usd: float | None = None

    @property
    def gap(self) -> float | None:
        """(objective - bound) / objective; 0 where nothing costs anything."""
        if self.bound_usd is None:
            return None
        if self.objective_usd <= 0:
            return 0.0
        return max(self.objective_usd - self.bound_usd, 0.0) / self.objective_usd


def settle(
    problem: Problem,
    policy: Policy,
    certificate: Certificate,
    solver: SolverReport,
    billed: Outlook | None = None,
) -> Plan:
    """The plan of a policy. Its cost is the provider's bill, not the model's objective.

    Args:
        problem: what is planned.
        policy: the plan's.
        certificate: what the model proves.
        solver: what solved it.
        billed: the policy's bills, where they are known already.
    """
    outlook = replace(billed, problem=problem) if billed else look_out(problem, policy)
    linear_cost = linear_cost_usd(problem, policy)
    model_cost, gap, asked = _usd(certificate.cost_usd), certificate.gap, problem.gap
    met = gap is not None and gap <= asked + GAP_SLACK
    total, on_demand = outlook.total_usd, outlook.on_demand_usd
    present = present_cost(problem, on_demand)
    return Plan(
        name=problem.request.name,
        status="optimal" if met else "feasible",
        total_cost_usd=total,
        model_cost_usd=model_cost,
        objective_usd=_usd(certificate.objective_usd),
        lower_bound_usd=None if certificate.bound_usd is None else _usd(certificate.bound_usd),
        gap=gap,
        assignment_gap_usd=linear_cost - model_cost,
        linearization_usd=total - linear_cost,
        on_demand_cost_usd=on_demand,
        savings_usd=on_demand - total,
        savings_share=float((on_demand - total) / on_demand) if on_demand else None,
        coverage=outlook.coverage,
        utilization=outlook.utilization,
        horizon=describe_horizon(problem),
        purchases=_purchases(outlook),
        owned=_owned(outlook),
        exchanges=describe_exchanges(outlook),
        mix=_mix(problem, policy),
        capacity=describe_held(outlook),
        monthly=tuple(MonthlyCost.model_validate(month) for month in outlook.months),
        pools=_pools(outlook),
        limit_peaks=_limit_peaks(outlook),
        scenarios=describe_futures(outlook),
        forecast=_basis(problem),
        known=describe_known(outlook),
        reduction=None if problem.futures is None else describe_reduction(problem.futures),
        risk=describe_risk(outlook, certificate.neutral_usd, certificate.cost_usd),
        present_bill=present,
        not_bought=reasons_against(outlook),
        solver=solver,
        catalog=describe_catalog(problem),
        repairs=tuple(RepairDone.model_validate(asdict(one)) for one in problem.demand.repairs),
        notes=problem.notes,
        warnings=(
            *problem.warnings,
            *_gap_warning(gap, asked, solver.stopped, met=met),
            *_doubts(outlook, policy, model_cost),
            *doubts_of(present, on_demand),
        ),
    )


def _doubts(outlook: Outlook, policy: Policy, model_cost: Decimal) -> Iterator[str]:
    """A bill unlike the model's, limits that it breaks, and what reaches beyond the horizon."""
    yield from _difference_warning(outlook.total_usd, model_cost)
    yield from (f"limits: {one}" for one in broken_limits(outlook))
    yield from _horizon_warning(policy)


def _basis(problem: Problem) -> ForecastBasis | None:
    if problem.forecast is None or problem.futures is None:
        return None
    return describe_basis(problem.forecast, problem.futures)


def linear_cost_usd(problem: Problem, policy: Policy) -> Decimal:
    """Mean bill at the model's linear prices, with what machines cost beyond them."""
    amounts = []
    for scenario, chance in enumerate(problem.probability.tolist()):
        future, decision = problem.future(scenario), policy.decision(problem, scenario)
        linear_usd = rebill(future, decision, linear=True).total_usd
        amounts.append((linear_usd + _usd(_excess_usd(future, decision)), chance))
    return mean_usd(amounts)


def _excess_usd(problem: Problem, decision: Decision) -> float:
    """What running machines cost beyond their slices' prices, in the accounting."""
    worth = problem.calendar.worth[:-1]
    total, paid = 0.0, paid_for(decision.running, decision.held)
    for position, candidate in enumerate(problem.candidates):
        software = float(candidate.machine.software_usd)
        excess = float(sum(_excess(problem, part) for part in candidate.machine.parts)) - software
        if excess:
            total += excess * float(paid[:, position] @ worth)
        if software:
            total += software * float(decision.running[:, position] @ worth)
    return total


def _excess(problem: Problem, part: Part) -> Fraction:
    """What a part of a machine costs beyond its slice's price, by the hour."""
    inside = problem.pools.slices[problem.pools.slice_of(part.resource)]
    return Fraction(part.quantity) * inside.excess_usd(part.resource)


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


def _purchases(outlook: Outlook) -> tuple[Purchase, ...]:
    problem, purchases = outlook.problem, []
    for one in outlook.policy.bought:
        upfront, hourly = (one.steps * price for price in step_price(one.option))
        entries = outlook.entries(purchase_id(problem, one), one.lot.group)
        purchases.append(
            Purchase(
                **_offer_fields(problem, one.option),
                start=problem.calendar.at(one.lot.start),
                end=problem.calendar.at(one.lot.start + one.option.offer.term_hours),
                quantity=one.quantity,
                upfront_usd=_usd(upfront),
                hourly_usd=_usd(hourly),
                cost_usd=mean_usd([(entry.cost_usd, chance) for entry, chance in entries]),
                utilization=utilization_of(entries),
                after_horizon_usd=_after_horizon(outlook.policy, one),
                scenarios=names_of(problem, one.lot.group),
            )
        )
    return tuple(sorted(purchases, key=lambda one: (one.start, one.offer_id, one.workload or "")))


def _unit(offer: Offer) -> str:
    """What is counted: machines, or the unit of a resource such as ``n2/vcpu``; or dollars."""
    if isinstance(offer, HardwareOffer):
        return "servers"
    if isinstance(offer, SpendOffer):
        return "USD per hour"
    _, is_resource, unit = offer.instance_type.partition("/")
    return RESOURCE_UNITS.get(unit, unit) if is_resource else "machines"


def _offer_fields(problem: Problem, option: Option) -> dict[str, object]:
    offer = option.offer
    if isinstance(offer, DedicatedOffer) and option.pool is not None:
        scope = str(problem.pools.keys[option.pool])
    elif isinstance(offer, DedicatedOffer):
        scope = f"{offer.region} {offer.instance_type} {offer.os}"
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
        "unit": _unit(offer),
    }


def _after_horizon(policy: Policy, bought: Bought) -> Decimal:
    """Of a purchase, without what exchanges give by then."""
    upfront, hourly = step_price(bought.option)
    term = bought.option.offer.term_hours
    beyond = term - (bought.lot.end - bought.lot.start)
    given = sum(
        one.given_of(bought.lot) * one.exchange.probability / bought.lot.probability
        for one in policy.exchanges
    )
    return _usd((bought.steps - Fraction(given)) * (upfront / term + hourly) * beyond)


def _owned(outlook: Outlook) -> tuple[OwnedUse, ...]:
    found = []
    for owned in outlook.problem.owned:
        entries = outlook.entries(owned.commitment.id)
        cost_usd = mean_usd([(entry.cost_usd, chance) for entry, chance in entries])
        used = utilization_of(entries)
        found.append(OwnedUse(id=owned.commitment.id, cost_usd=cost_usd, utilization=used))
    return tuple(found)


def _mix(problem: Problem, policy: Policy) -> tuple[MachineShare, ...]:
    stages, edges = problem.stages, (*problem.windows, problem.calendar.hours)
    stage_of_moment = problem.stage_of_moment()
    busy = {
        candidate: np.bincount(
            stage_of_moment, problem.candidates[candidate].needed > 0, minlength=stages.count
        )
        for candidate in {candidate for candidate, _ in policy.shares}
    }
    shares = [
        MachineShare(
            workload=problem.request.workloads[problem.candidates[candidate].workload].name,
            start=problem.calendar.at(edges[stages.window[stage]]),
            end=problem.calendar.at(edges[stages.window[stage] + 1]),
            instance_type=problem.candidates[candidate].machine.instance_type,
            region=problem.candidates[candidate].machine.region,
            spot=problem.candidates[candidate].machine.is_spot,
            share=share,
            scenarios=names_of(problem, stages.groups[stage]),
        )
        for (candidate, stage), share in policy.shares.items()
        if share > 0 and busy[candidate][stage] > 0
    ]
    return tuple(
        sorted(shares, key=lambda one: (one.workload, one.start, one.instance_type, one.spot))
    )


def _pools(outlook: Outlook) -> tuple[PoolUse, ...]:
    resources = resources_of(outlook.problem)
    prices = np.array([float(one.on_demand_usd) for one in resources])
    on_demand, covered = np.zeros(len(resources)), np.zeros(len(resources))
    for one in outlook.futures:
        on_demand += one.probability * one.on_demand_hours * prices
        covered += one.probability * one.served_hours * prices
    found = []
    for key in outlook.problem.pools.keys:
        inside = [i for i, one in enumerate(resources) if one.pool == key]
        equivalent = float((on_demand + covered)[inside].sum())
        found.append(
            PoolUse(
                pool=str(key),
                machines=tuple(dict.fromkeys(resources[i].name for i in inside)),
                on_demand_equivalent_usd=_usd(equivalent),
                coverage=float(covered[inside].sum()) / equivalent if equivalent else None,
            )
        )
    return tuple(found)


def _limit_peaks(outlook: Outlook) -> tuple[LimitPeak, ...]:
    """The highest peak of every limit over all futures."""
    several = len(outlook.futures) > 1
    found = []
    for peaks in zip(*(one.peaks for one in outlook.futures), strict=True):
        at = max(range(len(peaks)), key=lambda s: peaks[s].amount)
        highest = peaks[at]
        found.append(
            LimitPeak(
                limit=highest.name,
                unit=highest.unit,
                at_most=highest.at_most,
                peak=highest.amount,
                at=outlook.problem.calendar.at(highest.hour),
                scenario=outlook.futures[at].name if several else None,
                binds=highest.binds,
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


def _horizon_warning(policy: Policy) -> tuple[str, ...]:
    """Terms judged mostly on hours the plan knows nothing of."""
    beyond = sum(float(_after_horizon(policy, one)) * one.lot.probability for one in policy.bought)
    inside = sum(float(one.steps) * one.lot.expected_cost_usd for one in policy.bought)
    if beyond <= inside:
        return ()
    return (
        f"horizon: {beyond / (beyond + inside):.0%} of what is bought runs after it, where "
        "no demand is known; lengthen it, or allow shorter terms",
    )


def _usd(value: object) -> Decimal:
    """Whole nano-dollars of a float or a fraction."""
    return Decimal(str(float(value))).quantize(NANO_USD)  # type: ignore[arg-type]
