"""Anchors: cuts that know each pool's recourse apart, for the hours' prices at one point.

A cut of the sum over many pools says little about each: the master needs about as many rounds as
there are pools. At one point's prices of plans and shared pools, though, what the hours prove is a
sum over pools, each convex in its own commitment. An anchor gives the master a column for each and
a handful of tangents of it, all from one pass.
"""

from dataclasses import replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from planner.decomposition.cuts import Cuts
from planner.decomposition.master import Master
from planner.decomposition.search import Search
from planner.recourse import SeriesRange, Sums, Tangents
from planner.shards import Recourse

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

LEAST_POOLS = 6
"""Fewer pools of one slice are as quick without."""

ROUNDS = (2, 4, 6, 9, *range(14, 500, 6))
"""Rounds after which there is an anchor: the first prices say little."""

ROUNDS_NEAR = (1, 3, 6, *range(10, 500, 6))
"""Likewise where the start is near the end already."""

NARROWING = 0.6
MOST_NARROWINGS = 5
"""How much nearer to the point each anchor's tangents touch than the last one's, and how often."""

SPREAD = np.array([-1.0, -0.4, -0.12, 0.12, 0.4, 1.0])
"""Where the tangents of later anchors touch, about the point, as shares of their reach."""

FIRST_TOUCHES = np.linspace(0.0, 0.95, len(SPREAD))
"""Where those of the first one touch, as shares of the range of usage."""


class Anchors:
    """Anchors of one look at the hours.

    Args:
        search: to which they are added.
    """

    def __init__(self, search: Search) -> None:
        self._search, self._round, self.made = search, 0, 0
        self._pass: Recourse | None = None
        self._rounds: tuple[int, ...] = ROUNDS
        self._places = _Places(search.master)
        self._range: SeriesRange | None = None
        self.worthwhile = self._places.pools >= LEAST_POOLS * search.master.problem.stages.count

    def look_at(self, pass_: Recourse) -> None:
        """Look at hours, or at their means, from here on."""
        if self._pass is not None:
            self._rounds, self._round, self.made = ROUNDS_NEAR, 0, 1
        self._pass = pass_

    def after(self, values: Floats) -> None:
        """Anchor at the point that was just asked about, if the round has one."""
        sums, pass_ = self._search.last, self._pass
        due = self.worthwhile and self._round in self._rounds
        if due and sums is not None and pass_ is not None:
            self._anchor(pass_, values, sums)
        self._round += 1

    def _anchor(self, pass_: Recourse, values: Floats, sums: Sums) -> None:
        master, places = self._search.master, self._places
        point = master.layout.point(values)
        committed = point.dedicated[:, places.pool] / places.units
        levels = self._levels(pass_, point.factors, committed)
        tangents = pass_.tangents(point, np.ascontiguousarray(levels))
        planes = self._search.planes
        if self.made:
            planes.thin()
        start = planes.widen(places.stages * places.slices, master.layout.most_cost_usd)
        for cuts in (
            places.tangent_rows(tangents, start, planes.columns),
            places.sum_rows(sums, start, planes.columns),
        ):
            planes.add(cuts.matrix, cuts.constant)
        self.made += 1

    def _levels(self, pass_: Recourse, factors: Floats, committed: Floats) -> Floats:
        """Where tangents touch [stage × slice × level]."""
        if self._range is None:
            self._range = pass_.series_range()
        low, high = self._places.usage_range(self._range, factors)
        if self.made == 0:
            return low[..., None] + (high - low)[..., None] * FIRST_TOUCHES
        reach = (high - low) * NARROWING ** min(self.made, MOST_NARROWINGS)
        return np.asarray(committed[..., None] + reach[..., None] * SPREAD)


