"""Forecasts as their users meet them: command, files, pictures, API; and what plans say of them."""

import io
import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import jsonschema
import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib.figure import Figure
from rich.console import Console
from typer.testing import CliRunner

from api.cli import app
from api.command.forecast_files import picture_names
from api.command.forecast_pictures import draw_demand, draw_series, draw_uplifts, title, uplifts_of
from api.command.forecast_tables import show_forecast
from api.http.app import create_app
from api.http.settings import ServerSettings
from api.schemas import json_schema
from catalogs import InvalidInputError
from planner import Surroundings, forecast_demand, inline_demand, make_plan, parse_request
from planner.backtest.resolving import resolve_setting

RUNNER = CliRunner()
START = datetime(2026, 1, 1, tzinfo=UTC)
WEEK = 168
HISTORY = 20 * WEEK
END = START + timedelta(hours=HISTORY)
LAUNCH = {
    "kind": "rollout", "name": "launch", "workload": "m.big",
    "at": (END + timedelta(days=7)).isoformat(), "ramp_days": 3, "uplift_units": 4.0,
    "probability": 0.75, "slip": {"days": 14, "probability": 0.5},
}  # fmt: skip


def run(*words):
    return RUNNER.invoke(app, [str(word) for word in words])


def history(hours=HISTORY):
    random = np.random.default_rng(4)
    hour = np.arange(hours)
    busy = 6 + 3 * np.sin(2 * np.pi * hour / 24)
    return (busy * random.lognormal(0, 0.1, hours)).round(2).tolist()


@pytest.fixture
def asked(document, price):
    """Twenty weeks of one machine type; a reservation of two weeks at half the price."""
    rates = [
        price("m.big", "on_demand", 0.1),
        price("m.big", "reserved_standard", 0.05, 14 * 24, "no_upfront"),
    ]

    def request(**parts):
        kept = {
            "name": "toy",
            "horizon": {"hours": 6 * WEEK},
            "forecast": {"paths": 16, "known": [LAUNCH]},
            "purchases": {"hours": [0, 2 * WEEK, 4 * WEEK]},
            "owned": [OWNED],
            "solve": {"gap": 1e-3},
        }
        return document(rates, {"m.big": history()}) | kept | parts

    return request


OWNED = {
    "id": "two of ours", "kind": "reserved_standard", "instance_type": "m.big", "region": "here",
    "start": "2026-01-01T00:00Z", "end": (END + timedelta(days=21)).isoformat(), "quantity": 2,
    "hourly_usd": 0.05,
}  # fmt: skip


@pytest.fixture
def request_file(asked, tmp_path):
    path = tmp_path / "request.yaml"
    path.write_text(yaml.safe_dump(asked()))
    return path


def test_a_forecast_is_told_in_80_columns(request_file):
    result = run("forecast", request_file)

    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    for said in (
        "demand of 1 series for 42 days from 2026-05-21",
        "m.big",
        "5 weeks",
        "2026-06",
        "in time, 2026-05-28",
        "late, 2026-06-11",
        "not at all",
        "two of ours",
    ):
        assert said in result.stdout
    assert result.stderr == ""


def test_json_is_one_document_that_meets_its_schema_and_equals_the_planner_s_own(
    request_file, asked
):
    shown = json.loads(run("forecast", request_file, "--json").stdout)

    jsonschema.Draft202012Validator(json.loads(run("schema", "forecast").stdout)).validate(shown)
    assert shown == forecast_demand(parse_request(asked())).report.model_dump(mode="json")
    assert json_schema("forecast")["title"] == "fleetplan forecast"


def test_a_request_without_forecast_is_forecast_by_the_defaults_as_far_as_is_asked(asked, tmp_path):
    document = asked()
    del document["forecast"]
    document["horizon"] = {"end": "2030-01-01T00:00Z"}
    path = tmp_path / "request.json"
    path.write_text(json.dumps(document))

    shown = json.loads(run("forecast", path, "--json", "--hours", 100).stdout)

    assert shown["forecast"]["hours"] == 100
    assert len(shown["scenarios"]) == 64


