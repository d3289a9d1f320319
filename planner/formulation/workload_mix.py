"""Where workloads with a choice of machines run, and the bounds that keeps to.

Names in the formulas are those of `planner.formulation.first_stage`.
"""

import numpy as np
import scipy.sparse as sp

from planner.fleet.placement import bounds_of
from planner.formulation.terms import Commitments, Terms, entries, positions
from planner.usage import whole
from solvers import LinearModel


def run_workloads(model: LinearModel, terms: Terms, pools: Commitments) -> None:
    r"""Where workloads with a choice of machines run.

    Fractional machines are mixed by stage, whole ones counted by hour:

    .. math:: \sum_i \varphi_{diw} = 1
        \qquad\text{or}\qquad \sum_i n_{dig} / needed_{dig} \ge 1,\; n \in \mathbb{N}

    Software is paid for what runs, whatever is committed. Where a workload's reserved machines
    serve no other, they run all the time and :math:`n` counts those beside them.
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
        cost=terms.problem.mean_weight * mix.expected_software_usd(terms.problem.probability),
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
