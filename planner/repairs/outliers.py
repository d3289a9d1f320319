"""Rule `outliers`: values far from the same hour of neighbouring weeks are clipped to a band."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_WEEK_HOURS, _DAY_HOURS = 168, 24
_NEIGHBOURS = 4
_NORMAL = 1.4826
"""A normal distribution's standard deviation in median absolute deviations."""

_LEAST_SHARE = 0.01
"""The deviation is never taken for less than this share of the series' median."""


def clip_outliers(values: Floats, band: float) -> Floats:
    """The series [hour] with every value inside its band, and none below 0.

    The middle of the band is the median of the same hour in the four weeks before and after (days,
    in series of less than nine weeks; the series' own median below nine days): a step in the level
    moves it within that hour's week. Its half width is ``band`` robust standard deviations of what
    the series differs from it.
    """
    middle = _middle(values)
    deviation = _NORMAL * float(np.median(np.abs(values - middle)))
    width = band * max(deviation, _LEAST_SHARE * float(np.median(values)))
    if width <= 0:  # nearly all zeros: nothing says what is usual
        return values
    return np.clip(values, np.maximum(middle - width, 0), middle + width)


def _middle(values: Floats) -> Floats:
    count = 2 * _NEIGHBOURS + 1
    for period in (_WEEK_HOURS, _DAY_HOURS):
        if len(values) >= count * period:
            return _median_of_neighbours(values, period)
    return np.full_like(values, np.median(values))


def _median_of_neighbours(values: Floats, period: int) -> Floats:
    """Median of each hour and the same of the periods around; at the ends, of as many inside."""
    hours = np.arange(len(values))
    first = hours % period
    whole = (len(values) - 1 - first) // period
    begin = np.clip(hours // period - _NEIGHBOURS, 0, whole - 2 * _NEIGHBOURS)
    stack = [values[first + (begin + k) * period] for k in range(2 * _NEIGHBOURS + 1)]
    middle: Floats = np.median(np.stack(stack, axis=1), axis=1)
    return middle
