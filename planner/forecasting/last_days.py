"""What stands out in the last days of a history: an outage there is forecast like any demand."""

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from planner.demand import Demand
from planner.forecasting.clock import HOURS_PER_DAY
from planner.forecasting.models import HOURS_PER_WEEK

Floats = NDArray[np.float64]

DAYS = 7
NOTHING = 0.1
"""A single day is told of where less than this share of the usual is left: weather does less."""
WEEKS_BEFORE = 4
"""So many weeks say what is usual; more would take growth for a break."""
FEWEST_WEEKS = 3
LEAST_FACTOR = 1.4
"""Days no further from the usual than this factor are never told of."""
TIMES_OFF = 2.0
"""Nor are days less than so many times as far off, in logarithms, as one in ten days before."""


def last_days_notes(history: Demand, name: str) -> tuple[str, ...]:
    """What a person should know of a series' last seven days before its forecast is trusted.

    Days that lie far under or above the same days of the four weeks before, and days filled in by
    the rule `gaps`. The forecast itself takes neither for anything but demand.
    """
    return (*_off_level(history, name), *_filled_in(history, name))


def _off_level(history: Demand, name: str) -> list[str]:
    weeks = min(history.hours // HOURS_PER_WEEK - 1, WEEKS_BEFORE)
    if weeks < FEWEST_WEEKS:
        return []
    values = history.series[name][-(weeks + 1) * HOURS_PER_WEEK :]
    days = values.reshape(weeks + 1, DAYS, HOURS_PER_DAY).mean(axis=2)
    before, last = days[:-1], days[-1]
    usual = np.median(before, axis=0)
    far = _far(before, last, usual)
    under = far & (last < before.min(axis=0))
    above = far & (last > before.max(axis=0))
    empty = under & (last < NOTHING * usual)
    return [
        _told(history, name, one, last, usual, weeks)
        for one in (under, above)
        if one.sum() > 1 or (one & empty).any()
    ]


def _far(before: Floats, last: Floats, usual: Floats) -> NDArray[np.bool_]:
    """Whether each last day is further from the usual than the days before were [day]."""
    busy = usual > 0
    if not busy.any():
        return busy
    off_before = np.abs(_log_ratio(before[:, busy], usual[busy]))
    off_seldom = np.quantile(off_before, 0.9, method="lower")
    band = max(np.log(LEAST_FACTOR), TIMES_OFF * float(off_seldom))
    far = np.zeros(len(last), dtype=bool)
    far[busy] = np.abs(_log_ratio(last[busy], usual[busy])) > band
    return far


def _log_ratio(days: Floats, usual: Floats) -> Floats:
    """Logarithm of days over the usual; minus infinity where there is no demand."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(days) - np.log(usual))


def _told(
    history: Demand, name: str, far: NDArray[np.bool_], last: Floats, usual: Floats, weeks: int
) -> str:
    places = np.flatnonzero(far)
    start = history.end - timedelta(days=DAYS - int(places[0]))
    end = history.end - timedelta(days=DAYS - 1 - int(places[-1]))
    level, before = _number(last[far].mean()), _number(usual[far].mean())
    when = f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"
    return (
        f"in {len(places)} of the last {DAYS} days ({when}) demand was {level} on the mean, "
        f"{before} on the same days of the {weeks} weeks before; the forecast is no less certain "
        f"for it: {_way_out(history, name, start)}"
    )


def _way_out(history: Demand, name: str, start: datetime) -> str:
    """What a person may do."""
    zeros = [one for one in history.repairs if one.rule == "edges" and one.series == name]
    if any(one.end > start and one.done == "set to 0" for one in zeros):
        return "edges was to set 0 there; repair: {edges: trim} ends the history before"
    return (
        "if it was an outage, take its rows out, for repair: [gaps] to fill them or the history to "
        "end before"
    )


def _filled_in(history: Demand, name: str) -> list[str]:
    week = history.end - timedelta(days=DAYS)
    hours = sum(
        min(one.count, (one.end - max(one.start, week)) // timedelta(hours=1))
        for one in history.repairs
        if one.rule == "gaps" and one.series == name and week < one.end and one.start < history.end
    )
    if hours < HOURS_PER_DAY:
        return []
    return [
        f"{hours} hours of the last {DAYS} days were lost and filled in (gaps): the forecast is no "
        "less certain for it"
    ]


def _number(value: float) -> str:
    return f"{value:,.1f}" if value >= 100 else f"{value:.3g}"
