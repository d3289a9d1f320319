"""From history to calibrated futures."""

from planner.forecasting.forecast import Forecast, forecast

__all__ = ["Forecast", "forecast"]
