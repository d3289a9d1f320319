"""What a pass over the hours is asked, and what it answers: arrays in, arrays out."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

Weighting = Literal["worth", "hours"]
"""What an hour counts for in a sum: its worth to the accounting, or itself."""


@dataclass(frozen=True)
class Structure:
    """What is the same in all hours.

    Usage of a slice is linear in the demand series: the sum, over its pairs, of a stage's factor
    times the pair's series.

    Attributes:
        on_demand_usd: on-demand price of a slice unit [slice].
        pool_of_slice: the pool whose dedicated commitments serve a slice [slice].
        units: pool units that a slice unit takes [slice], above 0.
        pools: number of pools.
        rates: dollars of a spend plan that a slice unit takes [plan × slice]; infinite where the
            plan does not cover the slice, otherwise above 0.
        pair_slice: slice of each pair [pair].
        pair_series: demand series of each pair [pair].
    """

    on_demand_usd: Floats
    pool_of_slice: Ints
    units: Floats
    pools: int
    rates: Floats
    pair_slice: Ints
    pair_series: Ints

    @property
    def slices(self) -> int:
        """Number of slices."""
        return len(self.on_demand_usd)

    @property
    def plans(self) -> int:
        """Number of spend plans."""
        return len(self.rates)


@dataclass(frozen=True)
class Point:
    """What the master decides for every stage.

    Attributes:
        factors: usage of the pair's slice per unit of its series [stage × pair].
        dedicated: units committed to a pool [stage × pool].
        spend: dollars per hour committed to a plan [stage × plan].
    """

    factors: Floats
    dedicated: Floats
    spend: Floats


@dataclass(frozen=True)
class Sums:
    """One cut per segment, valid for every point and tight at the one it was made at.

    The recourse cost of a segment is at least ``usage · factors - dedicated · dedicated units -
    spend · dollars per hour``, for all factors and commitments.

    Attributes:
        value_usd: the cut at its own point [segment].
        usage: dollars per unit of a pair's factor [segment × pair].
        dedicated: dollars that one more unit of a pool saves [segment × pool].
        spend: dollars that one more dollar per hour of a plan saves [segment × plan].
        doubtful_rows: rows whose part of the value was not proven to be their full cost.
    """

    value_usd: Floats
    usage: Floats
    dedicated: Floats
    spend: Floats
    doubtful_rows: int


@dataclass(frozen=True)
class Levels:
    """Commitments at which tangents are taken: several amounts of each.

    Attributes:
        dedicated: units committed to a pool [stage × pool × level].
        spend: dollars per hour committed to a plan; of plans that roam unread [stage × plan ×
            level].
    """

    dedicated: Floats
    spend: Floats

    @property
    def depth(self) -> int:
        """Number of levels."""
        return int(self.dedicated.shape[2])


@dataclass(frozen=True)
class Tangents:
    """Tangents of each segment's recourse in what is committed to its families.

    With the dual prices of plans that roam as they were at the last point, a family costs at least
    ``usage · factors - dedicated · units committed - spend · dollars committed``, its own pairs,
    pools and plans alone, for every level.

    Attributes:
        usage: dollars per unit of a pair's factor [segment × pair × level].
        dedicated: dollars that one more unit of a pool saves [segment × pool × level].
        spend: dollars that one more dollar per hour of a plan saves; of plans that roam 0 [segment
            × plan × level].
    """

    usage: Floats
    dedicated: Floats
    spend: Floats


@dataclass(frozen=True)
class SeriesRange:
    """The least and the greatest amount of each series in each segment [segment × series]."""

    low: Floats
    high: Floats
