"""The best mixture of a few dispatches, group by group, that uses what floors require."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.optimize import linprog

from planner.recourse import Dispatch
from solvers import SolverFailedError

Floats = NDArray[np.float64]

KEPT = 1e-7
"""Floors missed by no more than this share are kept."""

NOTHING = 1e-7
"""Hours of use below this are what a solver rounded a commitment of 0 to."""

_PRECISE = {"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9}

_ATTEMPTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("highs-ds", _PRECISE),
    ("highs-ds", _PRECISE | {"presolve": False}),
    ("highs-ipm", _PRECISE),
    ("highs-ipm", {}),
)
"""At the edge of feasibility one way of solving may end undecided where the next does not."""


@dataclass(frozen=True)
class Mixture:
    """An optimal mixture.

    Attributes:
        shares: of every dispatch in every group [dispatch × group].
        keeps: whether it uses what is required.
        total: its expected cost in dollars; where it does not keep the floors, the expected hours
            of use that it misses, as few as can be.
        rewards: duals of the floors: what requiring an hour's use less would save [target].
    """

    shares: Floats
    keeps: bool
    total: float
    rewards: Floats


def mix(dispatches: Sequence[Dispatch], chance: Floats, required: Floats) -> Mixture:
    r"""The cheapest mixture that uses what is required; the nearest to it where there is none.

    .. math:: \min \sum_{kg} P_g cost_{kg} \alpha_{kg} \quad s.t.\; \sum_k \alpha_{kg} = 1,\;
        \sum_{kg} P_g used_{kgt} \alpha_{kg} \ge required_t

    What is missed counts in hours of use. Shares of what is required would tell as much, but let
    targets of which next to nothing is required have rewards beside which no others count.

    Args:
        dispatches: what may be mixed.
        chance: of every group's scenario [group].
        required: expected hours of use [target].

    Raises:
        SolverFailedError: HiGHS did not solve it.
    """
    needed = np.flatnonzero(required > NOTHING)
    least = required[needed]
    used = np.vstack([chance[:, None] * one.used[:, needed] for one in dispatches]).T
    cost = np.concatenate([chance * one.cost_usd for one in dispatches])
    nearest = _solve(np.zeros(len(cost)), used, least, missed=True, groups=len(chance))
    reached = used @ nearest.shares
    keeps = bool(np.all(reached >= least * (1.0 - KEPT)))
    if keeps:
        # No more than is reached: programs at the edge of feasibility may end undecided.
        least = np.minimum(least, reached)
        found = _solve(cost, used, least, missed=False, groups=len(chance))
    else:
        found = nearest
    rewards = np.zeros(len(required))
    rewards[needed] = found.rewards
    return Mixture(found.shares.reshape(len(dispatches), -1), keeps, found.total, rewards)


@dataclass(frozen=True)
class _Optimum:
    """Shares [dispatch, group], the optimum, and the floors' duals [floor]."""

    shares: Floats
    total: float
    rewards: Floats


def _solve(cost: Floats, used: Floats, least: Floats, *, missed: bool, groups: int) -> _Optimum:
    """The cheapest shares of columns that use [floor × column] enough, or miss it at 1 an hour."""
    floors, columns = used.shape
    whole = sp.hstack([sp.eye_array(groups).tocsr()] * (columns // groups)).tocsr()
    scale = np.where(least > 0, least, 1.0)
    if missed:
        scale = np.full(floors, float(least.max(initial=0.0)) or 1.0)
        whole = sp.hstack([whole, sp.csr_array((groups, floors))]).tocsr()
        used = np.hstack([used, np.eye(floors)])
        cost = np.concatenate([cost, np.ones(floors)])
    dearest = float(np.max(np.abs(cost), initial=0.0)) or 1.0
    for method, options in _ATTEMPTS:
        result = linprog(  # type: ignore[call-overload]  # its stubs forget sparse matrices
            cost / dearest,
            A_ub=sp.csr_array(-used / scale[:, None]),
            b_ub=-least / scale,
            A_eq=whole,
            b_eq=np.ones(groups),
            method=method,
            options=options,
        )
        if result.status == 0:
            break
    else:
        raise SolverFailedError("highs", result.message)
    shares = np.maximum(result.x[:columns].reshape(-1, groups), 0.0)
    rewards = np.maximum(-result.ineqlin.marginals, 0.0) * dearest / scale
    return _Optimum((shares / shares.sum(axis=0)).ravel(), dearest * float(result.fun), rewards)
