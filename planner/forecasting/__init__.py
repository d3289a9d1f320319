"""From history to calibrated futures."""

from planner.forecasting.forecast import SHORTEST_HOURS, Forecast, check_names, forecast
from planner.forecasting.futures import Futures
from planner.forecasting.planned import (
    QUARTER_HOURS,
    forecast_request,
    information_of,
    known_at,
    needs_prices,
    settings_of,
)

__all__ = [
    "QUARTER_HOURS",
    "SHORTEST_HOURS",
    "Forecast",
    "Futures",
    "check_names",
    "forecast",
    "forecast_request",
    "information_of",
    "known_at",
    "needs_prices",
    "settings_of",
]
