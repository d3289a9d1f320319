"""Whole machines solved by branching on purchases alone.

Once purchases are kept the hours have nothing more to do with each other, and what runs in them is
found in an instant, however many they are. A solver that branches on machines of single hours does
not see that. So purchases alone are branched on: a node is a box of them, its bound the linear
relaxation with cuts for covering demand (`planner.covering_hulls`), and whole purchases are costed
exactly.
"""

import heapq
import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from planner.covering_hulls import LARGEST_DEMAND, CoveringHull
from planner.formulation import PlanningModel
from solvers import Limits, Outcome, Progress, ProgressListener, StopReason, get_solver
from solvers.highs import run, started
from solvers.model import CompiledModel
from solvers.outcome import BoundSource

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

HOURS_SOLVER = "scip"
"""Finds what runs beside kept purchases: it tells parts of a model that have nothing in common."""

MOST_PURCHASES = 40
"""Columns of purchases that may be branched on."""

MOST_COSTED = 1000
"""Purchases costed exactly before the search gives up."""

MOST_ROUNDS = 20
"""Rounds of cuts at the root."""

SHORTEST_S, LONGEST_S = 0.1, 20.0
"""What costing some purchases may take."""

SHARE_OF_GAP = 0.1
"""Exact costs are found to this share of the gap asked for."""

ROUNDING = 1e-7
"""Share by which the bound of a linear program may lie above what it proves."""

WHOLE = 1e-6
"""Purchases this close to a whole number are one."""


@dataclass(frozen=True)
class _Cover:
    """Columns that cover a demand in one merged hour, by what one of each serves."""

    demand: int
    columns: dict[int, list[int]]

    @property
    def kind(self) -> tuple[int, tuple[int, ...]]:
        """Demand and what machines serve: alike in many hours."""
        return self.demand, tuple(sorted(self.columns))


@dataclass(order=True)
class _Node:
    """Purchases between two numbers each, and what they cost at the least."""

    bound: float
    number: int
    least: Floats = field(compare=False)
    most: Floats = field(compare=False)


def solve_by_purchases(
    planning: PlanningModel,
    limits: Limits,
    *,
    progress: ProgressListener | None,
    stop: threading.Event | None,
) -> Outcome | None:
    """The best plan of a model and its bound; None where purchases are not what to branch on.

    Args:
        planning: a model of whole machines.
        limits: when to end.
        progress: told of better plans and bounds.
        stop: set to end the search with what is known.
    """
    if not planning.first.mix.size or not planning.first.terms.lots:
        return None
    model = planning.linear.compile()
    buy = planning.linear["buy"].slice
    covers = list(_covers(planning, model))
    if not covers or not 0 < buy.stop - buy.start <= MOST_PURCHASES or not model.integer[buy].all():
        return None
    return _Search(model, buy, covers, limits, progress, stop).run()


def _covers(planning: PlanningModel, model: CompiledModel) -> Iterator[_Cover]:
    """Every demand in whole increments that machines alone cover, as a row of the model says."""
    mix, first = planning.first.mix, planning.linear["run"].slice.start
    columns: dict[int, dict[int, int]] = defaultdict(dict)
    candidates = planning.problem.candidates
    for column, (decision, candidate) in enumerate(zip(mix.decision, mix.candidate, strict=True)):
        columns[int(decision)][first + column] = candidates[candidate].serves or 0
    rows = model.matrix.tocsr()
    for decision, serves in columns.items():
        demand = int(np.rint(mix.demand[decision]))
        if not 0 < demand <= LARGEST_DEMAND or not all(serves.values()):
            continue
        if not any(_is_row(model, rows, row, serves, demand) for row in _rows_of(model, serves)):
            continue  # reserved machines that always run cover a part of it
        by_serves: dict[int, list[int]] = defaultdict(list)
        for column, each in serves.items():
            by_serves[each].append(column)
        yield _Cover(demand, dict(by_serves))


def _rows_of(model: CompiledModel, columns: Mapping[int, int]) -> list[int]:
    """Rows with a coefficient of the first of some columns."""
    first, starts = next(iter(columns)), model.matrix.indptr
    found: list[int] = model.matrix.indices[starts[first] : starts[first + 1]].tolist()
    return found


