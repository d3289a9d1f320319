"""What stands where: between the first stage's columns and the pass over the hours."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from planner.decomposition.cuts import Links
from planner.fleet import Candidate
from planner.formulation import Commitments, FirstStage
from planner.problem import Problem
from planner.recourse import Hours, Point, Structure
from planner.shards import Moments

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True)
class _Parts:
    """Parts of candidates: each one's usage per unit of its pair's series [part]."""

    candidate: Ints
    pair: Ints
    factor: Floats


@dataclass(frozen=True)
class RunLinks:
    """Columns of the mix, and the pairs whose factors each is part of [link].

    Attributes:
        stage: when it counts.
        pair: the pair.
        column: the column.
        factor: what it adds to the pair's factor.
    """

    stage: Ints
    pair: Ints
    column: Ints
    factor: Floats


class Layout:
    """The hours of a first stage, and the translation of points and sums.

    A *segment* is a window under a scenario; segments are ordered by scenario, then window.
    """

    def __init__(self, first: FirstStage) -> None:
        self.first = first
        self.problem = first.problem
        self._series = _Series(self.problem)
        parts = [
            (position, *part)
            for position in range(len(self.problem.candidates))
            for part in self._series.parts(position)
        ]
        pairs = sorted({(slice_, series) for _, slice_, series, _ in parts})
        at = {pair: position for position, pair in enumerate(pairs)}
        self._pairs = np.array(pairs, dtype=np.intp).reshape(-1, 2)
        self._parts = _Parts(
            candidate=np.array([part[0] for part in parts], dtype=np.intp),
            pair=np.array([at[part[1:3]] for part in parts], dtype=np.intp),
            factor=np.array([part[3] for part in parts], dtype=np.float64),
        )

    @cached_property
    def structure(self) -> Structure:
        """Slices, pools, plans and pairs, as the pass knows them."""
        terms = self.first.terms
        rates = [[np.inf if one is None else float(one) for one in rates] for rates in terms.plans]
        return Structure(
            on_demand_usd=terms.price,
            pool_of_slice=terms.pool_of_slice,
            units=terms.pool_units,
            pools=len(self.problem.pools.keys),
            rates=np.array(rates, dtype=np.float64).reshape(len(rates), len(terms.price)),
            pair_slice=self._pairs[:, 0],
            pair_series=self._pairs[:, 1],
        )

    @cached_property
    def scenario_of_segment(self) -> Ints:
        """Scenario of each segment."""
        return np.repeat(np.arange(len(self.problem.probability)), len(self.problem.windows))

    @cached_property
    def chance_of_segment(self) -> Floats:
        """Probability of each segment's scenario."""
        return self.problem.probability[self.scenario_of_segment]

    @cached_property
    def stage_of_segment(self) -> Ints:
        """Stage of each segment."""
        return self.problem.stages.stage.T.ravel()

    def hours(self, dtype: str = "float32", threads: int | None = None) -> Hours:
        """The demand of all hours in blocks."""
        return self.moments(range(len(self.problem.probability))).hours(dtype, threads)

    def moments(self, scenarios: range) -> Moments:
        """The hours of contiguous scenarios."""
        hours, windows = self.problem.calendar.hours, len(self.problem.windows)
        of_scenarios = slice(scenarios.start * hours, scenarios.stop * hours)
        of_segments = slice(scenarios.start * windows, scenarios.stop * windows)
        series = [values[of_scenarios] for values in self._series.values]
        return Moments(
            series=tuple(series),
            window_of_hour=self.problem.window_of_hour(),
            worth=self.problem.calendar.worth[:-1],
            stage_of_segment=self.stage_of_segment[of_segments],
        )

    @cached_property
    def series_price_usd(self) -> Floats:
        """What a unit of each series costs on demand, where it costs least [series]."""
        slices, series = self._pairs[self._parts.pair].T
        cost = self.first.terms.price[slices] * self._parts.factor
        whole = np.full((len(self.problem.candidates), len(self._series.values)), np.nan)
        whole[self._parts.candidate, series] = 0.0
        np.add.at(whole, (self._parts.candidate, series), cost)
        least: Floats = np.fmin.reduce(whole, axis=0, initial=np.inf)
        return least

    @cached_property
    def _most_factors(self) -> Floats:
        """The most each pair's factor can be [pair]."""
        most = np.zeros(len(self._pairs))
        np.add.at(most, self._parts.pair, self._parts.factor)
        return most

    @cached_property
    def most_usage(self) -> Floats:
        """No hour's usage of a slice is more [slice]."""
        highest = np.array([values.max(initial=0.0) for values in self._series.values])
        usage = self._most_factors * highest[self._pairs[:, 1]]
        slices = len(self.first.terms.price)
        return np.asarray(np.bincount(self._pairs[:, 0], usage, minlength=slices), dtype=np.float64)

    @cached_property
    def most_cost_usd(self) -> float:
        """No future's recourse costs more, nor less than minus this."""
        total = np.array([values.sum() for values in self._series.values])
        usage = self._most_factors * total[self._pairs[:, 1]]
        return float(usage @ self.first.terms.price[self._pairs[:, 0]]) + 1.0

    @cached_property
    def given(self) -> Floats:
        """Factor of each pair that no decision changes [pair]."""
        undecided = ~np.isin(self._parts.candidate, self.first.mix.candidate)
        given = np.zeros(len(self._pairs))
        np.add.at(given, self._parts.pair[undecided], self._parts.factor[undecided])
        return given

    def point(self, values: Floats) -> Point:
        """The pass's point at values of the first stage's columns."""
        first, stages = self.first, self.problem.stages.count
        factors = np.tile(self.given, (stages, 1))
        if first.mix.size:
            run, made = first.model.values("run", values), self._made
            where = (first.mix.when[made.candidate], made.pair)
            np.add.at(factors, where, run[made.candidate] * made.factor)
        return Point(
            factors=factors,
            dedicated=_committed(first.pools, first.model.values("commit dedicated", values)),
            spend=_committed(first.plans, first.model.values("commit spend", values)),
        )

    @cached_property
    def run_links(self) -> RunLinks:
        """Which pair's factor every column of the mix is part of."""
        made = self._made
        return RunLinks(
            stage=self.first.mix.when[made.candidate],
            pair=made.pair,
            column=self.first.model["run"].start + made.candidate,
            factor=made.factor,
        )

    @cached_property
    def _made(self) -> "_Parts":
        """What every column of the mix makes; its position stands for the candidate."""
        parts, chosen = self._parts, self.first.mix.candidate
        order = np.argsort(parts.candidate, kind="stable")
        first, last = (
            np.searchsorted(parts.candidate[order], chosen, side=side) for side in ("left", "right")
        )
        count = last - first
        column = np.repeat(np.arange(len(chosen)), count)
        within = np.arange(len(column)) - np.repeat(np.cumsum(count) - count, count)
        at = order[np.repeat(first, count) + within]
        return _Parts(column, parts.pair[at], parts.factor[at])

    @cached_property
    def links(self) -> Links:
        """Which of a segment's sums, as cuts stack them, stand at which column."""
        first, mix, stage = self.first, self.first.mix, self.stage_of_segment
        pairs, pools = len(self._pairs), len(self.problem.pools.keys)
        segments, sources, columns, factors = [], [], [], []
        for commitments, block, start in (
            (first.pools, "commit dedicated", pairs),
            (first.plans, "commit spend", pairs + pools),
        ):
            column = commitments.at[:, stage].T
            segment, target = np.nonzero(column >= 0)
            segments.append(segment)
            sources.append(start + target)
            columns.append(first.model[block].start + column[segment, target])
            factors.append(np.full(len(segment), -1.0))
        if mix.size:
            run = self.run_links
            by_stage = np.argsort(run.stage, kind="stable")
            bounds = np.searchsorted(run.stage[by_stage], np.arange(stage.max() + 2))
            for position, here in enumerate(stage.tolist()):
                inside = by_stage[bounds[here] : bounds[here + 1]]
                segments.append(np.full(len(inside), position))
                sources.append(run.pair[inside])
                columns.append(run.column[inside])
                factors.append(run.factor[inside])
        return Links(
            segment=np.concatenate(segments).astype(np.intp),
            source=np.concatenate(sources).astype(np.intp),
            column=np.concatenate(columns).astype(np.intp),
            factor=np.concatenate(factors),
        )


