"""From a request to the setting of a back-test: prices, history, window and dates, all checked."""

from datetime import datetime, timedelta

from catalogs import HOURS_PER_YEAR, Faults, InvalidInputError
from catalogs.faults import collected
from planner.backtest.courses import check_courses
from planner.backtest.drawing import ForecastFutures
from planner.backtest.setting import Futures, Setting
from planner.calendar import HOUR, make_calendar
from planner.demand import Demand, read_demand
from planner.forecasting import SHORTEST_HOURS, check_names, settings_of
from planner.planning import Surroundings
from planner.prices import longest_term_hours, open_catalogs
from planner.request import Backtest, Horizon, PlanRequest, PolicyName
from planner.successors import replaceable

FORECASTERS = (PolicyName.NEUTRAL, PolicyName.CAUTIOUS)


def resolve_setting(
    request: PlanRequest, around: Surroundings, futures: Futures | None = None
) -> Setting:
    """A back-test's inputs, read; ``futures`` take the place of those of the request's forecast.

    Raises:
        InvalidInputError: with every fault of the request and the files it names.
    """
    faults, rules = Faults(), request.backtest or Backtest()
    if request.scenarios is not None:
        fix = "history has happened one way; take them out, or name one with demand.where"
        faults.add("scenarios", sorted(request.scenarios), fix)
    catalog = collected(faults, lambda: open_catalogs(request, around.folder))
    names = {name for workload in request.workloads for name in workload.series_names}
    history = collected(
        faults,
        lambda: read_demand(request.demand, names, folder=around.folder, examples=around.examples),
    )
    faults.raise_if_any()
    if catalog is None or history is None:
        raise InvalidInputError(faults.found)
    start = rules.start or _default_start(history)
    end = rules.end or history.end
    made = None
    if _is_window(start, end, history, faults):
        purchases = rules.purchases or request.purchases
        made = collected(
            faults,
            lambda: make_calendar(
                Horizon(start=start, end=end), purchases, history.start, history.end, None
            ),
        )
        asked = "policies" in rules.model_fields_set
        if asked and set(FORECASTERS) & set(rules.policies):
            _check_past((start - history.start) // HOUR, faults)
    check_courses(rules.courses, history, "backtest.courses", faults)
    settings = settings_of(request)
    check_names(settings, history, faults)
    faults.raise_if_any()
    if made is None:
        raise InvalidInputError(faults.found)
    calendar = made[0]
    owned = tuple(one for one in request.owned if one.start < calendar.start)
    hours = longest_term_hours(request, catalog) or HOURS_PER_YEAR
    # Policies buy and nothing else: a plan that counts on exchanges would not be carried out.
    offers = request.offers.model_copy(update={"exchanges": False})
    request = request.model_copy(update={"offers": offers})
    neutral = futures or ForecastFutures(settings, hours, ())
    leaving = replaceable(request, catalog)
    cautious = futures or ForecastFutures(settings, hours, settings.hazards, leaving)
    return Setting(request, rules, catalog, history, calendar, owned, neutral, cautious)


def _is_window(start: datetime, end: datetime, history: Demand, faults: Faults) -> bool:
    """Whether history covers a window; a fault if not."""
    span = f"history covers {history.start:%Y-%m-%dT%H:%MZ} to {history.end:%Y-%m-%dT%H:%MZ}"
    if not history.start <= start < history.end:
        faults.add("backtest.start", start.isoformat(), f"lies outside; {span}")
    elif end > history.end:
        faults.add("backtest.end", end.isoformat(), f"lies outside; {span}")
    elif end <= start:
        faults.add("backtest.end", end.isoformat(), f"write one after {start.isoformat()}; {span}")
    else:
        return True
    return False


def _check_past(hours: int, faults: Faults) -> None:
    if hours < SHORTEST_HOURS:
        fix = f"begin at least {SHORTEST_HOURS} hours after history, for policies that forecast"
        faults.add("backtest.start", f"{hours} hours after history begins", fix)


def _default_start(history: Demand) -> datetime:
    """The first midnight after a third of history."""
    third = history.start + history.hours // 3 * HOUR
    midnight = third.replace(hour=0)
    later = midnight if midnight == third else midnight + timedelta(days=1)
    return later if later < history.end else third
