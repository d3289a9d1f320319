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

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.formulation.block_limits import limit_blocks
from planner.formulation.committed import commit_to_plans, commit_to_pools
from planner.formulation.coverage_ceiling import limit_coverage_above
from planner.formulation.exchange_rows import (
    most_exchanged,
    offer_exchanges,
    tie_costs_usd,
    upfront_terms,
)
from planner.formulation.lots_offered import lots_to_offer
from planner.formulation.running_peaks import limit_running
from planner.formulation.terms import Commitments, Terms, entries
from planner.formulation.workload_mix import run_workloads
from planner.problem import Problem
from planner.stages import Group
from planner.usage import Mix
from solvers import LinearModel

TIE_STEP = 2e-8
"""Costs of less preferred products are raised by this share per rank, to break exact ties."""

Floats = NDArray[np.float64]


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
            raised = tie_costs_usd(self.terms, TIE_STEP * self.problem.mean_weight)
            added += float(raised @ self.model.values("give", values))
        return added

    @property
    def given_usd(self) -> Floats:
        """What no decision changes: owned commitments and software [scenario]."""
        owned = sum(one.cost_usd for one in self.problem.owned)
        return self.mix.given_software_usd + owned


def build_first_stage(problem: Problem) -> FirstStage:
    """Purchases, commitments, the mix, and the limits that no hour has a part in."""
    model, terms = LinearModel(), Terms(problem, lots_to_offer(problem))
    tie_costs, tie_share = buy_lots(model, terms)
    tie_share += offer_exchanges(model, terms, weight=problem.mean_weight, tie_step=TIE_STEP)
    pools = commit_to_pools(model, terms)
    plans = commit_to_plans(model, terms)
    run_workloads(model, terms, pools)
    limit_running(model, terms)
    limit_upfront(model, terms)
    limit_blocks(model, terms)
    first = FirstStage(terms, model, pools, plans, tie_costs, tie_share)
    limit_coverage_above(model, terms, pools, plans)
    model.offset = float(problem.mean_weight * problem.probability @ first.given_usd)
    return first


def buy_lots(model: LinearModel, terms: Terms) -> tuple[Floats, float]:
    r"""Declare the purchases.

    .. math:: \min \sum_k P_k cost_k x_k, \qquad x_k \in \mathbb{N}

    Those of which a problem says so may be fractions.

    Costs are raised a little, so that of equal offers the more flexible product, then the
    shorter term is bought. Returns the amounts [lot], and the largest share.
    """
    options = [terms.problem.options[lot.option] for lot in terms.lots]
    order = sorted({option.order[:2] for option in options})
    ranks = np.array([order.index(option.order[:2]) + 1 for option in options], dtype=np.float64)
    costs = np.array([lot.expected_cost_usd for lot in terms.lots], dtype=np.float64)
    costs *= terms.problem.mean_weight
    raised = costs * TIE_STEP * ranks
    model.add(
        "buy",
        len(terms.lots),
        cost=costs + raised,
        upper=most_exchanged(terms)["buy"] if len(terms.exchanges) else np.inf,
        integer=whole_lots(terms),
        index=lambda k: _lot_name(terms, k),
    )
    return raised, TIE_STEP * len(order)


def whole_lots(terms: Terms) -> NDArray[np.bool_]:
    """Which lots are bought in whole steps [lot]."""
    until = terms.problem.fractions_from
    return np.array([until is None or lot.ordered < until for lot in terms.lots], dtype=np.bool_)


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


def _lot_name(terms: Terms, position: int) -> str:
    lot = terms.lots[position]
    offer_id = terms.problem.options[lot.option].offer.offer_id
    return f"{offer_id} at {_when(terms, lot.ordered, lot.group)}"


def _when(terms: Terms, hour: int, group: Group) -> str:
    scenarios = terms.problem.demand.scenarios
    if len(group) == len(scenarios):
        return f"hour {hour}"
    return f"hour {hour} if {' or '.join(scenarios[position].name for position in group)}"
