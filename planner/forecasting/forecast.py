"""From history to futures: every series forecast, sums kept, futures drawn together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from catalogs import Faults
from planner.demand import Demand, Scenario
from planner.forecasting.clock import Clock
from planner.forecasting.countries import calendars_by_clock
from planner.forecasting.futures import Futures
from planner.forecasting.hazards import befall
from planner.forecasting.holiday_effects import Calendars, is_country
from planner.forecasting.known import (
    Known,
    apply_known,
    changes,
    deal_known,
    outcomes,
    series_of,
)
from planner.forecasting.last_days import last_days_notes
from planner.forecasting.mixture import MIXTURE_LEVELS, likeliest, mixture_quantiles, with_change
from planner.forecasting.models import HOURS_PER_WEEK
from planner.forecasting.paths import draw
from planner.forecasting.series import SeriesForecast, forecast_series
from planner.request import ForecastSettings
from planner.successors import Replaceable

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
        replaceable: series of which a share may leave its machines' family.
    """

    settings: ForecastSettings
    history: Demand
    series: Mapping[str, SeriesForecast]
    replaceable: tuple[Replaceable, ...] = ()

    @property
    def start(self) -> datetime:
        """First hour forecast, UTC."""
        return self.history.end

    @property
    def hours(self) -> int:
        """How far it reaches."""
        return next(iter(self.series.values())).hours

    def quantiles(self, name: str, levels: Sequence[float] = (0.1, 0.5, 0.9)) -> Floats:
        """Demand of a series that is not exceeded with a probability [level × hour].

        What is known is in it, with its probabilities; hazards are not.
        """
        concerned = [one for one in self.settings.known if name in series_of(one)]
        if not concerned:
            return self.series[name].quantiles(levels)
        medians = {of: self.series[of].quantiles([0.5])[0] for of in sorted(self.series)}
        mixture = self.series[name].quantiles(MIXTURE_LEVELS)[None]
        chances = np.ones(1)
        for one in concerned:
            ways = outcomes(one, self.start, self.hours)
            mixture = np.concatenate(
                [with_change(mixture, name, one, way, medians) for way in ways]
            )
            chances = np.concatenate([chances * way.probability for way in ways])
            mixture, chances = likeliest(mixture, chances)
        return mixture_quantiles(mixture, chances, levels)

    def uplift(self, known: Known, name: str) -> Floats:
        """What something known adds to a series on the mean, at its median demand [hour]."""
        medians = {of: self.series[of].quantiles([0.5])[0] for of in series_of(known)}
        total = np.zeros(self.hours)
        for way in outcomes(known, self.start, self.hours):
            for change in changes(known):
                if change.series == name:
                    total += way.probability * change.amount(medians, way.share)
        return total

    def futures(self) -> Demand:
        """Futures drawn together, as many as the settings say."""
        return self.draw().demand

    def draw(self) -> Futures:
        """Futures drawn together, with how what is known turns out in them.

        They are equally likely, but where the settings reduce them to few.
        """
        settings, names = self.settings, sorted(self.series)
        dealt = deal_known(settings.known, self.start, self.hours, settings.paths, settings.seed)
        series = apply_known(self._befallen(), dealt)
        digits = len(str(settings.paths))
        scenarios = tuple(
            Scenario(f"path-{path + 1:0{digits}d}", 1 / settings.paths)
            for path in range(settings.paths)
        )
        flat = {name: one.ravel() for name, one in series.items()}
        demand = Demand(self.start, flat, scenarios, self.history.repairs)
        outcomes_of = {one.known.name: one.labels for one in dealt if one.is_open}
        notes = tuple(
            f"{name}: {note}" for name in names for note in last_days_notes(self.history, name)
        )
        futures = Futures(demand, outcomes_of, settings.paths, notes=notes)
        return futures if settings.scenarios is None else futures.reduced(settings.scenarios)

    def _befallen(self) -> dict[str, Floats]:
        """Series of all paths with hazards, but without what is known [path × hour]."""
        settings, names = self.settings, sorted(self.series)
        weeks = -(-self.hours // HOURS_PER_WEEK)
        drawn = draw(self.history.series, weeks, settings.paths, settings.seed)
        series = {
            name: np.array(
                [
                    self.series[name].path(drawn.deviations[path, position], drawn.blocks[path])
                    for path in range(settings.paths)
                ]
            )
            for position, name in enumerate(names)
        }
        return befall(
            series,
            settings.hazards,
            ages={name: _age(self.history.series[name]) for name in names},
            together=settings.together,
            replaceable=self.replaceable,
            seed=settings.seed,
        )


def forecast(
    history: Demand,
    settings: ForecastSettings,
    hours: int,
    replaceable: tuple[Replaceable, ...] = (),
) -> Forecast:
    """Forecast all series of a history.

    Args:
        history: one future, the true one; at least two days.
        settings: how.
        hours: how far ahead.
        replaceable: series of which a share may leave its machines' family.

    Raises:
        InvalidInputError: the history is too short, or series are to be kept together that are
            none of it.
    """
    _check(history, settings)
    clock, calendars = Clock(settings.timezone), _calendars(settings, history)
    made = {
        name: forecast_series(
            history.start,
            values,
            hours,
            clock=clock,
            calendars=calendars,
            model=settings.model,
        )
        for name, values in sorted(history.series.items())
    }
    for group in settings.together:
        total = np.sum([history.series[name] for name in group], axis=0)
        whole = forecast_series(
            history.start, total, hours, clock=clock, calendars=calendars, model=settings.model
        )
        made |= _split(whole, {name: made[name] for name in group}, history)
    return Forecast(settings, history, made, replaceable)


def _calendars(settings: ForecastSettings, history: Demand) -> Calendars:
    """Whose holidays the series may keep."""
    if not isinstance(settings.holidays, str):
        return Calendars(settings.holidays, named=True)
    if settings.holidays == "none":
        return Calendars(())
    return calendars_by_clock(settings.timezone, history.end.year)


def _split(
    whole: SeriesForecast, parts: Mapping[str, SeriesForecast], history: Demand
) -> dict[str, SeriesForecast]:
    """The parts, their medians those of their sum, split as the latest week was.

    Types die while others are born: their sum is steadier than any of them, and what a dying one
    was like before says nothing of it.
    """
    (median,) = whole.quantiles([0.5])
    latest = {name: history.series[name][-HOURS_PER_WEEK:].mean() for name in parts}
    total = max(sum(latest.values()), 1e-300)
    found = {}
    for name, part in parts.items():
        (own,) = part.quantiles([0.5])
        wanted = median * (latest[name] / total)
        busy = own > 0
        factor = np.where(busy, wanted / np.where(busy, own, 1.0), 1.0)
        found[name] = part.as_share(whole, factor)
    return found


def _age(values: Floats) -> int:
    """Hours since the first demand of a history; 0 where there is none."""
    busy = np.flatnonzero(values > 0)
    return len(values) - int(busy[0]) if len(busy) else 0


def _check(history: Demand, settings: ForecastSettings) -> None:
    faults = Faults()
    if history.hours < SHORTEST_HOURS:
        fix = f"too short to forecast from: give at least {SHORTEST_HOURS} hours; a week is better"
        faults.add("demand", f"{history.hours} hours", fix)
    if len(history.scenarios) > 1:
        fix = "history is one: take scenarios out, or take forecast out"
        faults.add("scenarios", f"{len(history.scenarios)} scenarios", fix)
    check_names(settings, history, faults)
    if not isinstance(settings.holidays, str):
        for position, country in enumerate(settings.holidays):
            if not is_country(country):
                fix = "no holidays are known of it; write two letters such as DE"
                faults.add(f"forecast.holidays.{position}", country, fix)
    faults.raise_if_any()


def check_names(settings: ForecastSettings, history: Demand, faults: Faults) -> None:
    """Note every series that settings name and a history does not hold."""
    known = ", ".join(sorted(history.series))
    for field, name in settings.names():
        if name not in history.series:
            faults.add(f"forecast.{field}", name, f"no such series; there are {known}")
