"""Anchors: cuts that know each family's recourse apart, for the hours' prices at one point.

A cut of the sum over many families says little about each: the master needs about as many rounds as
there are families. At one point's prices of plans that roam, though, what the hours prove is a sum
over families, each convex in its own commitments. An anchor gives the master a column for each and
a handful of tangents of it, all from one pass.
"""

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from planner.decomposition.cuts import Cuts
from planner.decomposition.master import Master
from planner.decomposition.search import Search
from planner.recourse import ROAMS, Levels, Point, SeriesRange, Sums, Tangents, find_families
from planner.shards import Recourse

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

LEAST_FAMILIES = 6
"""Fewer families are as quick without."""

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
        self.worthwhile = self._places.committed >= LEAST_FAMILIES * self._places.stages

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
        tangents = pass_.tangents(point, self._levels(pass_, point))
        planes = self._search.planes
        if self.made:
            planes.thin()
        start = planes.widen(places.stages * places.families, master.layout.most_cost_usd)
        for cuts in (
            places.tangent_rows(tangents, start, planes.columns),
            places.sum_rows(sums, start, planes.columns),
        ):
            planes.add(cuts.matrix, cuts.constant)
        self.made += 1

    def _levels(self, pass_: Recourse, point: Point) -> Levels:
        """Where tangents touch."""
        if self._range is None:
            self._range = pass_.series_range()
        low, high = self._places.usage_range(self._range, point.factors)
        if self.made == 0:
            touches = low[..., None] + (high - low)[..., None] * FIRST_TOUCHES
            return self._places.shifted(point, touches, absolute=True)
        reach = (high - low) * NARROWING ** min(self.made, MOST_NARROWINGS)
        return self._places.shifted(point, reach[..., None] * SPREAD, absolute=False)


@dataclass(frozen=True)
class _Targets:
    """Pools, or plans of one family: what commitments to them stand for.

    Attributes:
        family: family of each; `ROAMS` of those that are no family's own [target].
        column: the master's column; -1 where nothing may be committed [stage × target].
        per_pool_unit: units, or dollars, that serve a pool unit of usage [target].
    """

    family: Ints
    column: Ints
    per_pool_unit: Floats


