"""Makes demand.csv: two years of hourly demand of four workloads of an invented web shop.

    python examples/quarterly/generate.py [FILE]

Every run writes the same file: one row per hour, one column per series.

* ``web_vcpus``, ``web_memory_gib``: the shop's pages. Busy by day and on weekdays, busiest before
  Christmas, quiet on holidays, growing 18 % a year.
* ``api_requests``: requests per second of a new public API. Launched in June 2027, taken up
  within five months, then growing with the shop.
* ``batch_machines``: c5.4xlarge machines of nightly reports, 01:00 to 05:00 UTC, more of them in
  the last three nights of a month, none by day.
* ``cache_units``: normalized units of r6g caches; steady, enlarged by a third in January 2028.

It is a forecast, as planners write them: a typical workday, weekend day and holiday for every
month. Equal hours of a quarter merge in the model, which is why it solves in seconds.
"""

import argparse
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

START = datetime(2027, 1, 1, tzinfo=UTC)
END = datetime(2029, 1, 1, tzinfo=UTC)
SEED = 20270101

HOLIDAYS = (101, 501, 704, 1126, 1224, 1225, 1226, 1231)
"""Month and day of the days on which the shop is quiet."""
LAUNCH_MONTH = 5
"""Months from the start to the API's launch."""
ENLARGEMENT_MONTH = 12
"""Months from the start to the caches' enlargement."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def make_demand() -> pd.DataFrame:
    """Hourly demand [hour × series] from the start of 2027 to the end of 2028."""
    hours = pd.date_range(START, END, freq="h", inclusive="left")
    month = months_since_start(hours)
    noise = np.random.default_rng(SEED)
    shop = activity(hours) * 1.18 ** (month / 12)
    web = 320.0 * shop * estimate_error(hours, noise, 0.02)
    api = 5200.0 * shop * taken_up(month) * estimate_error(hours, noise, 0.03)
    series = {
        "web_vcpus": _rounded_up(web, 8),
        "web_memory_gib": _rounded_up(3.4 * web, 32),
        "api_requests": _rounded_up(api, 100),
        "batch_machines": nightly_reports(hours, noise),
        "cache_units": np.where(month < ENLARGEMENT_MONTH, 192, 256),
    }
    frame = pd.DataFrame(series, index=hours).astype(int)
    frame.index = frame.index.strftime("%Y-%m-%dT%H:%MZ").rename("timestamp")
    return frame


def months_since_start(hours: pd.DatetimeIndex) -> Ints:
    """Whole months from the start of the forecast [hour]."""
    return np.asarray((hours.year - START.year) * 12 + hours.month - START.month)


def day_kind(hours: pd.DatetimeIndex) -> Ints:
    """0 on workdays, 1 at weekends, 2 on holidays [hour]."""
    weekend = (hours.day_of_week.to_numpy() >= 5).astype(int)
    holiday = np.isin(hours.month.to_numpy() * 100 + hours.day.to_numpy(), HOLIDAYS)
    return np.where(holiday, 2, weekend)


def activity(hours: pd.DatetimeIndex) -> Floats:
    """Activity of the shop's customers, about 1 on average [hour]."""
    hour, month = hours.hour.to_numpy(), hours.month.to_numpy()
    by_hour = 1.0 + 0.38 * np.sin(2 * np.pi * (hour - 9) / 24) + 0.08 * np.sin(np.pi * hour / 6)
    by_day = np.array([1.08, 0.74, 0.6])[day_kind(hours)]
    by_month = 1.0 + 0.10 * np.cos(2 * np.pi * (month - 12) / 12)
    return np.asarray(by_hour * by_day * by_month)


def taken_up(month: Ints) -> Floats:
    """Share of the API's customers won: none before its launch, a fifth more every month."""
    return np.clip((month - LAUNCH_MONTH + 1) / 5, 0.0, 1.0)


def nightly_reports(hours: pd.DatetimeIndex, noise: np.random.Generator) -> Ints:
    """Machines of the nightly batch: a number for each month, 16 more at the month's end."""
    month = months_since_start(hours)
    usual = noise.integers(18, 24, size=month.max() + 1)[month]
    at_night = np.isin(hours.hour.to_numpy(), (1, 2, 3, 4))
    ending = (hours + pd.Timedelta(days=3)).month.to_numpy() != hours.month.to_numpy()
    return np.where(at_night, usual + np.where(ending, 16, 0), 0)


def estimate_error(hours: pd.DatetimeIndex, noise: np.random.Generator, spread: float) -> Floats:
    """What typical days differ by from the smooth formula: one factor per month, kind and hour."""
    month = months_since_start(hours)
    factors = noise.normal(1.0, spread, size=(month.max() + 1, 3, 24))
    return np.asarray(factors[month, day_kind(hours), hours.hour.to_numpy()])


def _rounded_up(values: Floats, step: int) -> Floats:
    return np.asarray(np.ceil(values / step) * step)


def main() -> None:
    """Write the file named on the command line, or demand.csv beside this script."""
    parser = argparse.ArgumentParser(description="Write the quarterly example's demand.")
    beside = Path(__file__).with_name("demand.csv")
    parser.add_argument("file", nargs="?", type=Path, default=beside)
    # Line ends are the same on every system, so that the file is too.
    make_demand().to_csv(parser.parse_args().file, lineterminator="\n")


if __name__ == "__main__":
    main()
