"""Tightens models of whole machines: what each capacity reserved leaves to pay on demand.

The relaxation of a model of whole machines covers each hour by a fraction of a machine. Where a
workload's reservations serve no other, what it pays on demand in an hour depends on one whole
number alone: the increments of its demand that reserved machines serve. The least cost of the
rest is a small knapsack, tabled beforehand for every number; one column per number then makes the
relaxation see true costs. Solutions stay the same: the rows hold for all of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.fleet import Candidate
from planner.formulation.terms import Commitments, Terms, entries, positions
from solvers import Block, LinearModel

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

LARGEST_TABLE = 2 * 10**6
"""Entries of rows beyond this cost more than they save."""

MOST_STEPS = 10**4
"""Columns of one workload and stage beyond this do."""


@dataclass(frozen=True)
class Ladder:
    """A workload whose reservations serve no other, in one stage.

    Attributes:
        workload: its position.
        stage: the stage.
        candidates: positions of its candidates.
        hours: merged hours of the stage in which it has demand.
        increments: its demand in them [hour].
        recourse_usd: least on-demand cost of an hour that lacks 0, 1, … increments; infinite where
            nothing of it is sold on demand.
    """

    workload: int
    stage: int
    candidates: tuple[int, ...]
    hours: Ints
    increments: Ints
    recourse_usd: Floats

    @property
    def steps(self) -> int:
        """Numbers of increments that reserved machines may serve, 0 included."""
        return len(self.recourse_usd)

    @property
    def least(self) -> int:
        """Increments that reserved machines must serve: all, where on demand serves none."""
        return self.steps - 1 if np.isinf(self.recourse_usd[-1]) else 0

    @property
    def name(self) -> str:
        """As columns and rows name it."""
        return f"of workload {self.workload} in stage {self.stage}"

    def cost_of_steps(self, worth: Floats) -> Floats:
        """On-demand cost of the whole stage [step], given what merged hours are worth [hour]."""
        if self.least:
            return np.zeros(self.steps)
        levels, level_of_hour = np.unique(self.increments, return_inverse=True)
        weight = np.bincount(level_of_hour, worth[self.hours])
        return np.asarray(weight @ self.cost_of_levels(levels), dtype=np.float64)

    def cost_of_levels(self, levels: Ints) -> Floats:
        """On-demand cost of an hour [level × step] that needs so many increments."""
        lacking = np.maximum(levels[:, None] - np.arange(self.steps)[None, :], 0)
        return np.asarray(self.recourse_usd[lacking], dtype=np.float64)


def tighten_recourse(model: LinearModel, terms: Terms, pools: Commitments) -> None:
    r"""An hour's on-demand cost is at least that of what reserved machines leave.

    .. math:: \sum_k z_{dwk} = 1, \quad
        \sum_k k z_{dwk} \le \sum_p serves_p R_{pw}, \quad
        \sum_{c \in d} a_c o_{gc} \ge \sum_k f_d(L_{dg} - k) z_{dwk}, \quad z \in \{0, 1\}

    :math:`z_{dwk}` says that reserved machines serve :math:`k` increments of workload :math:`d`,
    :math:`L_{dg}` is its demand, :math:`f_d` the least on-demand cost of what is left.
    """
    for ladder in find_ladders(terms):
        step = add_steps(model, terms, pools, ladder)
        if not ladder.least:
            _pay_rest(model, terms, ladder, step)


def add_steps(
    model: LinearModel,
    terms: Terms,
    pools: Commitments,
    ladder: Ladder,
    cost: Floats | float = 0.0,
) -> Block:
    """Declare the steps of a ladder: one is taken, no further than what is reserved reaches."""
    step = model.add(
        f"serve steps {ladder.name}",
        ladder.steps,
        upper=np.where(np.arange(ladder.steps) < ladder.least, 0.0, 1.0),
        cost=cost,
        integer=True,
    )
    ones = entries(1.0, _zeros(step.size), positions(step.size), (1, step.size))
    model.require(f"one step {ladder.name}", [(step, ones)], equal=1.0)
    _serve_reserved(model, terms, pools, ladder, step)
    return step


def find_ladders(terms: Terms) -> Iterator[Ladder]:
    """Standing workloads in each stage, as far as their tables stay small."""
    problem, left = terms.problem, LARGEST_TABLE
    for workload in terms.standing:
        members = problem.candidates_of(workload)
        candidates = [problem.candidates[i] for i in members]
        increments = candidates[0].increments[terms.groups.moment].astype(np.intp)
        if increments.max() > MOST_STEPS:
            return
        table = least_recourse_usd(candidates, int(increments.max()))
        for stage in range(terms.stages.count):
            hours = np.flatnonzero((terms.groups.stage == stage) & (increments > 0))
            if not len(hours):
                continue
            top = int(increments[hours].max())
            left -= (top + 1) * (1 + len(np.unique(increments[hours])))
            if left < 0:
                return
            least = table[: top + 1]
            yield Ladder(workload, stage, tuple(members), hours, increments[hours], least)


def least_recourse_usd(candidates: list[Candidate], top: int) -> Floats:
    """Least on-demand cost of machines that serve at least 0 … ``top`` increments."""
    sold = [one for one in candidates if one.machine.sold_on_demand]
    least = np.full(top + 1, np.inf)
    least[0] = 0.0
    if not sold:
        return least
    serves = np.array([one.serves for one in sold], dtype=np.intp)
    prices = np.array([float(one.machine.on_demand_usd) for one in sold])
    for lacking in range(1, top + 1):
        least[lacking] = np.min(prices + least[np.maximum(lacking - serves, 0)])
    return least


def _serve_reserved(
    model: LinearModel, terms: Terms, pools: Commitments, ladder: Ladder, step: Block
) -> None:
    """Steps keep to what the machines reserved can serve."""
    reserved = terms.reserved_columns(pools, ladder.workload, ladder.stage)
    amount = pools.amount
    column = np.array([at for at, _ in reserved], dtype=np.intp)
    rate = np.array([-serves for _, serves in reserved], dtype=np.float64)
    used = entries(
        np.arange(step.size, dtype=np.float64),
        _zeros(step.size),
        positions(step.size),
        (1, step.size),
    )
    have = entries(rate, _zeros(len(column)), column, (1, amount.size))
    model.require(f"steps reserved {ladder.name}", [(step, used), (amount, have)], at_most=0.0)


def _pay_rest(model: LinearModel, terms: Terms, ladder: Ladder, step: Block) -> None:
    """On-demand cost of every hour, through one column per distinct level of demand."""
    levels, level_of_hour = np.unique(ladder.increments, return_inverse=True)
    cost = ladder.cost_of_levels(levels)
    row, column = np.nonzero(cost)
    rest = model.add(f"rest {ladder.name}", len(levels))
    own = entries(1.0, positions(len(levels)), positions(len(levels)), (len(levels),) * 2)
    table = entries(-cost[row, column], row, column, cost.shape)
    model.require(f"cost of rest {ladder.name}", [(rest, own), (step, table)], equal=0.0)
    slices = {
        terms.problem.pools.slice_of(terms.problem.candidates[i].machine.resource)
        for i in ladder.candidates
    }
    inside = np.isin(terms.cell_slice, list(slices))
    row_of_hour = np.full(len(terms.groups.moment), -1, dtype=np.intp)
    row_of_hour[ladder.hours] = np.arange(len(ladder.hours))
    cells = np.flatnonzero(inside & (row_of_hour[terms.cell_hour] >= 0))
    height, on_demand = len(ladder.hours), model["serve on demand"]
    price = terms.price[terms.cell_slice[cells]]
    paid = entries(price, row_of_hour[terms.cell_hour[cells]], cells, (height, on_demand.size))
    due = entries(-1.0, positions(height), level_of_hour, (height, len(levels)))
    model.require(f"pay rest {ladder.name}", [(on_demand, paid), (rest, due)], at_least=0.0)


def _zeros(size: int) -> Ints:
    return np.zeros(size, dtype=np.intp)
