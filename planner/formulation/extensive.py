"""The extensive form: the first stage and every hour's recourse as one linear model.

Read `build_model` first: it is the table of contents. Every function below it is one family of
constraints; its docstring is the mathematics. Names in the formulas, beside those of
`planner.formulation.first_stage`:

===============  =====================================================================
``v_gc, s_jgc``  usage of slice ``c`` in hour ``g`` served by dedicated commitments, by plan ``j``
``o_gc``         … on demand
``u_gc``         usage; ``a_c`` its on-demand price; ``r_jc`` plan ``j``'s rate for it
``n_g``          expected hours merged into ``g`` (their worth to the accounting where it is a
                 cost)
===============  =====================================================================
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from planner.formulation.coverage_ceiling import less_usage
from planner.formulation.exchange_rows import expected_costs
from planner.formulation.first_stage import FirstStage, build_first_stage
from planner.formulation.quotas import limit_quotas
from planner.formulation.recourse_cost import RecourseCost
from planner.formulation.recourse_steps import tighten_recourse
from planner.formulation.risk import weigh_risk
from planner.formulation.sustained_use_rows import stack_months
from planner.formulation.terms import (
    Commitments,
    Service,
    Terms,
    entries,
    one_row,
    positions,
    service_of_plans,
    service_of_pools,
)
from planner.hour_groups import HourGroups
from planner.problem import Problem
from solvers import Block, LinearModel

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PlanningModel:
    """A problem in linear form, with what is needed to read a solution back.

    Attributes:
        first: purchases and mix; its model is the whole model.
        groups: the merged hours; none where the hours are kept apart from the model.
        recourse_usd: expected on-demand cost of every column [column]; empty without groups.
    """

    first: FirstStage
    groups: HourGroups | None
    recourse_usd: Floats

    @property
    def problem(self) -> Problem:
        """What it was made from."""
        return self.first.problem

    def mean_cost_usd(self, incumbent: Floats) -> float:
        """Mean cost of a point [column] in the model's prices, whatever is minimized."""
        problem, first = self.problem, self.first
        lots = np.array([lot.expected_cost_usd for lot in first.terms.lots])
        cost = float(lots @ self.linear.values("buy", incumbent))
        for name, expected in expected_costs(first.terms):
            cost += float(expected @ self.linear.values(name, incumbent))
        if first.mix.size:
            software = first.mix.expected_software_usd(problem.probability)
            cost += float(software @ self.linear.values("run", incumbent))
        return cost + float(problem.probability @ first.given_usd + self.recourse_usd @ incumbent)

    @property
    def linear(self) -> LinearModel:
        """The model."""
        return self.first.model


def build_model(problem: Problem) -> PlanningModel:
    """The whole model of a problem, in one reading."""
    first = build_first_stage(problem)
    terms = first.terms
    by_pools, by_plans = service_of_pools(terms, first.pools), service_of_plans(terms, first.plans)
    serve_usage(first.model, terms, by_pools, by_plans)
    limit_dedicated(first.model, terms, first.pools, by_pools)
    limit_spend(first.model, terms, first.plans, by_plans)
    limit_coverage_below(first, terms)
    limit_utilization(first, terms, by_pools, by_plans)
    limit_quotas(first.model, terms, by_plans)
    tighten_recourse(first.model, terms, first.pools)
    costs = (_on_demand_cost(first.model, terms), *stack_months(first.model, terms))
    weigh_risk(first, [(one.block, one.by_scenario(problem.probability)) for one in costs])
    return PlanningModel(first, terms.groups, _recourse_usd(first, costs))


def serve_usage(model: LinearModel, terms: Terms, by_pools: Service, by_plans: Service) -> None:
    r"""Every hour's usage is served by exactly one of the three.

    .. math:: v_{gc} + \sum_j s_{jgc} + o_{gc} = u_{gc} \qquad \forall g, c
        \qquad \min \sum a_c n_g o_{gc}

    Whole machines too may be served in parts, where their provider lets a small reservation, or
    what is left of a plan's dollars, pay for a part of a large machine.
    """
    whole = terms.is_served_whole
    dedicated = model.add("serve dedicated", by_pools.size, integer=whole[by_pools.cell])
    spend = model.add("serve spend", by_plans.size)
    on_demand = model.add(
        "serve on demand",
        terms.cells,
        upper=np.where(terms.sold_on_demand, np.inf, 0.0)[terms.cell_slice],
        cost=terms.problem.mean_weight * terms.cell_usd,
        # Capacity blocks serve half of their last hour; the other half is left.
        integer=whole & ~terms.is_clearing,
    )
    rows: list[tuple[Block, sp.coo_array[np.float64]]] = [
        (block, entries(1.0, cell, positions(block.size), (terms.cells, block.size)))
        for block, cell in (
            (dedicated, by_pools.cell),
            (spend, by_plans.cell),
            (on_demand, positions(terms.cells)),
        )
    ]
    if terms.mix.size:
        run, usage = model["run"], terms.usage
        cells = terms.cell_at[usage.hour, usage.slice]
        rows.append((run, entries(-usage.units, cells, usage.column, (terms.cells, run.size))))
    model.require(
        "serve usage",
        rows,
        equal=terms.usage.fixed[terms.cell_hour, terms.cell_slice],
        index=terms.cell_name,
    )