class _Series:
    """The distinct demand series of a problem, and what candidates make of them."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._at: dict[Hashable, int] = {}
        self.values: list[Floats] = []

    def parts(self, position: int) -> Iterator[tuple[int, int, float]]:
        """Slices and series of a candidate, and its usage of the one per unit of the other."""
        candidate, pools = self._problem.candidates[position], self._problem.pools
        series, per = self._of(candidate)
        for part in candidate.machine.parts:
            for at in pools.slices_of(part.resource):
                units = Fraction(part.quantity) * pools.slices[at].units_of(part.resource)
                yield at, self._inside(at, series), float(units) / per

    def _inside(self, at: int, series: int) -> int:
        """A series in the hours of a slice, none in others."""
        hours = self._problem.hours_of_slice(at)
        if hours is None:
            return series
        part = self._problem.pools.slices[at]
        key = (part.pool, part.quarter, series)
        return self._position(key, np.where(hours, self.values[series], 0.0))

    def _of(self, candidate: Candidate) -> tuple[int, float]:
        """Series of a candidate, and what one machine serves of it."""
        if len(candidate.needs) == 1 and not candidate.held:
            (series, per) = candidate.needs[0]
            return self._position(series.ctypes.data, series), per
        scale = candidate.needs[0][1]
        key: Hashable = (
            tuple((series.ctypes.data, per / scale) for series, per in candidate.needs),
            tuple(level.ctypes.data for level in candidate.held),
        )
        if key not in self._at:
            return self._position(key, candidate.needed * scale), scale
        return self._at[key], scale

    def _position(self, key: Hashable, series: Floats) -> int:
        if key not in self._at:
            self._at[key] = len(self.values)
            self.values.append(series)
        return self._at[key]


def _committed(commitments: Commitments, amounts: Floats) -> Floats:
    """What is committed in every stage [stage × target]; 0 where nothing may be."""
    return np.where(commitments.at >= 0, np.append(amounts, 0.0)[commitments.at], 0.0).T.copy()
