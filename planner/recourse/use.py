"""The pass over all hours that asks what commitments can be used for.

What commitments are used for never changes what hours cost: any two dispatches of an hour can be
combined into one that serves all that the first serves and uses all that the second uses
(docs/decisions/0012-decomposition.md has the proof). So floors on use ask only whether there is a
dispatch that uses enough, and this pass answers.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from planner.recourse.hours import Hours
from planner.recourse.sharing import task_bounds, threads_or_all
from planner.recourse.structure import Floats, Ints, Point, Structure
from planner.recourse.use_tables import (
    OwnTotals,
    UseRows,
    UseTotals,
    chunk_use,
    lay_out_use,
    own_totals,
    use_space,
    use_stages,
    use_starts,
    use_totals,
)

GROUPS = 128
"""About how many groups all rows are in: dispatches are mixed by group."""


@dataclass(frozen=True)
class MostUse:
    r"""The dispatch of the greatest reward at a point, and a bound of the rewards of all points.

    For the rewards :math:`\lambda` it was made for, no dispatch at any point has a segment's use
    :math:`\sum_t \lambda_t U_t` above ``usage · factors + committed · commitments``.

    Attributes:
        usage: reward per unit of a pair's factor [segment × pair].
        committed: reward per unit of a target's commitment [segment × target].
        used: hours of use of every target [group × target].
        doubtful_rows: rows in which bound and reward may differ.
    """

    usage: Floats
    committed: Floats
    used: Floats
    doubtful_rows: int


@dataclass(frozen=True)
class OwnUse:
    """What each target could be used for if there were no other, by a bound like `MostUse`'s.

    Attributes:
        used: hours of use [target by segment × target].
        full: use per unit of its commitment [segment × target].
        usage: use per unit of a pair's factor [segment × entry].
        entry_target: target of each entry [entry].
        entry_pair: pair of each entry [entry].
    """

    used: Floats
    full: Floats
    usage: Floats
    entry_target: Ints
    entry_pair: Ints


class UsePass:
    """Takes the greatest use of all hours at points.

    A *target* is a pool or, after these, a plan. A *group* holds some rows of one segment; groups
    are small, so that a mixture of dispatches by group comes near to any other dispatch.

    Args:
        structure: slices, pools, plans and pairs.
        hours: the rows, as `make_hours` makes them, amounts not rounded.
        threads: threads to use; None for one per processor.
    """

    def __init__(self, structure: Structure, hours: Hours, threads: int | None = None) -> None:
        self.structure, self.hours = structure, hours
        self._layout = lay_out_use(structure)
        self._chunks, self.segment_of_group = chunk_use(hours, GROUPS)
        self._starts = use_starts(self._layout.tables, hours)
        threads = threads_or_all(threads)
        self._tasks = task_bounds(len(self.segment_of_group), threads)
        self._workers = ThreadPoolExecutor(threads) if threads > 1 else None
        kinds = np.zeros(hours.hours.shape, dtype=np.int8)
        self._rows = UseRows(hours.demand, hours.hours, kinds)

    @property
    def targets(self) -> int:
        """Number of targets."""
        return self.structure.pools + self.structure.plans

    def at(self, point: Point, rewards: Floats) -> tuple[OwnUse, MostUse]:
        """What each target alone could be used for at a point, and `most` there."""
        self._stages = use_stages(self._layout, point)
        own, totals = self._run(rewards, is_new=True)
        layout = self._layout
        alone = OwnUse(
            used=self._by_segment(own.used),
            full=self._by_segment(own.full),
            usage=self._by_segment(own.entry),
            entry_target=layout.entry_target,
            entry_pair=layout.pair_order[layout.tables.entry_pair],
        )
        return alone, self._most(totals)

    def most(self, rewards: Floats) -> MostUse:
        """The dispatch of the greatest reward per hour of use [target], at the last point."""
        return self._most(self._run(rewards, is_new=False)[1])

    def _most(self, totals: UseTotals) -> MostUse:
        """By segment, in the order of the structure's pairs."""
        order = self._layout.pair_order
        usage = np.empty((self.hours.segments, len(order)))
        usage[:, order] = self._by_segment(totals.pair)
        return MostUse(
            usage, self._by_segment(totals.alpha), totals.used, int(totals.doubtful.sum())
        )

    def _run(self, rewards: Floats, *, is_new: bool) -> tuple[OwnTotals, UseTotals]:
        """Run over all chunks."""
        from planner.recourse.use_kernels import run  # loads numba, which few commands need

        tables, count = self._layout.tables, len(self.segment_of_group)
        totals = use_totals(tables, count)
        own = own_totals(tables, count if is_new else 0)

        def task(first: int, last: int) -> None:
            run(
                first, last, tables, self._stages, self._chunks, self._rows, rewards, is_new,
                self._starts, use_space(tables), own, totals,
            )  # fmt: skip

        if self._workers is None:
            task(0, count)
        else:
            list(self._workers.map(task, self._tasks[:-1], self._tasks[1:]))
        return own, totals

    def _by_segment(self, of_chunk: Floats) -> Floats:
        """Sums over each segment's chunks, in their order."""
        sums = np.zeros((self.hours.segments, of_chunk.shape[1]))
        np.add.at(sums, self.segment_of_group, of_chunk)
        return sums
