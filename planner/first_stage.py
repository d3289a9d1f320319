"""The first stage: what is bought and where workloads run, apart from the hours that follow.

Every function is one family of columns or constraints; its docstring is the mathematics. Names in
the formulas:

==================  ==================================================================
``x_k``             steps bought of lot ``k`` (an offer at a date, in some futures), whole
``R_pw, C_jw``      units of pool ``p``, dollars per hour of plan ``j``, committed in stage ``w``
``φ_diw``           share of workload ``d`` that runs on machine ``i`` in stage ``w``
``P_k, P_s, n_w``   probability of a lot's futures, of a scenario; expected hours of a stage
==================  ==================================================================

A stage is a window between changes of commitments, under scenarios that cannot be told apart.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from planner.block_limits import limit_blocks
from planner.exchange_rows import (
    Change,
    changed_rows,
    changes,
    most_exchanged,
    offer_exchanges,
    tie_costs_usd,
    upfront_terms,
)
from planner.lots_offered import lots_to_offer
from planner.placement import bounds_of
from planner.problem import Problem
from planner.purchases import Option
from planner.running_peaks import limit_running
from planner.stages import Group
from planner.terms import Commitments, Terms, entries, positions
from planner.usage import Mix, whole
from solvers import Block, LinearModel

TIE_STEP = 2e-8
"""Costs of less preferred products are raised by this share per rank, to break exact ties."""

Floats = NDArray[np.float64]
Term = tuple[Block, sp.coo_array[np.float64]]


@dataclass(frozen=True)
class FirstStage:
    """Decisions before any hour is seen, in linear form.

    Attributes:
        terms: the lots, plans and stages it is made of.
        model: the linear model under construction; others add the hours, or cuts.
        pools: what is committed to pools.
        plans: what is committed to plans.
        tie_costs: what was added to the cost of a step of each lot to break ties.
        tie_share: the largest of these as a share of the lot's cost.
    """

    terms: Terms
    model: LinearModel
    pools: Commitments
    plans: Commitments
    tie_costs: Floats
    tie_share: float

    @property
    def problem(self) -> Problem:
        """What it was made from."""
        return self.terms.problem

    @property
    def mix(self) -> Mix:
        """Where workloads run."""
        return self.terms.mix

    def tie_usd(self, values: Floats) -> float:
        """What was added to the cost of a point [column] to break ties."""
        added = float(self.tie_costs @ self.model.values("buy", values))
        if len(self.terms.exchanges):
            raised = tie_costs_usd(self.terms, TIE_STEP * mean_weight(self.problem))
            added += float(raised @ self.model.values("give", values))
        return added

    @property
    def given_usd(self) -> Floats:
        """What no decision changes: owned commitments and excess prices [scenario]."""
        owned = sum(one.cost_usd for one in self.problem.owned)
        return self.mix.given_excess_usd + owned


def build_first_stage(problem: Problem) -> FirstStage:
    """Purchases, commitments, the mix, and the limits that no hour has a part in."""
    model, terms = LinearModel(), Terms(problem, lots_to_offer(problem))
    tie_costs, tie_share = buy_lots(model, terms)
    tie_share += offer_exchanges(model, terms, weight=mean_weight(problem), tie_step=TIE_STEP)
    pools = commit_to_pools(model, terms)
    plans = commit_to_plans(model, terms)
    run_workloads(model, terms, pools)
    limit_running(model, terms)
    limit_upfront(model, terms)
    limit_blocks(model, terms)
    first = FirstStage(terms, model, pools, plans, tie_costs, tie_share)
    limit_coverage_above(first)
    model.offset = float(mean_weight(problem) * problem.probability @ first.given_usd)
    return first


def mean_weight(problem: Problem) -> float:
    """What the mean counts for in the objective, beside bad futures."""
    return 1.0 - problem.request.risk.tail_weight if problem.weighs_risk else 1.0


def buy_lots(model: LinearModel, terms: Terms) -> tuple[Floats, float]:
    r"""Declare the purchases.

    .. math:: \min \sum_k P_k cost_k x_k, \qquad x_k \in \mathbb{N}

    Costs are raised a little, so that of equal offers the more flexible product, then the
    shorter term is bought. Returns the amounts [lot], and the largest share.
    """
    options = [terms.problem.options[lot.option] for lot in terms.lots]
    order = sorted({option.order[:2] for option in options})
    ranks = np.array([order.index(option.order[:2]) + 1 for option in options], dtype=np.float64)
    costs = np.array([lot.expected_cost_usd for lot in terms.lots], dtype=np.float64)
    costs *= mean_weight(terms.problem)
    raised = costs * TIE_STEP * ranks
    model.add(
        "buy",
        len(terms.lots),
        cost=costs + raised,
        upper=most_exchanged(terms)["buy"] if len(terms.exchanges) else np.inf,
        integer=True,
        index=lambda k: _lot_name(terms, k),
    )
    return raised, TIE_STEP * len(order)


def commit_to_pools(model: LinearModel, terms: Terms) -> Commitments:
    r"""Dedicated commitments in force; what exchanges give is taken off, what they take added.

    .. math:: R_{pw} = owned_{pw} + \sum_{k \,active\, in\, w} units_k x_k
    """
    return _commit(
        model,
        terms,
        "dedicated",
        len(terms.problem.pools.keys),
        target_of=lambda option: option.pool,
        step_of=lambda option: float(option.pool_units),
        exchanged=list(changes(terms)),
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

    Fractional machines are mixed by stage, whole ones counted by hour:

    .. math:: \sum_i \varphi_{diw} = 1
        \qquad\text{or}\qquad \sum_i n_{dig} / needed_{dig} \ge 1,\; n \in \mathbb{N}

    A machine's price beyond its slice's is charged on all of its usage. Where a workload's
    reserved machines serve no other, they run all the time and :math:`n` counts those beside them.
    """
    mix = terms.mix
    if not mix.size:
        return
    whole_machines = terms.problem.request.whole_machines
    run = model.add(
        "run",
        mix.size,
        # A share of 1, or all the machines the whole workload needs: more would idle.
        upper=whole(mix.demand[mix.decision] / mix.share),
        cost=mean_weight(terms.problem) * mix.expected_excess_usd(terms.problem.probability),
        integer=whole_machines,
        index=mix.name,
    )
    shape = (mix.decisions, run.size)
    share = entries(mix.share, mix.decision, positions(run.size), shape)
    at_most = None if whole_machines else mix.demand
    rows = [(run, share), (pools.amount, standing_service(terms, pools))]
    model.require("run whole workload", rows, at_least=mix.demand, at_most=at_most)
    limit_placement(model, terms)


