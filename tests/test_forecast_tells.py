"""What plans on a forecast, and forecasts, tell their readers: bases, futures, months, the past."""

import io
import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from matplotlib.figure import Figure
from rich.console import Console

from api.command import pictures
from api.command.figures import number, percent, usd
from api.command.forecast_pictures import title
from api.command.forecast_tables import show_forecast
from api.command.plan_futures import footing
from api.command.terminal import show_plan
from planner import Surroundings, compare, forecast_demand, make_plan, parse_request, plan_fleet
from planner.planning import resolve

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
            "information": {"groups": [1, 4, 8]},
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


# What a plan rests on


def test_plans_on_a_forecast_end_at_a_per_mille_unless_told_otherwise(asked):
    """Other futures drawn would move the cost by more than a tenth of that."""
    around = Surroundings(now=START)

    assert resolve(asked(solve={}), around).gap == 1e-3
    assert resolve(asked(solve={"gap": 1e-5}), around).gap == 1e-5
    assert resolve(asked(solve={}, forecast=None), around).gap == 1e-4
    assert make_plan(asked(solve={}), around).status == "optimal"


def test_a_plan_says_what_its_forecast_is_from_and_how_it_did_on_its_past(asked):
    plan = make_plan(asked())
    (record,) = forecast_demand(asked()).report.series[0].track_records

    basis = plan.forecast
    assert (basis.history_start, basis.history_end) == (START, START + timedelta(hours=HISTORY))
    assert (basis.history_hours, basis.timezone, basis.paths) == (HISTORY, "UTC", 16)
    (own,) = basis.records
    assert (own.series, own.hours_ahead) == ("m.big", record.hours_ahead)
    assert own.weighted_quantile_loss == record.weighted_quantile_loss
    assert own.coverage == record.coverage
    text, _ = shown(show_plan, plan)
    loss, inside = 100 * own.weighted_quantile_loss, 100 * own.coverage
    assert "Rests on a forecast from 140 days of history; on its own past, 5 weeks ahead" in text
    assert f"loss {loss:.1f}% of demand, {inside:.0f}% of hours in the 80% band" in text
    assert "the mean of 16 futures drawn" in text
    assert "the proof holds for these, not for what will come" in text
    assert "forecast from 140 days, costs are means of 16 futures" in str(plan)


def test_the_range_of_bills_is_that_of_the_futures(asked):
    plan = make_plan(asked())
    bills = sorted(one.total_cost_usd for one in plan.scenarios)

    text, lines = shown(show_plan, plan)

    # Of sixteen like futures the first holds 5 %, the eighth the half, the sixteenth 95 %.
    low, middle, high = (usd(bills[at]) for at in (0, 7, 15))
    assert f"bills {low} (5%), {middle} (median), {high} USD (95%)" in text
    at = next(at for at, line in enumerate(lines) if line.startswith("Futures, as billed"))
    rows = [line.split() for line in lines[at + 2 : at + 7]]
    assert [row[0] for row in rows] == ["highest", "95%", "median", "5%", "lowest"]
    assert [row[-2] for row in rows] == [high, high, middle, low, low]
    by_name = {one.name: usd(one.total_cost_usd) for one in plan.scenarios}
    for row in rows:
        name = next(word for word in row if word.startswith("path-"))
        assert by_name[name] == row[-2]


def test_few_futures_are_all_told(asked):
    few = make_plan(asked(forecast={"paths": 16, "scenarios": 4}))

    text, lines = shown(show_plan, few)

    assert sum(line.startswith("path-") for line in lines) == 4
    assert "the mean of 4 of 16 futures drawn" in text
    assert "One bill in twenty is below" in text


def test_a_plan_on_a_history_too_short_to_be_tried_says_so(asked):
    plan = make_plan(asked(wave(60), horizon={"hours": 48}, purchases={"hours": [0]}))

    assert plan.forecast.records == ()
    text, _ = shown(show_plan, plan)
    assert "from 2 days of history; it could not be tried on its own past" in text


def test_a_plan_of_demand_itself_rests_on_no_forecast(asked):
    plan = make_plan(asked(forecast=None, horizon={"hours": 400}, purchases={"hours": [0]}))

    assert plan.forecast is None
    text, _ = shown(show_plan, plan)
    assert "Rests on" not in text
    assert "forecast" not in str(plan)


