"""Hours' recourse problems as linear programs: slow, exact, for the few rows that need it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from planner.recourse.structure import Floats, Multipliers, Structure
from solvers import RepeatedProgram

NOTHING = 1e-9
"""Dual prices below this share of the highest are what the solver rounded."""

ROWS_PER_PROGRAM = 50
"""Rows solved in one program: few enough that solving time stays linear in rows."""


@dataclass(frozen=True)
class Solutions:
    """Optimal dispatch and duals of rows.

    Attributes:
        on_demand_usd: what is paid on demand, as it is priced [row].
        usage: dual price of a slice's usage [row × slice].
        dedicated: what one more unit of a pool saves [row × pool].
        spend: what one more dollar per hour of a plan saves [row × plan].
        used_dedicated: pool units in use [row × pool].
        used_spend: plans' dollars in use [row × plan].
    """

    on_demand_usd: Floats
    usage: Floats
    dedicated: Floats
    spend: Floats
    used_dedicated: Floats
    used_spend: Floats


class HourPrograms:
    r"""The programs of rows, solved again and again from where they stood.

    .. math:: \min w \sum_c a_c o_c - \sum_c \lambda_{p(c)} units_c v_c
        - \sum_{jc} \lambda_j r_{jc} s_{jc} \quad s.t.\; v_c + \sum_j s_{jc} + o_c = u_c,\;
        \sum_{c \in p} units_c v_c \le R_p,\; \sum_c r_{jc} s_{jc} \le C_j

    Args:
        structure: slices, pools and plans.
    """

    def __init__(self, structure: Structure) -> None:
        self._structure = structure
        plan, covered = np.nonzero(np.isfinite(structure.rates))
        every = np.arange(structure.slices)
        self._plan, self._rate = plan, structure.rates[plan, covered]
        self._slice = np.concatenate([every, covered, every])
        slices, pools, columns = structure.slices, structure.pools, len(self._slice)
        target = np.concatenate([structure.pool_of_slice, pools + plan])
        served = np.arange(columns)
        self._rows = sp.csr_array(
            (
                np.concatenate([np.ones(columns), structure.units, self._rate]),
                (
                    np.concatenate([self._slice, slices + target]),
                    np.concatenate([served, served[: len(target)]]),
                ),
            ),
            shape=(slices + pools + structure.plans, columns),
        )
        self._programs: dict[int, RepeatedProgram] = {}
        self._bases: dict[tuple[int, int], Any] = {}

    def solve(
        self,
        usage: Floats,
        dedicated: Floats,
        spend: Floats,
        multipliers: Multipliers | None = None,
        dollars: Floats | None = None,
        tie_usd: float = 0.0,
    ) -> Solutions:
        r"""Solve each row's problem.

        Args:
            usage: usage of the slices [row × slice].
            dedicated: units committed [row × pool].
            spend: dollars per hour committed [row × plan].
            multipliers: the rewards :math:`\lambda`; None for none.
            dollars: what a dollar on demand counts for, :math:`w` [row]; None for 1.
            tie_usd: rewards beyond these for every target, under which the dispatch is optimal;
                the duals are of the problem without them.

        Raises:
            SolverFailedError: HiGHS stopped without an optimum.
        """
        rows, structure = len(usage), self._structure
        counts = np.ones(rows) if dollars is None else dollars
        rewards = multipliers or Multipliers(np.zeros(structure.pools), np.zeros(structure.plans))
        limits = np.hstack([usage, dedicated, spend])
        served = np.zeros((rows, len(self._slice)))
        prices = np.zeros(limits.shape)
        for batch in _batches(rows) if usage.size else ():
            if tie_usd:
                cost = self._costs(rewards, counts[batch], tie_usd)
                served[batch] = self._solve_together(batch.start, cost, limits[batch])[0]
            cost = self._costs(rewards, counts[batch], 0.0)
            plain, prices[batch] = self._solve_together(batch.start, cost, limits[batch])
            served[batch] = served[batch] if tie_usd else plain
        return self._solutions(served, prices, rewards, counts)

    def _costs(self, rewards: Multipliers, dollars: Floats, tie_usd: float) -> Floats:
        """Costs of the columns [row × column]: dedicated, plans, on demand."""
        structure, rows = self._structure, len(dollars)
        dedicated = -(rewards.pools + tie_usd)[structure.pool_of_slice] * structure.units
        spend = -(rewards.plans + tie_usd)[self._plan] * self._rate
        rewarded = np.concatenate([dedicated, spend])
        on_demand = np.outer(dollars, structure.on_demand_usd)
        return np.hstack([np.broadcast_to(rewarded, (rows, len(rewarded))), on_demand])

    def _solve_together(self, first: int, cost: Floats, limits: Floats) -> tuple[Floats, Floats]:
        """Solve a batch as the blocks of one program: what is served, and the limits' prices."""
        rows = len(cost)
        if rows not in self._programs:
            blocks = sp.kron(sp.eye_array(rows), self._rows, format="csc")
            self._programs[rows] = RepeatedProgram(sp.csc_array(blocks))
        at_least = limits.copy()
        at_least[:, self._structure.slices :] = -np.inf
        # Largest costs of 1: the solver's tolerances are absolute.
        scale = float(np.max(np.abs(cost))) or 1.0
        before = self._bases.get((rows, first), self._bases.get((rows, first - rows)))
        solved = self._programs[rows].solve(
            cost.ravel() / scale, at_least.ravel(), limits.ravel(), before
        )
        self._bases[rows, first] = solved.basis
        return solved.point.reshape(cost.shape), scale * solved.prices.reshape(limits.shape)

    def _solutions(
        self, served: Floats, prices: Floats, rewards: Multipliers, dollars: Floats
    ) -> Solutions:
        """Duals that are feasible whatever the solver rounded, and what is used."""
        structure = self._structure
        slices, pools = structure.slices, structure.pools
        least = NOTHING * float(np.max(np.abs(prices), initial=0.0))
        saved = np.where(-prices[:, slices:] > least, -prices[:, slices:], 0.0)
        dedicated, spend = saved[:, :pools], saved[:, pools:]
        usage = np.outer(dollars, structure.on_demand_usd)
        reward = rewards.pools[structure.pool_of_slice]
        np.minimum(
            usage, (dedicated[:, structure.pool_of_slice] - reward) * structure.units, out=usage
        )
        for plan, rate in enumerate(structure.rates):
            covered = np.isfinite(rate)
            served_usd = (spend[:, [plan]] - rewards.plans[plan]) * rate[covered]
            usage[:, covered] = np.minimum(usage[:, covered], served_usd)
        used = served @ self._rows[slices:].T
        return Solutions(
            on_demand_usd=served[:, -slices:] @ structure.on_demand_usd,
            usage=usage,
            dedicated=dedicated,
            spend=spend,
            used_dedicated=used[:, :pools],
            used_spend=used[:, pools:],
        )


def _batches(rows: int) -> Iterator[slice]:
    """Spans of rows."""
    for first in range(0, rows, ROWS_PER_PROGRAM):
        yield slice(first, min(first + ROWS_PER_PROGRAM, rows))
