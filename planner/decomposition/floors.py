"""Utilization floors in the master: columns for what is used, and cuts that reward its use."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from planner.decomposition.cuts import Cuts
from planner.formulation import Commitments, FirstStage, entries, positions
from planner.recourse import Point, Sums
from solvers import Block

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rewarded:
    """What a pass with rewards for use proves.

    Attributes:
        sums: of every segment, recourse cost less rewards.
        multipliers: the rewards in dollars per unit and hour [target].
        counts_cost: whether cost counts; without it, the sums are minus the greatest rewards.
    """

    sums: Sums
    multipliers: Floats
    counts_cost: bool


class Floors:
    r"""What commitments are used for in a stage, :math:`U_{tw}`, and the floors on it.

    .. math:: U_{tw} \le n_w R_{tw}, \qquad \sum_w U_{tw} \ge least \sum_w n_w R_{tw}
        \qquad \forall t

    A target t is a pool or, after these, a plan; :math:`R_{tw}` its units or dollars committed.
    What the hours let be used is known by cuts: with rewards :math:`\lambda_t` for use, the least
    cost less rewards of a stage's hours bounds :math:`\theta_w - \sum_t \lambda_t U_{tw}` from
    below. The best rewards at a plan are its floors' duals, so these cuts are all there is to know.
    Where no dispatch keeps the floors, the cuts that tell are those in which cost does not count.

    Attributes:
        share: the floor.
        block: the columns U.
    """

    def __init__(self, first: FirstStage, share: float) -> None:
        self.share, self._stages = share, first.terms.stages
        commitments = (first.pools, first.plans)
        at = np.vstack([one.at for one in commitments])
        self.targets = len(at)
        self._target, self._stage = np.nonzero(at >= 0)
        self.block = first.model.add("use", len(self._target))
        committed = [(one.amount, self._committed_hours(first, one)) for one in commitments]
        own = positions(self.block.size)
        model, shape = first.model, (self.targets, self.block.size)
        total = entries(1.0, self._target, own, shape).tocsr()
        model.require(
            "use of commitments",
            [(self.block, sp.eye_array(self.block.size)), *((a, -hours) for a, hours in committed)],
            at_most=0.0,
        )
        model.require(
            "utilization of commitments",
            [(self.block, total), *((a, -share * (total @ hours)) for a, hours in committed)],
            at_least=0.0,
        )

    def _committed_hours(
        self, first: FirstStage, commitments: Commitments
    ) -> sp.csr_array[np.float64]:
        """Expected hours that a unit of every amount is committed for [column × amount]."""
        before = 0 if commitments is first.pools else len(first.pools.at)
        inside = (self._target >= before) & (self._target < before + len(commitments.at))
        column = np.flatnonzero(inside)
        stage = self._stage[column]
        amount = commitments.at[self._target[column] - before, stage]
        shape = (self.block.size, commitments.amount.size)
        return entries(self._stages.hours[stage], column, amount, shape).tocsr()

    def required(self, point: Point) -> Floats:
        """What must be used of what is committed at a point, in expected hours [target]."""
        committed = np.hstack([point.dedicated, point.spend])
        return np.asarray(self.share * (self._stages.hours @ committed))

    def most(self, point: Point) -> Floats:
        """The most that can be used of what is committed at a point [column of U]."""
        committed = np.hstack([point.dedicated, point.spend])
        return self.columns(committed * self._stages.hours[:, None])

    def columns(self, used: Floats) -> Floats:
        """Values of U where so much is used, in expected hours [stage × target]."""
        return np.asarray(used[self._stage, self._target])

    def counted(self, cuts: Cuts, rewarded: Rewarded, recourse: Block) -> Cuts:
        """Cuts by stage of the sums alone, once rewards and cost count as they did in them."""
        shape = (self._stages.count, cuts.matrix.shape[1])
        own = positions(self.block.size)
        rewards = entries(
            rewarded.multipliers[self._target], self._stage, self.block.start + own, shape
        )
        matrix = cuts.matrix - rewards.tocsr()
        if not rewarded.counts_cost:
            stage = positions(self._stages.count)
            matrix = matrix - entries(1.0, stage, recourse.start + stage, shape).tocsr()
        matrix = sp.csr_array(matrix)
        matrix.eliminate_zeros()
        return Cuts(matrix, cuts.constant)
