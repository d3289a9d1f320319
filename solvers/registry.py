"""The solvers there are, by the name users choose them by."""

from solvers.backend import Backend
from solvers.errors import UnknownSolverError
from solvers.ortools_mathopt import MathOptSolver
from solvers.outcome import Solver
from solvers.pulp_backend import CbcSolver, PulpHighsSolver
from solvers.race import Race

_SOLVERS: dict[str, type[Backend]] = {
    "highs": MathOptSolver,
    "scip": MathOptSolver,
    "cp-sat": MathOptSolver,
    "cbc": CbcSolver,
    "pulp-highs": PulpHighsSolver,
}

_PARTNERS = {"highs": ("scip",)}
"""Solvers that race beside the default: neither is the quicker one everywhere."""


def solver_names() -> tuple[str, ...]:
    """Names of all solvers, the default first."""
    return tuple(_SOLVERS)


def get_solver(name: str) -> Solver:
    """The solver of that name; raises UnknownSolverError. Its package loads at its first solve."""
    if name not in _SOLVERS:
        raise UnknownSolverError(name, solver_names())
    return _SOLVERS[name](name)


def get_racing(name: str) -> Solver:
    """The solver of that name, beside others on models of some size where it has partners.

    Raises UnknownSolverError.
    """
    partners = _PARTNERS.get(name, ())
    if not partners:
        return get_solver(name)
    return Race((get_solver(name), *(get_solver(one) for one in partners)))
