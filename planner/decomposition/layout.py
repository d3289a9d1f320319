"""What stands where: between the first stage's columns and the pass over the hours."""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from planner.decomposition.cuts import Links
from planner.first_stage import FirstStage
from planner.problem import Problem
from planner.recourse import Hours, Point, Structure
from planner.shards import Moments
from planner.terms import Commitments

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True)
class RunLinks:
    """Columns of the mix, and the pair whose factor each is part of [column].

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
        parts = [self._series.part(position) for position in range(len(self.problem.candidates))]
        pairs = sorted({(slice_, series) for slice_, series, _ in parts})
        at = {pair: position for position, pair in enumerate(pairs)}
        self._pair_of = np.array([at[part[:2]] for part in parts], dtype=np.intp)
        self._factor_of = np.array([part[2] for part in parts], dtype=np.float64)
        self._pairs = np.array(pairs, dtype=np.intp).reshape(-1, 2)

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
        worth = self.problem.calendar.worth[:-1]
        if self.problem.tells_hours_apart_by_worth:
            series.append(np.tile(worth, len(scenarios)))
        return Moments(
            series=tuple(series),
            window_of_hour=self.problem.window_of_hour(),
            worth=worth,
            stage_of_segment=self.stage_of_segment[of_segments],
        )

    @cached_property
    def series_price_usd(self) -> Floats:
        """What a unit of each series costs on demand, where it costs least [series]."""
        price = np.full(len(self._series.values), np.inf)
        slices = self._pairs[self._pair_of, 0]
        cost = self.first.terms.price[slices] * self._factor_of
        np.minimum.at(price, self._pairs[self._pair_of, 1], cost)
        return price

    @cached_property
    def _most_factors(self) -> Floats:
        """The most each pair's factor can be [pair]."""
        most = np.zeros(len(self._pairs))
        np.add.at(most, self._pair_of, self._factor_of)
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
        chosen = set(self.first.mix.candidate.tolist())
        given = np.zeros(len(self._pairs))
        for position in set(range(len(self.problem.candidates))) - chosen:
            given[self._pair_of[position]] += self._factor_of[position]
        return given

    def point(self, values: Floats) -> Point:
        """The pass's point at values of the first stage's columns."""
        first, stages = self.first, self.problem.stages.count
        factors = np.tile(self.given, (stages, 1))
        if first.mix.size:
            run = first.model.values("run", values)
            pair = self._pair_of[first.mix.candidate]
            np.add.at(factors, (first.mix.when, pair), run * self._factor_of[first.mix.candidate])
        return Point(
            factors=factors,
            dedicated=_committed(first.pools, first.model.values("commit dedicated", values)),
            spend=_committed(first.plans, first.model.values("commit spend", values)),
        )

    @cached_property
    def run_links(self) -> RunLinks:
        """Which pair's factor every column of the mix is part of."""
        mix = self.first.mix
        return RunLinks(
            stage=mix.when,
            pair=self._pair_of[mix.candidate],
            column=self.first.model["run"].start + np.arange(mix.size),
            factor=self._factor_of[mix.candidate],
        )

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
            pair = self._pair_of[mix.candidate]
            by_stage = np.argsort(mix.when, kind="stable")
            bounds = np.searchsorted(mix.when[by_stage], np.arange(stage.max() + 2))
            for position, here in enumerate(stage.tolist()):
                inside = by_stage[bounds[here] : bounds[here + 1]]
                segments.append(np.full(len(inside), position))
                sources.append(pair[inside])
                columns.append(first.model["run"].start + inside)
                factors.append(self._factor_of[mix.candidate[inside]])
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

    def part(self, position: int) -> tuple[int, int, float]:
        """Slice and series of a candidate, and its usage of the one per unit of the other."""
        candidate = self._problem.candidates[position]
        slice_ = self._problem.pools.slice_of(candidate.machine)
        units = float(self._problem.pools.slices[slice_].machine_units(candidate.machine))
        if len(candidate.needs) == 1:
            (series, per) = candidate.needs[0]
            return slice_, self._position(series.ctypes.data, series), units / per
        scale = candidate.needs[0][1]
        key = tuple((series.ctypes.data, per / scale) for series, per in candidate.needs)
        if key not in self._at:
            return slice_, self._position(key, candidate.needed * scale), units / scale
        return slice_, self._at[key], units / scale

    def _position(self, key: Hashable, series: Floats) -> int:
        if key not in self._at:
            self._at[key] = len(self.values)
            self.values.append(series)
        return self._at[key]


def _committed(commitments: Commitments, amounts: Floats) -> Floats:
    """What is committed in every stage [stage × target]; 0 where nothing may be."""
    return np.where(commitments.at >= 0, np.append(amounts, 0.0)[commitments.at], 0.0).T.copy()
