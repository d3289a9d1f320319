"""How a forecast would have done on its own history: rolling origins, errors beside naive ones."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from planner.demand import Demand
from planner.forecasting.forecast import SHORTEST_HOURS, forecast
from planner.forecasting.models import HOURS_PER_DAY, HOURS_PER_WEEK
from planner.forecasting.naive import season_hours, seasonal_naive
from planner.forecasting.report import TrackRecord
from planner.request import ForecastSettings

Floats = NDArray[np.float64]

HOUR = timedelta(hours=1)
LEVELS = (0.1, 0.5, 0.9)

SHORT_WEEKS = 13
LONG_WEEKS = 52
LONG_HISTORY_WEEKS = 117
"""Histories of so many weeks show errors of a year ahead: a quarter more than two years."""
NOTHING = 1e-6
"""Naive errors below this share of the forecast's are rounding: no ratio to them means anything."""
ROUNDING = 1e-9
"""So are those below this share of the mean demand."""
FEWEST_WEEKS = 4
"""Shorter histories are looked at by days."""
MOST_ORIGINS = 8
MOST_LONG_ORIGINS = 4


@dataclass
class Tally:
    """Errors of one forecast, added up over origins."""

    loss: float = 0.0
    error: float = 0.0
    naive_error: float = 0.0
    demand: float = 0.0
    inside: int = 0
    hours: int = 0

    def add(self, past: Floats, true: Floats, fan: Floats) -> None:
        """Count the fan [level × hour] of one origin, by what was true [hour]."""
        self.loss += quantile_loss(true, fan)
        self.demand += float(true.sum())
        self.inside += int(((true >= fan[0]) & (true <= fan[-1])).sum())
        self.hours += len(true)
        season = season_hours(len(past))
        self.error += float(np.abs(true - fan[1]).mean())
        self.naive_error += float(np.abs(past[season:] - past[:-season]).mean())

    @property
    def weighted_loss(self) -> float | None:
        """Loss by demand; None where there was none."""
        return self.loss / self.demand if self.demand > 0 else None

    @property
    def mase(self) -> float | None:
        """Error over that of the season before in the history; None where that never errs."""
        rounding = max(NOTHING * self.error, ROUNDING * self.demand / max(self.hours, 1))
        if self.naive_error == 0 or self.naive_error < rounding:
            return None
        return self.error / self.naive_error

    @property
    def coverage(self) -> float:
        """Share of hours inside the outer quantiles."""
        return self.inside / self.hours


@dataclass
class _Pair:
    """The forecast's tally and the naive one's."""

    own: Tally = field(default_factory=Tally)
    naive: Tally = field(default_factory=Tally)


def quantile_loss(true: Floats, fan: Floats) -> float:
    """Twice the pinball loss summed over hours, mean over `LEVELS` [level × hour]."""
    levels = np.array(LEVELS)[:, None]
    off = true - fan
    return float(2 * np.maximum(levels * off, (levels - 1) * off).sum(axis=1).mean())


def track_records(
    history: Demand, settings: ForecastSettings
) -> dict[str, tuple[TrackRecord, ...]]:
    """Track records of every series by its name; none where history is shorter than three days.

    Nor has one a series whose demand began after all that it would be forecast from. What is known
    of the future is left out: it was not part of the past.
    """
    settings = settings.model_copy(update={"known": (), "hazards": ()})
    found: dict[str, tuple[TrackRecord, ...]] = dict.fromkeys(history.series, ())
    for ahead, origins in horizons(history.hours):
        pairs = {name: _Pair() for name in history.series}
        for origin in origins:
            _tally(history, settings, origin, ahead, pairs)
        moments = tuple(history.start + origin * HOUR for origin in origins)
        for name, pair in pairs.items():
            if not _began_after(history.series[name], origins[-1]):
                found[name] = (*found[name], _record(pair, ahead, moments))
    return found


def _began_after(values: Floats, origin: int) -> bool:
    return bool(values.any() and not values[:origin].any())


def horizons(hours: int) -> Iterator[tuple[int, list[int]]]:
    """Hours ahead and the origins to look ahead from, in hours since the history's start."""
    weeks, days = hours // HOURS_PER_WEEK, hours // HOURS_PER_DAY
    if weeks < FEWEST_WEEKS:
        if hours >= SHORTEST_HOURS + HOURS_PER_DAY:
            yield _origins(hours, HOURS_PER_DAY, max(1, days // 4), MOST_ORIGINS, 2)
        return
    yield _origins(hours, HOURS_PER_WEEK, min(SHORT_WEEKS, weeks // 4), MOST_ORIGINS, 2)
    if weeks >= LONG_HISTORY_WEEKS:
        yield _origins(hours, HOURS_PER_WEEK, LONG_WEEKS, MOST_LONG_ORIGINS, LONG_WEEKS)


def _origins(
    hours: int, unit_hours: int, ahead: int, most: int, fewest: int
) -> tuple[int, list[int]]:
    """Origins spread evenly, the last one so that what it looks at ends with the history."""
    units = hours // unit_hours
    last = units - ahead
    first = min(max(units // 3, fewest), last)
    count = min(most, last - first + 1)
    places = np.unique(np.linspace(first, last, count).round().astype(int))
    return ahead * unit_hours, [hours - (units - place) * unit_hours for place in places.tolist()]


def _tally(
    history: Demand,
    settings: ForecastSettings,
    origin: int,
    ahead: int,
    pairs: dict[str, _Pair],
) -> None:
    made = forecast(history.between(history.start, origin), settings, ahead)
    for name, pair in pairs.items():
        past, true = np.split(history.series[name][: origin + ahead], [origin])
        pair.own.add(past, true, made.quantiles(name, LEVELS))
        pair.naive.add(past, true, seasonal_naive(past, ahead, LEVELS))


def _record(pair: _Pair, ahead: int, origins: tuple[datetime, ...]) -> TrackRecord:
    loss, naive_loss = pair.own.weighted_loss, pair.naive.weighted_loss
    skill = None
    if loss is not None and naive_loss and naive_loss >= NOTHING * loss:
        skill = 1 - loss / naive_loss
    return TrackRecord(
        hours_ahead=ahead,
        origins=origins,
        weighted_quantile_loss=loss,
        mase=pair.own.mase,
        coverage=pair.own.coverage,
        naive_weighted_quantile_loss=naive_loss,
        naive_mase=pair.naive.mase,
        naive_coverage=pair.naive.coverage,
        skill=skill,
    )
