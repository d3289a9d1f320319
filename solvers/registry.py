"""The solvers there are, by the name users choose them by."""

from solvers.backend import Backend
from solvers.errors import UnknownSolverError
from solvers.ortools_mathopt import MathOptSolver
from solvers.outcome import Solver
from solvers.pulp_backend import CbcSolver, PulpHighsSolver

_SOLVERS: dict[str, type[Backend]] = {
    "highs": MathOptSolver,
    "scip": MathOptSolver,
    "cp-sat": MathOptSolver,
    "cbc": CbcSolver,
    "pulp-highs": PulpHighsSolver,
}


def solver_names() -> tuple[str, ...]:
    """Names of all solvers, the default first."""
    return tuple(_SOLVERS)


def get_solver(name: str) -> Solver:
    """The solver of that name; raises UnknownSolverError. Its package loads at its first solve."""
    if name not in _SOLVERS:
        raise UnknownSolverError(name, solver_names())
    return _SOLVERS[name](name)
