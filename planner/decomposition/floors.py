"""Utilization floors in the master: columns for what is used, and cuts that bound it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from planner.decomposition.cuts import CutRows, Cuts, Own
from planner.formulation import Commitments, FirstStage, entries, positions
from planner.recourse import MostUse, OwnUse, Point, Structure, Sums

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class UseProof:
    """What bounds the use of commitments.

    Attributes:
        rewards: dollars per hour of use [target].
        usage: reward per unit of a pair's factor [segment × pair].
        committed: reward per unit of a target's commitment [segment × target].
    """

    rewards: Floats
    usage: Floats
    committed: Floats

    @classmethod
    def of_most(cls, found: MostUse, rewards: Floats) -> "UseProof":
        """What the greatest rewards prove."""
        return cls(rewards, found.usage, found.committed)

    @classmethod
    def of_target(cls, own: OwnUse, target: int, structure: Structure, reward: float) -> "UseProof":
        """That a target is used for no more than it would be if there were no other."""
        mine = own.entry_target == target
        usage = np.zeros((len(own.usage), len(structure.pair_slice)))
        usage[:, own.entry_pair[mine]] = reward * own.usage[:, mine]
        committed = np.zeros(own.full.shape)
        committed[:, target] = reward * own.full[:, target]
        rewards = np.zeros(own.full.shape[1])
        rewards[target] = reward
        return cls(rewards, usage, committed)


class Floors:
    r"""What commitments are used for in a stage, :math:`U_{tw}`, and the floors on it.

    .. math:: U_{tw} \le n_w R_{tw}, \qquad \sum_w U_{tw} \ge least \sum_w n_w R_{tw}
        \qquad \forall t

    A target t is a pool or, after these, a plan; :math:`R_{tw}` its units or dollars committed.
    What the hours let be used is known by cuts: whatever the rewards :math:`\lambda \ge 0`, prices
    :math:`\alpha, \beta` that are feasible in the dual of each hour's greatest reward bound

    .. math:: \sum_t \lambda_t U_{tw} \le \sum_{g \in w} n_g
        \Bigl( \sum_t \alpha_{tg} R_{tw} + \sum_c \beta_{cg} u_{cg} \Bigr)

    Costs have no part in it: what hours cost does not depend on how much is used.

    Attributes:
        share: the floor.
        block: the columns U.
        values_usd: what an hour's use of a unit saves on demand at the most [target].
    """

    def __init__(self, first: FirstStage, structure: Structure, share: float) -> None:
        self.share, self._stages, self._structure = share, first.terms.stages, structure
        commitments = (first.pools, first.plans)
        at = np.vstack([one.at for one in commitments])
        self.targets = len(at)
        self.values_usd = _values_usd(structure)
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

    def proofs_of_own(self, own: OwnUse, targets: Sequence[int]) -> list[UseProof]:
        """What some targets' own use proves."""
        return [
            UseProof.of_target(own, target, self._structure, float(self.values_usd[target]))
            for target in targets
        ]

    @property
    def own(self) -> Own:
        """Where cuts have what is used: a row for each stage."""
        return Own(self._stage, self.block.start + positions(self.block.size))

    def cuts(self, proof: UseProof, rows: CutRows) -> Cuts:
        """Cuts by stage of what is proven."""
        pools = self._structure.pools
        bound = Sums(
            value_usd=np.zeros(len(proof.usage)),
            usage=-proof.usage,
            dedicated=proof.committed[:, :pools],
            spend=proof.committed[:, pools:],
            doubtful_rows=0,
        )
        return rows.of(bound, -proof.rewards[self._target])


def _values_usd(structure: Structure) -> Floats:
    """What a unit of every target saves on demand at the most [target]."""
    price = structure.on_demand_usd
    values = np.zeros(structure.pools + structure.plans)
    np.maximum.at(values, structure.pool_of_slice, price / structure.units)
    values[structure.pools :] = np.max(price / structure.rates, axis=1, initial=0.0)
    return np.where(values > 0.0, values, 1.0)
