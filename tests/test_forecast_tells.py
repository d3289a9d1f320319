"""What forecasts tell their readers: months, young series, figures."""

import io
import re
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest
from rich.console import Console

from api.command.figures import number, percent, usd
from api.command.forecast_pictures import title
from api.command.forecast_tables import show_forecast
from planner import forecast_demand, parse_request

START = datetime(2026, 1, 1, tzinfo=UTC)
WEEK = 168
HISTORY = 20 * WEEK


def wave(hours, seed=4):
    random = np.random.default_rng(seed)
    busy = 6 + 3 * np.sin(2 * np.pi * np.arange(hours) / 24)
    return (busy * random.lognormal(0, 0.1, hours)).round(2)


@pytest.fixture
def asked(document, price):
    """Twenty weeks of one machine type; a reservation of two weeks at half the price."""
    rates = [
        price("m.big", "on_demand", 0.1),
        price("m.big", "reserved_standard", 0.05, 14 * 24, "no_upfront"),
    ]

    def request(values=None, **parts):
        kept = {
            "horizon": {"hours": 6 * WEEK},
            "forecast": {"paths": 16, "timezone": "UTC"},
            "purchases": {"hours": [0, 2 * WEEK, 4 * WEEK]},
            "solve": {"gap": 1e-3},
        }
        series = {"m.big": (wave(HISTORY) if values is None else values).tolist()}
        return parse_request(document(rates, series) | kept | parts)

    return request


def shown(show, what):
    """What is printed, lines joined to one text, and the lines."""
    console = Console(width=80, file=io.StringIO(), highlight=False)
    show(console, what)
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    return re.sub(r"\s+", " ", " ".join(lines)), lines


# Months


def months_of(lines, name):
    at = next(at for at, line in enumerate(lines) if line.startswith(f"Demand of {name}"))
    end = next(
        at for at, line in enumerate(lines[at:], at) if not line.startswith(("Dem", "mon", "20"))
    )
    return [line.split()[0] for line in lines[at + 2 : end]], lines[end]


def test_months_left_out_are_counted_and_those_of_what_is_known_are_shown(asked):
    """The history ends in May 2026; of months ahead 0 to 3, 5, 8, 11, 17 and 23 are shown."""
    sale = {
        "kind": "event", "name": "sale", "workload": "m.big", "uplift_units": 3.0,
        "start": "2026-12-20T00:00Z", "end": "2027-02-01T00:00Z",
    }  # fmt: skip
    launch = {
        "kind": "rollout", "name": "launch", "workload": "m.big", "uplift_units": 3.0,
        "at": "2027-07-15T00:00Z", "ramp_days": 0, "slip": {"days": 62, "probability": 0.5},
    }  # fmt: skip
    horizon = {"end": "2028-06-01T00:00Z"}
    regular = ["2026-05", "2026-06", "2026-07", "2026-08", "2026-10", "2027-01", "2027-04",
               "2027-10", "2028-04", "2028-05"]  # fmt: skip

    def told(*known):
        request = asked(forecast={"paths": 2, "known": known}, horizon=horizon)
        return months_of(shown(show_forecast, forecast_demand(request).report)[1], "m.big")

    more = " … {} months more, between these, in forecast.csv (--out), or with --json"
    assert told() == (regular, more.format(15))
    busy = {"2026-12", "2027-01", "2027-07", "2027-09"}
    assert told(sale, launch) == (sorted({*regular, *busy}), more.format(12))


# Young series


def test_a_series_launched_three_days_ago_is_told_as_one(asked):
    values = np.concatenate([np.zeros(HISTORY - 72), wave(72)])
    report = forecast_demand(asked(values)).report

    (one,) = report.series
    assert (one.used_hours, one.track_records) == (72, ())
    assert one.recent == pytest.approx(values[-72:].mean())
    text, _ = shown(show_forecast, report)
    assert "forecast from 3 days of history" in text
    assert "demand began on 2026-05-18; 3,288 hours before are left out" in text
    assert "history is too short to tell how the forecast would have done" in text
    assert title(one).endswith("too short to be tried on its past")


def test_the_header_names_the_zone_and_the_shortest_and_longest_history(document, price):
    rates = [price(name, "on_demand", 0.1) for name in ("m.big", "m.new")]
    young = np.concatenate([np.zeros(HISTORY - 72), wave(72)])
    series = {"m.big": wave(HISTORY).tolist(), "m.new": young.tolist()}
    parts = {"forecast": {"timezone": "Europe/Berlin"}, "horizon": {"hours": 48}}

    report = forecast_demand(parse_request(document(rates, series) | parts)).report

    text, _ = shown(show_forecast, report)
    assert "forecast from 3 days to 5 months of history, by the days of Europe/Berlin." in text


# Figures


def test_what_rounds_to_zero_has_no_minus():
    assert percent(-0.0004) == "0.0 %"
    assert percent(-0.004, 0) == "0 %"
    assert percent(-0.006, 0) == "-1 %"
    assert usd(Decimal("-0.003")) == "0.00"
    assert usd(Decimal("-0.03")) == "-0.03"
    assert number(-1e-5 * 100 / 3) == "-3.333e-04"
    assert number(-0.0) == "0.00"


def test_a_forecast_no_better_than_naive_is_not_called_0_percent_better(asked):
    (one,) = forecast_demand(asked()).report.series
    record = one.track_records[0]

    def said(skill):
        changed = record.model_copy(update={"skill": skill})
        return title(one.model_copy(update={"track_records": (changed,)}))

    assert said(-0.004).endswith("as good as naive")
    assert said(0.004).endswith("as good as naive")
    assert said(0.1).endswith("10 % better than naive")
    assert said(-0.1).endswith("10 % worse than naive")