def test_figures_by_month_are_means_of_the_hours_written(request_file, tmp_path):
    out = tmp_path / "out"
    shown = json.loads(run("forecast", request_file, "--out", out, "--json").stdout)

    assert {path.name for path in out.iterdir()} == {
        "forecast.json", "forecast.csv", "futures.parquet", "m.big.png"
    }  # fmt: skip
    assert json.loads((out / "forecast.json").read_text()) == shown
    hours = pd.read_csv(out / "forecast.csv")
    assert list(hours.columns) == ["timestamp", "workload", "p10", "p50", "p90", "planned"]
    assert len(hours) == 6 * WEEK
    by_month = hours.groupby(hours["timestamp"].str[:7])
    for month in shown["series"][0]["months"]:
        rows = by_month.get_group(month["month"])
        assert month["p50"] == pytest.approx(rows["p50"].mean(), rel=1e-4)
        assert month["highest_p90"] == pytest.approx(rows["p90"].max(), rel=1e-4)


def test_futures_written_are_a_demand_that_plans_as_the_forecast_itself(
    request_file, asked, tmp_path
):
    run("forecast", request_file, "--out", tmp_path)
    chances = json.loads((tmp_path / "forecast.json").read_text())["scenarios"]
    # What later dates may know is the forecast's own default, written out.
    information = {"groups": [1, 4, 8, 16]}
    written = asked(demand={"file": "futures.parquet"}, scenarios=chances, information=information)
    del written["forecast"]

    planned = make_plan(parse_request(written), Surroundings(folder=tmp_path))

    own = make_plan(parse_request(asked(information=information)))
    assert planned.total_cost_usd == own.total_cost_usd
    assert planned.purchases == own.purchases


def test_every_fault_is_told_at_once_and_nothing_written(asked, tmp_path):
    wrong = {"holidays": ["XX"], "together": [["m.big", "none"]]}
    path = tmp_path / "request.yaml"
    path.write_text(yaml.safe_dump(asked(forecast=wrong)))

    result = run("forecast", path, "--out", tmp_path / "out", "--json")

    assert result.exit_code == 2
    fields = [fault["field"] for fault in json.loads(result.stderr)["faults"]]
    assert fields == ["forecast.together.0", "forecast.holidays.0"]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"scenarios": 32}, "forecast"),
        ({"paths": 3}, "forecast.paths"),
        ({"timezone": "Mars/Olympus"}, "forecast.timezone"),
    ],
)
def test_settings_that_make_no_sense_are_refused(asked, tmp_path, wrong, field):
    path = tmp_path / "request.json"
    path.write_text(json.dumps(asked(forecast={"paths": 16} | wrong)))

    result = run("forecast", path, "--json")

    assert result.exit_code == 2
    assert [fault["field"] for fault in json.loads(result.stderr)["faults"]] == [field]


def test_a_history_too_short_is_refused(document, price):
    short = document([price("m.big", "on_demand", 0.1)], {"m.big": [1.0] * 47})

    result = RUNNER.invoke(app, ["forecast", "-", "--json"], input=json.dumps(short))

    (fault,) = json.loads(result.stderr)["faults"]
    assert fault["field"] == "demand"
    assert result.exit_code == 2


# Pictures


def made_of(asked, **parts):
    return forecast_demand(parse_request(asked(**parts)))


def test_a_picture_shows_history_fan_what_is_known_and_what_expires(asked):
    made = made_of(asked)
    axes = Figure().subplots()

    draw_demand(axes, made, "m.big")

    labels = axes.get_legend_handles_labels()[1]
    assert labels == [
        "history, range of each day", "history, mean of each day", "forecast, 10 to 90%",
        "forecast, median", "owned commitment ends",
    ]  # fmt: skip
    median = next(one for one in axes.lines if one.get_label() == "forecast, median")
    expected = made.quantiles["m.big"][1].reshape(-1, 24).mean(axis=1)
    assert median.get_ydata() == pytest.approx(expected)
    uplifts = uplifts_of(made, "m.big")
    below = Figure().subplots()
    draw_uplifts(below, made, uplifts)
    assert below.get_legend_handles_labels()[1] == ["launch: up to 3.00"]
    assert uplifts["launch"][-1] == pytest.approx(0.75 * 4)


