"""An outage in the last days of a history is told of, for the forecast takes it for demand."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from planner import forecast_demand, make_plan, parse_request
from planner.demand import Demand
from planner.forecasting.last_days import last_days_notes
from planner.repairs import Repair

START = datetime(2026, 1, 1, tzinfo=UTC)
HOURS = 10 * 168
END = START + timedelta(hours=HOURS)
WAY_OUT = (
    "if it was an outage, take its rows out, for repair: [gaps] to fill them or the history to "
    "end before"
)


def busy(hours=HOURS, growth=1.0):
    """Ten in the mean, half of it at weekends, a tenth of noise; growing by so much a week."""
    random, hour = np.random.default_rng(3), np.arange(hours)
    weekly = np.where(hour // 24 % 7 < 5, 10.0, 5.0)
    return weekly * random.lognormal(0, 0.1, hours) * growth ** (hour / 168)


def notes(values, repairs=()):
    return last_days_notes(Demand(START, {"web": values}, repairs=tuple(repairs)), "web")


def test_two_days_without_demand_are_told_with_their_figures():
    values = np.full(HOURS, 8.0)
    values[-72:-24] = 0.5
    assert notes(values) == (
        "in 2 of the last 7 days (2026-03-09 00:00 to 2026-03-11 00:00) demand was 0.5 on the "
        f"mean, 8 on the same days of the 4 weeks before; the forecast is no less certain for it: "
        f"{WAY_OUT}",
    )


@pytest.mark.parametrize("factor", [0.3, 3.0])
def test_a_week_far_under_or_above_those_before_is_told(factor):
    values = busy()
    values[-168:] *= factor
    (note,) = notes(values)
    assert note.startswith("in 7 of the last 7 days (2026-03-05 00:00 to 2026-03-12 00:00) ")


def test_a_single_day_is_told_only_where_nothing_is_left():
    values = busy()
    values[-24:] *= 0.4
    assert notes(values) == ()
    values[-24:] = 0.0
    (note,) = notes(values)
    assert "in 1 of the last 7 days (2026-03-11 00:00 to 2026-03-12 00:00) demand was 0 " in note


@pytest.mark.parametrize("growth", [1.0, 0.95, 1.1])
def test_weekends_growth_and_noise_are_nothing_to_tell(growth):
    assert notes(busy(growth=growth)) == ()


def test_series_that_swing_as_much_before_are_nothing_to_tell():
    swinging = np.repeat(np.random.default_rng(1).lognormal(0, 0.8, HOURS // 24), 24)
    assert notes(swinging) == ()


@pytest.mark.parametrize("values", [np.zeros(HOURS), np.zeros(48), busy(3 * 168)])
def test_histories_of_nothing_or_of_few_weeks_say_nothing(values):
    assert notes(values) == ()


def test_zeros_that_the_rule_edges_set_are_told_with_the_way_to_end_before_them():
    values = busy()
    values[-60:] = 0.0
    set_to_0 = Repair("edges", "web", END - timedelta(hours=60), END, 60, "set to 0")
    (note,) = notes(values, [set_to_0])
    assert note.endswith("edges was to set 0 there; repair: {edges: trim} ends the history before")


def test_days_filled_in_are_counted():
    filled = Repair("gaps", "web", END - timedelta(hours=200), END - timedelta(hours=100), 100, "")
    elsewhere = Repair("gaps", "db", END - timedelta(hours=99), END, 99, "")
    before = Repair("gaps", "web", START, START + timedelta(hours=90), 90, "")
    assert notes(busy(), [before, filled, elsewhere]) == (
        "68 hours of the last 7 days were lost and filled in (gaps): the forecast is no less "
        "certain for it",
    )
    after = Repair("gaps", "web", END, END + timedelta(hours=90), 90, "left out")
    assert notes(busy(), [before, elsewhere, after]) == ()


def test_forecast_and_plan_tell_it(document, price):
    rates = [
        price("m", "on_demand", 0.1), price("m", "reserved_standard", 0.06, 28 * 24, "no_upfront")
    ]  # fmt: skip
    values = busy()
    values[-48:] = 0.0
    parts = {"horizon": {"hours": 336}, "forecast": {"paths": 4}}
    request = parse_request(document(rates, {"m": values.tolist()}, **parts))
    (series,) = forecast_demand(request).report.series
    (note,) = [one for one in series.notes if "of the last 7 days" in one]
    assert f"m: {note}" in make_plan(request).notes


def test_a_series_that_ended_is_said_to_be_forecast_as_nothing_and_since_when(document, price):
    ended = busy()
    ended[-40 * 24 :] = 0.0
    rates = [price("m", "on_demand", 0.1), price("m", "reserved_standard", 0.05, 336)]
    asked = document(rates, {"m": ended.tolist()}, forecast={"paths": 4}, horizon={"hours": 336})
    told = "no demand since 2026-01-31 00:00, so none is forecast"

    (series,) = forecast_demand(parse_request(asked)).report.series
    assert any(note.startswith(told) for note in series.notes)
    plan = make_plan(parse_request(asked))
    assert any(f"m: {told}" in note for note in plan.notes)
