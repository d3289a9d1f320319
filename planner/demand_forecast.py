"""The way from a request to its forecast: read the history, forecast, draw, look back, tell."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalogs import Faults, InvalidInputError
from catalogs.faults import collected
from planner.demand import read_demand
from planner.forecasting import Forecast, Futures, forecast_request, needs_prices
from planner.forecasting.describing import describe
from planner.forecasting.report import ForecastReport
from planner.forecasting.track_record import LEVELS, track_records
from planner.planning import Surroundings
from planner.prices import open_catalogs
from planner.request import PlanRequest

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DemandForecast:
    """A forecast, its report, and what pictures and tables of its hours need.

    Attributes:
        report: its figures.
        forecast: the forecast itself.
        futures: those drawn from it.
        quantiles: 10, 50 and 90 % of every series by its name [level × hour].
    """

    report: ForecastReport
    forecast: Forecast
    futures: Futures
    quantiles: Mapping[str, Floats]


def forecast_demand(request: PlanRequest, around: Surroundings | None = None) -> DemandForecast:
    """The forecast of a request's demand, which is its history.

    Args:
        request: as for a plan; without `forecast`, its defaults hold.
        around: folder of its files, and examples.

    Raises:
        InvalidInputError: with every fault of the demand, the catalogue and the settings.
    """
    around, faults = around or Surroundings(), Faults()
    names = {name for workload in request.workloads for name in workload.series_names}
    history = collected(
        faults,
        lambda: read_demand(
            request.demand,
            names,
            folder=around.folder,
            scenarios=request.scenarios,
            examples=around.examples,
        ),
    )
    catalog = None
    if needs_prices(request):
        catalog = collected(faults, lambda: open_catalogs(request, around.folder))
    if history is None:
        raise InvalidInputError(faults.found)
    made = collected(faults, lambda: forecast_request(request, history, catalog))
    if made is None or faults.found:
        raise InvalidInputError(faults.found)
    futures = made.draw()
    quantiles = {name: made.quantiles(name, LEVELS) for name in sorted(made.series)}
    records = track_records(history, made.settings)
    report = describe(request, made, futures, quantiles, records)
    return DemandForecast(report, made, futures, quantiles)
