"""The passes a solve asks: in this process, or shared among workers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from planner.decomposition.layout import Layout
from planner.recourse import Hours, Pass, coarsen
from planner.shards import Recourse, Shard, ShardedPass, Shards, Worker, spread_scenarios
from planner.shards.shard import AS_THEY_ARE


class Passes(Protocol):
    """What a solve asks about recourse."""

    @property
    def rows(self) -> int:
        """Rows of different demand."""

    @property
    def fine(self) -> Recourse:
        """The recourse of all hours."""

    def means(self, rows_per_mean: int) -> Recourse:
        """The recourse of means of similar hours, never dearer."""


@contextmanager
def open_passes(
    layout: Layout, dtype: str, workers: Sequence[Worker] = (), threads: int | None = None
) -> Iterator[Passes]:
    """Passes over the hours of a problem, for as long as they are needed.

    Args:
        layout: the problem's.
        dtype: in which demand is kept.
        workers: processes to share the scenarios among; none: this process takes them all.
        threads: of this process; None for one per processor. Workers have their own.

    Raises:
        WorkerLostError: a worker was lost.
    """
    if not workers:
        yield _InProcess(layout, layout.hours(dtype, threads), threads)
        return
    with Shards(_placed(layout, dtype, workers)) as shards:
        yield _Shared(shards)


class _InProcess:
    """Passes in this process."""

    def __init__(self, layout: Layout, hours: Hours, threads: int | None) -> None:
        self._layout, self._hours, self._threads = layout, hours, threads
        self.rows = hours.rows
        self.fine: Recourse = Pass(layout.structure, hours, threads)

    def means(self, rows_per_mean: int) -> Recourse:
        """The recourse of means of similar hours, never dearer."""
        price_usd = self._layout.series_price_usd
        means = coarsen(self._hours, rows_per_mean, price_usd, threads=self._threads)
        return Pass(self._layout.structure, means, self._threads)


class _Shared:
    """Passes that workers take."""

    def __init__(self, shards: Shards) -> None:
        self._shards = shards
        self.rows = shards.rows
        self.fine: Recourse = ShardedPass(shards, AS_THEY_ARE)

    def means(self, rows_per_mean: int) -> Recourse:
        """The recourse of means of similar hours, never dearer."""
        return ShardedPass(self._shards, rows_per_mean)


def _placed(layout: Layout, dtype: str, workers: Sequence[Worker]) -> list[tuple[Worker, Shard]]:
    """Each worker's scenarios."""
    structure, price_usd = layout.structure, layout.series_price_usd
    return [
        (worker, Shard(structure, layout.moments(scenarios), price_usd, dtype, worker.threads))
        for worker, scenarios in spread_scenarios(len(layout.problem.probability), workers)
    ]