def limit_placement(model: LinearModel, terms: Terms) -> None:
    r"""Shares of workloads that run in some places, or on spot, keep to their bounds.

    .. math:: least \le \sum_{i \,counted} \varphi_{diw} \le most \qquad \forall w
    """
    mix, problem = terms.mix, terms.problem
    for bound in bounds_of(problem.request, problem.candidates):
        counted = np.flatnonzero(np.isin(mix.candidate, bound.candidates))
        if not len(counted) or (bound.at_least <= 0 and bound.at_most >= 1):
            continue
        stages, row = np.unique(mix.when[counted], return_inverse=True)
        run = model["run"]
        share = entries(mix.share[counted], row, counted, (len(stages), run.size))
        model.require(bound.field, [(run, share)], at_least=bound.at_least, at_most=bound.at_most)


def standing_service(terms: Terms, pools: Commitments) -> sp.coo_array[np.float64]:
    """What reserved machines that run all the time serve of each decision [decision × column]."""
    mix = terms.mix
    first = np.unique(mix.decision, return_index=True)[1]
    workload = np.array([one.workload for one in terms.problem.candidates])[mix.candidate[first]]
    rows, columns, values = [], [], []
    for standing in terms.standing:
        mine = np.flatnonzero(workload == standing)
        stage = terms.groups.stage[mix.when[first[mine]]]
        for here in np.unique(stage):
            for column, serves in terms.reserved_columns(pools, standing, int(here)):
                decisions = mine[stage == here]
                rows.append(decisions)
                columns.append(np.full(len(decisions), column))
                values.append(np.full(len(decisions), float(serves)))
    none = np.zeros(0, dtype=np.intp)
    return entries(
        np.concatenate([np.zeros(0), *values]),
        np.concatenate([none, *rows]),
        np.concatenate([none, *columns]),
        (mix.decisions, pools.amount.size),
    )


def limit_upfront(model: LinearModel, terms: Terms) -> None:
    r"""Upfront payments of one date, true-ups too, keep to its budget, in every future.

    .. math:: \sum_{k \,at\, e} upfront_k x_k \le budget_e \qquad \forall e
    """
    budgets = terms.problem.upfront_budgets()
    if not budgets:
        return
    paid = [(lot.ordered, lot.group) for lot in terms.lots]
    paid += [(one.hour, one.group) for one in terms.exchanges.exchanges]
    dates = sorted({when for when in paid if when[0] in budgets})
    lots = [k for k, lot in enumerate(terms.lots) if lot.ordered in budgets]
    upfront = np.array([terms.lots[k].upfront_usd for k in lots], dtype=np.float64)
    rows = np.array(
        [dates.index((terms.lots[k].ordered, terms.lots[k].group)) for k in lots], dtype=np.intp
    )
    columns = np.array(lots, dtype=np.intp)
    model.require(
        "limit upfront",
        [
            (model["buy"], entries(upfront, rows, columns, (len(dates), len(terms.lots)))),
            *upfront_terms(model, terms, dates),
        ],
        at_most=np.array([budgets[date] for date, _ in dates]),
        index=[_when(terms, *date) for date in dates],
    )


