"""The extensive form: purchases, fleet mix and hourly recourse as one linear model.

Read `build_model` first: it is the table of contents. Every function below it is one family of
constraints; its docstring is the mathematics. Names in the formulas:

===============  =====================================================================
``x_k``          steps bought of lot ``k`` (an offer at a date), whole
``R_pw, C_jw``   units of pool ``p``, dollars per hour of plan ``j``, committed in window ``w``
``φ_diw``        share of workload ``d`` that runs on machine ``i`` in window ``w``
``v_gc, s_jgc``  usage of slice ``c`` in hour ``g`` served by dedicated commitments, by plan ``j``
``o_gc``         … on demand
``u_gc``         usage; ``a_c`` its on-demand price; ``r_jc`` plan ``j``'s rate for it
``n_g``          hours merged into ``g`` (their worth to the accounting where it is a cost)
===============  =====================================================================
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from planner.hour_groups import HourGroups
from planner.problem import Problem
from planner.purchases import Lot, Option, without_dominated
from planner.quotas import limit_quotas
from planner.recourse_steps import tighten_recourse
from planner.terms import (
    Commitments,
    Service,
    Terms,
    entries,
    positions,
    service_of_plans,
    service_of_pools,
)
from planner.usage import SliceUsage, whole
from solvers import Block, LinearModel

TIE_STEP = 2e-8
"""Costs of less preferred products are raised by this share per rank, to break exact ties."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PlanningModel:
    """A problem in linear form, with what is needed to read a solution back.

    Attributes:
        problem: what it was made from.
        linear: the model.
        lots: the lots it may buy, in the order of the block ``buy``.
        groups: the merged hours.
        usage: usage by merged hour and slice.
        tie_costs: what was added to the cost of a step of each lot to break ties.
        tie_share: the largest of these as a share of the lot's cost.
    """

    problem: Problem
    linear: LinearModel
    lots: tuple[Lot, ...]
    groups: HourGroups
    usage: SliceUsage
    tie_costs: Floats
    tie_share: float


def build_model(problem: Problem) -> PlanningModel:
    """The whole model of a problem, in one reading."""
    lots = _lots_to_offer(problem)
    model, terms = LinearModel(), Terms(problem, lots)
    tie_costs, tie_share = buy_lots(model, terms)
    pools = commit_to_pools(model, terms)
    plans = commit_to_plans(model, terms)
    by_pools, by_plans = service_of_pools(terms, pools), service_of_plans(terms, plans)
    run_workloads(model, terms, pools)
    serve_usage(model, terms, by_pools, by_plans)
    limit_dedicated(model, terms, pools, by_pools)
    limit_spend(model, terms, plans, by_plans)
    limit_upfront(model, terms)
    limit_coverage(model, terms, pools, plans)
    limit_utilization(model, terms, pools, by_pools, plans, by_plans)
    limit_quotas(model, terms, by_plans)
    tighten_recourse(model, terms, pools)
    model.offset = terms.usage.excess_usd + sum(owned.cost_usd for owned in problem.owned)
    return PlanningModel(problem, model, lots, terms.groups, terms.usage, tie_costs, tie_share)


def buy_lots(model: LinearModel, terms: Terms) -> tuple[Floats, float]:
    r"""Declare the purchases.

    .. math:: \min \sum_k cost_k x_k, \qquad x_k \in \mathbb{N}

    Costs are raised a little, so that of equal offers the more flexible product, then the
    shorter term is bought. Returns the amounts [lot], and the largest share.
    """
    options = [terms.problem.options[lot.option] for lot in terms.lots]
    order = sorted({option.order[:2] for option in options})
    ranks = np.array([order.index(option.order[:2]) + 1 for option in options], dtype=np.float64)
    costs = np.array([lot.cost_usd for lot in terms.lots], dtype=np.float64)
    raised = costs * TIE_STEP * ranks
    model.add(
        "buy",
        len(terms.lots),
        cost=costs + raised,
        integer=True,
        index=lambda k: f"{options[k].offer.offer_id} at hour {terms.lots[k].start}",
    )
    return raised, TIE_STEP * len(order)


def commit_to_pools(model: LinearModel, terms: Terms) -> Commitments:
    r"""Dedicated commitments in force.

    .. math:: R_{pw} = owned_{pw} + \sum_{k \,active\, in\, w} units_k x_k
    """
    return _commit(
        model,
        terms,
        "dedicated",
        len(terms.problem.pools.keys),
        target_of=lambda option: option.pool,
        step_of=lambda option: float(option.pool_units),
    )


