"""The futures a request is planned for, where its demand is history."""

from collections.abc import Sequence
from datetime import UTC, timedelta

from catalogs import HOURS_PER_YEAR, Catalog, Faults
from planner.demand import Demand
from planner.forecasting.forecast import Forecast, forecast
from planner.prices import longest_term_hours
from planner.request import (
    ForecastSettings,
    Information,
    Machines,
    NormalizedUnits,
    PlanRequest,
    Replacement,
)
from planner.successors import replaceable

HOUR = timedelta(hours=1)
MOST_HOURS = 5 * HOURS_PER_YEAR

GROUPS_BY_QUARTER = (1, 4, 8, 16)
"""Groups of futures that can be told apart after so many quarters; later no more, or a plan would
take itself to see years ahead."""
QUARTER_HOURS = 84 * 24
"""Dates a quarter of a year apart are a little more than this."""


def settings_of(request: PlanRequest) -> ForecastSettings:
    """How a request's demand is forecast: in the time zone of its rows, unless it names another."""
    settings = request.forecast or ForecastSettings()
    zone = settings.timezone or request.demand.timezone
    return settings.model_copy(update={"timezone": zone})


def forecast_request(request: PlanRequest, history: Demand, catalog: Catalog | None) -> Forecast:
    """The forecast from a history's end to the end of the hours planned for.

    Args:
        request: as asked; without `forecast`, its defaults hold.
        history: what the request's demand is.
        catalog: says how far to look where the request does not (the longest term, a year if there
            is none), and which families have later generations. None where neither is needed.

    Raises:
        InvalidInputError: the horizon begins inside the history, or reaches too far.
    """
    faults, horizon = Faults(), request.horizon
    start = history.end if horizon.start is None else horizon.start.astimezone(UTC)
    if start < history.end:
        fix = f"lies in the history, which ends {history.end.isoformat()}; plan from there on"
        faults.add("horizon.start", start.isoformat(), fix)
    longest = None if catalog is None else longest_term_hours(request, catalog)
    hours = longest or HOURS_PER_YEAR
    if horizon.hours is not None:
        hours = horizon.hours
    elif horizon.end is not None:
        hours = (horizon.end.astimezone(UTC) - start) // HOUR
    ahead = (start - history.end) // HOUR + hours
    if not 0 < ahead <= MOST_HOURS:
        fix = f"forecasts reach 1 to {MOST_HOURS} hours past the history's end; shorten the horizon"
        faults.add("horizon", f"{ahead} hours", fix)
    faults.raise_if_any()
    leaving = () if catalog is None else replaceable(request, catalog)
    return forecast(history, settings_of(request), ahead, leaving)


def needs_prices(request: PlanRequest) -> bool:
    """Whether a forecast needs a catalogue."""
    horizon = request.horizon
    hazards = (request.forecast or ForecastSettings()).hazards
    may_leave = any(isinstance(one, Replacement) for one in hazards) and any(
        isinstance(one.needs, Machines | NormalizedUnits) for one in request.workloads
    )
    return (horizon.hours is None and horizon.end is None) or may_leave


def information_of(request: PlanRequest, purchase_hours: Sequence[int]) -> Information:
    """What purchases may know at their dates [hour of the horizon].

    By default, where futures are drawn, what time has shown.
    """
    asked = request.information
    if request.forecast is None or asked.groups is not None or asked.tree is not None:
        return asked
    return known_at(purchase_hours)


def known_at(purchase_hours: Sequence[int]) -> Information:
    """What each purchase date of a plan knows of its futures, by the time gone by [hour].

    Counted by time, not by date, so that more dates never know less. Within the first quarter
    groups multiply week by week: a plan that took weeks to bring nothing new would see no worth in
    waiting for one.
    """
    groups = []
    for hour in purchase_hours:
        quarters = (hour - purchase_hours[0]) / QUARTER_HOURS
        if quarters < 1:
            groups.append(int(GROUPS_BY_QUARTER[1] ** quarters))
        else:
            groups.append(GROUPS_BY_QUARTER[min(int(quarters), len(GROUPS_BY_QUARTER) - 1)])
    return Information(groups=tuple(groups) or None)
