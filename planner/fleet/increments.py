"""Demand in the increments that whole machines serve: the greatest common divisor of them all."""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

LARGEST_CAPACITY = 10**5
"""Machines of more increments than this have capacities too odd for rounding to tell."""

ROUNDING_INCREMENTS = 1e-9
"""Demand is not rounded up for less than this, beside the error of its own arithmetic."""

ROUNDING_SHARE = 1e-13


def count_increments(
    series: NDArray[np.float64], capacities: Sequence[float]
) -> tuple[NDArray[np.float64], tuple[int, ...]] | None:
    r"""Demand [hour] and what one machine of each type serves, both in whole increments.

    Exact where machines are whole: they serve multiples of the increment :math:`g` only, so

    .. math:: \sum_i c_i n_i \ge d \iff \sum_i (c_i / g) n_i \ge \lceil d / g \rceil

    None where the capacities (as decimals) share no increment of a useful size.
    """
    exact = [Fraction(repr(float(capacity))) for capacity in capacities]
    scale = math.lcm(*(one.denominator for one in exact))
    counts = [int(one * scale) for one in exact]
    divisor = math.gcd(*counts)
    if max(counts) > LARGEST_CAPACITY * divisor:
        return None
    wanted = series * (scale / divisor)
    levels = np.ceil(wanted * (1 - ROUNDING_SHARE) - ROUNDING_INCREMENTS)
    return np.maximum(levels, 0.0), tuple(count // divisor for count in counts)
