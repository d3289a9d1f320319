"""Hours' recourse problems as linear programs: slow, exact, for the few rows that need it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.optimize import linprog

from planner.recourse.structure import Floats, Ints, Multipliers, Structure

ROWS_PER_PROGRAM = 200
"""Rows solved in one program: few enough that solving time stays linear in rows."""


class HourProgramError(Exception):
    """HiGHS did not solve hours' recourse problems, which always have an optimum."""


@dataclass(frozen=True)
class Solutions:
    """Optimal costs and duals of rows.

    Attributes:
        cost_usd: [row].
        usage: dual price of a slice's usage [row × slice].
        dedicated: what one more unit of a pool saves [row × pool].
        spend: what one more dollar per hour of a plan saves [row × plan].
        used_dedicated: pool units in use [row × pool].
        used_spend: plans' dollars in use [row × plan].
    """

    cost_usd: Floats
    usage: Floats
    dedicated: Floats
    spend: Floats
    used_dedicated: Floats
    used_spend: Floats


@dataclass(frozen=True)
class _Service:
    """Ways to serve a slice, one column each in every row: dedicated, plans, on demand."""

    slice: Ints
    cost_usd: Floats
    dedicated: sp.csr_array[np.float64]
    spend: sp.csr_array[np.float64]


def solve_rows(
    structure: Structure,
    usage: Floats,
    dedicated: Floats,
    spend: Floats,
    multipliers: Multipliers | None = None,
) -> Solutions:
    r"""Solve each row's problem.

    .. math:: \min \sum_c a_c o_c - \sum_c \lambda_{p(c)} units_c v_c - \sum_{jc} \lambda_j r_{jc}
        s_{jc} \quad s.t.\; v_c + \sum_j s_{jc} + o_c = u_c,\; \sum_{c \in p} units_c v_c \le R_p,\;
        \sum_c r_{jc} s_{jc} \le C_j

    Args:
        structure: slices, pools and plans.
        usage: usage of the slices [row × slice].
        dedicated: units committed [row × pool].
        spend: dollars per hour committed [row × plan].
        multipliers: the rewards :math:`\lambda`; None for none.

    Raises:
        HourProgramError: HiGHS stopped without an optimum.
    """
    service = _ways_to_serve(structure, multipliers)
    parts = [
        _solve_together(structure, service, usage[rows], dedicated[rows], spend[rows])
        for rows in _batches(len(usage))
    ]
    return Solutions(
        *(
            np.concatenate([np.asarray(getattr(part, name)) for part in parts])
            for name in Solutions.__dataclass_fields__
        )
    )


def _batches(rows: int) -> Iterator[slice]:
    """Spans of rows; one empty span for none."""
    for first in range(0, max(rows, 1), ROWS_PER_PROGRAM):
        yield slice(first, first + ROWS_PER_PROGRAM)


def _ways_to_serve(structure: Structure, multipliers: Multipliers | None) -> _Service:
    """Columns of one row's program."""
    pools, plans, slices = structure.pools, structure.plans, structure.slices
    every = np.arange(slices)
    plan, covered = np.nonzero(np.isfinite(structure.rates))
    rate = structure.rates[plan, covered]
    columns = 2 * slices + len(plan)
    rewards = multipliers or Multipliers(np.zeros(pools), np.zeros(plans))
    used = slices + np.arange(len(plan))
    return _Service(
        slice=np.concatenate([every, covered, every]),
        cost_usd=np.concatenate(
            [
                -rewards.pools[structure.pool_of_slice] * structure.units,
                -rewards.plans[plan] * rate,
                structure.on_demand_usd,
            ]
        ),
        dedicated=_matrix(structure.units, structure.pool_of_slice, every, (pools, columns)),
        spend=_matrix(rate, plan, used, (plans, columns)),
    )


def _matrix(
    values: Floats, rows: NDArray[np.intp], columns: NDArray[np.intp], shape: tuple[int, int]
) -> sp.csr_array[np.float64]:
    """A sparse matrix from its entries."""
    return sp.csr_array((values, (rows, columns)), shape=shape)


def _solve_together(
    structure: Structure, service: _Service, usage: Floats, dedicated: Floats, spend: Floats
) -> Solutions:
    """Solve a batch of rows as the blocks of one program."""
    rows, columns = len(usage), len(service.slice)
    pools, plans = structure.pools, structure.plans
    if not usage.size:
        return Solutions(np.zeros(rows), usage, dedicated * 0, spend * 0, dedicated * 0, spend * 0)
    serve = _matrix(
        np.ones(columns), service.slice, np.arange(columns), (structure.slices, columns)
    )
    limits = sp.vstack([service.dedicated, service.spend])
    every = sp.eye_array(rows)
    result = linprog(  # type: ignore[call-overload]  # sparse matrices are taken, its stubs forget
        np.tile(service.cost_usd, rows),
        A_ub=sp.kron(every, limits, format="csr"),
        b_ub=np.hstack([dedicated, spend]).ravel(),
        A_eq=sp.kron(every, serve, format="csr"),
        b_eq=usage.ravel(),
        method="highs",
    )
    if result.status != 0:
        raise HourProgramError(f"HiGHS stopped with: {result.message}")
    served = result.x.reshape(rows, columns)
    saved = -result.ineqlin.marginals.reshape(rows, pools + plans)
    return Solutions(
        cost_usd=served @ service.cost_usd,
        usage=result.eqlin.marginals.reshape(usage.shape),
        dedicated=saved[:, :pools],
        spend=saved[:, pools:],
        used_dedicated=served @ service.dedicated.T,
        used_spend=served @ service.spend.T,
    )
