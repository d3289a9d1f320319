"""HiGHS in this process: loading it beside OR-Tools' copy, and what its presolve may not touch."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import scipy.sparse as sp

from solvers.errors import SolverUnavailableError
from solvers.model import Floats

DEVEX = 1
"""HiGHS's option ``simplex_dual_edge_weight_strategy``."""

DUAL, PRIMAL = 1, 4
"""HiGHS's option ``simplex_strategy``."""

_ATTEMPTS: tuple[tuple[str, int], ...] = (
    ("simplex", DUAL),
    ("simplex", PRIMAL),
    ("ipm", DUAL),
)
"""Solvers and strategies, each from nothing, where the basis at hand led nowhere."""

PRESOLVE_OF_INTEGERS = "off"
"""HiGHS's option ``presolve`` for models with integer columns.

With it HiGHS proves wrong optima: version 1.12, inside OR-Tools, in 1 of 600 masters of the
decomposition, and 1.14 even for "minimize 2 x + 3 z, x + z >= 4.5". Without it none was found, and
our models take as long.
"""


def load_beside_ortools(solver: str, package: str) -> Any:  # noqa: ANN401 - untyped packages
    """A package that holds or imports highspy; SolverUnavailableError where it is not installed.

    HiGHS inside OR-Tools crashes in a process that loaded highspy first: its calls land in the
    other copy. So OR-Tools, where installed, is loaded before.
    """
    if find_spec("ortools") is not None:
        import_module("ortools.math_opt.core.python.solver")
    try:
        return import_module(package)
    except ImportError as error:
        raise SolverUnavailableError(solver, package) from error


def started(
    solver: str,
    cost: Floats,
    columns: tuple[Floats, Floats],
    matrix: sp.csc_array[np.float64],
    rows: tuple[Floats, Floats],
    offset: float = 0.0,
) -> Any:  # noqa: ANN401 - highspy is untyped
    """HiGHS with a continuous program in it, silent and on one thread.

    Args:
        solver: who asks, for errors.
        cost: per unit of each column [column].
        columns: least and most of each column [column].
        matrix: the coefficients [row × column].
        rows: least and most of each row [row].
        offset: added to the cost.
    """
    highspy = load_beside_ortools(solver, "highspy")
    program = highspy.HighsLp()
    program.num_row_, program.num_col_ = matrix.shape
    program.col_cost_ = cost
    program.col_lower_, program.col_upper_ = columns
    program.row_lower_, program.row_upper_ = rows
    program.offset_ = offset
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_ = matrix.indptr
    program.a_matrix_.index_ = matrix.indices
    program.a_matrix_.value_ = matrix.data
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    # Devex weights need no solve with every new row's basis, as steepest edges do.
    highs.setOptionValue("simplex_dual_edge_weight_strategy", DEVEX)
    highs.passModel(program)
    return highs


def run(highs: Any) -> Any:  # noqa: ANN401 - highspy is untyped
    """Solve a continuous program from where it stands, whatever that takes; returns the status.

    From a basis of other costs or limits HiGHS now and then ends undecided, or not at all. From
    nothing it then finds its way, at the latest by another method.
    """
    import highspy

    decided = {
        highspy.HighsModelStatus.kOptimal,
        highspy.HighsModelStatus.kInfeasible,
        highspy.HighsModelStatus.kUnbounded,
        highspy.HighsModelStatus.kTimeLimit,
    }
    highs.run()
    for solver, strategy in _ATTEMPTS:
        if highs.getModelStatus() in decided:
            break
        highs.clearSolver()
        highs.setOptionValue("solver", solver)
        highs.setOptionValue("simplex_strategy", strategy)
        highs.run()
    highs.setOptionValue("solver", "choose")
    highs.setOptionValue("simplex_strategy", DUAL)
    return highs.getModelStatus()
