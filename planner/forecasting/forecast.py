"""From history to futures: every series forecast, sums kept, futures drawn together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from catalogs import Faults
from planner.demand import Demand, Scenario
from planner.forecasting.clock import Clock
from planner.forecasting.holiday_effects import COUNTRIES
from planner.forecasting.models import HOURS_PER_WEEK
from planner.forecasting.paths import draw
from planner.forecasting.series import SeriesForecast, forecast_series
from planner.request import ForecastSettings

Floats = NDArray[np.float64]

HOUR = timedelta(hours=1)
SHORTEST_HOURS = 48


@dataclass(frozen=True)
class Forecast:
    """What demand may be in the hours after its history.

    Attributes:
        settings: how it was made.
        history: what it was made from: one future, the true one.
        series: the forecast of each series, by name.
    """

    settings: ForecastSettings
    history: Demand
    series: Mapping[str, SeriesForecast]

    @property
    def start(self) -> datetime:
        """First hour forecast, UTC."""
        return self.history.end

    @property
    def hours(self) -> int:
        """How far it reaches."""
        return next(iter(self.series.values())).hours

    def quantiles(self, name: str, levels: Sequence[float] = (0.1, 0.5, 0.9)) -> Floats:
        """Demand of a series that is not exceeded with a probability [level × hour]."""
        return self.series[name].quantiles(levels)

    def futures(self) -> Demand:
        """Equally likely futures, drawn together, as many as the settings say."""
        paths, names = self.settings.paths, sorted(self.series)
        weeks = -(-self.hours // HOURS_PER_WEEK)
        drawn = draw(self.history.series, weeks, paths, self.settings.seed)
        series = {
            name: np.concatenate(
                [
                    self.series[name].path(drawn.deviations[path, position], drawn.blocks[path])
                    for path in range(paths)
                ]
            )
            for position, name in enumerate(names)
        }
        digits = len(str(paths))
        futures = tuple(Scenario(f"path-{path + 1:0{digits}d}", 1 / paths) for path in range(paths))
        return Demand(self.start, series, futures)


def forecast(history: Demand, settings: ForecastSettings, hours: int) -> Forecast:
    """Forecast all series of a history.

    Args:
        history: one future, the true one; at least two days.
        settings: how.
        hours: how far ahead.

    Raises:
        InvalidInputError: the history is too short, or series are to be kept together that are
            none of it.
    """
    _check(history, settings)
    named = not isinstance(settings.holidays, str)
    countries: Sequence[str] = () if settings.holidays == "none" else COUNTRIES
    if not isinstance(settings.holidays, str):
        countries = settings.holidays
    clock = Clock(settings.timezone)
    made = {
        name: forecast_series(
            history.start,
            values,
            hours,
            clock=clock,
            countries=countries,
            named=named,
            model=settings.model,
        )
        for name, values in sorted(history.series.items())
    }
    for group in settings.together:
        total = np.sum([history.series[name] for name in group], axis=0)
        whole = forecast_series(
            history.start, total, hours, clock=clock, countries=countries, named=named
        )
        factor = _to_sum(whole, [made[name] for name in group])
        made |= {name: made[name].scaled(factor) for name in group}
    return Forecast(settings, history, made)


def _to_sum(whole: SeriesForecast, parts: Sequence[SeriesForecast]) -> Floats:
    """What the parts' medians are times to be the median of their sum [hour].

    Types die while others are born: their sum is steadier than any of them.
    """
    (median,) = whole.quantiles([0.5])
    summed = np.sum([part.quantiles([0.5])[0] for part in parts], axis=0)
    return np.where(summed > 0, median / np.where(summed > 0, summed, 1.0), 1.0)


def _check(history: Demand, settings: ForecastSettings) -> None:
    faults = Faults()
    if history.hours < SHORTEST_HOURS:
        fix = f"too short to forecast from: give at least {SHORTEST_HOURS} hours; a week is better"
        faults.add("demand", f"{history.hours} hours", fix)
    if len(history.scenarios) > 1:
        fix = "history is one: take scenarios out, or take forecast out"
        faults.add("scenarios", f"{len(history.scenarios)} scenarios", fix)
    for position, group in enumerate(settings.together):
        for name in group:
            if name not in history.series:
                known = ", ".join(sorted(history.series))
                field = f"forecast.together.{position}"
                faults.add(field, name, f"no such series; there are {known}")
    faults.raise_if_any()
