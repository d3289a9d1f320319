"""What the reader of a forecast, or of a plan made on it, should know."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from planner.forecasting.forecast import Forecast
from planner.forecasting.holiday_effects import SHORTEST_DAYS, YEAR_DAYS
from planner.forecasting.known import Known
from planner.forecasting.last_days import last_days_notes
from planner.forecasting.models import DAILY, HOURS_PER_DAY, HOURS_PER_WEEK, MODELS, TREND
from planner.forecasting.report import TrackRecord
from planner.forecasting.series import MOST_WEEKS, hours_left_out
from planner.repairs import summed_up
from planner.request import Event

HOUR = timedelta(hours=1)


def notes_on(forecast: Forecast) -> tuple[str, ...]:
    """Of all series together."""
    settings, repairs = forecast.settings, forecast.history.repairs
    notes = []
    if repairs:
        notes.append(f"the demand's rows were mended: {summed_up(repairs)}")
    if settings.hazards:
        hazards = " and ".join(one.kind for one in settings.hazards)
        notes.append(
            f"quantiles are without hazards ({hazards}); what is planned is the mean of the "
            "futures drawn, with them"
        )
    if settings.together:
        groups = "; ".join(", ".join(group) for group in settings.together)
        notes.append(f"series forecast beside their sum, and kept to it: {groups}")
    return (*notes, *_on_known(forecast), *_on_days(forecast))


def notes_on_series(
    forecast: Forecast, name: str, records: tuple[TrackRecord, ...]
) -> tuple[str, ...]:
    """Of one series and its track records."""
    values = forecast.history.series[name]
    notes = []
    left_out = hours_left_out(values)
    if left_out and left_out == len(values) - MOST_WEEKS * HOURS_PER_WEEK:
        notes.append(f"history before the last five years is left out: {left_out:,} hours")
    elif left_out:
        began = forecast.history.start + left_out * HOUR
        notes.append(f"demand began on {began:%Y-%m-%d}; {left_out:,} hours before are left out")
    if values.any():
        notes += _on_model(forecast, name)
    notes += _on_nothing(forecast, name)
    if not records:
        notes.append("history is too short to tell how the forecast would have done")
    return (*notes, *last_days_notes(forecast.history, name))


def notes_on_plan(forecast: Forecast) -> tuple[str, ...]:
    """What the reader of a plan should know: settings that were not heeded, days not said."""
    wanted = forecast.settings.model
    told = [
        f"forecast: {name}: {note}"
        for name, one in sorted(forecast.series.items())
        if wanted not in {"auto", one.levels.model.name}
        for note in _on_model(forecast, name)
    ]
    told += [
        f"forecast: {name}: {note}"
        for name in sorted(forecast.series)
        for note in _on_nothing(forecast, name)
    ]
    notes = (*_on_known(forecast), *_on_days(forecast))
    return (*told, *(f"forecast: {note}" for note in notes))


def _on_nothing(forecast: Forecast, name: str) -> Iterator[str]:
    """That no demand is forecast, and why."""
    if forecast.series[name].expected.any():
        return
    busy = np.flatnonzero(forecast.history.series[name])
    if not len(busy):
        yield "history holds no demand; none is forecast"
        return
    ended = forecast.history.start + (int(busy[-1]) + 1) * HOUR
    yield (
        f"no demand since {ended:%Y-%m-%d %H:%M}, so none is forecast; if it only paused, take the "
        "rows since then out"
    )


def _on_known(forecast: Forecast) -> Iterator[str]:
    """What is known and makes no difference to the hours to come."""
    for what, concerns in (("in the history or past", _is_past), ("due after the end", _is_after)):
        named = [one.name for one in forecast.settings.known if concerns(one, forecast)]
        if named:
            yield f"known, but {what}: {', '.join(named)}"


def _on_model(forecast: Forecast, name: str) -> Iterator[str]:
    """Why no models were compared, and which gave way to which."""
    levels, wanted = forecast.series[name].levels, forecast.settings.model
    taken, here = levels.model, f"here are {levels.weeks}" if levels.weeks else "here is less"
    if wanted not in {"auto", taken.name}:
        needed = next(one.fewest_units for one in MODELS if one.name == wanted)
        yield f"{wanted} needs {needed} weeks of history, {here}: {taken.name} is taken"
    elif taken.name == wanted:
        yield "models were not compared: one is asked for"
    elif taken is DAILY:
        needed = TREND.fewest_units
        yield f"models are compared from {needed} weeks of history on, {here}"
    elif not levels.errors:
        yield f"models were not compared: {levels.weeks} weeks of history are too short for that"


def _on_days(forecast: Forecast) -> Iterator[str]:
    """Whose days and holidays were not said, and could not be found."""
    settings = forecast.settings
    if settings.timezone is None:
        yield "days and weeks are those of UTC; where demand has others, write forecast.timezone"
    days = forecast.history.hours // HOURS_PER_DAY
    if settings.holidays == "auto" and SHORTEST_DAYS <= days < YEAR_DAYS:
        yield (
            f"whose holidays demand keeps is told by a year of history, here are {days} days; name "
            "countries in forecast.holidays"
        )


def _is_past(known: Known, forecast: Forecast) -> bool:
    if isinstance(known, Event):
        return known.end <= forecast.start
    late = 0 if known.slip is None else known.slip.days
    return known.at + timedelta(days=known.ramp_days + late) < forecast.start


def _is_after(known: Known, forecast: Forecast) -> bool:
    begins = known.start if isinstance(known, Event) else known.at
    return begins >= forecast.start + forecast.hours * HOUR