def commit_to_plans(model: LinearModel, terms: Terms) -> Commitments:
    r"""Spend commitments in force.

    .. math:: C_{jw} = owned_{jw} + \sum_{k \,active\, in\, w} step_k x_k
    """
    return _commit(
        model,
        terms,
        "spend",
        len(terms.plans),
        target_of=terms.plan_of,
        step_of=lambda option: float(option.step),
    )


def run_workloads(model: LinearModel, terms: Terms, pools: Commitments) -> None:
    r"""Where workloads with a choice of machines run.

    Fractional machines are mixed by window, whole ones counted by hour:

    .. math:: \sum_i \varphi_{diw} = 1
        \qquad\text{or}\qquad \sum_i n_{dig} / needed_{dig} \ge 1,\; n \in \mathbb{N}

    A machine's price beyond its slice's is charged on all of its usage. Where a workload's
    reserved machines serve no other, they run all the time and :math:`n` counts those beside them.
    """
    choice = terms.usage.choice
    if not choice.size:
        return
    whole_machines = terms.problem.request.whole_machines
    run = model.add(
        "run",
        choice.size,
        # A share of 1, or all the machines the whole workload needs: more would idle.
        upper=whole(choice.demand[choice.decision] / choice.share),
        cost=choice.excess_usd,
        integer=whole_machines,
        index=choice.name,
    )
    shape = (choice.decisions, run.size)
    share = entries(choice.share, choice.decision, positions(run.size), shape)
    at_most = None if whole_machines else choice.demand
    rows = [(run, share), (pools.amount, standing_service(terms, pools))]
    model.require("run whole workload", rows, at_least=choice.demand, at_most=at_most)


def standing_service(terms: Terms, pools: Commitments) -> sp.coo_array[np.float64]:
    """What reserved machines that run all the time serve of each decision [decision × column]."""
    choice = terms.usage.choice
    first = np.unique(choice.decision, return_index=True)[1]
    workload = np.array([one.workload for one in terms.problem.candidates])[choice.candidate[first]]
    rows, columns, values = [], [], []
    for standing in terms.standing:
        mine = np.flatnonzero(workload == standing)
        window = terms.groups.window[choice.when[first[mine]]]
        for here in np.unique(window):
            for column, serves in terms.reserved_columns(pools, standing, int(here)):
                decisions = mine[window == here]
                rows.append(decisions)
                columns.append(np.full(len(decisions), column))
                values.append(np.full(len(decisions), float(serves)))
    none = np.zeros(0, dtype=np.intp)
    return entries(
        np.concatenate([np.zeros(0), *values]),
        np.concatenate([none, *rows]),
        np.concatenate([none, *columns]),
        (choice.decisions, pools.amount.size),
    )