def test_comparisons_take_the_futures_without_the_record(asked):
    """Their strategies cost what they did: the optimum is the plan's."""
    strategies = {one.strategy: one for one in compare(asked()).strategies}

    assert strategies["optimum"].total_cost_usd == make_plan(asked()).total_cost_usd


def test_later_purchases_that_cost_next_to_nothing_are_summed_up(asked):
    plan = make_plan(asked())
    chance = {one.name: Decimal(str(one.probability)) for one in plan.scenarios}
    costs = {}
    for one in plan.purchases:
        for name in one.scenarios or ():
            key = (one.start, one.offer_id)
            costs[key] = costs.get(key, Decimal(0)) + chance[name] * one.cost_usd
    small = [cost for cost in costs.values() if cost < plan.total_cost_usd / 100]
    dearer = plan.model_copy(update={"total_cost_usd": max(costs.values()) * 200})

    text, _ = shown(show_plan, plan)
    none_shown, _ = shown(show_plan, dearer)

    assert len(small) < len(costs)
    told = f"below 1% of the plan's cost: {usd(sum(small))} USD on the mean"
    assert (told in text) is bool(small)
    told = f"each below 1% of the plan's cost: {usd(sum(costs.values()))} USD on the mean"
    assert told in none_shown
    assert "Later, by the demand seen by then" not in none_shown


def test_the_picture_says_which_future_it_shows_and_that_the_bill_is_a_mean(asked):
    fleet = plan_fleet(asked())
    panels = Figure().subplots(3)
    pictures.draw_demand(panels[0], fleet.plan, fleet.curves)
    pictures.draw_duration(panels[1], fleet.plan, fleet.curves)
    pictures.draw_bill(panels[2], fleet.plan)

    said = [axes.get_title(loc="left") for axes in panels]
    ordered = sorted(fleet.plan.scenarios, key=lambda one: one.total_cost_usd)
    which = f", in {ordered[7].name} of 16 futures (the median bill)"
    assert said[0] == f"Demand and what is committed{which}"
    assert said[1] == f"Load-duration curve{which}"
    assert said[2] == "Monthly bill, mean of 16 futures (upfront amortized)"


# Dates that are past


def test_purchase_dates_before_today_draw_a_warning_where_the_day_is_known(asked):
    dates = [START + timedelta(hours=HISTORY + at) for at in (0, 2 * WEEK, 4 * WEEK)]

    def told(now):
        warnings = resolve(asked(), Surroundings(now=now)).warnings
        return [one for one in warnings if one.startswith("purchases")]

    assert told(None) == told(dates[0] + timedelta(hours=5)) == []
    assert told(dates[1]) == [
        "purchases: purchase date 2026-05-21 lies in the past, where nothing can be bought; plan "
        "from today on"
    ]
    assert told(dates[2] + timedelta(days=1)) == [
        "purchases: 3 purchase dates lie in the past, 2026-05-21 to 2026-06-18, where nothing can "
        "be bought; plan from today on"
    ]


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
    assert make_plan(asked(values, purchases={"hours": [0]})).forecast.records == ()


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
    assert percent(-0.0004) == "0.0%"
    assert percent(-0.004, 0) == "0%"
    assert percent(-0.006, 0) == "-1%"
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
    assert said(0.1).endswith("10% better than naive")
    assert said(-0.1).endswith("10% worse than naive")


def test_the_basis_stands_in_the_plan_s_document(asked):
    shown_plan = json.loads(make_plan(asked()).model_dump_json())

    assert shown_plan["forecast"]["paths"] == 16
    assert set(shown_plan["forecast"]["records"][0]) == {
        "series", "hours_ahead", "weighted_quantile_loss", "coverage",
    }  # fmt: skip


def test_a_past_without_demand_is_said_to_be_tried_though_nothing_could_be_erred_on(asked):
    plan = make_plan(asked(np.zeros(HISTORY)))
    said = " ".join(footing(plan, plan.forecast).split())
    assert "there was no demand to err on in its own past" in said
