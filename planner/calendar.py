"""When: the planned hours, the purchase dates among them, and what money is worth in each."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from catalogs import HOURS_PER_YEAR, Faults
from planner.request import Accounting, Horizon, PurchaseDates

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Calendar:
    """The planned hours and the purchase dates among them.

    Attributes:
        start: first planned hour, UTC.
        hours: number of planned hours.
        purchase_hours: hours after ``start`` at which purchases may begin, ascending.
        accounting: how purchases are charged.
        discount_rate: yearly, a share; 0 unless the accounting is cash_flow.
    """

    start: datetime
    hours: int
    purchase_hours: tuple[int, ...]
    accounting: Accounting = Accounting.AMORTIZED
    discount_rate: float = 0.0

    @property
    def end(self) -> datetime:
        """First hour no longer planned for."""
        return self.at(self.hours)

    def at(self, hour: int) -> datetime:
        """The moment at which an hour of the plan begins."""
        return self.start + hour * HOUR

    def hour_of(self, moment: datetime) -> int:
        """Hours from the plan's start to a moment; negative before it."""
        return (moment - self.start) // HOUR

    @cached_property
    def worth(self) -> NDArray[np.float64]:
        """What a dollar of each hour, and of the horizon's end, counts at the start [hour + 1]."""
        return np.asarray(
            (1.0 + self.discount_rate) ** -(np.arange(self.hours + 1) / HOURS_PER_YEAR)
        )

    @cached_property
    def is_discounted(self) -> bool:
        """Whether some planned hours are worth more than others."""
        return bool(np.ptp(self.worth[:-1]) > 0)

    @cached_property
    def worth_before(self) -> NDArray[np.float64]:
        """What a dollar in every hour before each one counts at the start [hour + 1]."""
        return np.concatenate([[0.0], np.cumsum(self.worth[:-1])])


def make_calendar(
    horizon: Horizon,
    purchases: PurchaseDates,
    demand_start: datetime,
    demand_end: datetime,
    longest_term_hours: int | None,
) -> tuple[Calendar, list[str]]:
    """The calendar a request means, and what to tell its reader about defaults.

    Args:
        horizon: as requested.
        purchases: as requested.
        demand_start: first hour the demand covers.
        demand_end: first hour it no longer covers.
        longest_term_hours: of the allowed offers; None when nothing may be bought.

    Raises:
        InvalidInputError: the horizon leaves the demand's span, or a purchase date the horizon.
    """
    faults = Faults()
    start = (horizon.start or demand_start).astimezone(UTC)
    notes: list[str] = []
    hours = _length(horizon, start, demand_end, longest_term_hours, notes)
    _check_span(start, hours, horizon, demand_start, demand_end, faults)
    faults.raise_if_any()
    dates = _purchase_hours(purchases, start, hours, faults)
    faults.raise_if_any()
    return Calendar(start, hours, dates, horizon.accounting, horizon.discount_rate), notes


def _length(
    horizon: Horizon,
    start: datetime,
    demand_end: datetime,
    longest_term_hours: int | None,
    notes: list[str],
) -> int:
    if horizon.hours is not None:
        return horizon.hours
    if horizon.end is not None:
        return (horizon.end.astimezone(UTC) - start) // HOUR
    available = (demand_end - start) // HOUR
    if longest_term_hours is not None and longest_term_hours <= available:
        notes.append(f"horizon: the longest term, {longest_term_hours} hours")
        return longest_term_hours
    reason = f", sooner than the longest term of {longest_term_hours}" if longest_term_hours else ""
    notes.append(f"horizon: until the demand ends, {available} hours{reason}")
    return available


def _check_span(
    start: datetime,
    hours: int,
    horizon: Horizon,
    demand_start: datetime,
    demand_end: datetime,
    faults: Faults,
) -> None:
    span = f"the demand covers {demand_start.isoformat()} to {demand_end.isoformat()}"
    if not demand_start <= start < demand_end:
        faults.add("horizon.start", start.isoformat(), f"lies outside; {span}")
    elif hours < 1 or start + hours * HOUR > demand_end:
        field = "horizon.hours" if horizon.hours is not None else "horizon.end"
        faults.add(field, (start + hours * HOUR).isoformat(), f"lies outside; {span}")


def _purchase_hours(
    purchases: PurchaseDates, start: datetime, hours: int, faults: Faults
) -> tuple[int, ...]:
    if purchases.every_months is not None:
        return _every_months(purchases.every_months, start, hours)
    if purchases.every_hours is not None:
        return tuple(range(0, hours, purchases.every_hours))
    if purchases.dates is not None:
        field = "purchases.dates"
        found = [(date.astimezone(UTC) - start) // HOUR for date in purchases.dates]
    else:
        field, found = "purchases.hours", list(purchases.hours or ())
    for position, hour in enumerate(found):
        if not 0 <= hour < hours:
            moment = (start + hour * HOUR).isoformat()
            end = start + hours * HOUR
            span = f"{start:%Y-%m-%dT%H:%MZ} to {end:%Y-%m-%dT%H:%MZ}"
            fix = f"lies outside the hours planned or billed, {span}; take it out"
            faults.add(f"{field}.{position}", moment, fix)
    return tuple(sorted(set(found)))


def _every_months(step: int, start: datetime, hours: int) -> tuple[int, ...]:
    found: list[int] = []
    while not found or found[-1] < hours:
        found.append(
            (pd.Timestamp(start) + pd.DateOffset(months=step * len(found)) - start) // HOUR
        )
    return tuple(found[:-1])