class _Places:
    """Which columns of the master each family's tangents speak of."""

    def __init__(self, master: Master) -> None:
        layout, first = master.layout, master.first
        structure = layout.structure
        self._structure, families = structure, find_families(structure)
        self.stages, self.families = master.problem.stages.count, families.count
        self._family_of_pair = families.of_slice[structure.pair_slice]
        self._unit_of_pair = structure.units[structure.pair_slice]
        self._given, self._stage_of_segment = layout.given, layout.stage_of_segment
        self._weights = master.recourse[0].weights
        self._sum_rows = master.rows_of_mean
        columns = []
        for commitments, block in (
            (first.pools, "commit dedicated"),
            (first.plans, "commit spend"),
        ):
            at, start = commitments.at.T, first.model[block].start
            columns.append(np.where(at >= 0, start + at, -1))
        self._pools = _Targets(families.of_pool, columns[0], np.ones(structure.pools))
        self._plans = _Targets(
            families.of_plan, columns[1], _dollars_per_unit(structure.rates / structure.units)
        )
        committed = np.zeros((self.stages, families.count), dtype=np.bool_)
        for targets in (self._pools, self._plans):
            for target in np.flatnonzero(targets.family != ROAMS):
                committed[:, targets.family[target]] |= targets.column[:, target] >= 0
        self.committed = int(np.count_nonzero(committed))
        self._run = layout.run_links if first.mix.size else None

    def usage_range(self, range_: SeriesRange, factors: Floats) -> tuple[Floats, Floats]:
        """Bounds of each family's usage in pool units [stage × family]."""
        shape = (self.stages, range_.low.shape[1])
        low, high = np.full(shape, np.inf), np.zeros(shape)
        np.minimum.at(low, self._stage_of_segment, range_.low)
        np.maximum.at(high, self._stage_of_segment, range_.high)
        low = np.where(np.isfinite(low), low, 0.0)
        found = np.zeros((2, self.stages, self.families))
        for pair, series in enumerate(self._structure.pair_series):
            units = factors[:, pair] * self._unit_of_pair[pair]
            found[0, :, self._family_of_pair[pair]] += units * low[:, series]
            found[1, :, self._family_of_pair[pair]] += units * high[:, series]
        return found[0], found[1]

    def shifted(self, point: Point, touches: Floats, *, absolute: bool) -> Levels:
        """Commitments that come to some amounts [stage × family × level], or that much more.

        Less is taken off all of a family's commitments alike, more is added to the first of them.
        """
        depth = touches.shape[2]
        parts = ((self._pools, point.dedicated), (self._plans, point.spend))
        total = np.zeros((self.stages, self.families))
        for targets, amounts in parts:
            own = np.flatnonzero(targets.family != ROAMS)
            np.add.at(
                total.T, targets.family[own], (amounts[:, own] / targets.per_pool_unit[own]).T
            )
        wanted = touches if absolute else np.maximum(total[..., None] + touches, 0.0)
        whole = np.where(total > 0, total, 1.0)[..., None]
        kept = np.minimum(wanted / whole, 1.0)
        more = np.maximum(wanted - total[..., None], 0.0)
        found = []
        for targets, amounts in parts:
            levels = np.repeat(amounts[..., None], depth, axis=2)
            for target in np.flatnonzero(targets.family != ROAMS):
                family = targets.family[target]
                open_here = (targets.column[:, target] >= 0)[:, None]
                added = np.where(open_here, more[:, family], 0.0)
                more[:, family] -= added
                levels[:, target] = levels[:, target] * kept[:, family]
                levels[:, target] += added * targets.per_pool_unit[target]
            found.append(levels)
        return Levels(*found)

    def tangent_rows(self, tangents: Tangents, start: int, width: int) -> Cuts:
        """Each family's column is at least each of its tangents."""
        depth = tangents.usage.shape[2]
        usage = self._by_stage(tangents.usage)
        constant = np.zeros((self.stages, self.families, depth))
        for pair, family in enumerate(self._family_of_pair.tolist()):
            constant[:, family] += usage[:, pair] * self._given[pair]
        row = np.arange(constant.size).reshape(constant.shape)
        own = start + np.arange(self.stages * self.families).reshape(self.stages, self.families)
        entries = [(row, np.broadcast_to(own[..., None], row.shape), np.ones(row.shape))]
        for targets, sums in ((self._pools, tangents.dedicated), (self._plans, tangents.spend)):
            saved = self._by_stage(sums)
            stage, target = np.nonzero((targets.column >= 0) & (targets.family != ROAMS))
            where = row[stage, targets.family[target]]
            column = np.broadcast_to(targets.column[stage, target][:, None], where.shape)
            entries.append((where, column, saved[stage, target]))
        if self._run is not None:
            run = self._run
            where = row[run.stage, self._family_of_pair[run.pair]]
            cost = usage[run.stage, run.pair] * run.factor[:, None]
            entries.append((where, np.broadcast_to(run.column[:, None], where.shape), -cost))
        matrix = sp.csr_array(
            (
                np.concatenate([values.ravel() for _, _, values in entries]),
                (
                    np.concatenate([rows.ravel() for rows, _, _ in entries]),
                    np.concatenate([columns.ravel() for _, columns, _ in entries]),
                ),
            ),
            shape=(constant.size, width),
        )
        matrix.eliminate_zeros()
        return _distinct(matrix, constant.ravel(), depth)

    def sum_rows(self, sums: Sums, start: int, width: int) -> Cuts:
        """The recourse is at least the families' columns less what plans that roam pay."""
        others = replace(
            sums,
            usage=np.zeros_like(sums.usage),
            dedicated=np.zeros_like(sums.dedicated),
            spend=np.where(self._plans.family == ROAMS, sums.spend, 0.0),
        )
        cuts = self._sum_rows.of(others)
        stage, family = np.nonzero(np.ones((self.stages, self.families)))
        own = sp.csr_array(
            (np.full(len(stage), -1.0), (stage, start + stage * self.families + family)),
            shape=(self.stages, width),
        )
        rest = cuts.matrix
        wide = sp.csr_array((rest.data, rest.indices, rest.indptr), shape=(self.stages, width))
        return Cuts(sp.csr_array(wide + own), cuts.constant)

    def _by_stage(self, of_segment: Floats) -> Floats:
        """Weighted sums over the segments of each stage."""
        segments = len(of_segment)
        flat = self._weights @ of_segment.reshape(segments, -1)
        return np.asarray(flat).reshape(self.stages, *of_segment.shape[1:])


def _dollars_per_unit(rates: Floats) -> Floats:
    """About what plans' dollars take per pool unit: the mean of the slices covered [plan]."""
    covered = np.isfinite(rates)
    total = np.where(covered, rates, 0.0).sum(axis=1)
    return np.where(covered.any(axis=1), total / np.maximum(covered.sum(axis=1), 1), 1.0)


def _distinct(matrix: sp.csr_array[np.float64], constant: Floats, depth: int) -> Cuts:
    """Rows of which none equals the one before it, level by level; a family's first is kept."""
    first = np.arange(len(constant)) % depth == 0
    changes = np.ones(len(constant), dtype=np.bool_)
    ahead = sp.csr_array(matrix[1:] - matrix[:-1])
    ahead.eliminate_zeros()
    changes[1:] = (np.diff(ahead.indptr) > 0) | (constant[1:] != constant[:-1])
    kept = np.flatnonzero(first | changes)
    return Cuts(sp.csr_array(matrix[kept]), constant[kept])