def serve_usage(model: LinearModel, terms: Terms, by_pools: Service, by_plans: Service) -> None:
    r"""Every hour's usage is served by exactly one of the three.

    .. math:: v_{gc} + \sum_j s_{jgc} + o_{gc} = u_{gc} \qquad \forall g, c
        \qquad \min \sum a_c n_g o_{gc}
    """
    whole_machines = terms.problem.request.whole_machines
    weight = terms.groups.worth[terms.cell_hour] * terms.price[terms.cell_slice]
    dedicated = model.add("serve dedicated", by_pools.size, integer=whole_machines)
    spend = model.add("serve spend", by_plans.size)
    on_demand = model.add(
        "serve on demand",
        terms.cells,
        upper=np.where(terms.sold_on_demand, np.inf, 0.0)[terms.cell_slice],
        cost=weight,
        integer=whole_machines,
    )
    rows: list[tuple[Block, sp.coo_array[np.float64]]] = [
        (block, entries(1.0, cell, positions(block.size), (terms.cells, block.size)))
        for block, cell in (
            (dedicated, by_pools.cell),
            (spend, by_plans.cell),
            (on_demand, positions(terms.cells)),
        )
    ]
    choice = terms.usage.choice
    if choice.size:
        run = model["run"]
        cells = terms.cell_at[choice.usage_hour, choice.usage_slice]
        used = entries(-choice.usage, cells, choice.usage_column, (terms.cells, run.size))
        rows.append((run, used))
    model.require(
        "serve usage",
        rows,
        equal=terms.usage.fixed[terms.cell_hour, terms.cell_slice],
        index=lambda i: (
            f"{terms.problem.pools.keys[terms.cell_pool[i]]} "
            f"at hour {terms.groups.hour[terms.cell_hour[i]]}"
        ),
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


def limit_upfront(model: LinearModel, terms: Terms) -> None:
    r"""Upfront payments of one date keep to its budget.

    .. math:: \sum_{k \,at\, e} upfront_k x_k \le budget_e \qquad \forall e
    """
    budgets = terms.problem.upfront_budgets()
    if not budgets:
        return
    dates = sorted(budgets)
    lots = [k for k, lot in enumerate(terms.lots) if lot.start in budgets]
    upfront = np.array([terms.lots[k].upfront_usd for k in lots], dtype=np.float64)
    rows = np.array([dates.index(terms.lots[k].start) for k in lots], dtype=np.intp)
    columns = np.array(lots, dtype=np.intp)
    model.require(
        "limit upfront",
        [(model["buy"], entries(upfront, rows, columns, (len(dates), len(terms.lots))))],
        at_most=np.array([budgets[date] for date in dates]),
        index=[f"hour {date}" for date in dates],
    )


def limit_coverage(
    model: LinearModel, terms: Terms, pools: Commitments, plans: Commitments
) -> None:
    r"""The share of the on-demand equivalent that commitments serve keeps within its limits.

    .. math:: \sum a_c n_g o_{gc} \le (1 - least) \sum a_c n_g u_{gc}

    A provider applies whatever is committed, so a ceiling holds only if it is one on what
    commitments could serve at the most, :math:`a_p` a pool's dearest unit:

    .. math:: \sum n_w a_p R_{pw} + \sum n_w \max_c (a_c / r_{jc}) C_{jw}
        \le most \sum a_c n_g u_{gc}
    """
    limits = terms.problem.request.limits.coverage
    if limits.at_least is not None:
        on_demand = _on_demand_usd(terms, model["serve on demand"])
        rows, usage_usd = _less_usage(model, terms, 1 - limits.at_least)
        model.require("coverage at least", [on_demand, *rows], at_most=usage_usd)
    if limits.at_most is not None:
        rows, usage_usd = _less_usage(model, terms, limits.at_most)
        most = [
            _most_served(terms, pools, _pool_prices(terms)),
            _most_served(terms, plans, _plan_prices(terms)),
        ]
        model.require("coverage at most", [*most, *rows], at_most=usage_usd)


def limit_utilization(
    model: LinearModel,
    terms: Terms,
    pools: Commitments,
    by_pools: Service,
    plans: Commitments,
    by_plans: Service,
) -> None:
    r"""Each pool's and each plan's commitment is used to its floor over the horizon.

    .. math:: \sum n_g units_c v_{gc} \ge least \sum n_w R_{pw}, \qquad
        \sum n_g r_{jc} s_{jgc} \ge least \sum n_w C_{jw}
    """
    floor = terms.problem.request.limits.utilization.at_least
    if floor is None:
        return
    for name, block, commitments, service in (
        ("utilization of pool", model["serve dedicated"], pools, by_pools),
        ("utilization of plan", model["serve spend"], plans, by_plans),
    ):
        targets = commitments.at.shape[0]
        target, window = np.nonzero(commitments.at >= 0)
        committed = entries(
            -floor * terms.window_hours[window],
            target,
            commitments.at[target, window],
            (targets, commitments.amount.size),
        )
        weight = service.weight * terms.groups.count[terms.cell_hour[service.cell]]
        used = entries(weight, service.target, positions(block.size), (targets, block.size))
        model.require(name, [(block, used), (commitments.amount, committed)], at_least=0.0)


def _lots_to_offer(problem: Problem) -> tuple[Lot, ...]:
    """All lots, or only the undominated where nothing but cost and service tells them apart.

    Budgets tell them apart by what is paid upfront, quotas by their number; utilization floors
    and coverage ceilings by what is committed, beyond what is served.
    """
    limits = problem.request.limits
    by_commitment = (limits.utilization.at_least, limits.coverage.at_most)
    told_apart = bool(problem.upfront_budgets() or limits.quotas)
    if told_apart or any(limit is not None for limit in by_commitment):
        return problem.lots
    return without_dominated(problem.lots, problem.options)


def _commit(
    model: LinearModel,
    terms: Terms,
    name: str,
    targets: int,
    *,
    target_of: Callable[[Option], int | None],
    step_of: Callable[[Option], float],
) -> Commitments:
    """Columns for what is committed in each (target, window), and the rows that add it up."""
    owned = np.zeros((targets, len(terms.problem.windows)))
    possible = np.zeros(owned.shape, dtype=np.bool_)
    lots: list[_Adds] = []
    for position, option in enumerate(terms.options):
        target = target_of(option)
        if target is None:
            continue
        windows = terms.active(position)
        possible[target, windows] = True
        if position < len(terms.lots):
            lots.append(_Adds(position, target, windows, step_of(option)))
        else:
            owned[target, windows] += step_of(option) * terms.owned_quantity(position)
    amounts = int(np.count_nonzero(possible))
    at = np.full(owned.shape, -1, dtype=np.intp)
    at[possible] = positions(amounts)
    amount = model.add(f"commit {name}", amounts)
    length = [len(one.windows) for one in lots]
    bought = entries(
        np.repeat([-one.step for one in lots], length),
        np.concatenate([np.zeros(0, np.intp), *(at[one.target, one.windows] for one in lots)]),
        np.repeat(np.array([one.lot for one in lots], dtype=np.intp), length),
        (amounts, len(terms.lots)),
    )
    own = entries(1.0, positions(amounts), positions(amounts), (amounts, amounts))
    model.require(f"add up {name}", [(amount, own), (model["buy"], bought)], equal=owned[possible])
    return Commitments(amount, at)


@dataclass(frozen=True)
class _Adds:
    """What one step of a lot adds to a target in its windows."""

    lot: int
    target: int
    windows: NDArray[np.intp]
    step: float


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
    column = commitments.at[row_target, terms.groups.window[row_hour]]
    block, amount, height = model[served], commitments.amount, len(keys)
    use = entries(service.weight, row, positions(block.size), (height, block.size))
    have = entries(-1.0, positions(height), column, (height, amount.size))
    model.require(name, [(block, use), (amount, have)], at_most=0.0)


Term = tuple[Block, sp.coo_array[np.float64]]


def _on_demand_usd(terms: Terms, on_demand: Block) -> Term:
    """On-demand usage at its slices' prices, undiscounted, in one row."""
    cost = terms.groups.count[terms.cell_hour] * terms.price[terms.cell_slice]
    return on_demand, _row(cost, positions(on_demand.size), on_demand)


def _less_usage(model: LinearModel, terms: Terms, share: float) -> tuple[list[Term], float]:
    """A share of all usage at on-demand prices: what depends on the mix, negated; the rest."""
    weight: Floats = np.outer(terms.groups.count, terms.price)
    constant, choice = share * float(np.sum(weight * terms.usage.fixed)), terms.usage.choice
    if not choice.size:
        return [], constant
    usage = weight[choice.usage_hour, choice.usage_slice] * choice.usage
    return [(model["run"], _row(-share * usage, choice.usage_column, model["run"]))], constant


def _most_served(terms: Terms, commitments: Commitments, prices: Floats) -> Term:
    """What commitments could serve at the most, at on-demand prices [target], in one row."""
    target, window = np.nonzero(commitments.at >= 0)
    value = prices[target] * terms.window_hours[window]
    amount = commitments.amount
    return amount, _row(value, commitments.at[target, window], amount)


def _pool_prices(terms: Terms) -> Floats:
    """Exact on-demand price of each pool's dearest unit."""
    prices = np.zeros(len(terms.problem.pools.keys))
    for part in terms.problem.pools.slices:
        dearest = max(machine.unit_price_usd for machine in part.machines)
        prices[part.pool] = max(prices[part.pool], float(dearest))
    return prices


def _plan_prices(terms: Terms) -> Floats:
    """On-demand dollars that a dollar of each plan displaces at the most."""
    slices = terms.problem.pools.slices
    return np.array(
        [
            max(
                float(machine.unit_price_usd) * float(part.pool_units) / float(rate)
                for part, rate in zip(slices, rates, strict=True)
                if rate is not None
                for machine in part.machines
            )
            for rates in terms.plans
        ],
        dtype=np.float64,
    )


def _row(values: Floats, columns: NDArray[np.intp], block: Block) -> sp.coo_array[np.float64]:
    return entries(values, np.zeros(len(columns), dtype=np.intp), columns, (1, block.size))
