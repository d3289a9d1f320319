"""A linear or mixed-integer minimization, declared block by block, compiled once into arrays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int32]
Mask: TypeAlias = NDArray[np.bool_]
_Number = TypeVar("_Number", bound=np.generic)
Index: TypeAlias = Callable[[int], object] | Sequence[object]


class SparseMatrix(Protocol):
    """Any two-dimensional SciPy sparse matrix or array."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""

    def tocoo(self) -> Any:  # noqa: ANN401 - SciPy's stubs have no common type for its formats
        """The same matrix as coordinates."""


@dataclass(frozen=True)
class Block:
    """A named run of columns: ``size`` of them from column ``start``."""

    name: str
    start: int
    size: int

    @property
    def slice(self) -> slice:
        """Where the block's elements stand in a solution vector."""
        return slice(self.start, self.start + self.size)


@dataclass(frozen=True)
class RowBlock:
    """A named run of rows: ``size`` of them from row ``start``."""

    name: str
    start: int
    size: int

    @property
    def slice(self) -> slice:
        """Where the block's elements stand in a vector of row activities."""
        return slice(self.start, self.start + self.size)


@dataclass(frozen=True)
class Violation:
    """How far a point is from keeping the model's promises; all zero when it keeps them.

    ``row``, ``bound`` and ``integrality`` are the largest absolute violations, in the model's
    own units. ``scaled`` is the largest of all three after dividing each by the size of the
    numbers it was computed from (at least 1), so one tolerance fits large and small models.
    """

    row: float
    bound: float
    integrality: float
    scaled: float


@dataclass(frozen=True, eq=False)
class CompiledModel:
    """The model as arrays: minimize ``cost @ x + offset`` within column and row bounds.

    ``cost``, ``lower``, ``upper``: float64 [columns]; ``integer``: bool [columns];
    ``matrix``: float64 CSC [rows × columns], int32 indices, sorted, no duplicates, no explicit
    zeros; ``row_lower``, ``row_upper``: float64 [rows]. A missing bound is ±infinity.
    """

    cost: Floats
    lower: Floats
    upper: Floats
    integer: Mask
    matrix: sp.csc_array[np.float64]
    row_lower: Floats
    row_upper: Floats
    offset: float

    def compile(self) -> "CompiledModel":
        """Itself."""
        return self

    @property
    def columns(self) -> int:
        """Number of columns."""
        return len(self.cost)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.row_lower)

    def objective(self, values: Floats) -> float:
        """Cost of a point [columns], offset included."""
        return float(self.cost @ values) + self.offset

    def activity(self, values: Floats) -> Floats:
        """Left-hand side of every row at a point [columns]; shape [rows]."""
        return np.asarray(self.matrix @ values, dtype=np.float64)

    def violation(self, values: Floats) -> Violation:
        """Worst violation of rows, bounds and integrality at a point [columns].

        A value that is not a number violates everything infinitely.
        """
        if not np.isfinite(values).all():
            return Violation(np.inf, np.inf, np.inf, np.inf)
        row = _outside(self.activity(values), self.row_lower, self.row_upper)
        bound = _outside(values, self.lower, self.upper)
        whole = values[self.integer]
        integrality = np.abs(whole - np.round(whole))
        scaled_row = row / (1.0 + np.asarray(abs(self.matrix) @ np.abs(values)))
        scaled_bound = bound / (1.0 + np.abs(values))
        return Violation(
            row=_largest(row),
            bound=_largest(bound),
            integrality=_largest(integrality),
            scaled=max(_largest(scaled_row), _largest(scaled_bound), _largest(integrality)),
        )

    def relaxed(self) -> "CompiledModel":
        """The same model without integrality: its optimum bounds this one's from below."""
        return replace(self, integer=np.zeros(self.columns, dtype=np.bool_))


class Compilable(Protocol):
    """What a solver asks of a model."""

    def compile(self) -> CompiledModel:
        """The model as arrays."""


@dataclass(frozen=True, eq=False)
class _Columns:
    """What one block of columns holds; every array has the block's size."""

    lower: Floats
    upper: Floats
    cost: Floats
    integer: Mask


