"""A linear program solved again and again, with other costs and limits on the same rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from solvers.errors import SolverFailedError
from solvers.highs import started
from solvers.model import Floats

_NAME = "highs"

_WAYS: tuple[dict[str, object], ...] = (
    {},
    {"simplex_strategy": 4},
    {"solver": "ipm"},
)
"""Ways of solving: where one ends undecided, at the edge of feasibility, the next need not. The
dual simplex first, then the primal one, then the interior point."""


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
        highs.changeColsCost(len(self._columns), self._columns, cost)
        highs.changeRowsBounds(len(self._rows), self._rows, at_least, at_most)
        starts = (None,) if basis is None else (basis, None)
        if not any(self._ends(way, start) for way in _WAYS for start in starts):
            status = highs.modelStatusToString(highs.getModelStatus())
            raise SolverFailedError(_NAME, status)
        solution = highs.getSolution()
        return Repetition(
            point=np.array(solution.col_value),
            prices=np.array(solution.row_dual),
            basis=highs.getBasis(),
        )

    def _ends(self, way: dict[str, object], basis: Any) -> bool:  # noqa: ANN401 - untyped
        """Whether a way of solving ends at an optimum."""
        highs = self._highs
        highs.clearSolver()
        if basis is not None:
            highs.setBasis(basis)
        before = {name: highs.getOptionValue(name)[1] for name in way}
        for name, value in way.items():
            highs.setOptionValue(name, value)
        highs.run()
        for name, value in before.items():
            highs.setOptionValue(name, value)
        return bool(highs.getModelStatus().name == "kOptimal")
