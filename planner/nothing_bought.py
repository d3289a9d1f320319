"""The plan that buys nothing, for when a solver was stopped before it found another."""

import logging
from dataclasses import replace

import numpy as np

from planner.formulation import PlanningModel
from solvers import Limits, SolverError, get_solver
from solvers.model import CompiledModel, Floats

LINEAR, WHOLE = "highs", "scip"
"""Solvers of what remains without purchases, by whether it has whole numbers."""

LONGEST_S = 5.0
"""What either may take, after the deadline."""

ANY_GAP = 0.5
"""Any plan will do; solvers want a number."""

_TOLERANCE = 1e-6
_log = logging.getLogger(__name__)


def buy_nothing(planning: PlanningModel) -> Floats | None:
    """A point of the model [column] without purchases; None where there is none, or none in time.

    Without purchases the hours have little to do with each other, and most often the linear
    relaxation is whole; where machines are, it is not.
    """
    model = planning.linear.compile()
    upper = model.upper.copy()
    buy = planning.linear["buy"].slice
    upper[buy] = model.lower[buy]
    idle = replace(model, upper=upper)
    point = _point(idle.relaxed(), LINEAR)
    if point is not None and model.violation(point).scaled > _TOLERANCE:
        point = _point(idle, WHOLE)
    return None if point is None else np.where(model.integer, np.rint(point), point)


def _point(model: CompiledModel, solver: str) -> Floats | None:
    try:
        limits = Limits(time_limit_s=LONGEST_S, gap=ANY_GAP)
        return get_solver(solver).solve(model, limits).incumbent
    except SolverError as error:
        _log.warning("%s", error)
        return None
