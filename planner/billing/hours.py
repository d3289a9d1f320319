"""Clock hours and calendar months in UTC: the grid every bill is written on."""

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ONE_HOUR = timedelta(hours=1)
TICKS_PER_HOUR = 3_600_000_000
"""Time inside an hour is counted in whole microseconds, ticks for short."""
_TICK = timedelta(microseconds=1)


def misfit(moment: datetime) -> str | None:
    """Why ``moment`` is not the start of a UTC clock-hour, as a fix; None when it is one."""
    if moment.utcoffset() is None:
        return "write the time with its UTC offset"
    in_utc = moment.astimezone(UTC)
    if in_utc.minute or in_utc.second or in_utc.microsecond:
        return "write the start of a whole UTC clock-hour"
    return None


def hours_from(start: datetime, moment: datetime) -> int:
    """Whole clock-hours from ``start`` to ``moment``; negative when ``moment`` is earlier."""
    return (moment - start) // ONE_HOUR


def ticks_from(start: datetime, moment: datetime) -> int:
    """Time from ``start`` to ``moment`` [ticks]; negative when ``moment`` is earlier."""
    return (moment - start) // _TICK


def in_hours(ticks: int) -> int | Fraction:
    """Ticks as exact hours."""
    whole, rest = divmod(ticks, TICKS_PER_HOUR)
    return Fraction(ticks, TICKS_PER_HOUR) if rest else whole


class Stretch(NamedTuple):
    """Time from ``begin`` to ``end`` [ticks from a span's start], not always whole hours."""

    begin: int
    end: int

    def inside(self, hours: int) -> "Stretch":
        """The part of it in a span of so many hours; empty when they do not meet."""
        last = hours * TICKS_PER_HOUR
        begin = min(max(self.begin, 0), last)
        return Stretch(begin, max(begin, min(self.end, last)))

    @property
    def hours(self) -> float:
        """How long it is [hours]."""
        return (self.end - self.begin) / TICKS_PER_HOUR

    @property
    def clock_hours(self) -> slice:
        """The clock-hours it touches."""
        first = self.begin // TICKS_PER_HOUR
        touched = self.end > self.begin
        return slice(first, -(-self.end // TICKS_PER_HOUR) if touched else first)

    @property
    def outside(self) -> tuple[tuple[int, float], ...]:
        """Clock-hours it touches in part, and how much of each lies outside it (0–1)."""
        touched = self.clock_hours
        before = self.begin / TICKS_PER_HOUR - touched.start
        after = touched.stop - self.end / TICKS_PER_HOUR
        ends = ((touched.start, before), (touched.stop - 1, after))
        return tuple((hour, part) for hour, part in ends if part > 0 and self.end > self.begin)

    def add_to(self, hourly: NDArray[np.float64], amount: float) -> None:
        """Add an amount per hour to all clock-hours it touches, by how much lies in it."""
        hourly[self.clock_hours] += amount
        for hour, part in self.outside:
            hourly[hour] -= amount * part

    def total(self, hourly: NDArray[np.float64]) -> float:
        """The sum of what the clock-hours it touches have, by how much lies in it."""
        cut = sum(float(hourly[hour]) * part for hour, part in self.outside)
        return float(hourly[self.clock_hours].sum()) - cut


@dataclass(frozen=True)
class MonthSpan:
    """The part of one calendar month inside a span; hours count from the span's start."""

    month: str
    first_hour: int
    end_hour: int

    @property
    def calendar_hours(self) -> int:
        """Hours of the whole calendar month, in the span or not."""
        year, month = map(int, self.month.split("-"))
        return 24 * calendar.monthrange(year, month)[1]


def split_into_months(start: datetime, hours: int) -> tuple[MonthSpan, ...]:
    """Cut ``hours`` clock-hours from ``start`` (UTC) at every turn of a calendar month."""
    spans: list[MonthSpan] = []
    first = 0
    while first < hours:
        now = start + first * ONE_HOUR
        next_month = datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC)
        end = min(hours, hours_from(start, next_month))
        spans.append(MonthSpan(f"{now:%Y-%m}", first, end))
        first = end
    return tuple(spans)