def limit_coverage_above(first: FirstStage) -> None:
    r"""The on-demand equivalent that commitments could serve keeps below its ceiling.

    A provider applies whatever is committed, so a ceiling holds only if it is one on what
    commitments could serve at the most, :math:`a_p` a pool's dearest unit, :math:`u_{gc}` usage:

    .. math:: \sum n_w a_p R_{pw} + \sum n_w \max_c (a_c / r_{jc}) C_{jw}
        \le most \sum a_c n_g u_{gc}
    """
    most, terms = first.problem.request.limits.coverage.at_most, first.terms
    if most is None:
        return
    rows, usage_usd = less_usage(first, most)
    served = [
        _most_served(terms, first.pools, _pool_prices(terms)),
        _most_served(terms, first.plans, _plan_prices(terms)),
    ]
    first.model.require("coverage at most", [*served, *rows], at_most=usage_usd)


def less_usage(first: FirstStage, share: float) -> tuple[list[Term], float]:
    """A share of all usage at on-demand prices: what depends on the mix, negated; the rest."""
    mix, constant = first.mix, share * first.mix.given_usage_usd
    if not mix.size:
        return [], constant
    run = first.model["run"]
    return [(run, one_row(-share * mix.usage_usd, positions(run.size), run))], constant


def _commit(
    model: LinearModel,
    terms: Terms,
    name: str,
    targets: int,
    *,
    target_of: Callable[[Option], int | None],
    step_of: Callable[[Option], float],
    exchanged: Sequence[Change] = (),
) -> Commitments:
    """Columns for what is committed in each (target, stage), and the rows that add it up."""
    owned = np.zeros((targets, terms.stages.count))
    possible = np.zeros(owned.shape, dtype=np.bool_)
    lots: list[_Adds] = []
    for position, option in enumerate(terms.options):
        target = target_of(option)
        if target is None:
            continue
        stages = terms.active(position)
        possible[target, stages] = True
        step = step_of(option) * terms.served_share(position)
        if position < len(terms.lots):
            lots.append(_Adds(position, target, stages, step))
        else:
            owned[target, stages] += step * terms.owned_quantity(position)
    for change in exchanged:
        possible[change.pool, change.stages] = True
    amounts = int(np.count_nonzero(possible))
    at = np.full(owned.shape, -1, dtype=np.intp)
    at[possible] = positions(amounts)
    amount = model.add(f"commit {name}", amounts)
    length = [len(one.stages) for one in lots]
    bought = entries(
        np.concatenate([np.zeros(0), *(-one.step for one in lots)]),
        np.concatenate([np.zeros(0, np.intp), *(at[one.target, one.stages] for one in lots)]),
        np.repeat(np.array([one.lot for one in lots], dtype=np.intp), length),
        (amounts, len(terms.lots)),
    )
    own = entries(1.0, positions(amounts), positions(amounts), (amounts, amounts))
    rows = [(amount, own), (model["buy"], bought), *changed_rows(model, exchanged, at, amounts)]
    model.require(f"add up {name}", rows, equal=owned[possible])
    return Commitments(amount, at)


@dataclass(frozen=True)
class _Adds:
    """What one step of a lot adds to a target in its stages, by stage."""

    lot: int
    target: int
    stages: NDArray[np.intp]
    step: Floats


def _most_served(terms: Terms, commitments: Commitments, prices: Floats) -> Term:
    """What commitments could serve at the most, at on-demand prices [target], in one row."""
    target, stage = np.nonzero(commitments.at >= 0)
    value = prices[target] * terms.stages.hours[stage]
    amount = commitments.amount
    return amount, one_row(value, commitments.at[target, stage], amount)


def _pool_prices(terms: Terms) -> Floats:
    """Exact on-demand price of each pool's dearest unit."""
    prices = np.zeros(len(terms.problem.pools.keys))
    for part in terms.problem.pools.slices:
        dearest = max(machine.unit_price_usd for machine in part.resources)
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
                for machine in part.resources
            )
            for rates in terms.plans
        ],
        dtype=np.float64,
    )


def _lot_name(terms: Terms, position: int) -> str:
    lot = terms.lots[position]
    offer_id = terms.problem.options[lot.option].offer.offer_id
    return f"{offer_id} at {_when(terms, lot.ordered, lot.group)}"


def _when(terms: Terms, hour: int, group: Group) -> str:
    scenarios = terms.problem.demand.scenarios
    if len(group) == len(scenarios):
        return f"hour {hour}"
    return f"hour {hour} if {' or '.join(scenarios[position].name for position in group)}"


def one_row(values: Floats, columns: NDArray[np.intp], block: Block) -> sp.coo_array[np.float64]:
    """A matrix of one row."""
    return entries(values, np.zeros(len(columns), dtype=np.intp), columns, (1, block.size))
