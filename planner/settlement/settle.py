"""Turns a decision into a plan: the bill, its splits, coverage, cash flow and reasons."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal

import numpy as np

from catalogs import DedicatedOffer, SpendOffer
from planner.decision import Decision, Policy
from planner.forecasting.basis import describe_basis
from planner.forecasting.describing import describe_reduction
from planner.hardware import HardwareOffer
from planner.plan import (
    Assumption,
    CatalogPart,
    CatalogReport,
    ForecastBasis,
    LimitPeak,
    LongerTerms,
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
from planner.settlement.headline import describe_headline
from planner.settlement.held_report import describe_held
from planner.settlement.left_after import after_horizon_usd, left_by
from planner.settlement.limits_kept import broken_limits
from planner.settlement.outlook import Outlook, look_out, mean_usd, utilization_of
from planner.settlement.present_cost import doubts_of, present_cost
from planner.settlement.price_bases import price_basis
from planner.settlement.reasons import reasons_against
from planner.settlement.spread import (
    billed_objective_usd,
    describe_futures,
    describe_known,
    describe_risk,
    names_of,
)

NANO_USD = Decimal("1e-9")
LARGEST_DIFFERENCE = 1e-3
"""A bill's gap this much wider than the one asked for draws a warning."""

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
        return gap_to(self.bound_usd, self.objective_usd)


def bill_gap(outlook: Outlook, bound_usd: float | Decimal | None) -> float | None:
    """How far bills may be above the best possible ones, as a share of them."""
    bound = None if bound_usd is None else float(bound_usd)
    return gap_to(bound, billed_objective_usd(outlook))


def gap_to(bound_usd: float | None, cost_usd: float) -> float | None:
    """(cost - bound) / cost; None without a bound, 0 where nothing costs anything."""
    if bound_usd is None:
        return None
    return max(cost_usd - bound_usd, 0.0) / cost_usd if cost_usd > 0 else 0.0


def settle(
    problem: Problem,
    policy: Policy,
    certificate: Certificate,
    solver: SolverReport,
    billed: Outlook | None = None,
    best: Outlook | None = None,
    longer: LongerTerms | None = None,
    assumptions: tuple[Assumption, ...] = (),
) -> Plan:
    """The plan of a policy. Its cost is the provider's bill, not the model's objective.

    Args:
        problem: what is planned.
        policy: the plan's.
        certificate: what the model proves.
        solver: what solved it.
        billed: the policy's bills, where they are known already.
        best: the cheapest plan found, where a simpler one is shown.
        longer: what terms that are left out would save.
        assumptions: what the plan assumes.
    """
    outlook = replace(billed, problem=problem) if billed else look_out(problem, policy)
    best = best or outlook
    linear_cost = linear_cost_usd(problem, best.policy)
    model_cost, model_gap, asked = _usd(certificate.cost_usd), certificate.gap, problem.gap
    met = model_gap is not None and model_gap <= asked + GAP_SLACK
    gap, best_gap = (bill_gap(one, certificate.bound_usd) for one in (outlook, best))
    total, on_demand = outlook.total_usd, outlook.on_demand_usd
    present, purchases = present_cost(problem, on_demand), _purchases(outlook)
    return Plan(
        name=problem.request.name,
        headline=describe_headline(outlook),
        status="optimal" if met else "feasible",
        total_cost_usd=total,
        model_cost_usd=model_cost,
        objective_usd=_usd(certificate.objective_usd),
        lower_bound_usd=None if certificate.bound_usd is None else _usd(certificate.bound_usd),
        gap=gap,
        model_gap=model_gap,
        assignment_gap_usd=linear_cost - model_cost,
        linearization_usd=best.total_usd - linear_cost,
        simplification_usd=total - best.total_usd,
        on_demand_cost_usd=on_demand,
        savings_usd=on_demand - total,
        savings_share=float((on_demand - total) / on_demand) if on_demand else None,
        coverage=outlook.coverage,
        utilization=outlook.utilization,
        horizon=describe_horizon(problem),
        purchases=purchases,
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
        assumptions=assumptions,
        longer_terms=longer,
        not_bought=reasons_against(outlook, simplified=best.policy is not policy),
        solver=solver,
        catalog=describe_catalog(problem),
        repairs=tuple(RepairDone.model_validate(asdict(one)) for one in problem.demand.repairs),
        notes=(*problem.notes, *_derived_note(purchases)),
        warnings=(
            *problem.warnings,
            *_gap_warning(model_gap, asked, solver.stopped, met=met),
            *_bill_warning(best_gap, model_gap, asked),
            *_doubts(outlook, policy),
            *doubts_of(present, on_demand),
        ),
    )


