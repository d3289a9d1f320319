"""How a policy's cost is spread over the futures, and what caution costs."""

from dataclasses import replace

import numpy as np

from planner.plan import FutureCost, KnownCost, Label, RiskReport, WayCost
from planner.problem import Problem
from planner.settlement.outlook import Outlook
from planner.stages import Group
from planner.tails import Objective, quantile, tail_level, tail_mean


def names_of(problem: Problem, group: Group) -> tuple[str, ...] | None:
    """Names of a group of scenarios; None where these are all."""
    scenarios = problem.demand.scenarios
    if len(group) == len(scenarios):
        return None
    return tuple(scenarios[position].name for position in group)


def describe_futures(outlook: Outlook) -> tuple[FutureCost, ...]:
    """What every future costs, as billed; empty where there is only one."""
    if len(outlook.futures) == 1:
        return ()
    return tuple(
        FutureCost(
            name=one.name,
            probability=one.probability,
            total_cost_usd=one.bill.total_usd,
            on_demand_cost_usd=one.on_demand_usd,
            savings_usd=one.savings_usd,
            coverage=one.bill.coverage,
            utilization=one.bill.utilization,
        )
        for one in outlook.futures
    )


def describe_known(outlook: Outlook) -> tuple[KnownCost, ...]:
    """What the plan costs where something known comes in time, late or not at all.

    Only of what may turn out in several ways.
    """
    futures = outlook.problem.futures
    if futures is None:
        return ()
    found = []
    for name, labels in futures.outcomes.items():
        ways = [label for label in _LABELS if label in labels]
        if len(ways) > 1:
            costs = tuple(_way_cost(outlook, labels, label) for label in ways)
            found.append(KnownCost(name=name, ways=costs))
    return tuple(found)


_LABELS: tuple[Label, ...] = ("in time", "late", "not at all")


def _way_cost(outlook: Outlook, labels: tuple[str, ...], label: Label) -> WayCost:
    inside = [one for one, how in zip(outlook.futures, labels, strict=True) if how == label]
    part = replace(outlook, futures=tuple(inside))
    return WayCost(
        label=label,
        probability=sum(one.probability for one in inside),
        futures=len(inside),
        total_cost_usd=part.total_usd,
        on_demand_cost_usd=part.on_demand_usd,
        savings_usd=part.on_demand_usd - part.total_usd,
        utilization=part.utilization,
    )


def billed_objective_usd(outlook: Outlook) -> float:
    """What is minimized, of the bills: their mean, or the mean and the bad futures as weighed."""
    costs = np.array([float(one.bill.total_usd) for one in outlook.futures])
    return Objective(outlook.problem).usd(costs)


def describe_risk(
    outlook: Outlook, neutral_usd: float | None, cost_usd: float
) -> RiskReport | None:
    """The distribution of the bill over the futures; None where there is only one."""
    if len(outlook.futures) == 1:
        return None
    risk = outlook.problem.request.risk
    chance = np.array([one.probability for one in outlook.futures])
    cost = np.array([float(one.bill.total_usd) for one in outlook.futures])
    saving = np.array([float(one.savings_usd) for one in outlook.futures])
    level = tail_level(risk, chance)
    return RiskReport(
        measure=risk.measure,
        level=level,
        weight=risk.weight,
        mean_usd=float(chance @ cost),
        p5_usd=quantile(cost, chance, 0.05),
        p50_usd=quantile(cost, chance, 0.5),
        p95_usd=quantile(cost, chance, 0.95),
        tail_cost_usd=tail_mean(cost, chance, level),
        tail_savings_usd=-tail_mean(-saving, chance, level),
        caution_usd=0.0 if neutral_usd is None else cost_usd - neutral_usd,
    )
