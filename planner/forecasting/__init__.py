"""From history to calibrated futures."""

from planner.forecasting.forecast import SHORTEST_HOURS, Forecast, check_names, forecast
from planner.forecasting.futures import Futures
from planner.forecasting.planned import (
    GROUPS_BY_DATE,
    forecast_request,
    information_of,
    settings_of,
)

__all__ = [
    "GROUPS_BY_DATE",
    "SHORTEST_HOURS",
    "Forecast",
    "Futures",
    "check_names",
    "forecast",
    "forecast_request",
    "information_of",
    "settings_of",
]