def _doubts(outlook: Outlook, policy: Policy) -> Iterator[str]:
    """Limits that the bill breaks, and what reaches beyond the horizon."""
    yield from (f"limits: {one}" for one in broken_limits(outlook))
    yield from _horizon_warning(outlook.problem, policy)


def _basis(problem: Problem) -> ForecastBasis | None:
    if problem.forecast is None or problem.futures is None:
        return None
    return describe_basis(problem.forecast, problem.futures)


def linear_cost_usd(problem: Problem, policy: Policy) -> Decimal:
    """Mean bill at the prices of the model's slices."""
    amounts = []
    for scenario, chance in enumerate(problem.probability.tolist()):
        future, decision = problem.future(scenario), policy.decision(problem, scenario)
        linear_usd = rebill(future, decision, linear=True).total_usd
        amounts.append((linear_usd + _usd(_software_usd(future, decision)), chance))
    return mean_usd(amounts)


def _software_usd(problem: Problem, decision: Decision) -> float:
    """What the software of running machines costs, in the accounting."""
    worth = problem.calendar.worth[:-1]
    return sum(
        float(candidate.machine.software_usd) * float(decision.running[:, position] @ worth)
        for position, candidate in enumerate(problem.candidates)
        if candidate.machine.software_usd
    )


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
    several = catalog.parts if len(catalog.parts) > 1 else ()
    return CatalogReport(
        name=catalog.name,
        source=catalog.source,
        as_of=catalog.as_of,
        parts=tuple(
            CatalogPart(name=one.name, provider=one.provider, as_of=one.as_of) for one in several
        ),
    )


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
                after_horizon_usd=left_by(outlook.policy, one).usd,
                price=price_basis(problem, one.option),
                scenarios=names_of(problem, one.lot.group),
            )
        )
    return tuple(sorted(purchases, key=lambda one: (one.start, one.offer_id, one.workload or "")))


def _derived_note(purchases: Sequence[Purchase]) -> Iterator[str]:
    """How many purchases are at prices that nobody quotes."""
    derived = sum(one.price.basis == "derived" for one in purchases)
    if derived:
        yield (
            f"prices: {derived} of {len(purchases)} purchases are at prices computed by a rule, "
            "not quoted (purchases[].price); compare them with the provider's before you buy"
        )


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


def _bill_warning(gap: float | None, model_gap: float | None, asked: float) -> tuple[str, ...]:
    """A bill that may be further above the best one than was asked for, and why."""
    if gap is None or model_gap is None or gap <= asked + LARGEST_DIFFERENCE:
        return ()
    if gap <= model_gap + LARGEST_DIFFERENCE:
        return ()  # the solver's own gap, which has a warning of its own
    return (
        f"the bill is at most {gap:.3%} above the best possible one, {asked:.3%} were asked for: "
        f"the model's plan is within {max(model_gap, 0.0):.3%}, the rest is the provider's order "
        "of application, see assignment_gap_usd",
    )


def _horizon_warning(problem: Problem, policy: Policy) -> tuple[str, ...]:
    """Terms judged mostly on hours the plan knows nothing of."""
    beyond = float(after_horizon_usd(problem, policy))
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
