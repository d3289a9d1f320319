"""Prices that fall as a month goes on: which quarter of its month's price an hour pays.

A provider stacks a month's usage into levels and charges each level less the longer it runs:
over the hours in descending order of usage, those of the first quarter of the month pay the first
factor, and so on. Commitments that stay the same all month take from the bottom, and leave that
order as it is. So every hour has its price beforehand. Where commitments change inside a month, or
other usage of the pool moves, the order of what is left is open (`planner.open_months`): prices by
the hour are then a lower bound, for the provider's is the dearest of all orders.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.calendar import Calendar

QUARTERS = 4

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Month:
    """The planned part of a calendar month in UTC; the whole month is the base of its prices.

    Attributes:
        name: such as 2026-01.
        first: its first planned hour.
        end: the first hour after it that is no longer planned, or of the next month.
        hours: of the whole calendar month.
    """

    name: str
    first: int
    end: int
    hours: int

    @property
    def planned(self) -> int:
        """Planned hours."""
        return self.end - self.first


def months_of(calendar: Calendar) -> tuple[Month, ...]:
    """The months that have planned hours, in the order of time."""
    begins = np.datetime64(calendar.start.replace(tzinfo=None), "h")
    month_of_hour = (begins + np.arange(calendar.hours)).astype("datetime64[M]")
    found, first = np.unique(month_of_hour, return_index=True)
    hours = (found + 1).astype("datetime64[h]") - found.astype("datetime64[h]")
    ends = [*first[1:].tolist(), calendar.hours]
    return tuple(
        Month(str(month), begin, end, length)
        for month, begin, end, length in zip(
            found, first.tolist(), ends, hours.astype(int).tolist(), strict=True
        )
    )


def quarters_of(usage: Floats, calendar: Calendar, scenarios: int) -> NDArray[np.intp]:
    """The quarter of its month's prices that each moment pays [moment].

    The whole calendar month is the base, also where only a part of it is planned.

    Args:
        usage: of one pool [moment].
        calendar: the hours planned.
        scenarios: futures; each has months of its own.
    """
    quarter = np.empty((scenarios, calendar.hours), dtype=np.intp)
    by_scenario = usage.reshape(scenarios, -1)
    for month in months_of(calendar):
        inside = slice(month.first, month.end)
        descending = np.argsort(-by_scenario[:, inside], axis=1, kind="stable")
        rank = np.empty_like(descending)
        np.put_along_axis(rank, descending, np.arange(month.planned)[None, :], axis=1)
        quarter[:, inside] = rank * QUARTERS // month.hours
    return quarter.ravel()
