"""From history to calibrated futures."""

from planner.forecasting.forecast import SHORTEST_HOURS, Forecast, forecast
from planner.forecasting.futures import Futures
from planner.forecasting.planned import forecast_request, information_of, settings_of

__all__ = [
    "SHORTEST_HOURS",
    "Forecast",
    "Futures",
    "forecast",
    "forecast_request",
    "information_of",
    "settings_of",
]
