"""Hours' recourse problems as linear programs: slow, exact, for the few rows that need it."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp

from planner.recourse.structure import Floats, Structure
from solvers import RepeatedProgram

ROWS_PER_PROGRAM = 50
"""Rows solved in one program: few enough that solving time stays linear in rows."""


class HourPrograms:
    r"""The programs of rows, solved again and again from where they stood.

    .. math:: \min \sum_c a_c o_c \quad s.t.\; v_c + \sum_j s_{jc} + o_c = u_c,\;
        \sum_{c \in p} units_c v_c \le R_p,\; \sum_c r_{jc} s_{jc} \le C_j

    Args:
        structure: slices, pools and plans.
    """

    def __init__(self, structure: Structure) -> None:
        plan, covered = np.nonzero(np.isfinite(structure.rates))
        every = np.arange(structure.slices)
        slices, pools = structure.slices, structure.pools
        self._structure, self._served = structure, slices + len(covered)
        slice_of_column = np.concatenate([every, covered, every])
        target = np.concatenate([structure.pool_of_slice, pools + plan])
        columns = np.arange(len(slice_of_column))
        self._rows = sp.csr_array(
            (
                np.concatenate(
                    [np.ones(len(columns)), structure.units, structure.rates[plan, covered]]
                ),
                (
                    np.concatenate([slice_of_column, slices + target]),
                    np.concatenate([columns, columns[: len(target)]]),
                ),
            ),
            shape=(slices + pools + structure.plans, len(columns)),
        )
        self._programs: dict[int, RepeatedProgram] = {}
        self._bases: dict[tuple[int, int], Any] = {}

    def on_demand_usd(self, usage: Floats, dedicated: Floats, spend: Floats) -> Floats:
        r"""The least that each row pays on demand [row].

        Args:
            usage: usage of the slices [row × slice].
            dedicated: units committed [row × pool].
            spend: dollars per hour committed [row × plan].

        Raises:
            SolverFailedError: HiGHS stopped without an optimum.
        """
        limits = np.hstack([usage, dedicated, spend])
        cost = np.zeros(len(usage))
        for batch in _batches(len(usage)) if usage.size else ():
            cost[batch] = self._solve_together(batch.start, limits[batch])
        return cost

    def _solve_together(self, first: int, limits: Floats) -> Floats:
        """Solve a batch as the blocks of one program."""
        rows, price = len(limits), self._structure.on_demand_usd
        if rows not in self._programs:
            blocks = sp.kron(sp.eye_array(rows), self._rows, format="csc")
            self._programs[rows] = RepeatedProgram(sp.csc_array(blocks))
        at_least = limits.copy()
        at_least[:, self._structure.slices :] = -np.inf
        # Largest costs of 1: the solver's tolerances are absolute.
        dearest_usd = float(np.max(price)) or 1.0
        cost = np.tile(np.concatenate([np.zeros(self._served), price / dearest_usd]), rows)
        before = self._bases.get((rows, first), self._bases.get((rows, first - rows)))
        solved = self._programs[rows].solve(cost, at_least.ravel(), limits.ravel(), before)
        self._bases[rows, first] = solved.basis
        return np.asarray(solved.point.reshape(rows, -1)[:, self._served :] @ price)


def _batches(rows: int) -> Iterator[slice]:
    """Spans of rows."""
    for first in range(0, rows, ROWS_PER_PROGRAM):
        yield slice(first, min(first + ROWS_PER_PROGRAM, rows))
