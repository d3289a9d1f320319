"""Prices that fall as a month goes on: which quarter of its month's price an hour pays.

A provider stacks a month's usage into levels and charges each level less the longer it runs:
over the hours in descending order of usage, those of the first quarter of the month pay the first
factor, and so on. Commitments that stay the same all month take from the bottom, and leave that
order as it is. So every hour has its price beforehand. Where commitments change inside a month, or
other usage of the pool moves, the order of what is left may differ: then this cost is a lower
bound, for the provider's is the dearest of all orders.
"""

import numpy as np
from numpy.typing import NDArray

from planner.calendar import Calendar

QUARTERS = 4

Floats = NDArray[np.float64]


def quarters_of(usage: Floats, calendar: Calendar, scenarios: int) -> NDArray[np.intp]:
    """The quarter of its month's prices that each moment pays [moment].

    The whole calendar month is the base, also where only a part of it is planned.

    Args:
        usage: of one pool [moment].
        calendar: the hours planned.
        scenarios: futures; each has months of its own.
    """
    first = np.datetime64(calendar.start.replace(tzinfo=None), "h")
    hour = first + np.arange(calendar.hours)
    month = hour.astype("datetime64[M]")
    length = ((month + 1).astype("datetime64[h]") - month.astype("datetime64[h]")).astype(np.intp)
    quarter = np.empty((scenarios, calendar.hours), dtype=np.intp)
    by_scenario = usage.reshape(scenarios, -1)
    for one in np.unique(month):
        inside = np.flatnonzero(month == one)
        hours = int(length[inside[0]])
        descending = np.argsort(-by_scenario[:, inside], axis=1, kind="stable")
        rank = np.empty_like(descending)
        np.put_along_axis(rank, descending, np.arange(len(inside))[None, :], axis=1)
        quarter[:, inside] = rank * QUARTERS // hours
    return quarter.ravel()