def test_its_title_says_model_holidays_and_coverage(asked):
    (one,) = made_of(asked).report.series

    share = one.track_records[0].coverage * 100
    said = title(one)
    assert f"model {one.model}, no holidays found" in said
    assert f"{share:.0f}% in the 80% band" in said


def test_what_was_mended_in_the_history_is_told(asked, tmp_path):
    rows = [
        f"{START + timedelta(minutes=30 * half):%Y-%m-%dT%H:%MZ},{half % 2}"
        for half in range(2 * WEEK)
    ]
    (tmp_path / "halves.csv").write_text("\n".join(["timestamp,m.big", *rows]))
    demand = {"file": "halves.csv", "repair": ["irregular"]}
    request = parse_request(asked(demand=demand, owned=[], forecast={"paths": 2}))

    notes = forecast_demand(request, Surroundings(folder=tmp_path)).report.notes

    assert any(one.startswith("the demand's rows were mended: irregular ") for one in notes)


@pytest.fixture
def local(asked, tmp_path):
    """Requests of rows in New York's time, from Thursday on, busy from nine to five."""
    hours = [START + timedelta(hours=hour) for hour in range(5, 5 + 12 * WEEK)]
    clock = [hour.astimezone(ZoneInfo("America/New_York")) for hour in hours]
    values = np.random.default_rng(1).lognormal(0, 0.05, len(hours))
    values *= [9.0 if 9 <= hour.hour < 17 else 2.0 for hour in clock]
    rows = [f"{hour:%Y-%m-%dT%H:%M},{value:.3f}" for hour, value in zip(clock, values, strict=True)]
    (tmp_path / "local.csv").write_text("\n".join(["timestamp,m.big", *rows]))

    def request(**zone):
        demand = {"file": "local.csv", "timezone": "America/New_York", "repair": ["clock_change"]}
        parts = {"owned": [], "horizon": {"hours": WEEK}, "purchases": {"hours": [0]}}
        return parse_request(asked(demand=demand, **parts, forecast={"paths": 2} | zone))

    return request


UTC_DAYS = "days and weeks are those of UTC; where demand has others, write forecast.timezone"


def test_days_are_those_of_the_rows_own_zone_unless_another_is_named(local, asked, tmp_path):
    def made(request):
        return forecast_demand(request, Surroundings(folder=tmp_path))

    own, same, utc = (made(local(**zone)) for zone in ({}, {"timezone": "America/New_York"},
                                                       {"timezone": "UTC"}))  # fmt: skip
    assert own.report == same.report
    assert own.report.timezone == "America/New_York"
    assert utc.report.timezone == "UTC"
    # Clocks went forward on the way: UTC's days begin an hour late in New York before that.
    loss, utc_loss = (
        one.report.series[0].track_records[0].weighted_quantile_loss for one in (own, utc)
    )
    assert loss < 0.85 * utc_loss
    for one in (own, utc):
        assert UTC_DAYS not in one.report.notes
    assert UTC_DAYS in forecast_demand(parse_request(asked())).report.notes


def test_inline_demand_is_forecast_in_the_days_of_the_rows_it_was_read_from(local, tmp_path):
    request = local()
    written = inline_demand(request, folder=tmp_path).model_dump_json(exclude_unset=True)

    whole = parse_request(json.loads(written))

    from_file = forecast_demand(request, Surroundings(folder=tmp_path))
    from_text = forecast_demand(whole)
    assert from_text.report.series == from_file.report.series
    assert np.array_equal(from_text.quantiles["m.big"], from_file.quantiles["m.big"])
    app = create_app(ServerSettings()).test_client()
    posted = app.post("/v1/forecasts", data=written, content_type="application/json")
    assert posted.json["timezone"] == "America/New_York"