class _Places:
    """Which column of the master each slice's tangents speak of."""

    def __init__(self, master: Master) -> None:
        layout, first = master.layout, master.first
        structure = layout.structure
        self.stages, self.slices = master.problem.stages.count, structure.slices
        self.pool, self.units = structure.pool_of_slice, structure.units
        self._pair_slice, self._pair_series = structure.pair_slice, structure.pair_series
        self._given, self._stage_of_segment = layout.given, layout.stage_of_segment
        self._weights, self._block = master.recourse[0].weights, master.recourse[0].block
        self._sum_rows = master.rows_of_mean
        column = first.pools.at[self.pool].T
        start = first.model["commit dedicated"].start
        self._column = np.where(column >= 0, start + column, -1)
        alone = np.bincount(self.pool, minlength=structure.pools)[self.pool] == 1
        self.alone = alone
        self.pools = int(np.count_nonzero(self._column[:, alone] >= 0))
        self._run = layout.run_links if first.mix.size else None

    def usage_range(self, range_: SeriesRange, factors: Floats) -> tuple[Floats, Floats]:
        """Bounds of each slice's usage [stage × slice]."""
        shape = (self.stages, range_.low.shape[1])
        low, high = np.full(shape, np.inf), np.zeros(shape)
        np.minimum.at(low, self._stage_of_segment, range_.low)
        np.maximum.at(high, self._stage_of_segment, range_.high)
        low = np.where(np.isfinite(low), low, 0.0)
        found = np.zeros((2, self.stages, self.slices))
        for pair, (slice_, series) in enumerate(
            zip(self._pair_slice, self._pair_series, strict=True)
        ):
            found[0, :, slice_] += factors[:, pair] * low[:, series]
            found[1, :, slice_] += factors[:, pair] * high[:, series]
        return found[0], found[1]

    def tangent_rows(self, tangents: Tangents, start: int, width: int) -> Cuts:
        """Each slice's column is at least each of its tangents, each once."""
        depth = tangents.saved.shape[2]
        saved = self._by_stage(tangents.saved) / self.units[:, None]
        usage = self._by_stage(tangents.usage)
        constant = np.zeros((self.stages, self.slices, depth))
        for pair, slice_ in enumerate(self._pair_slice.tolist()):
            constant[:, slice_] += usage[:, pair] * self._given[pair]
        row = np.arange(constant.size).reshape(constant.shape)
        own = start + np.arange(self.stages * self.slices).reshape(self.stages, self.slices)
        kept = np.broadcast_to(self.alone[:, None], constant.shape) & (saved > 0)
        kept[..., 1:] &= saved[..., 1:] < saved[..., :-1]
        committed = kept & (self._column >= 0)[..., None]
        entries = [
            (row[kept], np.broadcast_to(own[..., None], kept.shape)[kept], np.ones(kept.sum())),
            (
                row[committed],
                np.broadcast_to(self._column[..., None], kept.shape)[committed],
                saved[committed],
            ),
        ]
        if self._run is not None:
            run = self._run
            where = row[run.stage, self._pair_slice[run.pair]]
            counts = kept[run.stage, self._pair_slice[run.pair]]
            cost = usage[run.stage, run.pair] * run.factor[:, None]
            column = np.broadcast_to(run.column[:, None], where.shape)
            entries.append((where[counts], column[counts], -cost[counts]))
        matrix = sp.csr_array(
            (
                np.concatenate([values for _, _, values in entries]),
                (
                    np.concatenate([rows for rows, _, _ in entries]),
                    np.concatenate([columns for _, columns, _ in entries]),
                ),
            ),
            shape=(constant.size, width),
        )
        return Cuts(sp.csr_array(matrix[row[kept]]), constant[kept])

    def sum_rows(self, sums: Sums, start: int, width: int) -> Cuts:
        """The recourse is at least the sum of the slices' columns, and what others prove."""
        others = replace(
            sums,
            usage=np.where(self.alone[self._pair_slice], 0.0, sums.usage),
            dedicated=np.where(self._pools_alone(sums.dedicated.shape[1]), 0.0, sums.dedicated),
        )
        cuts = self._sum_rows.of(others)
        stage, slice_ = np.nonzero(np.broadcast_to(self.alone, (self.stages, self.slices)))
        own = sp.csr_array(
            (np.full(len(stage), -1.0), (stage, start + stage * self.slices + slice_)),
            shape=(self.stages, width),
        )
        rest = cuts.matrix
        wide = sp.csr_array((rest.data, rest.indices, rest.indptr), shape=(self.stages, width))
        return Cuts(sp.csr_array(wide + own), cuts.constant)

    def _pools_alone(self, pools: int) -> NDArray[np.bool_]:
        alone = np.zeros(pools, dtype=np.bool_)
        alone[self.pool[self.alone]] = True
        return alone

    def _by_stage(self, of_segment: Floats) -> Floats:
        """Weighted sums over the segments of each stage."""
        segments = len(of_segment)
        flat = self._weights @ of_segment.reshape(segments, -1)
        return np.asarray(flat).reshape(self.stages, *of_segment.shape[1:])
