"""One pass over all scenarios, taken by the workers that hold them."""

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from types import TracebackType
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from planner.errors import WorkerLostError
from planner.recourse import Levels, Point, SeriesRange, Sums, Tangents
from planner.recourse.structure import Weighting
from planner.shards.shard import (
    Shard,
    agree,
    drop,
    exact_at,
    hold,
    range_of,
    sums_at,
    tangents_at,
)
from planner.shards.worker import Worker, answers, ask

T = TypeVar("T")
Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

_log = logging.getLogger(__name__)


def spread_scenarios(scenarios: int, workers: Sequence[Worker]) -> list[tuple[Worker, range]]:
    """Contiguous scenarios for each worker, by its threads; workers without any are left out."""
    threads = np.cumsum([0, *(worker.threads for worker in workers)])
    bounds = np.rint(scenarios * threads / threads[-1]).astype(int).tolist()
    spans = (range(first, last) for first, last in pairwise(bounds))
    return [(worker, span) for worker, span in zip(workers, spans, strict=True) if span]


class Shards:
    """A problem's scenarios on workers, until it is closed.

    The demand is sent once, when this is made; after that points and sums travel alone. A pass
    over all of it is the shards' sums one after another, for no segment's sums depend on others.

    Args:
        placed: each worker with its shard, in the order of scenarios.

    Raises:
        WorkerLostError: a worker was lost; those left keep nothing.
    """

    def __init__(self, placed: Sequence[tuple[Worker, Shard]]) -> None:
        self._workers = [worker for worker, _ in placed]
        self._tokens = [uuid.uuid4().hex for _ in placed]
        stages = [
            np.unique(shard.moments.stage_of_segment, return_inverse=True) for _, shard in placed
        ]
        self._stages: list[Ints] = [used for used, _ in stages]
        self._leases: list[object] = []
        try:
            self._leases += [
                worker.lease(token)
                for worker, token in zip(self._workers, self._tokens, strict=True)
            ]
            sent = [
                ask(worker, hold, token, worker.put(_with_stages(shard, local)))
                for (worker, shard), token, (_, local) in zip(
                    placed, self._tokens, stages, strict=True
                )
            ]
            extents = answers(sent)
            self.rows = sum(extent.rows for extent in extents)
            most_above = np.max([extent.most_above for extent in extents], axis=0)
            self._ask_all(agree, [(most_above,)] * len(placed))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the workers forget; those that were lost have nothing to forget."""
        self._leases.clear()
        for worker, token in zip(self._workers, self._tokens, strict=True):
            try:
                answers([ask(worker, drop, token)])
            except WorkerLostError as lost:
                _log.warning("%s", lost)

    def ask(
        self, function: Callable[..., T], args_of: Callable[[Ints], tuple[object, ...]]
    ) -> list[T]:
        """What each shard answers, asked about its stages; raises WorkerLostError."""
        return self._ask_all(function, [args_of(stages) for stages in self._stages])

    def _ask_all(self, function: Callable[..., T], args: Sequence[tuple[object, ...]]) -> list[T]:
        calls = [
            ask(worker, function, token, *own)
            for worker, token, own in zip(self._workers, self._tokens, args, strict=True)
        ]
        return answers(calls)


class ShardedPass:
    """`Pass` over the hours of all shards, or over their means; the same to the digit.

    Args:
        shards: who holds the hours.
        rows_per_mean: similar rows that are taken as one; 1 for rows as they are.
    """

    def __init__(self, shards: Shards, rows_per_mean: int) -> None:
        self._shards, self._rows_per_mean = shards, rows_per_mean

    def __call__(self, point: Point, *, by: Weighting = "worth") -> Sums:
        """A cut per segment, tight at the point; raises WorkerLostError."""
        parts = self._shards.ask(
            sums_at, lambda stages: (self._rows_per_mean, _at_stages(point, stages), by)
        )
        return Sums(
            value_usd=np.concatenate([part.value_usd for part in parts]),
            usage=np.concatenate([part.usage for part in parts]),
            dedicated=np.concatenate([part.dedicated for part in parts]),
            spend=np.concatenate([part.spend for part in parts]),
            doubtful_rows=sum(part.doubtful_rows for part in parts),
        )

    def exact(self, point: Point, *, by: Weighting = "worth") -> Floats:
        """The true cost [segment]; raises WorkerLostError."""
        costs = self._shards.ask(
            exact_at, lambda stages: (self._rows_per_mean, _at_stages(point, stages), by)
        )
        return np.concatenate(costs)

    def tangents(self, point: Point, levels: Levels) -> Tangents:
        """Tangents at the last point; raises WorkerLostError."""
        parts = self._shards.ask(
            tangents_at,
            lambda stages: (
                self._rows_per_mean,
                _at_stages(point, stages),
                Levels(levels.dedicated[stages], levels.spend[stages]),
            ),
        )
        return Tangents(
            usage=np.concatenate([part.usage for part in parts]),
            dedicated=np.concatenate([part.dedicated for part in parts]),
            spend=np.concatenate([part.spend for part in parts]),
        )

    def series_range(self) -> SeriesRange:
        """Between what amounts each series lies; raises WorkerLostError."""
        parts = self._shards.ask(range_of, lambda _: (self._rows_per_mean,))
        return SeriesRange(
            low=np.concatenate([part.low for part in parts]),
            high=np.concatenate([part.high for part in parts]),
        )


def _with_stages(shard: Shard, stage_of_segment: Ints) -> Shard:
    """A shard whose stages count from 0."""
    return replace(shard, moments=replace(shard.moments, stage_of_segment=stage_of_segment))


def _at_stages(point: Point, stages: Ints) -> Point:
    """The part of a point that some stages need."""
    return replace(
        point,
        factors=point.factors[stages],
        dedicated=point.dedicated[stages],
        spend=point.spend[stages],
    )