class LinearModel:
    """A minimization under construction: blocks of columns, then rows over whole blocks.

    >>> model = LinearModel()
    >>> buy = model.add("buy", 2, cost=[3.0, 5.0], integer=True, index=["m-1y", "m-3y"])
    >>> need = model.require("need", [(buy, sp.csr_array([[1.0, 2.0]]))], at_least=3.0)
    >>> model.column_name(1), model.row_name(0)
    ('buy[m-3y]', 'need[0]')
    """

    def __init__(self) -> None:
        self.offset = 0.0
        self._blocks: dict[str, Block] = {}
        self._row_blocks: dict[str, RowBlock] = {}
        self._index: dict[str, Index | None] = {}
        self._row_index: dict[str, Index | None] = {}
        self._columns: list[_Columns] = []
        self._row_bounds: list[tuple[Floats, Floats]] = []
        self._triplets: list[tuple[Integers, Integers, Floats]] = []
        self._size = 0
        self._height = 0

    def __getitem__(self, name: str) -> Block:
        """The block of columns of that name; KeyError where there is none."""
        return self._blocks[name]

    @property
    def columns(self) -> int:
        """Number of columns declared so far."""
        return self._size

    @property
    def rows(self) -> int:
        """Number of rows required so far."""
        return self._height

    def add(
        self,
        name: str,
        size: int,
        *,
        lower: ArrayLike = 0.0,
        upper: ArrayLike = np.inf,
        cost: ArrayLike = 0.0,
        integer: ArrayLike = False,
        index: Index | None = None,
    ) -> Block:
        """Declare ``size`` columns; bounds, cost and integrality are scalars or arrays [size].

        ``index`` names the elements: a sequence [size], or a callable from position to name,
        asked only when a name is wanted. Raises ValueError for a name already taken, for
        arrays of another size and for numbers that cannot stand in a model (nan, infinite cost).
        """
        _refuse_taken(name, self._blocks)
        _refuse_index_of_other_size(name, index, size)
        columns = _Columns(
            lower=_broadcast(f"{name}.lower", lower, size),
            upper=_broadcast(f"{name}.upper", upper, size),
            cost=_broadcast(f"{name}.cost", cost, size),
            integer=_broadcast(f"{name}.integer", integer, size) != 0.0,
        )
        if not np.isfinite(columns.cost).all():
            raise ValueError(f"{name}.cost: every cost must be finite")
        block = Block(name, self._size, size)
        self._blocks[name] = block
        self._index[name] = index
        self._columns.append(columns)
        self._size += size
        return block

    def require(
        self,
        name: str,
        terms: Sequence[tuple[Block, SparseMatrix]],
        *,
        at_least: ArrayLike | None = None,
        at_most: ArrayLike | None = None,
        equal: ArrayLike | None = None,
        index: Index | None = None,
    ) -> RowBlock:
        """Require ``Σ matrix @ block`` to lie within bounds, one row per matrix row.

        Each matrix is sparse [rows × block.size]; bounds are scalars or arrays [rows]; give
        ``equal``, or one or both of the others. ``index`` names rows as in :meth:`add`. Raises
        ValueError for a taken name, a foreign block, shapes that do not fit and missing bounds.
        """
        _refuse_taken(name, self._row_blocks)
        height = self._common_height(name, terms)
        _refuse_index_of_other_size(name, index, height)
        bounds = _row_bounds(name, height, at_least, at_most, equal)
        triplets = [self._triplet(name, block, matrix) for block, matrix in terms]
        block_of_rows = RowBlock(name, self._height, height)
        self._row_blocks[name] = block_of_rows
        self._row_bounds.append(bounds)
        self._triplets.extend(triplets)
        self._row_index[name] = index
        self._height += height
        return block_of_rows

    def compile(self) -> CompiledModel:
        """The model as arrays, blocks in the order they were declared."""
        shape = (self._height, self._size)
        rows = _joined([rows for rows, _, _ in self._triplets], np.int32)
        columns = _joined([columns for _, columns, _ in self._triplets], np.int32)
        values = _joined([values for _, _, values in self._triplets], np.float64)
        # From COO, SciPy sums duplicates while it sorts: one pass, no Python loop.
        matrix = sp.coo_array((values, (rows, columns)), shape=shape).tocsc()
        matrix.eliminate_zeros()
        matrix.sort_indices()
        return CompiledModel(
            cost=_joined([columns.cost for columns in self._columns], np.float64),
            lower=_joined([columns.lower for columns in self._columns], np.float64),
            upper=_joined([columns.upper for columns in self._columns], np.float64),
            integer=_joined([columns.integer for columns in self._columns], np.bool_),
            matrix=matrix,
            row_lower=_joined([lower for lower, _ in self._row_bounds], np.float64),
            row_upper=_joined([upper for _, upper in self._row_bounds], np.float64),
            offset=float(self.offset),
        )

    def values(self, name: str, solution: Floats) -> Floats:
        """The part of a solution vector [columns] that belongs to the block of that name."""
        return solution[self._blocks[name].slice]

    def row_values(self, name: str, activity: Floats) -> Floats:
        """The part of a vector of row activities [rows] that belongs to the rows of that name."""
        return activity[self._row_blocks[name].slice]

    def column_name(self, column: int) -> str:
        """A column's readable name, ``block[element]``; IndexError where there is none."""
        return _element_name(column, self._blocks, self._index)

    def row_name(self, row: int) -> str:
        """A row's readable name, ``rows[element]``; IndexError where there is none."""
        return _element_name(row, self._row_blocks, self._row_index)

    def _triplet(
        self, name: str, block: Block, matrix: SparseMatrix
    ) -> tuple[Integers, Integers, Floats]:
        """Rows, columns and values of one matrix, placed where it stands in the model."""
        coordinates = matrix.tocoo()
        values = np.array(coordinates.data, dtype=np.float64)
        if not np.isfinite(values).all():
            raise ValueError(f"{name}: every coefficient of {block.name} must be finite")
        rows = coordinates.row.astype(np.int32) + np.int32(self._height)
        columns = coordinates.col.astype(np.int32) + np.int32(block.start)
        return rows, columns, values

    def _common_height(self, name: str, terms: Sequence[tuple[Block, SparseMatrix]]) -> int:
        """Rows that all matrices of a requirement share, after checking that they fit."""
        if not terms:
            raise ValueError(f"{name}: give at least one (block, matrix)")
        height = int(terms[0][1].shape[0])
        for block, matrix in terms:
            if self._blocks.get(block.name) != block:
                raise ValueError(f"{name}: block {block.name!r} is not of this model")
            if matrix.shape != (height, block.size):
                raise ValueError(
                    f"{name}: matrix of {block.name} has shape {matrix.shape}, "
                    f"needs {(height, block.size)}"
                )
        return height


