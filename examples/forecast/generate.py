"""Makes history.csv: nineteen months of hourly demand of two invented services.

    python examples/forecast/generate.py [FILE]

Every run writes the same file: one row per hour (UTC), one column per series, in machines.

* ``shop``: pages of a German shop, busy by day in Berlin's time, quieter at weekends and on German
  holidays, growing by a tenth a year.
* ``search``: its search, launched after a year, taken up within ten weeks.
"""

import argparse
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

START = datetime(2024, 6, 3, tzinfo=UTC)
HOURS = 83 * 168
LAUNCH_WEEK = 52
TAKE_UP_WEEKS = 10
SEED = 20240603

HOLIDAYS = (101, 501, 1003, 1225, 1226)
"""Month and day of holidays that never move; Easter and what follows it do."""
MOVING = ("2025-04-18", "2025-04-21", "2025-05-29", "2025-06-09")

Floats = NDArray[np.float64]


def make_history() -> pd.DataFrame:
    """Hourly demand [hour × series], whole machines."""
    hours = pd.date_range(START, periods=HOURS, freq="h")
    noise = np.random.default_rng(SEED)
    week = np.arange(HOURS) / 168
    busy = activity(hours.tz_convert("Europe/Berlin"))
    level = 400 * 1.1 ** (week / 52) * wandering(noise, 0.015)
    taken_up = np.clip((week - LAUNCH_WEEK) / TAKE_UP_WEEKS, 0, 1)
    series = {
        "shop": level * busy * noise.lognormal(0, 0.05, HOURS),
        "search": 120 * taken_up * wandering(noise, 0.03) * busy * noise.lognormal(0, 0.08, HOURS),
    }
    frame = pd.DataFrame(series, index=hours).round().astype(int)
    frame.index = frame.index.strftime("%Y-%m-%dT%H:%MZ").rename("timestamp")
    return frame


def activity(local: pd.DatetimeIndex) -> Floats:
    """What customers do by the hour of their day, about 1 on a workday's mean [hour]."""
    by_hour = 1 + 0.45 * np.sin(2 * np.pi * (local.hour.to_numpy() - 8) / 24)
    off = np.isin(local.month.to_numpy() * 100 + local.day.to_numpy(), HOLIDAYS)
    off |= np.isin(local.strftime("%Y-%m-%d").to_numpy(dtype=str), MOVING)
    weekend = local.day_of_week.to_numpy() >= 5
    return np.asarray(by_hour * np.where(off, 0.5, np.where(weekend, 0.75, 1.0)))


def wandering(noise: np.random.Generator, spread: float) -> Floats:
    """A level about 1 that moves by so much from week to week [hour]."""
    steps = noise.normal(0, spread, HOURS // 168)
    return np.repeat(np.exp(np.cumsum(steps)), 168)


def main() -> None:
    """Write the file named on the command line, or history.csv beside this script."""
    parser = argparse.ArgumentParser(description="Write the forecast example's history.")
    beside = Path(__file__).with_name("history.csv")
    parser.add_argument("file", nargs="?", type=Path, default=beside)
    # Line ends are the same on every system, so that the file is too.
    make_history().to_csv(parser.parse_args().file, lineterminator="\n")


if __name__ == "__main__":
    main()
