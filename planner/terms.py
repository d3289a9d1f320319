"""Index arrays of a model: which hours, slices, pools and plans meet in it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from catalogs import PoolKey
from planner.hour_groups import group_hours
from planner.problem import Problem
from planner.purchases import Lot, Option, Rates
from planner.standing import standing_workloads
from planner.usage import measure_usage
from solvers import Block

Ints = NDArray[np.intp]
Floats = NDArray[np.float64]


class Terms:
    """Index arrays of a model under construction.

    A *cell* is a merged hour and a slice that may have usage in it; ``cell_hour`` and
    ``cell_slice`` say which, ``cell_at`` [merged hour × slice] where (-1: nowhere).
    """

    def __init__(self, problem: Problem, lots: tuple[Lot, ...]) -> None:
        self.problem, self.lots = problem, lots
        self.groups = group_hours(problem)
        self.usage = measure_usage(problem, self.groups)
        slices = problem.pools.slices
        self.pool_of_slice = np.array([part.pool for part in slices], dtype=np.intp)
        self.price = np.array([float(part.on_demand_usd) for part in slices])
        self.sold_on_demand = np.array(
            [part.machines[0].sold_on_demand for part in slices], dtype=np.bool_
        )
        self.pool_units = np.array([float(part.pool_units) for part in slices])
        self.cell_hour, self.cell_slice = np.nonzero(self.usage.possible)
        self.cell_at = np.full(self.usage.possible.shape, -1, dtype=np.intp)
        self.cell_at[self.cell_hour, self.cell_slice] = np.arange(len(self.cell_hour))

    @cached_property
    def standing(self) -> tuple[int, ...]:
        """Workloads whose reserved machines run in every hour."""
        return standing_workloads(self.problem)

    @cached_property
    def standing_pools(self) -> NDArray[np.bool_]:
        """Pools whose reserved machines do [pool]."""
        standing = {
            one.machine.pool for one in self.problem.candidates if one.workload in self.standing
        }
        return np.array([key in standing for key in self.problem.pools.keys], dtype=np.bool_)

    @cached_property
    def pool_at(self) -> dict[PoolKey, int]:
        """Position of each pool."""
        return {key: position for position, key in enumerate(self.problem.pools.keys)}

    @property
    def cells(self) -> int:
        """Number of cells."""
        return len(self.cell_hour)

    @property
    def cell_window(self) -> Ints:
        """Window of each cell."""
        return self.groups.window[self.cell_hour]

    @property
    def cell_pool(self) -> Ints:
        """Pool of each cell."""
        return self.pool_of_slice[self.cell_slice]

    @property
    def window_hours(self) -> Floats:
        """Hours of each window."""
        windows = len(self.problem.windows)
        hours = np.bincount(self.groups.window, self.groups.count, minlength=windows)
        return np.asarray(hours, dtype=np.float64)

    @cached_property
    def options(self) -> tuple[Option, ...]:
        """Options of the lots, then those of the owned commitments."""
        lots = tuple(self.problem.options[lot.option] for lot in self.lots)
        return lots + tuple(owned.option for owned in self.problem.owned)

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """First and last-plus-one hour of each of `options`."""
        lots = [(lot.start, lot.end) for lot in self.lots]
        return lots + [(owned.start, owned.end) for owned in self.problem.owned]

    @cached_property
    def plans(self) -> tuple[Rates, ...]:
        """The distinct rates of spend plans; commitments of equal rates are one plan here."""
        spend = (option.rates for option in self.options if option.pool is None)
        return tuple(dict.fromkeys(rates for rates in spend if rates))

    def plan_of(self, option: Option) -> int | None:
        """The plan an option adds to; None for dedicated ones and those that serve nothing."""
        if option.pool is not None or not option.rates:
            return None
        return self.plans.index(option.rates)

    def active(self, position: int) -> Ints:
        """Windows in which the option at a position of `options` is active."""
        first, last = np.searchsorted(np.array(self.problem.windows), self.spans[position])
        return np.arange(first, last)

    def reserved_columns(
        self, pools: "Commitments", workload: int, window: int
    ) -> list[tuple[int, int]]:
        """Columns of what a standing workload has reserved, with what a machine serves."""
        found = []
        for position in self.problem.candidates_of(workload):
            candidate = self.problem.candidates[position]
            column = int(pools.at[self.pool_at[candidate.machine.pool], window])
            if column >= 0:
                found.append((column, candidate.serves or 0))
        return found

    def owned_quantity(self, position: int) -> float:
        """Steps owned of the option at a position of `options`; 0 for lots."""
        owned = position - len(self.lots)
        return float(self.problem.owned[owned].quantity) if owned >= 0 else 0.0


@dataclass(frozen=True)
class Commitments:
    """Commitments in force by target (a pool, or a plan) and window.

    Attributes:
        amount: the model's columns, one per (target, window) that may have any.
        at: column of each (target, window); -1 where there is none.
    """

    amount: Block
    at: Ints


@dataclass(frozen=True)
class Service:
    """Cells that commitments may serve, one entry per column that does it.

    Attributes:
        target: pool or plan that serves.
        cell: the cell served.
        weight: what a slice unit takes of the commitment: pool units, or dollars.
    """

    target: Ints
    cell: Ints
    weight: Floats

    @property
    def size(self) -> int:
        """Number of entries."""
        return len(self.cell)


def service_of_pools(terms: Terms, pools: Commitments) -> Service:
    """Cells that dedicated commitments may serve; standing machines serve beside all cells."""
    possible = pools.at[terms.cell_pool, terms.cell_window] >= 0
    cell = np.flatnonzero(possible & ~terms.standing_pools[terms.cell_pool])
    return Service(terms.cell_pool[cell], cell, terms.pool_units[terms.cell_slice[cell]])


def service_of_plans(terms: Terms, plans: Commitments) -> Service:
    """Cells that spend plans may serve."""
    targets, cells, weights = [np.zeros(0, np.intp)], [np.zeros(0, np.intp)], [np.zeros(0)]
    for plan, rates in enumerate(terms.plans):
        rate = np.array([np.nan if one is None else float(one) for one in rates])
        weight = rate[terms.cell_slice]
        active = plans.at[plan, terms.cell_window] >= 0
        cell = np.flatnonzero(active & np.isfinite(weight))
        targets.append(np.full(len(cell), plan, dtype=np.intp))
        cells.append(cell)
        weights.append(weight[cell])
    return Service(np.concatenate(targets), np.concatenate(cells), np.concatenate(weights))


def entries(
    values: NDArray[np.floating[Any]] | float, rows: Ints, columns: Ints, shape: tuple[int, int]
) -> sp.coo_array[np.float64]:
    """A sparse matrix from its entries; a scalar stands for all of them."""
    filled = np.broadcast_to(np.asarray(values, dtype=np.float64), rows.shape)
    return sp.coo_array((filled, (rows, columns)), shape=shape)


def positions(size: int) -> Ints:
    """0 … size - 1: the columns of a block."""
    return np.arange(size, dtype=np.intp)
