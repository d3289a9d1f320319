"""The pass over all hours: the recourse cost at a point, and a cut per segment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from planner.recourse.families import ROAMS
from planner.recourse.hour_programs import HourPrograms
from planner.recourse.hours import LANES, Hours
from planner.recourse.rows import cut_value, usage_of_rows
from planner.recourse.sharing import task_bounds, threads_or_all
from planner.recourse.structure import (
    Floats,
    Ints,
    Levels,
    Point,
    SeriesRange,
    Structure,
    Sums,
    Tangents,
    Weighting,
)
from planner.recourse.tables import (
    Stages,
    Totals,
    Warm,
    chunk_blocks,
    lay_out,
    make_workspace,
    stage_tables,
)


class Pass:
    """Takes the recourse of all hours at one point after another.

    Every row's dual prices are kept between passes, as consecutive points differ little; the
    result of a pass depends on the points before it only within its tolerance, and not at all on
    the number of threads or on which other segments there are.

    Args:
        structure: slices, pools, plans and pairs.
        hours: the rows, as `make_hours` makes them.
        threads: threads to use; None for one per processor.
    """

    def __init__(self, structure: Structure, hours: Hours, threads: int | None = None) -> None:
        self.structure, self.hours = structure, hours
        self._layout = lay_out(structure)
        self._chunks, self._segment_of_chunk = chunk_blocks(hours)
        tables = self._layout.tables
        blocks = len(hours.worth)
        self._warm = Warm(
            plan=np.tile(tables.most_plan[:, None], (blocks, 1, LANES)),
            pool=np.tile(tables.most_pool[:, None], (blocks, 1, LANES)),
            doubtful=np.zeros(blocks, dtype=np.intp),
        )
        threads = threads_or_all(threads)
        self._tasks = task_bounds(len(self._segment_of_chunk), threads)
        self._workers = ThreadPoolExecutor(threads) if threads > 1 else None

    def __call__(self, point: Point, *, by: Weighting = "worth") -> Sums:
        """The recourse at a point, and a cut per segment that is tight there."""
        totals = self._totals(point, by)
        structure, layout = self.structure, self._layout
        usage = np.empty((self.hours.segments, len(layout.pair_order)))
        usage[:, layout.pair_order] = self._by_segment(totals.pair)
        dedicated = np.zeros((self.hours.segments, structure.pools))
        own = self._by_segment(totals.own) / layout.tables.units
        alone = layout.alone
        dedicated[:, layout.pool_of_slice[alone]] = own[:, alone]
        dedicated[:, layout.shared_pools] = self._by_segment(totals.pool)
        spend = self._by_segment(totals.plan)
        value = cut_value(self.hours.stage_of_segment, point, usage, dedicated, spend)
        return Sums(value, usage, dedicated, spend, len(self._doubtful_rows()[0]))

    def exact(self, point: Point, *, by: Weighting = "worth") -> Floats:
        """The true recourse cost [segment], never below it: rows in doubt are solved apart.

        Demand rounded to float32 is taken at the most it can have been.

        Raises:
            SolverFailedError: HiGHS did not solve an hour.
        """
        above = self.hours.most_above[self.structure.pair_series]
        highest = replace(point, factors=point.factors * above)
        value = self(highest, by=by).value_usd
        block, lane = self._doubtful_rows()
        segment = np.searchsorted(self.hours.first_block, block, side="right") - 1
        for one in np.unique(segment):  # apart, so that no segment's digits depend on others
            mine = segment == one
            value[one] += self._unproven(highest, block[mine], lane[mine], int(one), by)
        return value

    def _unproven(
        self, point: Point, block: Ints, lane: Ints, segment: int, by: Weighting
    ) -> float:
        """What some rows of a segment cost beyond what the last pass proved."""
        stage = np.full(len(block), self.hours.stage_of_segment[segment])
        usage = usage_of_rows(self.structure, self.hours, point, block, lane)
        committed = point.dedicated[stage], point.spend[stage]
        cost = HourPrograms(self.structure).on_demand_usd(usage, *committed)
        proven = self._row_values(block, lane, usage, *committed)
        return float(np.sum(self._weight(by)[block, lane] * np.maximum(cost - proven, 0.0)))

    def series_range(self) -> SeriesRange:
        """Between what amounts each series lies."""
        hours = self.hours
        filled = np.diff(hours.first_block) > 0
        low = np.zeros((hours.segments, hours.demand.shape[1]))
        high = np.zeros(low.shape)
        if filled.any():
            counted, first = hours.hours[:, None, :] > 0, hours.first_block[:-1][filled]
            least = np.where(counted, hours.demand, np.inf).min(axis=2)
            low[filled] = np.minimum.reduceat(least, first, axis=0)
            high[filled] = np.maximum.reduceat(hours.demand.max(axis=2), first, axis=0)
        return SeriesRange(low, high)

    def tangents(self, point: Point, levels: Levels) -> Tangents:
        """Tangents at the point of the last pass, where families' commitments are ``levels``."""
        layout, tables, chunks = self._layout, self._layout.tables, self._chunks
        stages, is_plain = self._stages_at(point, levels), layout.is_plain
        depth, count = levels.depth, len(chunks.first)
        sizes = (
            *(len(tables.pair_series), len(tables.price)),
            *(len(tables.rate), len(tables.most_pool)),
        )
        totals = tuple(np.empty((count, size, depth)) for size in sizes)
        from planner.recourse.tangents import run_tangents  # loads numba

        def task(first: int, last: int) -> None:
            space = tuple(np.empty((size, depth, LANES)) for size in sizes)
            run_tangents(
                first, last, tables, stages, depth, is_plain, chunks, self.hours.demand,
                self.hours.worth, self._warm, make_workspace(tables), space, totals,
            )  # fmt: skip

        self._in_parallel(task)
        segments, structure = self.hours.segments, self.structure
        usage = np.empty((segments, sizes[0], depth))
        usage[:, layout.pair_order] = self._by_segment(totals[0])
        dedicated = np.zeros((segments, structure.pools, depth))
        own, alone = self._by_segment(totals[1]) / tables.units[:, None], layout.alone
        dedicated[:, layout.pool_of_slice[alone]] = own[:, alone]
        dedicated[:, layout.shared_pools] = self._by_segment(totals[3])
        return Tangents(usage, dedicated, self._by_segment(totals[2]))

    def _stages_at(self, point: Point, levels: Levels) -> Stages:
        """Stages with each level in turn [stage × level]; plans that roam are all active."""
        layout, depth = self._layout, levels.depth

        def in_turn(values: Floats) -> Floats:
            stages, targets, depth = values.shape
            return np.moveaxis(values, 2, 1).reshape(stages * depth, targets)

        roams = layout.families.of_plan == ROAMS
        spend = np.where(roams, 0.0, in_turn(levels.spend))
        factors = np.repeat(point.factors, depth, axis=0)
        stages = stage_tables(layout, Point(factors, in_turn(levels.dedicated), spend))
        return stages._replace(is_active=stages.is_active | roams)

    def _totals(self, point: Point, by: Weighting) -> Totals:
        """Run the kernel over all chunks."""
        tables, chunks = self._layout.tables, self._chunks
        stages = stage_tables(self._layout, point)
        count = len(chunks.first)
        from planner.recourse.kernels import run  # loads numba, which few commands need

        totals = Totals(
            pair=np.empty((count, len(tables.pair_series))),
            own=np.empty((count, len(tables.price))),
            plan=np.empty((count, len(tables.rate))),
            pool=np.empty((count, len(tables.most_pool))),
        )
        demand, weight = self.hours.demand, self._weight(by)

        def task(first: int, last: int) -> None:
            space = make_workspace(tables)
            run(first, last, tables, stages, chunks, demand, weight, self._warm, space, totals)

        self._in_parallel(task)
        return totals

    def _in_parallel(self, task: Callable[[int, int], None]) -> None:
        """Run a task over all chunks."""
        if self._workers is None:
            task(0, len(self._segment_of_chunk))
        else:
            list(self._workers.map(task, self._tasks[:-1], self._tasks[1:]))

    def _doubtful_rows(self) -> tuple[Ints, Ints]:
        """Block and lane of the rows that the last pass did not prove optimal."""
        block = np.flatnonzero(self._warm.doubtful)
        bits = self._warm.doubtful[block, None] >> np.arange(LANES) & 1
        row, lane = np.nonzero(bits)
        return block[row], lane

    def _weight(self, by: Weighting) -> Floats:
        """What rows count for [block × lane]."""
        return self.hours.worth if by == "worth" else self.hours.hours

    def _by_segment(self, of_chunk: Floats) -> Floats:
        """Sums over each segment's chunks, in their order."""
        sums = np.zeros((self.hours.segments, *of_chunk.shape[1:]))
        np.add.at(sums, self._segment_of_chunk, of_chunk)
        return sums

    def _row_values(
        self, block: Ints, lane: Ints, usage: Floats, dedicated: Floats, spend: Floats
    ) -> Floats:
        """What the dual prices of some rows prove of their costs [row]."""
        structure, layout = self.structure, self._layout
        m = self._warm.plan[block, :, lane]
        n = np.zeros((len(block), structure.pools))
        n[:, layout.shared_pools] = self._warm.pool[block, :, lane]
        kappa = np.broadcast_to(structure.on_demand_usd, usage.shape).copy()
        for plan, rate in enumerate(structure.rates):
            covered = np.isfinite(rate)
            kappa[:, covered] = np.minimum(kappa[:, covered], rate[covered] * m[:, [plan]])
        pool, alone = structure.pool_of_slice, ~layout.families.shared[structure.pool_of_slice]
        kappa[:, ~alone] = np.minimum(kappa, n[:, pool] * structure.units)[:, ~alone]
        covered_units = np.where(alone, dedicated[:, pool] / structure.units, 0.0)
        excess = np.maximum(usage - covered_units, 0.0)
        return np.asarray(
            np.sum(kappa * excess, axis=1)
            - np.sum(n * dedicated, axis=1)
            - np.sum(m * spend, axis=1)
        )
