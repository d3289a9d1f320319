"""The forecast of one series: its median, how far off it may be, and what single futures look like.

Attributes of one path are drawn elsewhere (`planner.forecasting.paths`); here they become demand.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from planner.forecasting.choice import Choice, choose_model
from planner.forecasting.clock import HOURS_PER_DAY, Clock
from planner.forecasting.holiday_effects import Calendars, HolidayEffects, find_effects
from planner.forecasting.models import HOURS_PER_WEEK
from planner.forecasting.spread import Spread, measure_spread

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

HOUR = timedelta(hours=1)

MOST_WEEKS = 5 * 52
"""Older history is left out of a forecast."""
YOUNG_WEEKS = 8
"""Demand that began later than so many weeks ago is forecast from its first hour on, by days."""
GROWN_WEEKS = 26
"""Demand that began so many weeks ago or earlier is forecast from its first hour on. In between,
the empty weeks before it stay: they keep a launch from being taken for a trend."""
FEWEST_HOURS = 48
LARGEST_DEVIATION = 0.7
"""Of the level's log error: 80 % bands span no more than a factor of 2.5 either way, and
futures' mean is no more than 1.3 times their median."""


@dataclass(frozen=True)
class SeriesForecast:
    """What one series may do in the hours to come.

    Attributes:
        choice: the model taken, and its rivals' errors.
        country: whose holidays the series keeps; None where none are known.
        expected: level × profile × holiday [hour].
        unit: how many of the model's units each hour lies ahead, from 1 on [hour].
        hour_of_unit: its place in its unit [hour].
        spread: the errors that remain.
        used_hours: of history, those at its end that were looked at.
        choice_of_sum: the model whose median it has, where that is its share of a sum of series.
    """

    choice: Choice
    country: str | None
    expected: Floats
    unit: Ints
    hour_of_unit: Ints
    spread: Spread
    used_hours: int
    choice_of_sum: Choice | None = None

    @property
    def levels(self) -> Choice:
        """The model that its levels come from."""
        return self.choice_of_sum or self.choice

    @property
    def hours(self) -> int:
        """How far it reaches."""
        return len(self.expected)

    def quantiles(self, levels: Sequence[float]) -> Floats:
        """Demand that is not exceeded with a probability [level × hour].

        The deviations of level and hour from their medians are taken as independent.
        """
        deviation, spread = self._deviation(), self.spread
        shut = spread.closed[(self.unit - 1) % len(spread.closed), self.hour_of_unit]
        found = np.zeros((len(levels), self.hours))
        for here, alike in ((~shut, ~spread.closed_ratios), (shut, spread.closed_ratios)):
            if here.any():
                seen = spread.ratios[alike] if alike.any() else spread.ratios
                middle, *shapes = np.quantile(seen, [0.5, *levels])
                for row, level, shape in zip(found, levels, shapes, strict=True):
                    factor = _factor(level, float(shape), float(middle), deviation[here])
                    row[here] = self.expected[here] * factor
        return found

    def path(self, level_deviations: Floats, blocks: Ints) -> Floats:
        """Demand of one future [hour].

        Args:
            level_deviations: of the level from its median, in standard deviations [week].
            blocks: which past week, counted back from the newest, each week is shaped like [week].
        """
        week = np.arange(self.hours) // HOURS_PER_WEEK
        deviation = self._deviation() * level_deviations[week]
        ratios = self.spread.ratios
        unit_hours = ratios.shape[1]
        # Shorter units than weeks follow each other as they did.
        inside = np.arange(self.hours) % HOURS_PER_WEEK // unit_hours
        back = blocks[week] * (HOURS_PER_WEEK // unit_hours) - inside
        shape = ratios[(len(ratios) - 1 - back) % len(ratios), self.hour_of_unit]
        return np.asarray(self.expected * shape * np.exp(deviation))

    def level_deviation(self, units: Floats) -> Floats:
        """Standard deviation of the level's log error so many of the model's units ahead."""
        return np.minimum(self.spread.deviation(units), LARGEST_DEVIATION)

    def _deviation(self) -> Floats:
        """The same at every hour [hour]."""
        return self.level_deviation(self.unit.astype(np.float64))

    def as_share(self, whole: "SeriesForecast", factor: Floats) -> "SeriesForecast":
        """The same as a share of a sum of series, each hour times a factor [hour]."""
        return replace(
            self,
            expected=self.expected * factor,
            used_hours=whole.used_hours,
            choice_of_sum=whole.choice,
        )


def forecast_series(
    start: datetime,
    values: Floats,
    hours: int,
    *,
    clock: Clock,
    calendars: Calendars,
    model: str = "auto",
) -> SeriesForecast:
    """Forecast one series.

    Args:
        start: first hour of the history, UTC.
        values: the history, two days or more, finite and not negative [hour].
        hours: how far ahead.
        clock: whose days and weeks it follows.
        calendars: whose holidays may be its own.
        model: a model's name, or "auto".
    """
    dropped = hours_left_out(values)
    utc = clock.local_hours(start, len(values) + hours)[dropped:]
    first, local = clock.to_local(start + dropped * HOUR, values[dropped:])
    ahead = utc[len(values) - dropped :] - (first + len(local))
    effects = _effects(clock, first, local, int(ahead[-1]) + 1, calendars)
    effect = _by_hour(first, len(local) + int(ahead[-1]) + 1, effects)
    plain = local / np.exp(effect[: len(local)])
    choice = choose_model(plain, model)
    units = choice.model.units(plain)
    unit_hours = choice.model.unit_hours
    # An hour that repeats at the edge of history belongs to the future's first.
    ahead = np.maximum(ahead, 0)
    median = choice.model.median(units, int(ahead[-1]) // unit_hours + 1).ravel()
    return SeriesForecast(
        choice=choice,
        country=effects.country,
        expected=median[ahead] * np.exp(effect[len(local) + ahead]),
        unit=ahead // unit_hours + 1,
        hour_of_unit=ahead % unit_hours,
        spread=measure_spread(choice.model, units),
        used_hours=len(values) - dropped,
    )


def hours_left_out(values: Floats) -> int:
    """Hours at the start of a history that a forecast does not look at."""
    too_old = max(0, len(values) - MOST_WEEKS * HOURS_PER_WEEK)
    busy = np.flatnonzero(values)
    since = len(values) - int(busy[0]) if len(busy) else 0
    since += _night_before(values, since)
    young = FEWEST_HOURS <= since < YOUNG_WEEKS * HOURS_PER_WEEK
    if young or since >= GROWN_WEEKS * HOURS_PER_WEEK:
        return max(too_old, len(values) - since)
    return too_old


def _night_before(values: Floats, since: int) -> int:
    """Hours before the first busy one in which no later day is busy: those before a shop opens."""
    lead = -since % HOURS_PER_DAY
    if not lead or since + lead > len(values):
        return 0
    days = values[len(values) - since - lead :].reshape(-1, HOURS_PER_DAY)
    return 0 if days[1:, :lead].any() or len(days) < FEWEST_HOURS // HOURS_PER_DAY else lead


def _effects(
    clock: Clock, first: int, local: Floats, ahead: int, calendars: Calendars
) -> HolidayEffects:
    """Holiday effects by whole local days, the first of the history that is whole included."""
    lead = -first % HOURS_PER_DAY
    days = max(0, len(local) - lead) // HOURS_PER_DAY
    daily = local[lead : lead + days * HOURS_PER_DAY].reshape(days, HOURS_PER_DAY).mean(axis=1)
    wanted = (len(local) - lead + ahead) // HOURS_PER_DAY + 1
    return find_effects(daily, clock.day_of(first + lead), wanted, calendars)


def _by_hour(first: int, hours: int, effects: HolidayEffects) -> Floats:
    """Holiday effects of local hours, days cut at the start having none [hour]."""
    lead = -first % HOURS_PER_DAY
    hourly = np.concatenate([np.zeros(lead), np.repeat(effects.effect, HOURS_PER_DAY)])
    return hourly[:hours]


def _factor(level: float, shape: float, middle: float, deviation: Floats) -> Floats:
    """Demand at a quantile over what is expected [hour]."""
    normal = NormalDist().inv_cdf(level)
    if shape <= 0:
        return np.zeros_like(deviation)
    if middle <= 0:  # mostly none: only the upper quantiles say anything
        return np.asarray(shape * np.exp(normal * deviation))
    off = np.hypot(np.log(shape / middle), normal * deviation)
    return np.asarray(middle * np.exp(np.sign(normal) * off))
