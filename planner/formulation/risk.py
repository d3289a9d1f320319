"""Risk: how much the futures in which a plan saves little count beyond the mean."""

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from planner.baseline import on_demand_usd
from planner.formulation.exchange_rows import costs_by_scenario
from planner.formulation.first_stage import FirstStage
from planner.formulation.terms import entries, positions
from planner.tails import tail_level
from solvers import Block

Floats = NDArray[np.float64]


def weigh_risk(
    first: FirstStage, recourse: Sequence[tuple[Block, sp.csr_array[np.float64]]]
) -> None:
    r"""The mean of the worst futures, ranked by their saving over all on demand.

    .. math:: \min (1 - \lambda) E[cost] + \lambda \Bigl( E[B] + \eta
        + \tfrac{1}{1 - \alpha} \sum_s P_s z_s \Bigr), \qquad z_s \ge cost_s - B_s - \eta

    :math:`B_s` is the constant cost of scenario ``s`` all on demand, so :math:`cost_s - B_s` is
    minus its saving; adding :math:`E[B]` makes the objective a cost again and moves no optimum.
    ``recourse`` is the on-demand cost of a scenario, in the columns of some blocks.
    """
    problem, model, risk = first.problem, first.model, first.problem.request.risk
    if not problem.weighs_risk:
        return
    count = len(problem.probability)
    tail = 1.0 - tail_level(risk, problem.probability)
    level = model.add("tail level", 1, lower=-np.inf, cost=risk.tail_weight)
    beyond = model.add("beyond level", count, cost=risk.tail_weight * problem.probability / tail)
    baseline = on_demand_usd(problem)
    run = [(model["run"], -first.mix.software_usd)] if first.mix.size else []
    model.require(
        "tail of scenario",
        [
            (beyond, sp.eye_array(count)),
            (level, sp.coo_array(np.ones((count, 1)))),
            (model["buy"], -_lot_costs(first)),
            *((model[name], -costs) for name, costs in costs_by_scenario(first.terms)),
            *((block, -cost) for block, cost in recourse),
            *run,
        ],
        at_least=first.given_usd - baseline,
        index=[scenario.name for scenario in problem.demand.scenarios],
    )
    model.offset += risk.tail_weight * float(problem.probability @ baseline)


def _lot_costs(first: FirstStage) -> sp.csr_array[np.float64]:
    """Cost of a step of every lot in the scenarios it is bought in [scenario × lot]."""
    lots, count = first.terms.lots, len(first.problem.probability)
    rows = np.array([s for lot in lots for s in lot.group], dtype=np.intp)
    columns = np.repeat(positions(len(lots)), [len(lot.group) for lot in lots])
    costs = np.array([lot.cost_usd for lot in lots], dtype=np.float64)
    return entries(costs[columns], rows, columns, (count, len(lots))).tocsr()
