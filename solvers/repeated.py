"""A linear program solved again and again, with other costs and limits on the same rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from solvers.errors import SolverFailedError
from solvers.highs import run, started
from solvers.model import Floats

_NAME = "highs"


@dataclass(frozen=True, eq=False)
class Repetition:
    """The optimum for one set of costs and limits.

    Attributes:
        point: the columns' values [column].
        prices: what one more unit of a row's limit adds to the optimum [row].
        basis: where the next solve of similar costs and limits may start.
    """

    point: Floats
    prices: Floats
    basis: Any


class RepeatedProgram:
    """Columns at or above 0 in rows that stay the same, solved by HiGHS's simplex.

    Args:
        matrix: the rows [row × column].
    """

    def __init__(self, matrix: sp.csc_array[np.float64]) -> None:
        rows, columns = matrix.shape
        none, free = np.zeros(columns), np.full(columns, np.inf)
        limits = np.zeros(rows), np.zeros(rows)
        self._rows = np.arange(rows, dtype=np.int32)
        self._columns = np.arange(columns, dtype=np.int32)
        self._highs = started(_NAME, none, (none, free), matrix, limits)

    def solve(
        self,
        cost: Floats,
        at_least: Floats,
        at_most: Floats,
        basis: Any = None,  # noqa: ANN401 - highspy is untyped here
    ) -> Repetition:
        """The optimum; starts from a basis that an earlier solve ended at, if given.

        Raises SolverFailedError where there is none.
        """
        highs = self._highs
        highs.clearSolver()
        highs.changeColsCost(len(self._columns), self._columns, cost)
        highs.changeRowsBounds(len(self._rows), self._rows, at_least, at_most)
        if basis is not None:
            highs.setBasis(basis)
        status = run(highs)
        if status.name != "kOptimal":
            raise SolverFailedError(_NAME, highs.modelStatusToString(status))
        solution = highs.getSolution()
        return Repetition(
            point=np.array(solution.col_value),
            prices=np.array(solution.row_dual),
            basis=highs.getBasis(),
        )
