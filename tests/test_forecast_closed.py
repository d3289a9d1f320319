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
    "weekends at 8 %": lambda hour: np.where(hour < 5 * DAY, 1.0, 0.08),
    "sundays off": lambda hour: (hour < 6 * DAY) * 1.0,
    "office hours": lambda hour: ((hour < 5 * DAY) & (hour % DAY >= 8) & (hour % DAY < 18)) * 1.0,
    "office hours, else 1 %": lambda hour: np.where(
        (hour < 5 * DAY) & (hour % DAY >= 8) & (hour % DAY < 18), 1.0, 0.01
    ),
    "nights off": lambda hour: ((hour % DAY >= 8) & (hour % DAY < 20)) * 1.0,
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
    assert (high[slack] < 2.3 * course[slack]).all()


@pytest.mark.parametrize(
    ("rest", "weeks"),
    [(rest, weeks) for rest in OPENED for weeks in (5, 7, 30) if rest != HALF or weeks == 30],
)
def test_the_record_on_its_own_past_is_no_worse_than_naive(rest, weeks, price, document):
    (series,) = forecast(demand(weeks, OPENED[rest]), price, document).report.series
    (record,) = series.track_records

    assert record.skill > (-0.05 if "else 1 %" not in rest or weeks > 7 else -0.45)
    assert record.weighted_quantile_loss < 0.05
    assert 0.75 < record.coverage <= 1


@pytest.mark.parametrize("weeks", [4, 8, 30])
@pytest.mark.parametrize("opens", [0, 6], ids=["first day", "last day"])
def test_a_market_of_one_day_a_week_is_forecast_for_that_day(opens, weeks, price, document):
    """Six days are closed; what is known of the open one comes from so many of it as weeks."""
    values = demand(weeks, lambda hour: (hour // DAY == opens) * 1.0)

    made = forecast(values, price, document)

    low, middle, high = made.quantiles["m"].reshape(3, 8, 7, DAY)
    course = 100 * (1 + 0.3 * np.sin(2 * np.pi * (np.arange(DAY) - 8) / DAY))
    busy = middle[:, opens] > 0
    assert busy.all()
    assert middle[:, opens] == pytest.approx(np.tile(course, (8, 1)), rel=0.15)
    assert (low[:, opens] > course * (0.45 if weeks < 6 else 0.8)).all()
    assert (high[:, opens] < course * (2.5 if weeks < 6 else 1.3)).all()
    assert not np.delete(high, opens, axis=1).any()


@pytest.mark.parametrize("back", [2, 10, 20])
def test_one_open_sunday_a_year_leaves_the_bands_of_other_days_alone(back, price, document):
    """As before Christmas: p10 of all open hours was 0 while that Sunday was remembered."""
    values = demand(110, OPENED["sundays off"]).reshape(110, WEEK)
    values[-back, 6 * DAY :] = values[-back, 5 * DAY : 6 * DAY]

    made = forecast(values.ravel(), price, document)

    low, middle, high = made.quantiles["m"].reshape(3, 8, WEEK)
    busy = np.arange(WEEK) < 6 * DAY
    assert (low[:, busy] > 0.75 * middle[:, busy]).all()
    assert (high[:, busy] < 1.25 * middle[:, busy]).all()
    assert (high[:, ~busy] < 15).all()


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
    many = np.array([week] * 11)
    many[4, 130] = 10.0  # one week in ten may be another
    assert closed_hours(many).tolist() == [False] * 120 + [True] * 48
    assert closed_hours(many[1:]).sum() == 47
    days = np.array([week, week]).reshape(14, DAY)
    assert closed_days(days).tolist() == [False] * 5 + [True] * 2
    assert not closed_days(days[:13]).any()
    assert day_effects(days) == pytest.approx([1] * 5 + [0] * 2)


def test_a_profile_is_drawn_to_what_days_have_in_common_at_their_own_level():
    """By half a week's weight: a quiet day stays quiet, a busy one busy."""
    weeks = 1 + np.random.default_rng(2).random((6, WEEK))
    weeks[:, 6 * DAY :] *= 0.3
    shares = weeks / weeks.mean(axis=1)[:, None]
    weights = 0.9 ** np.arange(5.0, -1, -1)
    profile = weights @ shares / weights.sum()
    levels = [profile[day * DAY : (day + 1) * DAY].mean() for day in range(7)]
    common = [sum(profile[hour::DAY]) / sum(levels) for hour in range(DAY)]
    usual = np.array([level * share for level in levels for share in common])
    drawn = (weights.sum() * profile + 0.5 * usual) / (weights.sum() + 0.5)

    assert week_profile(weeks) == pytest.approx(drawn / drawn.mean())


@pytest.mark.skipif(not CASES.exists(), reason="the shared reference data is not there")
@pytest.mark.parametrize(
    ("name", "rests"),
    [
        ("t13_weekend0", lambda hour: hour >= 5 * DAY),
        ("t13b_weekend1pct_30", lambda hour: hour >= 5 * DAY),
        ("t13b_office_30", lambda hour: (hour >= 5 * DAY) | (hour % DAY < 7) | (hour % DAY >= 20)),
        ("t13b_nights0_30", lambda hour: (hour % DAY < 7) | (hour % DAY >= 20)),
    ],
)
def test_shops_closed_at_weekends_as_reported(name, rests):
    """Open hours' p10 is 90 % of the level, closed ones' bands are 0; the record is above naive."""
    asked = json.loads((CASES / f"{name}.json").read_text()) | {"horizon": {"hours": 8 * WEEK}}

    made = forecast_demand(parse_request(asked))

    (low, middle, high), (record,) = made.quantiles["web"], made.report.series[0].track_records
    shut = rests(np.arange(len(low)) % WEEK)
    assert (low[~shut] > 0.88 * middle[~shut]).all()
    assert (middle[~shut] > 50).all()
    assert (high[shut] < (2 if "1pct" in name else 1e-9)).all()
    assert record.skill > 0.1
    assert all(one.p10 > 0.8 * one.p50 for one in made.report.series[0].months)
