"""How good forecasts are: rolling origins over real series, beside the naive rule and each model.

Run it from the repository: ``python benchmarks/forecasting.py --data DIR``. Every series of the
folder is forecast from moments of its own past, by the model chosen for it, by each single model
and by last week again; one JSON line per series, horizon and model. Series that are not in the
folder are left out. ``--many`` times one forecast of 20 series of two years instead.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from measures import timed
from numpy.typing import NDArray

from planner.demand import Demand
from planner.forecasting import forecast
from planner.forecasting.naive import seasonal_naive
from planner.forecasting.track_record import LEVELS, Tally
from planner.request import ForecastSettings

Floats = NDArray[np.float64]
Case = tuple[str, datetime, Floats]

DATA = Path(__file__).parents[2] / "shared" / "data" / "demand"
WEEK, YEAR_WEEKS = 168, 52
MOST_ORIGINS = 12
PJM_YEARS = 4
MODELS = ("naive", "auto", "trend", "flat", "yearly", "mixed")

PROTOCOL_START = datetime(2021, 2, 1, tzinfo=UTC)
PROTOCOL_DATES = tuple(
    datetime(year, month, 1, tzinfo=UTC) for year in (2022, 2023) for month in (2, 5, 8, 11)
)
"""Origins of the purchase-plan protocol: quarterly, two years."""
PROTOCOL_HOURS = 1095 * 24
PROTOCOL = "shaved ice "


def shaved_ice(data: Path) -> Iterator[Case]:
    """Virtual machines of two regions, three years."""
    rows = pd.read_parquet(data / "shavedice_hourly.parquet")
    hours = pd.date_range(PROTOCOL_START, periods=PROTOCOL_HOURS, freq="h")
    for region in (1, 2):
        total = rows[rows["region"] == region].groupby("timestamp")["count"].sum()
        yield (
            f"{PROTOCOL}{region}",
            PROTOCOL_START,
            total.reindex(hours, fill_value=0).to_numpy(float),
        )


def bikes(data: Path) -> Iterator[Case]:
    rows = pd.read_parquet(data / "bike_sharing_hourly.parquet")
    yield hourly("bike", rows["timestamp"], rows["users"])


def taxis(data: Path) -> Iterator[Case]:
    rows = pd.read_parquet(data / "nyc_taxi_30min.parquet")
    yield hourly("taxi", rows["timestamp"], rows["passengers"])


def power(data: Path) -> Iterator[Case]:
    rows = pd.read_parquet(data / "pjm_load_hourly.parquet")
    for zone, load in rows.groupby("zone"):
        mean = load.groupby("timestamp")["mw"].mean()
        latest = mean[mean.index[-1] - pd.Timedelta(days=365 * PJM_YEARS) :]
        yield hourly(f"pjm {zone}", latest.index.to_series(), latest)


def computing(data: Path) -> Iterator[Case]:
    rows = pd.read_parquet(data / "surf_hpc_hourly.parquet")
    for column in ("jobs_submitted", "nodes_busy"):
        yield hourly(f"surf {column}", rows["timestamp"].dt.tz_localize(None), rows[column])


def cloudwatch(data: Path) -> Iterator[Case]:
    rows = pd.read_parquet(data / "nab_aws_cloudwatch_5min.parquet")
    for name, values in rows.groupby("series"):
        yield hourly(f"cloudwatch {name}", values["timestamp"], values["value"])


SOURCES = (shaved_ice, bikes, taxis, power, computing, cloudwatch)


def hourly(name: str, moments: pd.Series, values: pd.Series) -> Case:
    """Hourly means, holes filled by straight lines."""
    series = pd.Series(values.to_numpy(float), pd.DatetimeIndex(moments))
    means = series.resample("h").mean().interpolate()
    return name, means.index[0].to_pydatetime().replace(tzinfo=UTC), means.to_numpy(float)


def horizons(name: str, hours: int) -> Iterator[tuple[int, list[int]]]:
    """Hours ahead, and the origins that have them, by the length of the series."""
    if name.startswith(PROTOCOL):
        dates = [(date - PROTOCOL_START) // timedelta(hours=1) for date in PROTOCOL_DATES]
        yield 13 * WEEK, dates
        yield YEAR_WEEKS * WEEK, dates[:5]
        return
    weeks = hours // WEEK
    if weeks >= 117:
        planned = [(13 * WEEK, 13 * WEEK), (YEAR_WEEKS * WEEK, 13 * WEEK)]
    elif weeks >= 78:
        planned = [(13 * WEEK, 13 * WEEK), (26 * WEEK, 8 * WEEK)]
    elif weeks >= 26:
        planned = [(4 * WEEK, 2 * WEEK), (8 * WEEK, 4 * WEEK)]
    elif weeks >= 8:
        planned = [(2 * WEEK, WEEK)]
    else:
        planned = [(min(WEEK, hours // 4) // 24 * 24 or 24, 48)]
    first = max(hours // 3, 14 * 24 if hours > 21 * 24 else hours // 2)
    if weeks >= 26:
        first = max(first, YEAR_WEEKS * WEEK if weeks >= 117 else 13 * WEEK)
    for ahead, step in planned:
        yield ahead, list(range(first, hours - ahead + 1, step))[-MOST_ORIGINS:]


def measure(case: Case, ahead: int, origins: list[int], model: str) -> dict[str, object]:
    """Errors of one model from all origins."""
    name, start, values = case
    tally, seconds, taken = Tally(), 0.0, Counter[str]()
    for origin in origins:
        past, true = values[:origin], values[origin : origin + ahead]
        (fan, how), took = timed(fan_of, start, past, ahead, model)
        tally.add(past, true, fan[:, : len(true)])
        taken[how] += 1
        seconds += took
    return {
        "case": name,
        "hours_ahead": ahead,
        "origins": len(origins),
        "model": model,
        "weighted_quantile_loss": _rounded(tally.weighted_loss),
        "mase": _rounded(tally.mase),
        "coverage": round(tally.coverage, 3),
        "seconds": round(seconds / len(origins), 3),
        "taken": dict(taken),
    }


def fan_of(start: datetime, past: Floats, ahead: int, model: str) -> tuple[Floats, str]:
    """The 10, 50 and 90 % quantiles, and the model and holidays taken."""
    if model == "naive":
        return seasonal_naive(past, ahead, LEVELS), model
    made = forecast(Demand(start, {"it": past}), ForecastSettings(model=model), ahead)
    one = made.series["it"]
    return made.quantiles("it", LEVELS), f"{one.choice.model.name} {one.country or '-'}"


def many(count: int, years: int) -> dict[str, object]:
    """Seconds for one forecast of many series, three years ahead, and for its futures."""
    random, hours = np.random.default_rng(1), years * 8760
    hour = np.arange(hours)
    day = 1 + 0.4 * np.sin(2 * np.pi * hour / 24) + 0.2 * (hour // 24 % 7 < 5)
    series = {
        f"series {number}": 100 * day * np.exp(np.cumsum(random.normal(0, 0.002, hours)))
        for number in range(count)
    }
    history = Demand(datetime(2024, 1, 1, tzinfo=UTC), series)
    made, seconds = timed(forecast, history, ForecastSettings(), 3 * 8760)
    _, drawing = timed(made.futures)
    return {
        "case": f"{count} series of {years} years",
        "seconds": round(seconds, 2),
        "seconds_futures": round(drawing, 2),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def cases(data: Path, only: list[str]) -> Iterator[Case]:
    """Series of all sources that are there, or those whose names begin so."""
    for source in SOURCES:
        try:
            found = list(source(data))
        except FileNotFoundError:
            continue
        yield from (one for one in found if not only or one[0].startswith(tuple(only)))


def main() -> None:
    """Print one JSON line per series, horizon and model."""
    parser = argparse.ArgumentParser(description="Measure forecasts on real series.")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of demand files")
    parser.add_argument("--only", nargs="*", default=[], help="series whose names begin so")
    parser.add_argument("--models", nargs="*", default=MODELS, choices=MODELS)
    parser.add_argument("--many", action="store_true", help="time 20 series of two years")
    asked = parser.parse_args()
    if asked.many:
        print(json.dumps(many(20, 2)))
        return
    found = list(cases(asked.data, asked.only))
    if not found:
        parser.error(f"{asked.data} holds none of the series asked for")
    for case in found:
        for ahead, origins in horizons(case[0], len(case[2])):
            for model in asked.models:
                print(json.dumps(measure(case, ahead, origins, model)), flush=True)


if __name__ == "__main__":
    main()
