"""Demand that rests every week: bands, months and record know the hours in which nothing runs."""

import json
from pathlib import Path

import numpy as np
import pytest

from planner import forecast_demand, parse_request
from planner.forecasting.models import closed_days, closed_hours, day_effects, week_profile

CASES = Path(__file__).parents[2] / "shared" / "field-cases" / "plans" / "forecast-closed-weekends"
DAY, WEEK = 24, 168


def demand(weeks, opened, seed=1, sd=4.0):
    """100 machines with a day's course of 30 %, in the hours of the week that are open."""
    hour = np.arange(weeks * WEEK)
    course = 100 * (1 + 0.3 * np.sin(2 * np.pi * (hour % DAY - 8) / DAY))
    noise = np.random.default_rng(seed).normal(0, sd, len(hour))
    share = opened(hour % WEEK)
    return np.where(share > 0, np.maximum((course + noise) * share, 0.0), 0.0)


OPENED = {
    "weekends off": lambda hour: (hour < 5 * DAY) * 1.0,
    "weekends at 1 %": lambda hour: np.where(hour < 5 * DAY, 1.0, 0.01),
    "sundays off": lambda hour: (hour < 6 * DAY) * 1.0,
    "office hours": lambda hour: ((hour < 5 * DAY) & (hour % DAY >= 8) & (hour % DAY < 18)) * 1.0,
    "half a saturday": lambda hour: (
        ((hour < 5 * DAY) | ((hour < 6 * DAY) & (hour % DAY < 12))) * 1.0
    ),
}


HALF = "half a saturday"
"""Too much for forecasts from less than six weeks, which take all open days for alike."""


def forecast(values, price, document, hours=8 * WEEK):
    asked = document(
        [price("m", "on_demand", 1)],
        {"m": values.round(4).tolist()},
        forecast={"hazards": []},
        horizon={"hours": hours},
    )
    asked["demand"]["inline"]["start"] = "2026-01-05T00:00Z"  # a Monday
    return forecast_demand(parse_request(asked))


@pytest.mark.parametrize(
    ("rest", "weeks"),
    [(rest, weeks) for rest in OPENED for weeks in (5, 9, 30, 60) if rest != HALF or weeks > 5],
)
def test_bands_keep_closed_and_open_hours_apart(rest, weeks, price, document):
    made = forecast(demand(weeks, OPENED[rest]), price, document)

    low, middle, high = made.quantiles["m"]
    hour = np.arange(len(low)) % WEEK
    share = OPENED[rest](hour)
    course = 100 * (1 + 0.3 * np.sin(2 * np.pi * (hour % DAY - 8) / DAY)) * share
    busy = share == 1
    wide = 1.25 if weeks > 5 else 1.4  # under six weeks all open days share one course
    assert (low[busy] > course[busy] / wide).all()
    assert (high[busy] < course[busy] * wide).all()
    assert middle[busy] == pytest.approx(course[busy], rel=0.12)
    shut = share == 0
    assert not low[shut].any()
    assert not high[shut].any()
    slack = (share > 0) & ~busy
    assert middle[slack] == pytest.approx(course[slack], rel=0.4)
    assert (high[slack] < 0.03 * 100).all()


@pytest.mark.parametrize(
    ("rest", "weeks"),
    [(rest, weeks) for rest in OPENED for weeks in (5, 7, 30) if rest != HALF or weeks == 30],
)
def test_the_record_on_its_own_past_is_no_worse_than_naive(rest, weeks, price, document):
    (series,) = forecast(demand(weeks, OPENED[rest]), price, document).report.series
    (record,) = series.track_records

    assert record.skill > -0.05
    assert record.weighted_quantile_loss < 0.05
    assert 0.75 < record.coverage <= 1


@pytest.mark.parametrize("rest", list(OPENED))
def test_futures_rest_when_history_does(rest, price, document):
    made = forecast(demand(12, OPENED[rest]), price, document)

    paths = made.futures.demand.series["m"].reshape(-1, 8, WEEK)
    share = OPENED[rest](np.arange(WEEK))
    assert (paths[:, :, share == 1] > 30).all()
    assert not paths[:, :, share == 0].any()


def test_what_is_closed_takes_two_weeks_of_nothing():
    week = (np.arange(WEEK) < 5 * DAY) * 10.0
    assert not closed_hours(np.array([week])).any()
    assert closed_hours(np.array([week, week])).tolist() == [False] * 120 + [True] * 48
    opened = week + 0.0
    opened[150] = 3.0  # one Sunday hour, once
    assert closed_hours(np.array([week, opened, week])).sum() == 47
    days = np.array([week, week]).reshape(14, DAY)
    assert closed_days(days).tolist() == [False] * 5 + [True] * 2
    assert not closed_days(days[:13]).any()
    assert day_effects(days) == pytest.approx([1] * 5 + [0] * 2)


def test_an_open_profile_is_drawn_to_other_days_as_ever():
    """Without a closed hour: half a week's weight for the mean of the days."""
    weeks = 1 + np.random.default_rng(2).random((6, WEEK))
    shares = weeks / weeks.mean(axis=1)[:, None]
    weights = 0.9 ** np.arange(5.0, -1, -1)
    profile = weights @ shares / weights.sum()
    usual = np.tile(profile.reshape(7, DAY).mean(axis=0), 7)
    drawn = (weights.sum() * profile + 0.5 * usual) / (weights.sum() + 0.5)
    assert week_profile(weeks) == pytest.approx(drawn / drawn.mean())


@pytest.mark.skipif(not CASES.exists(), reason="the shared reference data is not there")
@pytest.mark.parametrize("name", ["t13_weekend0", "t13b_office_30", "t13b_weekend1pct_30"])
def test_shops_closed_at_weekends_as_reported(name):
    """Weekday p10 about 90 % of the level, weekends p10 = p50 = p90 = 0, a record above naive."""
    asked = json.loads((CASES / f"{name}.json").read_text()) | {"horizon": {"hours": 8 * WEEK}}

    made = forecast_demand(parse_request(asked))

    (low, middle, high), (record,) = made.quantiles["web"], made.report.series[0].track_records
    hour = np.arange(len(low)) % WEEK
    busy = (hour < 5 * DAY) & (middle > 50)
    assert (low[busy] > 0.9 * middle[busy]).all()
    assert busy.sum() > 8 * 5 * 9
    weekend = hour >= 5 * DAY
    assert (high[weekend] < (2 if "1pct" in name else 1e-9)).all()
    assert record.skill > 0.1
    months = made.report.series[0].months
    assert all(one.p10 > 0.8 * one.p50 for one in months)
