"""Index arrays of a model: which stages, hours, slices, pools and plans meet in it."""

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from catalogs import PoolKey
from planner.capacity_blocks import CLEARED_SHARE, clearing_hour
from planner.exchanges import Exchanges, find_exchanges
from planner.hour_groups import HourGroups, group_hours
from planner.open_months import OpenMonth, find_open_months
from planner.problem import Problem
from planner.purchases import Lot, Option, Rates
from planner.stages import Group
from planner.standing import standing_workloads
from planner.usage import Mix, SliceUsage, make_mix, measure_usage
from solvers import Block

Ints = NDArray[np.intp]
Floats = NDArray[np.float64]


class Terms:
    """Index arrays of a model under construction; those of the hours are made when asked for.

    A *cell* is a merged hour and a slice that may have usage in it.
    """

    def __init__(self, problem: Problem, lots: tuple[Lot, ...]) -> None:
        self.problem, self.lots = problem, lots
        self.stages = problem.stages
        self._active = cache(self.stages.active)

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
        """Stages in which the option at a position of `options` is active."""
        first, last = self.spans[position]
        everything = tuple(range(len(self.problem.probability)))
        group = self.lots[position].group if position < len(self.lots) else everything
        return self._active(first, last, group)

    def active_between(self, first: int, last: int, group: Group) -> Ints:
        """Stages inside the hours [first, last) of some futures."""
        return self._active(first, last, group)

    @cached_property
    def exchanges(self) -> Exchanges:
        """The exchanges that may be made of the lots and of what is owned."""
        return find_exchanges(self.problem, self.lots)

    def served_share(self, position: int) -> Floats:
        """Share of each of these stages in which the option serves [active stage]."""
        offer, calendar = self.options[position].offer, self.problem.calendar
        if position < len(self.lots):
            end = self.lots[position].start + offer.term_hours
        else:
            owned = self.problem.owned[position - len(self.lots)]
            end = calendar.hour_of(owned.commitment.end)
        cleared = clearing_hour(offer.kind, end, calendar.hours)
        stages = self.active(position)
        if cleared is None:
            return np.ones(len(stages))
        in_window = self.stages.window[stages] == self.stages.start.index(cleared)
        return np.where(in_window, 1.0 - CLEARED_SHARE, 1.0)

    def owned_quantity(self, position: int) -> float:
        """Steps owned of the option at a position of `options`; 0 for lots."""
        owned = position - len(self.lots)
        return float(self.problem.owned[owned].quantity) if owned >= 0 else 0.0

    def reserved_columns(
        self, pools: "Commitments", workload: int, stage: int
    ) -> list[tuple[int, int]]:
        """Columns of what a standing workload has reserved, with what a machine serves."""
        found = []
        for position in self.problem.candidates_of(workload):
            candidate = self.problem.candidates[position]
            column = int(pools.at[self.pool_at[candidate.machine.pool], stage])
            if column >= 0:
                found.append((column, candidate.serves or 0))
        return found

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

    @cached_property
    def groups(self) -> HourGroups:
        """The merged hours, scenarios kept apart where risk is weighed."""
        return group_hours(
            self.problem, by_scenario=self.problem.weighs_risk, open_months=self.open_months
        )

    @cached_property
    def open_months(self) -> tuple[OpenMonth, ...]:
        """Months of pools whose hours are priced together."""
        return find_open_months(self.problem)

    @cached_property
    def mix(self) -> Mix:
        """Where workloads run."""
        whole_machines = self.problem.request.whole_machines
        return make_mix(self.problem, self.groups if whole_machines else None)

    @cached_property
    def usage(self) -> SliceUsage:
        """Usage of the slices, hour by hour."""
        return measure_usage(self.problem, self.groups, self.mix)

    @cached_property
    def pool_of_slice(self) -> Ints:
        """Pool of each slice."""
        return np.array([part.pool for part in self.problem.pools.slices], dtype=np.intp)

    @cached_property
    def price(self) -> Floats:
        """On-demand price of a unit of each slice."""
        return np.array([float(part.on_demand_usd) for part in self.problem.pools.slices])

    @cached_property
    def pool_units(self) -> Floats:
        """Units of its pool in one unit of each slice."""
        return np.array([float(part.pool_units) for part in self.problem.pools.slices])

    @cached_property
    def sold_on_demand(self) -> NDArray[np.bool_]:
        """Slices that may be served on demand."""
        slices = self.problem.pools.slices
        return np.array([part.resources[0].sold_on_demand for part in slices], dtype=np.bool_)

    @cached_property
    def _cells(self) -> tuple[Ints, Ints]:
        hour, part = np.nonzero(self.usage.possible)
        return hour, part

    @property
    def cell_hour(self) -> Ints:
        """Merged hour of each cell."""
        return self._cells[0]

    @property
    def cell_slice(self) -> Ints:
        """Slice of each cell."""
        return self._cells[1]

    @cached_property
    def cell_at(self) -> Ints:
        """The cell of a merged hour and a slice; -1 where there is none [merged hour × slice]."""
        at = np.full(self.usage.possible.shape, -1, dtype=np.intp)
        at[self._cells] = np.arange(self.cells)
        return at

    @property
    def cells(self) -> int:
        """Number of cells."""
        return len(self.cell_hour)

    @cached_property
    def cell_usd(self) -> Floats:
        """Expected on-demand cost of one unit of each cell; in open months, its least."""
        price = self.price[self.cell_slice]
        listed = np.array([float(part.listed_usd) for part in self.problem.pools.slices])
        for one in self.open_months:
            cells = self.cells_of(one)
            price[cells] = one.floor * listed[self.cell_slice[cells]]
        return np.asarray(self.groups.worth[self.cell_hour] * price)

    def cells_of(self, one: OpenMonth) -> Ints:
        """The cells of a pool in a month."""
        hour = self.groups.moment[self.cell_hour] % self.problem.calendar.hours
        inside = (hour >= one.month.first) & (hour < one.month.end)
        return np.flatnonzero(inside & (self.cell_pool == one.pool))

    def cell_name(self, cell: int) -> str:
        """A cell's readable name."""
        key = self.problem.pools.keys[self.cell_pool[cell]]
        return f"{key} at {self.group_name(int(self.cell_hour[cell]))}"

    def group_name(self, group: int) -> str:
        """A merged hour's readable name: its first hour."""
        scenario, hour = divmod(int(self.groups.moment[group]), self.problem.calendar.hours)
        if len(self.problem.demand.scenarios) == 1:
            return f"hour {hour}"
        return f"hour {hour} if {self.problem.demand.scenarios[scenario].name}"

    @property
    def cell_stage(self) -> Ints:
        """Stage of each cell."""
        return self.groups.stage[self.cell_hour]

    @property
    def is_served_whole(self) -> NDArray[np.bool_]:
        """Cells of whole machines of which commitments pay for all or nothing [cell]."""
        slices = self.problem.pools.slices
        whole = np.array(
            [not part.resources[0].covered_in_parts for part in slices], dtype=np.bool_
        )
        return np.asarray(whole[self.cell_slice] & self.problem.request.whole_machines)

    @property
    def is_clearing(self) -> NDArray[np.bool_]:
        """Cells in hours in which capacity blocks serve half the time [cell]."""
        hours = self.problem.clearing_hours
        clearing = np.array([start in hours for start in self.stages.start], dtype=np.bool_)
        return np.asarray(clearing[self.stages.window[self.cell_stage]])

    @property
    def cell_pool(self) -> Ints:
        """Pool of each cell."""
        return self.pool_of_slice[self.cell_slice]


@dataclass(frozen=True)
class Commitments:
    """Commitments in force by target (a pool, or a plan) and stage.

    Attributes:
        amount: the model's columns, one per (target, stage) that may have any.
        at: column of each (target, stage); -1 where there is none.
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
    possible = pools.at[terms.cell_pool, terms.cell_stage] >= 0
    cell = np.flatnonzero(possible & ~terms.standing_pools[terms.cell_pool])
    return Service(terms.cell_pool[cell], cell, terms.pool_units[terms.cell_slice[cell]])


def service_of_plans(terms: Terms, plans: Commitments) -> Service:
    """Cells that spend plans may serve."""
    targets, cells, weights = [np.zeros(0, np.intp)], [np.zeros(0, np.intp)], [np.zeros(0)]
    for plan, rates in enumerate(terms.plans):
        rate = np.array([np.nan if one is None else float(one) for one in rates])
        weight = rate[terms.cell_slice]
        active = plans.at[plan, terms.cell_stage] >= 0
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


def one_row(values: NDArray[np.float64], columns: Ints, block: Block) -> sp.coo_array[np.float64]:
    """A matrix of one row."""
    return entries(values, np.zeros(len(columns), dtype=np.intp), columns, (1, block.size))
