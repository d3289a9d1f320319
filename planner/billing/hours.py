"""Clock hours and calendar months in UTC: the grid every bill is written on."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

ONE_HOUR = timedelta(hours=1)


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


@dataclass(frozen=True)
class MonthSpan:
    """The part of one calendar month inside a span; hours count from the span's start."""

    month: str
    first_hour: int
    end_hour: int


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