def limit_dedicated(
    model: LinearModel, terms: Terms, pools: Commitments, by_pools: Service
) -> None:
    r"""Dedicated commitments serve no more than there are.

    .. math:: \sum_{c \in p} units_c v_{gc} \le R_{p,w(g)} \qquad \forall g, p
    """
    _limit_service(model, terms, "limit dedicated", "serve dedicated", pools, by_pools)


def limit_spend(model: LinearModel, terms: Terms, plans: Commitments, by_plans: Service) -> None:
    r"""A plan's hourly dollars pay for usage at its rates; none carries over to another hour.

    .. math:: \sum_c r_{jc} s_{jgc} \le C_{j,w(g)} \qquad \forall g, j
    """
    _limit_service(model, terms, "limit spend", "serve spend", plans, by_plans)


def limit_coverage_below(first: FirstStage, terms: Terms) -> None:
    r"""The share of the on-demand equivalent that commitments serve keeps above its floor.

    .. math:: \sum a_c n_g o_{gc} \le (1 - least) \sum a_c n_g u_{gc}
    """
    least = first.problem.request.limits.coverage.at_least
    if least is None:
        return
    on_demand = first.model["serve on demand"]
    cost = terms.groups.count[terms.cell_hour] * terms.price[terms.cell_slice]
    rows, usage_usd = less_usage(first.model, first.mix, 1 - least)
    served = (on_demand, one_row(cost, positions(on_demand.size), on_demand))
    first.model.require("coverage at least", [served, *rows], at_most=usage_usd)


def limit_utilization(
    first: FirstStage, terms: Terms, by_pools: Service, by_plans: Service
) -> None:
    r"""Each pool's and each plan's commitment is used to its floor over the horizon.

    .. math:: \sum n_g units_c v_{gc} \ge least \sum n_w R_{pw}, \qquad
        \sum n_g r_{jc} s_{jgc} \ge least \sum n_w C_{jw}
    """
    model, floor = first.model, terms.problem.request.limits.utilization.at_least
    if floor is None:
        return
    for name, block, commitments, service in (
        ("utilization of pool", model["serve dedicated"], first.pools, by_pools),
        ("utilization of plan", model["serve spend"], first.plans, by_plans),
    ):
        targets = commitments.at.shape[0]
        target, stage = np.nonzero(commitments.at >= 0)
        committed = entries(
            -floor * first.terms.stages.hours[stage],
            target,
            commitments.at[target, stage],
            (targets, commitments.amount.size),
        )
        weight = service.weight * terms.groups.count[terms.cell_hour[service.cell]]
        used = entries(weight, service.target, positions(block.size), (targets, block.size))
        model.require(name, [(block, used), (commitments.amount, committed)], at_least=0.0)


def _limit_service(
    model: LinearModel,
    terms: Terms,
    name: str,
    served: str,
    commitments: Commitments,
    service: Service,
) -> None:
    """A row per merged hour and target: what is served keeps to what is committed."""
    targets = max(commitments.at.shape[0], 1)
    hour = terms.cell_hour[service.cell]
    keys, row = np.unique(hour * targets + service.target, return_inverse=True)
    row_hour, row_target = np.divmod(keys, targets)
    column = commitments.at[row_target, terms.groups.stage[row_hour]]
    block, amount, height = model[served], commitments.amount, len(keys)
    use = entries(service.weight, row, positions(block.size), (height, block.size))
    have = entries(-1.0, positions(height), column, (height, amount.size))
    model.require(name, [(block, use), (amount, have)], at_most=0.0)


def _on_demand_cost(model: LinearModel, terms: Terms) -> RecourseCost:
    """Of what is served on demand; where months' hours are priced together, the least of it."""
    scenario = terms.groups.scenario[terms.cell_hour]
    return RecourseCost(model["serve on demand"], terms.cell_usd, scenario)


def _recourse_usd(first: FirstStage, costs: Sequence[RecourseCost]) -> Floats:
    """Expected cost of one unit of every column that follows the first stage."""
    cost = np.zeros(first.model.columns)
    for one in costs:
        cost[one.block.slice] = one.expected_usd
    return cost
