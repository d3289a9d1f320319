"""The pass over all hours that rewards the use of commitments, and says how they are used.

Utilization floors join the hours: their duals are rewards, and with these every hour is again a
problem of its own, though no longer one that the compiled pass knows.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from planner.recourse.hour_programs import HourPrograms
from planner.recourse.hours import Hours
from planner.recourse.rows import cut_value, segment_of_blocks, usage_of_rows
from planner.recourse.structure import Floats, Ints, Multipliers, Point, Structure, Sums

GROUPS = 256
"""About how many groups all rows are in: dispatches are mixed by group."""


@dataclass(frozen=True)
class Dispatch:
    """The best dispatch of all hours under multipliers.

    Attributes:
        sums: a cut per segment: recourse cost, by worth, less the rewards, by hours.
        cost_usd: recourse cost by worth, rewards left out [group].
        used: units of pools, then dollars of plans, used over all hours [group × target].
    """

    sums: Sums
    cost_usd: Floats
    used: Floats


class RewardedPass:
    """Takes the recourse of all hours at points, with rewards for commitment that is used.

    A *group* holds some rows of one segment; groups are small, so that a mixture of dispatches by
    group comes near to any other dispatch. A *target* is a pool or, after these, a plan.

    Args:
        structure: slices, pools, plans and pairs.
        hours: the rows, as `make_hours` makes them.
    """

    def __init__(self, structure: Structure, hours: Hours) -> None:
        self.structure, self.hours = structure, hours
        self._programs = HourPrograms(structure)
        self._block, self._lane = np.nonzero(hours.hours)
        self._segment = segment_of_blocks(hours, self._block)
        self._count = hours.hours[self._block, self._lane]
        self._worth = hours.worth[self._block, self._lane]
        rows = len(self._block)
        size = -(-rows // GROUPS) or 1
        keys = self._segment * (rows // size + 1) + np.arange(rows) // size
        first, group = np.unique(keys, return_index=True, return_inverse=True)[1:]
        self.segment_of_group = self._segment[first]
        """Segment of each group [group]."""
        self._to_group = _adder(group, len(first))
        self._to_segment = _adder(self._segment, hours.segments)

    def __call__(
        self,
        point: Point,
        multipliers: Multipliers,
        *,
        counts_cost: bool = True,
        tie_usd: float = 0.0,
    ) -> Dispatch:
        """The best dispatch at a point; where cost does not count, the one of greatest reward.

        Of dispatches that are as good, ``tie_usd`` more for every use picks one that uses much.

        Raises:
            SolverFailedError: HiGHS did not solve an hour.
        """
        hours, structure, count = self.hours, self.structure, self._count
        stage = hours.stage_of_segment[self._segment]
        usage = usage_of_rows(structure, hours, point, self._block, self._lane)
        worth = self._worth if counts_cost else np.zeros(len(count))
        rows = self._programs.solve(
            usage,
            point.dedicated[stage],
            point.spend[stage],
            multipliers,
            dollars=worth / count,
            tie_usd=tie_usd,
        )
        demand = hours.demand[self._block, :, self._lane].astype(np.float64)
        of_usage = rows.usage[:, structure.pair_slice] * demand[:, structure.pair_series]
        of_usage = np.asarray(self._to_segment @ (count[:, None] * of_usage))
        dedicated = np.asarray(self._to_segment @ (count[:, None] * rows.dedicated))
        spend = np.asarray(self._to_segment @ (count[:, None] * rows.spend))
        value = cut_value(hours.stage_of_segment, point, of_usage, dedicated, spend)
        used = np.hstack([rows.used_dedicated, rows.used_spend])
        return Dispatch(
            Sums(value, of_usage, dedicated, spend, doubtful_rows=0),
            np.asarray(self._to_group @ (self._worth * rows.on_demand_usd)),
            np.asarray(self._to_group @ (count[:, None] * used)),
        )


def _adder(target: Ints, size: int) -> sp.csr_array[np.float64]:
    """The matrix that adds up rows by their target [target × row]."""
    rows = np.arange(len(target))
    return sp.csr_array((np.ones(len(target)), (target, rows)), shape=(size, len(target)))