def _outside(values: Floats, lower: Floats, upper: Floats) -> Floats:
    return np.maximum(np.maximum(lower - values, values - upper), 0.0)


def _largest(values: Floats) -> float:
    return float(values.max(initial=0.0))


def _refuse_taken(name: str, taken: dict[str, Block] | dict[str, RowBlock]) -> None:
    if name in taken:
        raise ValueError(f"{name!r} is declared already; give every block its own name")


def _refuse_index_of_other_size(name: str, index: Index | None, size: int) -> None:
    if index is not None and not callable(index) and len(index) != size:
        raise ValueError(f"{name}: index names {len(index)} elements, the block has {size}")


def _broadcast(name: str, numbers: ArrayLike, size: int) -> Floats:
    array = np.asarray(numbers, dtype=np.float64)
    if array.shape not in ((), (size,)):
        raise ValueError(f"{name}: shape {array.shape}, needs a scalar or {(size,)}")
    if np.isnan(array).any():
        raise ValueError(f"{name}: holds values that are not numbers")
    return np.broadcast_to(array, (size,)).copy()


def _row_bounds(
    name: str,
    height: int,
    at_least: ArrayLike | None,
    at_most: ArrayLike | None,
    equal: ArrayLike | None,
) -> tuple[Floats, Floats]:
    if equal is not None:
        if at_least is not None or at_most is not None:
            raise ValueError(f"{name}: give equal, or at_least and at_most, not both")
        both = _broadcast(f"{name}.equal", equal, height)
        return both, both
    if at_least is None and at_most is None:
        raise ValueError(f"{name}: give at_least, at_most or equal")
    return (
        _broadcast(f"{name}.at_least", -np.inf if at_least is None else at_least, height),
        _broadcast(f"{name}.at_most", np.inf if at_most is None else at_most, height),
    )


def _joined(parts: Sequence[NDArray[_Number]], kind: type[_Number]) -> NDArray[_Number]:
    """The parts in one array; empty, of the right kind, where there are none."""
    return np.concatenate([np.empty(0, dtype=kind), *parts])


def _element_name(
    position: int,
    blocks: Mapping[str, Block] | Mapping[str, RowBlock],
    indexes: Mapping[str, Index | None],
) -> str:
    for block in blocks.values():
        if block.start <= position < block.start + block.size:
            element, index = position - block.start, indexes[block.name]
            if index is None:
                return f"{block.name}[{element}]"
            return f"{block.name}[{index(element) if callable(index) else index[element]}]"
    raise IndexError(f"{position} is outside the model")
