"""A linear program that grows by rows and is solved again from where it stood."""

import time
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from solvers.errors import SolverFailedError
from solvers.highs import run, started
from solvers.model import Block, CompiledModel, Floats

_NAME = "highs"
_NO_BOUND = 1e30

_SIZE = 1e4
"""The size that a model is scaled to: large enough for HiGHS's absolute tolerances."""

_TOUCH = 1e-6
"""Rows with more room than this, beside the size of their bound, are not touched."""


@dataclass(frozen=True, eq=False)
class Answer:
    """The optimum of the rows so far.

    Attributes:
        point: the columns' values, none beyond its limits [column].
        objective: its cost, offset included.
        bound: no point costs less; computed by us from the dual prices, whatever their rounding.
        reduced: what a column's unit adds to the bound beyond its lower limit [column].
        prices: what one more unit of a row's bound adds to the objective [row so far].
        iterations: simplex steps this solve took.
    """

    point: Floats
    objective: float
    bound: float
    reduced: Floats
    prices: Floats
    iterations: int


class CuttingPlanes:
    """A continuous model to which rows are added, solved by HiGHS's dual simplex from its basis.

    Args:
        model: the first rows; integrality is left out.
        widest: finite bounds that some optimum keeps (lower, upper) [column], for the bound's
            proof alone: columns without bounds of their own cannot make it worthless.
        size: what columns and rows are large against; tolerances are kept relative to it.
    """

    def __init__(
        self, model: CompiledModel, widest: tuple[Floats, Floats], size: float = 1.0
    ) -> None:
        # A power of two, so that nothing is rounded.
        self._scale = 2.0 ** round(np.log2(max(size / _SIZE, 1.0)))
        self._model, self._cost = model, model.cost
        self._lower = np.maximum(model.lower, widest[0])
        self._upper = np.minimum(model.upper, widest[1])
        self._rows = [model.matrix.tocsr()]
        self._row_bounds = [(model.row_lower, model.row_upper)]
        self._highs = started(
            _NAME,
            model.cost,
            (model.lower / self._scale, model.upper / self._scale),
            model.matrix,
            (model.row_lower / self._scale, model.row_upper / self._scale),
            model.offset / self._scale,
        )

    @property
    def rows(self) -> int:
        """Number of rows so far."""
        return sum(matrix.shape[0] for matrix in self._rows)

    @property
    def columns(self) -> int:
        """Number of columns so far."""
        return len(self._cost)

    @property
    def lower(self) -> Floats:
        """The model's lower limits [column of the model]."""
        return self._model.lower

    @property
    def upper(self) -> Floats:
        """The model's upper limits [column of the model]."""
        return self._model.upper

    def limit(self, block: Block, lower: Floats, upper: Floats) -> None:
        """Keep a block's columns within limits from here on, until told otherwise.

        The bounds of answers stay those of the model: limits have no part in them.
        """
        columns = np.arange(block.start, block.start + block.size, dtype=np.int32)
        self._highs.changeColsBounds(block.size, columns, lower / self._scale, upper / self._scale)

    def compiled(self) -> CompiledModel:
        """The model with its integrality and the rows so far, each once.

        Whole numbers keep within the widest bounds: solvers go wrong where they may be of any size.
        """
        model, beyond = self._model, np.zeros(self.columns - self._model.columns)
        rows, (lower, upper) = self._all_rows(), self._all_bounds()
        kept = _distinct(rows, lower, model.rows)
        matrix = sp.csc_array(rows[kept])
        matrix.eliminate_zeros()
        integer = np.concatenate([model.integer, beyond != 0.0])
        own = np.concatenate([model.upper, self._upper[model.columns :]])
        return CompiledModel(
            cost=self._cost,
            lower=np.concatenate([model.lower, beyond]),
            upper=np.where(integer, self._upper, own),
            integer=integer,
            matrix=matrix,
            row_lower=lower[kept],
            row_upper=upper[kept],
            offset=model.offset,
        )

    def thin(self) -> None:
        """Drop added rows that the last solve's optimum does not touch."""
        solution = self._highs.getSolution()
        lower, upper = self._all_bounds()
        least = lower[self._model.rows :]
        idle = np.array(solution.row_dual) == 0.0
        room = np.array(solution.row_value)[self._model.rows :] * self._scale - least
        idle[self._model.rows :] &= room > _TOUCH * (1 + np.abs(least))
        idle[: self._model.rows] = False
        dropped = np.flatnonzero(idle).astype(np.int32)
        if not len(dropped):
            return
        self._highs.deleteRows(len(dropped), dropped)
        self._rows = [sp.csr_array(self._all_rows()[~idle])]
        self._row_bounds = [(lower[~idle], upper[~idle])]

    def widen(self, columns: int, most: float) -> int:
        """Add columns without cost, from 0 to ``most``, for rows added from here on.

        Returns the first of them.
        """
        first = self.columns
        none = np.zeros(columns)
        self._cost = np.concatenate([self._cost, none])
        self._lower = np.concatenate([self._lower, none])
        self._upper = np.concatenate([self._upper, np.full(columns, most)])
        starts = np.zeros(columns, dtype=np.int32)
        indices = np.zeros(0, dtype=np.int32)
        upper = np.full(columns, most / self._scale)
        self._highs.addCols(columns, none, none, upper, 0, starts, indices, np.zeros(0))
        return first

    def add(self, matrix: sp.csr_array[np.float64], at_least: Floats) -> None:
        """Add the rows ``matrix @ point >= at_least``."""
        height = matrix.shape[0]
        self._rows.append(matrix)
        self._row_bounds.append((at_least, np.full(height, np.inf)))
        self._highs.addRows(
            height,
            at_least / self._scale,
            np.full(height, _NO_BOUND),
            matrix.nnz,
            matrix.indptr.astype(np.int32),
            matrix.indices.astype(np.int32),
            matrix.data,
        )

    def solve(self, time_limit_s: float | None = None) -> Answer | None:
        """The optimum of the rows so far; None where they exclude each other.

        Raises SolverFailedError where it ends otherwise; TimeoutError at the time limit.
        """
        import highspy

        highs = self._highs
        spent = highs.getRunTime()
        limit = np.inf if time_limit_s is None else spent + time_limit_s
        highs.setOptionValue("time_limit", float(limit))
        began = time.perf_counter()
        status = run(highs)
        if status == highspy.HighsModelStatus.kInfeasible:
            return None
        if status == highspy.HighsModelStatus.kTimeLimit:
            raise TimeoutError(f"stopped after {time.perf_counter() - began:.1f} s")
        if status != highspy.HighsModelStatus.kOptimal:
            raise SolverFailedError(_NAME, highs.modelStatusToString(status))
        solution = highs.getSolution()
        info = highs.getInfo()
        prices = np.array(solution.row_dual)
        bound, reduced = self._bound(prices)
        return Answer(
            point=self._within(np.array(solution.col_value) * self._scale),
            objective=float(info.objective_function_value) * self._scale,
            bound=bound,
            reduced=reduced,
            prices=prices,
            iterations=max(int(info.simplex_iteration_count), 0),
        )

    def _within(self, point: Floats) -> Floats:
        """A point without what tolerance left beyond the columns' own limits."""
        own = self._model.columns
        most = np.concatenate([self._model.upper, self._upper[own:]])
        least = np.concatenate([self._model.lower, self._lower[own:]])
        return np.asarray(np.clip(point, least, most))

    def _bound(self, prices: Floats) -> tuple[float, Floats]:
        """What dual prices prove: rows at their bounds, columns at the cheaper of theirs."""
        lower, upper = self._all_bounds()
        at = np.where(prices > 0, lower, upper)
        prices = np.where(np.isfinite(at), prices, 0.0)
        bound = float(prices @ np.where(np.isfinite(at), at, 0.0))
        reduced = self._cost - self._all_rows().T @ prices
        cheapest = np.minimum(reduced * self._lower, reduced * self._upper)
        return bound + float(cheapest.sum()) + self._model.offset, reduced

    def _all_bounds(self) -> tuple[Floats, Floats]:
        """Bounds of the rows so far."""
        lower = np.concatenate([lower for lower, _ in self._row_bounds])
        upper = np.concatenate([upper for _, upper in self._row_bounds])
        return lower, upper

    def _all_rows(self) -> sp.csr_array[np.float64]:
        """The rows so far in one matrix."""
        if len(self._rows) > 1 or self._rows[0].shape[1] < self.columns:
            ends = np.cumsum([0, *(matrix.nnz for matrix in self._rows)])
            starts = [
                matrix.indptr[:-1] + end for matrix, end in zip(self._rows, ends, strict=False)
            ]
            self._rows = [
                sp.csr_array(
                    (
                        np.concatenate([matrix.data for matrix in self._rows]),
                        np.concatenate([matrix.indices for matrix in self._rows]),
                        np.concatenate([*starts, ends[-1:]]),
                    ),
                    shape=(self.rows, len(self._cost)),
                )
            ]
        return self._rows[0]


def _distinct(rows: sp.csr_array[np.float64], lower: Floats, first: int) -> NDArray[np.intp]:
    """Positions of the first rows, and of later ones that are not repeated."""
    seen: dict[tuple[bytes, bytes, float], int] = {}
    for row in range(first, rows.shape[0]):
        inside = slice(rows.indptr[row], rows.indptr[row + 1])
        key = rows.indices[inside].tobytes(), rows.data[inside].tobytes(), float(lower[row])
        seen.setdefault(key, row)
    return np.array([*range(first), *seen.values()], dtype=np.intp)