def test_an_inline_demand_s_zone_must_be_one(asked):
    document = asked()
    document["demand"]["timezone"] = "Mars/Olympus"

    with pytest.raises(InvalidInputError) as refused:
        forecast_demand(parse_request(document))
    assert [one.field for one in refused.value.faults] == ["demand.timezone"]


def test_a_back_test_forecasts_in_the_days_of_the_rows_too(local, tmp_path):
    setting = resolve_setting(local(), Surroundings(folder=tmp_path))

    assert setting.neutral.settings.timezone == "America/New_York"


def test_models_that_need_more_history_say_who_took_their_place(asked):
    wanted = asked(forecast={"paths": 2, "model": "yearly"}, owned=[])
    report = forecast_demand(parse_request(wanted)).report
    plan = make_plan(parse_request(wanted))

    (one,) = report.series
    told = f"yearly needs 56 weeks of history, here are 20: {one.model} is taken"
    assert one.model in {"trend", "flat"}
    assert told in one.notes
    assert f"forecast: m.big: {told}" in plan.notes


def test_a_model_asked_for_that_can_be_had_is_taken_without_much_ado(asked):
    wanted = asked(forecast={"paths": 2, "model": "flat"}, owned=[])

    (one,) = forecast_demand(parse_request(wanted)).report.series
    assert one.notes == ("models were not compared: one is asked for",)
    assert not any("needs" in note for note in make_plan(parse_request(wanted)).notes)


def test_series_kept_to_their_sum_are_told_by_the_sum_s_model(document, price):
    """A machine type born three weeks ago: its sum with the old one has models that compare."""
    total, new = np.array(history()), np.zeros(HISTORY)
    new[-3 * WEEK :] = 2.0
    rates = [price(name, "on_demand", 0.1) for name in ("m.big", "m.new")]
    series = {"m.big": (total - new).tolist(), "m.new": new.tolist()}
    kept = document(rates, series, forecast={"together": [["m.big", "m.new"]]})
    alone = document([rates[0]], {"m.big": total.tolist()}, forecast={})

    old, young = forecast_demand(parse_request(kept | {"horizon": {"hours": 48}})).report.series
    (whole,) = forecast_demand(parse_request(alone | {"horizon": {"hours": 48}})).report.series

    assert whole.rivals
    assert old.rivals == young.rivals == pytest.approx(whole.rivals)
    assert old.model == young.model == whole.model
    assert not any("compared" in note for note in (*old.notes, *young.notes))


def test_pictures_are_drawn_of_a_week_and_of_no_demand(asked):
    week = made_of(asked, demand={"inline": inline(history(WEEK))}, owned=[],
                   forecast={"paths": 2}, horizon={"hours": 48})  # fmt: skip
    none = made_of(asked, demand={"inline": inline([0.0] * HISTORY)}, forecast={"paths": 2})

    for made in (week, none):
        assert draw_series(made, "m.big").startswith(b"\x89PNG")


ODD = {
    "zeros": [0.0] * HISTORY,
    "a constant": [7.0] * HISTORY,
    "a spike": [0.0] * (HISTORY - 900) + [1e12] + [0.0] * 899,
    "begins late": [0.0] * (HISTORY - 60) + [5.0] * 60,
    "ends early": [5.0] * (HISTORY - 600) + [0.0] * 600,
    "tiny": [1e-300 * (1 + hour % 24) for hour in range(HISTORY)],
    "two days": [1.0, 2.0] * 24,
}


@pytest.mark.parametrize("values", ODD.values(), ids=ODD.keys())
def test_odd_histories_are_told_in_finite_numbers_and_pictures(asked, values):
    demand = {"inline": inline(values)}
    made = made_of(asked, demand=demand, owned=[], forecast={"paths": 2}, horizon={"hours": 48})

    shown = made.report.model_dump_json()
    jsonschema.Draft202012Validator(json_schema("forecast")).validate(json.loads(shown))
    console = Console(width=80, file=io.StringIO())
    show_forecast(console, made.report)
    assert "nan" not in console.file.getvalue().replace("nanos", "")
    assert draw_series(made, "m.big").startswith(b"\x89PNG")


