"""A shard, and what its worker does with it."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from planner.recourse import (
    Hours,
    Levels,
    Pass,
    Point,
    SeriesRange,
    Structure,
    Sums,
    Tangents,
    coarsen,
)
from planner.recourse.structure import Weighting
from planner.shards.moments import Moments

Floats = NDArray[np.float64]

AS_THEY_ARE = 1
"""Rows per mean where rows are not merged into means."""


class Recourse(Protocol):
    """The recourse of all hours at a point; `Pass` and `ShardedPass` are such."""

    def __call__(self, point: Point, *, by: Weighting = "worth") -> Sums:
        """A cut per segment, tight at the point."""

    def exact(self, point: Point, *, by: Weighting = "worth") -> Floats:
        """The true cost [segment]."""

    def tangents(self, point: Point, levels: Levels) -> Tangents:
        """Tangents at the last point, at levels of families' commitments."""

    def series_range(self) -> SeriesRange:
        """Between what amounts each series lies."""


@dataclass(frozen=True)
class Shard:
    """Some scenarios, as they are sent to a worker once.

    Attributes:
        structure: slices, pools, plans and pairs; those of the whole problem.
        moments: the scenarios' hours; stages count from 0 in the shard.
        series_price_usd: what a unit of each series costs on demand, to find similar hours by.
        dtype: in which demand is kept.
        threads: of its passes.
    """

    structure: Structure
    moments: Moments
    series_price_usd: Floats
    dtype: str
    threads: int


class Extent(NamedTuple):
    """What is known of a shard once its hours are laid out.

    Attributes:
        rows: rows of different demand.
        most_above: see `Hours` [series].
    """

    rows: int
    most_above: Floats


class NotHeldError(LookupError):
    """A worker does not hold what it is asked about."""


@dataclass
class _Held:
    """A shard on its worker; the passes, by rows per mean, come with the first question."""

    shard: Shard
    hours: Hours
    passes: dict[int, Pass] = field(default_factory=dict)

    def pass_(self, rows_per_mean: int) -> Pass:
        """The pass over the hours, or over their means."""
        if rows_per_mean not in self.passes:
            shard, hours = self.shard, self.hours
            if rows_per_mean != AS_THEY_ARE:
                hours = coarsen(hours, rows_per_mean, shard.series_price_usd)
            self.passes[rows_per_mean] = Pass(shard.structure, hours, shard.threads)
        return self.passes[rows_per_mean]


# A worker's process outlives the calls it runs, and executors offer no other place to keep
# something between them. Only the functions below touch it.
_HELD: dict[str, _Held] = {}


def hold(token: str, shard: Shard) -> Extent:
    """Lay out a shard's hours and keep them under a token, instead of the demand."""
    hours = shard.moments.hours(shard.dtype)
    unneeded = replace(shard.moments, series=())
    _HELD[token] = _Held(replace(shard, moments=unneeded), hours)
    return Extent(hours.rows, hours.most_above)


def agree(token: str, most_above: Floats) -> None:
    """Take demand as high as rounding may have hidden it in any shard."""
    held = _held(token)
    held.hours = replace(held.hours, most_above=most_above)


def sums_at(token: str, rows_per_mean: int, point: Point, by: Weighting) -> Sums:
    """A cut per segment of a shard."""
    return _held(token).pass_(rows_per_mean)(point, by=by)


def exact_at(token: str, rows_per_mean: int, point: Point, by: Weighting) -> Floats:
    """The true cost of a shard's segments."""
    return _held(token).pass_(rows_per_mean).exact(point, by=by)


def tangents_at(token: str, rows_per_mean: int, point: Point, levels: Levels) -> Tangents:
    """Tangents at a shard's last point."""
    return _held(token).pass_(rows_per_mean).tangents(point, levels)


def range_of(token: str, rows_per_mean: int) -> SeriesRange:
    """Between what amounts a shard's series lie."""
    return _held(token).pass_(rows_per_mean).series_range()


def drop(token: str) -> None:
    """Keep a shard no longer."""
    _HELD.pop(token, None)


class Lease:
    """Drops a shard when it is itself dropped."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __del__(self) -> None:
        if self._token:
            drop(self._token)

    def __reduce__(self) -> tuple[type["Lease"], tuple[str]]:
        """Move elsewhere: workers short of memory write leases to disk and still need shards."""
        token, self._token = self._token, ""
        return Lease, (token,)


def held_tokens() -> list[str]:
    """Tokens of all that is kept."""
    return sorted(_HELD)


def _held(token: str) -> _Held:
    if token not in _HELD:
        raise NotHeldError(token)
    return _HELD[token]