def _is_row(
    model: CompiledModel,
    rows: sp.csr_array[np.float64],
    row: int,
    serves: Mapping[int, int],
    demand: int,
) -> bool:
    """Whether a row says that these columns, at what they serve, come to a demand at the least."""
    inside = slice(rows.indptr[row], rows.indptr[row + 1])
    if inside.stop - inside.start != len(serves) or model.row_lower[row] < demand:
        return False
    found = zip(rows.indices[inside].tolist(), rows.data[inside].tolist(), strict=True)
    return all(serves.get(column) == value for column, value in found)


class _Search:
    """Best-first branch and bound on purchases."""

    def __init__(
        self,
        model: CompiledModel,
        buy: slice,
        covers: list[_Cover],
        limits: Limits,
        progress: ProgressListener | None,
        stop: threading.Event | None,
    ) -> None:
        self._began = time.perf_counter()
        self._model, self._buy, self._covers, self._limits = model, buy, covers, limits
        self._progress, self._stop = progress, stop
        self._relaxed = started(
            "highs",
            model.cost,
            (model.lower, model.upper),
            model.matrix,
            (model.row_lower, model.row_upper),
            model.offset,
        )
        self._hulls: dict[tuple[int, tuple[int, ...]], CoveringHull] = {}
        self._cuts: set[tuple[int, bytes]] = set()
        self._best: Floats | None = None
        self._best_usd, self._bound = np.inf, -np.inf
        self._least_leaf = np.inf
        self._costed: dict[bytes, float] = {}
        self._numbers = itertools.count()

    def run(self) -> Outcome | None:
        """The outcome; None where not even the relaxation can be solved in time."""
        box = self._model.lower[self._buy].copy(), self._model.upper[self._buy].copy()
        root = self._relax(*box)
        for _ in range(MOST_ROUNDS):
            if root is None or self._is_over() or not self._add_cuts(root[1]):
                break
            root = self._relax(*box)
        if root is None:
            return None
        nodes = [_Node(root[0], next(self._numbers), *box)]
        while nodes and not self._is_over() and len(self._costed) < MOST_COSTED:
            self._tell(nodes[0].bound)
            if self._is_met():
                break
            node = heapq.heappop(nodes)
            for child in self._children(node):
                heapq.heappush(nodes, child)
        self._tell(nodes[0].bound if nodes else np.inf)
        return self._outcome()

    def _children(self, node: _Node) -> Iterator[_Node]:
        """Parts of a node; none where it is a single choice, which is costed."""
        found = self._relax(node.least, node.most)
        if found is None or found[0] >= self._cutoff():
            # Nothing in it, or nothing that matters: at the cutoff the gap is met.
            self._least_leaf = min(self._least_leaf, np.inf if found is None else found[0])
            return
        bound, point = found
        values = point[self._buy]
        near = np.clip(np.rint(values), node.least, node.most)
        cost = self._cost(near)
        if (node.least == node.most).all():
            self._least_leaf = min(self._least_leaf, max(cost, bound))
            return
        for least, most in _parts(node, values, near):
            yield _Node(bound, next(self._numbers), least, most)

    def _relax(self, least: Floats, most: Floats) -> tuple[float, Floats] | None:
        """Least cost, a little less for rounding, and its point; None where there is none."""
        import highspy

        for position, (low, high) in enumerate(zip(least.tolist(), most.tolist(), strict=True)):
            self._relaxed.changeColBounds(self._buy.start + position, low, high)
        if run(self._relaxed) != highspy.HighsModelStatus.kOptimal:
            return None
        cost = self._relaxed.getInfo().objective_function_value
        point = np.array(self._relaxed.getSolution().col_value)
        return float(cost - ROUNDING * abs(cost)), point

    def _add_cuts(self, point: Floats) -> bool:
        """Cut off a point where machines in parts cover a demand; whether any were found."""
        wanted: dict[tuple[int, tuple[int, ...]], dict[bytes, Floats]] = defaultdict(dict)
        for cover in self._covers:
            counts = np.array([point[cover.columns[one]].sum() for one in cover.kind[1]])
            wanted[cover.kind][np.round(counts, 6).tobytes()] = counts
        found = False
        for kind, points in wanted.items():
            hull = self._hulls.setdefault(kind, CoveringHull(kind[1], kind[0]))
            for counts in points.values():
                weights = hull.cut(counts)
                if weights is not None:
                    found |= self._add_cut(kind, weights)
        return found

    def _add_cut(self, kind: tuple[int, tuple[int, ...]], weights: Floats) -> bool:
        name = hash(kind), np.round(weights, 7).tobytes()
        if name in self._cuts:
            return False
        self._cuts.add(name)
        for cover in self._covers:
            if cover.kind == kind:
                columns = [cover.columns[one] for one in kind[1]]
                index = np.array([one for some in columns for one in some], dtype=np.int32)
                value = np.repeat(weights, [len(some) for some in columns])
                self._relaxed.addRow(1.0, np.inf, len(index), index, value)
        return True

    def _cost(self, purchases: Floats) -> float:
        """What some whole purchases cost at the least, infinite where they serve not all demand.

        The bound of their own search: a hair below what their plan costs.
        """
        name = purchases.astype(np.int64).tobytes()
        if name not in self._costed:
            lower, upper = self._model.lower.copy(), self._model.upper.copy()
            lower[self._buy] = upper[self._buy] = purchases
            kept = replace(self._model, lower=lower, upper=upper)
            found = get_solver(HOURS_SOLVER).solve(kept, self._exactly())
            if found.incumbent is not None and (found.objective or 0.0) < self._best_usd:
                self._best, self._best_usd = found.incumbent, float(found.objective or 0.0)
            is_none = found.stop is StopReason.INFEASIBLE
            least = np.inf if is_none else -np.inf if found.bound is None else found.bound
            self._costed[name] = float(least)
        return self._costed[name]

    def _exactly(self) -> Limits:
        left = self._left_s()
        seconds = LONGEST_S if left is None else min(max(left, SHORTEST_S), LONGEST_S)
        gap = self._limits.gap * SHARE_OF_GAP
        return self._limits.model_copy(update={"gap": gap, "time_limit_s": seconds})

    def _cutoff(self) -> float:
        """Bounds from here on leave the gap met."""
        return self._best_usd - self._limits.gap * abs(self._best_usd)

    def _tell(self, least_open: float) -> None:
        """Raise the bound to what all that is left costs at the least."""
        bound = min(least_open, self._least_leaf, self._best_usd)
        if np.isfinite(bound) and bound > self._bound:
            self._bound = bound
        if self._progress is not None:
            best = None if self._best is None else self._best_usd
            known = self._bound if np.isfinite(self._bound) else None
            self._progress(Progress(time.perf_counter() - self._began, best, known))

    def _is_met(self) -> bool:
        return self._best is not None and self._bound >= self._cutoff()

    def _left_s(self) -> float | None:
        if self._limits.time_limit_s is None:
            return None
        return self._limits.time_limit_s - (time.perf_counter() - self._began)

    def _is_over(self) -> bool:
        left = self._left_s()
        return (self._stop is not None and self._stop.is_set()) or (left is not None and left <= 0)

    def _outcome(self) -> Outcome:
        reason = StopReason.TIME_LIMIT
        if self._is_met():
            reason = StopReason.GAP
        elif self._stop is not None and self._stop.is_set():
            reason = StopReason.INTERRUPTED
        has_bound = np.isfinite(self._bound)
        return Outcome(
            solver="purchases with highs and scip",
            stop=reason,
            incumbent=self._best,
            objective=None if self._best is None else self._best_usd,
            bound=float(min(self._bound, self._best_usd)) if has_bound else None,
            bound_source=BoundSource.SOLVER if has_bound else None,
            seconds=time.perf_counter() - self._began,
            iterations=None,
            log=(),
        )


def _parts(node: _Node, values: Floats, near: Floats) -> Iterator[tuple[Floats, Floats]]:
    """Boxes that make up a node, one of them nearer to the single choice that was costed."""
    off = np.where(node.least < node.most, np.abs(values - np.rint(values)), -1.0)
    at = int(np.argmax(off))
    if off[at] > WHOLE:
        cuts = [(node.least[at], np.floor(values[at])), (np.ceil(values[at]), node.most[at])]
    else:
        at = int(np.argmax(node.least < node.most))
        only = near[at]
        cuts = [(node.least[at], only - 1), (only, only), (only + 1, node.most[at])]
    for low, high in cuts:
        if low <= high:
            least, most = node.least.copy(), node.most.copy()
            least[at], most[at] = low, high
            yield least, most