def inline(values):
    return {"start": START.isoformat(), "series": {"m.big": values}}


def test_pictures_have_names_that_file_systems_take_and_no_two_alike():
    names = picture_names(["a/b", "a b", "A_B", "..", "ü", "x" * 200])

    assert len({name.lower() for name in names.values()}) == 6
    assert all(set(name) <= set("abAB_x-0123456789series") for name in names.values())
    assert max(map(len, names.values())) <= 80


# Plans


def test_a_plan_says_what_it_costs_where_a_launch_slips(asked):
    plan = make_plan(parse_request(asked()))

    (known,) = plan.known
    assert [way.label for way in known.ways] == ["in time", "late", "not at all"]
    assert [way.futures for way in known.ways] == [6, 6, 4]
    assert [way.probability for way in known.ways] == pytest.approx([6 / 16, 6 / 16, 4 / 16])
    for total, each in (
        (plan.total_cost_usd, lambda way: way.total_cost_usd),
        (plan.on_demand_cost_usd, lambda way: way.on_demand_cost_usd),
        (plan.savings_usd, lambda way: way.savings_usd),
    ):
        mean = sum(way.probability * float(each(way)) for way in known.ways)
        assert mean == pytest.approx(float(total))
    base = [float(way.on_demand_cost_usd) for way in known.ways]
    assert base[0] > base[1] > base[2]


def test_purchases_of_many_futures_are_told_by_mean_and_range(asked, tmp_path):
    path = tmp_path / "request.yaml"
    information = {"groups": [1, 4, 8]}
    path.write_text(yaml.safe_dump(asked(information=information)))
    plan = make_plan(parse_request(asked(information=information)))

    told = run("plan", path, "--quiet").stdout

    later = [one for one in plan.purchases if one.scenarios is not None]
    assert later
    for date in sorted({one.start for one in later}):
        bought = dict.fromkeys((one.name for one in plan.scenarios), 0.0)
        for one in later:
            if one.start == date:
                for name in one.scenarios:
                    bought[name] += float(one.quantity)
        mean = sum(bought.values()) / 16
        (line,) = [one for one in told.splitlines() if one.startswith(f"{date:%Y-%m-%d}  Standard")]
        assert f"{mean:.2f} ×" in line or f"{mean:.4f} ×" in line
        assert f"{min(bought.values()):.2f} to {max(bought.values()):.2f}" in line
    assert "if path-" not in told
    assert "If it slips" in told
    assert max(map(len, told.splitlines())) <= 80


def test_a_plan_for_few_futures_of_many_states_their_error(asked):
    few = {"paths": 16, "known": [LAUNCH], "scenarios": 4}

    plan = make_plan(parse_request(asked(forecast=few)))

    assert len(plan.scenarios) == 4
    assert (plan.reduction.paths, plan.reduction.scenarios) == (16, 4)
    report = forecast_demand(parse_request(asked(forecast=few))).report
    assert plan.reduction == report.reduction
    assert 0 < plan.reduction.error_share < 0.5


# Over HTTP


@pytest.fixture(scope="module")
def client():
    return create_app(ServerSettings()).test_client()


def test_the_forecast_over_http_is_the_planner_s_own(client, asked):
    answer = client.post("/v1/forecasts", json=asked())

    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert answer.json == forecast_demand(parse_request(asked())).report.model_dump(mode="json")


def test_forecasts_beyond_the_server_s_size_are_refused(asked):
    small = create_app(ServerSettings(max_future_cells=16 * 6 * WEEK - 1)).test_client()
    none = create_app(ServerSettings(max_forecast_series=1, max_future_cells=1)).test_client()

    for path in ("/v1/forecasts", "/v1/plans"):
        answer = small.post(path, json=asked())
        assert answer.status_code == 422
        assert [fault["field"] for fault in answer.json["faults"]] == ["forecast.paths"]
        assert none.post(path, json=asked()).status_code == 422
