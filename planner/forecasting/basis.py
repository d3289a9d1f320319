"""What a plan rests on where its demand is forecast."""

from planner.forecasting.forecast import Forecast
from planner.forecasting.futures import Futures
from planner.forecasting.track_record import track_records
from planner.plan import ForecastBasis, PastRecord


def describe_basis(forecast: Forecast, futures: Futures) -> ForecastBasis:
    """History, futures drawn, and how the forecast would have done on every series' own past."""
    history = forecast.history
    records = track_records(history, forecast.settings)
    farthest = {name: of_it[-1] for name, of_it in sorted(records.items()) if of_it}
    return ForecastBasis(
        history_start=history.start,
        history_end=history.end,
        history_hours=history.hours,
        timezone=forecast.settings.timezone,
        paths=futures.paths,
        records=tuple(
            PastRecord(
                series=name,
                hours_ahead=one.hours_ahead,
                weighted_quantile_loss=one.weighted_quantile_loss,
                coverage=one.coverage,
            )
            for name, one in farthest.items()
        ),
    )
