"""What sustained use costs in months whose hours are priced together.

Everything else about an hour stands in `planner.formulation.extensive`; there a unit on demand in
an open month costs what its cheapest hour does. Here is what it costs beyond.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from planner.formulation.recourse_cost import RecourseCost
from planner.formulation.terms import Floats, Ints, Terms, entries, positions
from solvers import LinearModel


def stack_months(model: LinearModel, terms: Terms) -> tuple[RecourseCost, ...]:
    r"""A month's hours pay their prices in descending order of what is left on demand.

    With factors :math:`w_1 \ge w_2 \ge \dots` of the quarters of a month of :math:`N` hours, and
    :math:`T_k(o)` the sum of the :math:`k` largest hours, a pool's month costs

    .. math:: a \Bigl( w_4 \sum_h o_h + \sum_{q<4} (w_q - w_{q+1}) T_{qN/4}(o) \Bigr), \qquad
        T_k(o) = \min_{\theta \ge 0} \; k \theta + \sum_g n_g e_g, \quad e_g \ge o_g - \theta

    which is convex: the largest hours are the dearest choice of so many. Hours of the month that
    are not planned count as idle.

    Where money is discounted, the provider still ranks hours by usage alone, and what the
    :math:`k` largest are worth depends on which they are. This is no longer convex; it is at least
    the same with :math:`n_g` the worth of the hours and :math:`k` that of the :math:`k` planned
    hours worth least, which is what stands here: of the largest hours the model lets some pay the
    higher price only in part. At 8 % a year a month of N1 loses less than 0.2 % of its price by it.
    """
    stacks = list(_stacks(terms))
    if not stacks:
        return ()
    weight = terms.problem.mean_weight
    level_usd = np.concatenate([one.level_usd for one in stacks])
    excess_usd = np.concatenate([one.excess_usd for one in stacks])
    level = model.add("sustained level", len(level_usd), cost=weight * level_usd)
    excess = model.add("sustained excess", len(excess_usd), cost=weight * excess_usd)
    on_demand, height = model["serve on demand"], excess.size
    # Stacks stand one after the other, each with a level by future and a row by merged hour.
    row = np.cumsum([0, *(len(one.scenario) for one in stacks)])
    column = np.cumsum([0, *(len(one.level_usd) for one in stacks)])
    rows = np.concatenate([first + one.row for first, one in zip(row, stacks, strict=False)])
    cells = np.concatenate([one.cells for one in stacks])
    shares = np.concatenate([one.share for one in stacks])
    levels = [first + one.scenario for first, one in zip(column, stacks, strict=False)]
    model.require(
        "stack months",
        [
            (excess, entries(1.0, positions(height), positions(height), (height, height))),
            (level, entries(1.0, positions(height), np.concatenate(levels), (height, level.size))),
            (on_demand, entries(-shares, rows, cells, (height, on_demand.size))),
        ],
        at_least=0.0,
    )
    futures = positions(len(terms.problem.probability))
    return (
        RecourseCost(level, level_usd, np.tile(futures, len(stacks))),
        RecourseCost(excess, excess_usd, np.concatenate([one.scenario for one in stacks])),
    )


@dataclass(frozen=True)
class _Stack:
    """A step of a pool's prices in a month of every future; expected USD.

    Attributes:
        level_usd: what its level costs [scenario].
        excess_usd: what usage beyond it does [merged hour of the month].
        scenario: the future of each merged hour.
        row: the merged hour of each cell.
        cells: the cells.
        share: the price of each cell's unit as a share of the pool's dearest.
    """

    level_usd: Floats
    excess_usd: Floats
    scenario: Ints
    row: Ints
    cells: Ints
    share: Floats


def _stacks(terms: Terms) -> Iterator[_Stack]:
    """What is stacked: nothing where a month has no usage."""
    problem, groups = terms.problem, terms.groups
    worth = problem.calendar.worth[:-1]
    listed = np.array([float(part.listed_usd) for part in problem.pools.slices])
    for one in terms.open_months:
        cells = terms.cells_of(one)
        if not len(cells):
            continue
        hours, row = np.unique(terms.cell_hour[cells], return_inverse=True)
        dearest = float(listed[problem.pools.slices_of_pool(one.pool)].max())
        for step in one.steps:
            usd = step.drop * dearest
            yield _Stack(
                level_usd=usd * one.least_worth(worth, step) * problem.probability,
                excess_usd=usd * groups.worth[hours],
                scenario=groups.scenario[hours],
                row=row,
                cells=cells,
                share=listed[terms.cell_slice[cells]] / dearest,
            )
