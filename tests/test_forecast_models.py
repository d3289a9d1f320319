"""What forecasts are made of: profiles, trends, holidays, clocks; and what no history may break."""

import math
import time
import warnings
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import theilslopes

from catalogs import InvalidInputError
from planner.demand import Demand
from planner.forecasting import forecast
from planner.forecasting.clock import Clock
from planner.forecasting.countries import calendars_by_clock
from planner.forecasting.holiday_effects import Calendars, find_effects
from planner.forecasting.models import MODELS, day_effects, median_slope
from planner.forecasting.naive import seasonal_naive
from planner.forecasting.spread import measure_spread
from planner.forecasting.track_record import horizons, track_records
from planner.request import ForecastSettings

START = datetime(2022, 1, 3, tzinfo=UTC)
"""A Monday."""
WEEK = 168
LEVELS = tuple(np.linspace(0.01, 0.99, 21).tolist())


def made(values, hours=8 * WEEK, start=START, **settings_):
    history = Demand(start, {"it": np.asarray(values, dtype=float)})
    return forecast(history, ForecastSettings(**settings_), hours)


def shape_of_week(weeks):
    """Workdays busy by day, weekends quiet [hour]."""
    hour = np.arange(weeks * WEEK)
    busy = 1 + 0.5 * np.sin(2 * np.pi * (hour % 24 - 6) / 24)
    return busy * np.where(hour // 24 % 7 < 5, 1.0, 0.6)


def test_a_week_that_repeats_is_forecast_as_it_was():
    values = 50 * shape_of_week(60)

    median = made(values).quantiles("it", [0.5])[0]

    # A week is drawn a little to its mean day.
    assert median == pytest.approx(np.tile(values[-WEEK:], 8), rel=0.04)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=110))
def test_the_trend_is_that_of_theil_and_sen(values):
    assert median_slope(np.array(values)) == pytest.approx(theilslopes(values).slope, abs=1e-9)


def test_a_steady_trend_goes_on_and_slows_down():
    """A weekly growth of 1 continues as 1 + 0.98 + 0.98² …, counted by hand."""
    level = 100 + np.repeat(np.arange(60.0), WEEK)

    weekly = made(level, hours=20 * WEEK).quantiles("it", [0.5])[0].reshape(20, WEEK).mean(axis=1)

    # The level of the last week is 159; a week's mean lies midway between its ends.
    ends = 159 + np.concatenate([[0], np.cumsum(0.98 ** np.arange(1, 22))])
    assert weekly == pytest.approx((ends[:20] + ends[1:21]) / 2 + 0.5, abs=0.6)


@pytest.mark.parametrize(("weeks", "reach"), [(8, 8.37), (16, 23.68), (26, 49.0), (60, 49.0)])
def test_a_trend_goes_on_the_farther_the_longer_it_was_seen(weeks, reach):
    """0.37 · n^1.5 weeks' growth in the end, 49 at most: two months' fall is not three years'."""
    level = 1000 - 4 * np.repeat(np.arange(float(weeks)), WEEK)

    median = made(level, hours=400 * WEEK, model="trend").quantiles("it", [0.5])[0]

    fallen = (level[-1] - median[-WEEK:].mean()) / 4
    assert fallen == pytest.approx(reach, rel=0.02)


def test_a_yearly_swing_is_taken_by_a_model_that_knows_years():
    week = np.arange(156)
    values = np.repeat(100 * (1 + 0.5 * np.sin(2 * np.pi * week / 52)), WEEK)

    one = made(values, hours=26 * WEEK)

    assert one.series["it"].choice.model.name in ("yearly", "mixed")
    true = 100 * (1 + 0.5 * np.sin(2 * np.pi * np.arange(156, 182) / 52))
    weekly = one.quantiles("it", [0.5])[0].reshape(26, WEEK).mean(axis=1)
    assert np.abs(weekly - true).mean() < 0.1 * true.mean()


def test_a_yearly_swing_is_seen_soon_after_its_first_year():
    """Of 66 weeks ten show what last year's foretell: too few to look 13 ahead from thrice."""
    week = np.arange(92)
    true = 100 * (1 + 0.5 * np.sin(2 * np.pi * week / 52))

    one = made(np.repeat(true[:66], WEEK), hours=26 * WEEK)

    choice = one.series["it"].choice
    assert choice.model.name in ("yearly", "mixed")
    assert choice.errors[choice.model.name] < choice.errors["trend"]
    weekly = one.quantiles("it", [0.5])[0].reshape(26, WEEK).mean(axis=1)
    assert np.abs(weekly - true[66:]).mean() < 0.2 * true[66:].mean()


def covered(weeks, ahead, level):
    """Share of hours inside the 80 % band, of series whose levels walk by so much a week."""
    inside = []
    for seed in range(30):
        random = np.random.default_rng(seed)
        levels = np.exp(np.cumsum(random.normal(0, level, weeks + ahead)))
        values = np.repeat(levels, WEEK) * shape_of_week(weeks + ahead)
        past, true = np.split(values * random.lognormal(0, 0.02, len(values)), [weeks * WEEK])
        fan = made(past, hours=ahead * WEEK, holidays="none").quantiles("it", (0.1, 0.9))
        inside.append(((true >= fan[0]) & (true <= fan[1])).mean())
    return np.mean(inside)


@pytest.mark.parametrize(("weeks", "ahead"), [(13, 2), (20, 4)])
def test_bands_hold_though_few_weeks_are_known(weeks, ahead):
    """Few errors seen are mostly small ones: taken as they are, bands hold 60 and 70 % of hours."""
    assert 0.7 < covered(weeks, ahead, 0.08) < 0.88


def test_three_weeks_tell_weekends_from_workdays():
    random = np.random.default_rng(3)
    week = np.where(np.arange(7) < 5, 100.0, 80.0)
    days = np.tile(week, 5) * random.lognormal(0, 0.02, 35)
    past, true = np.split(np.repeat(days, 24), [21 * 24])

    (median,) = made(past, hours=2 * WEEK).quantiles("it", [0.5])

    assert median.reshape(14, 24).mean(axis=1) == pytest.approx(np.tile(week, 2), rel=0.05)
    assert np.abs(median - true).mean() < 4


def test_days_of_the_week_differ_by_no_more_than_what_repeats():
    """Where only noise tells days apart, most of it is taken for noise; under two weeks all."""
    random = np.random.default_rng(5)
    found = []
    for _ in range(50):
        levels = random.lognormal(0, 0.1, 28)
        days = np.repeat(levels[:, None], 24, axis=1)
        raw = np.log(levels.reshape(4, 7)).mean(axis=0)
        found.append((np.log(day_effects(days)).std(), (raw - raw.mean()).std()))
    kept, raw = np.mean(found, axis=0)
    assert kept < 0.4 * raw
    assert (day_effects(np.full((13, 24), 2.0) * random.lognormal(0, 1, (13, 1))) == 1).all()
    steady = np.tile(np.array([4.0, 4, 4, 4, 4, 1, 1])[:, None], (3, 24))
    assert day_effects(steady)[5] / day_effects(steady)[0] == pytest.approx(0.25)


def inside_band(past, true):
    """Share of hours inside the 80 % band."""
    fan = made(past, hours=len(true), holidays="none").quantiles("it", (0.1, 0.9))
    return ((true >= fan[0]) & (true <= fan[1])).mean()


def test_few_machines_that_come_and_go_at_times_have_bands_that_hold():
    """Errors a week ahead are mostly none: a law through their middle ones held 65 %."""
    inside = []
    for seed in range(40):
        random = np.random.default_rng(seed)
        steps = random.choice([-1, 0, 1], 39, p=[0.05, 0.9, 0.05])
        machines = np.maximum(8 + np.cumsum(steps), 1).astype(float)
        inside.append(inside_band(*np.split(np.repeat(machines, WEEK), [26 * WEEK])))
    assert 0.7 < np.mean(inside) < 0.9


def test_bands_of_days_reckon_with_a_step_that_ten_days_may_not_show():
    """Steps of 30 % come every twenty days: the errors of ten days alone held 65 %."""
    inside = []
    for seed in range(60):
        random = np.random.default_rng(seed)
        noise = random.normal(0, 0.01, 17)
        steps = (random.random(17) < 0.05) * random.choice([-0.3, 0.3], 17)
        days = np.repeat(np.exp(np.cumsum(noise + steps)), 24)
        hours = days * random.lognormal(0, 0.01, len(days))
        inside.append(inside_band(*np.split(hours, [240])))
    assert 0.7 < np.mean(inside) < 0.9


def test_what_never_changed_is_the_surer_the_longer_it_is_known_and_the_nearer_it_is():
    widths = {}
    for weeks in (4, 12, 100):
        low, high = made(np.full(weeks * WEEK, 8.0), hours=26 * WEEK).quantiles("it", (0.1, 0.9))
        assert ((low > 0) & (low < 8) & (high > 8)).all()
        widths[weeks] = (high - low)[[WEEK - 1, -1]] / 8
        assert widths[weeks][0] < widths[weeks][1]
    assert widths[4][1] > widths[12][1]
    assert (widths[12] > widths[100]).all()
    assert widths[100][1] < 0.15


def test_under_a_year_of_a_season_the_band_reckons_with_the_half_that_is_to_come():
    """From every month of a wave of a year's length; taken for a level it held 57 %."""
    inside = []
    for month in range(12):
        random = np.random.default_rng(month)
        week = np.arange(50 + 26)
        wave = 0.5 * np.sin(2 * np.pi * (week / 52 + month / 12))
        levels = np.exp(wave + random.normal(0, 0.03, len(week)))
        hours = np.repeat(levels, WEEK) * random.lognormal(0, 0.05, WEEK * len(week))
        inside.append(inside_band(*np.split(hours, [50 * WEEK])))
    assert 0.7 < np.mean(inside) < 0.9


def test_a_season_is_reckoned_with_where_it_can_be_but_is_not_known():
    """A wave's levels miss one another by twice its deviation, half a year apart."""
    week = np.arange(120)
    weeks = np.repeat(np.exp(0.3 * np.cos(2 * np.pi * week / 52))[:, None], WEEK, axis=1)
    models = {one.name: one for one in MODELS}

    def season(name, count):
        return measure_spread(models[name], weeks[:count]).season

    assert season("flat", 52) == pytest.approx(0.3 / math.sqrt(2), rel=0.1)
    assert season("flat", 25) == season("flat", 104) == 0
    assert season("yearly", 70) == season("mixed", 70) == 0
    spread = measure_spread(models["flat"], weeks[:52])
    half_a_year = spread.deviation(np.array([26.0]))
    assert half_a_year == pytest.approx(2 * spread.season)


def test_five_days_of_very_different_demand_do_not_make_futures_of_many_times_as_much():
    """Levels spread by e^0.7 at the most, so their mean is e^(0.7²/2), 1.28, of the median."""
    days = np.repeat([7.0, 3.0, 2.0, 9.0, 7.0], 24)

    one = made(days, hours=20 * WEEK)

    futures = np.array(one.futures().series["it"]).reshape(-1, 20 * WEEK)
    weekly = futures.reshape(len(futures), 20, WEEK).mean(axis=2)[:, 8:]
    assert weekly.mean() < 1.45 * np.median(weekly)
    assert weekly.mean() < 12


@pytest.mark.parametrize(
    ("weeks", "units"), [(60, (26, 104)), (4, (182, 728))], ids=["weeks", "days"]
)
def test_levels_grow_uncertain_more_slowly_beyond_half_a_year(weeks, units):
    """Half a year is its full length; four times as far counts as twice as far."""
    random = np.random.default_rng(2)
    levels = np.repeat(np.exp(np.cumsum(random.normal(0, 0.04, weeks))), WEEK)
    one = made(levels * random.lognormal(0, 0.05, weeks * WEEK), hours=WEEK).series["it"]
    assert one.choice.model.unit_hours == (24 if weeks < 6 else WEEK)

    first, half_year, later = one.level_deviation(np.array([1.0, *units])) / one.spread.scale

    assert first == pytest.approx(1)
    assert half_year == pytest.approx(units[0] ** one.spread.exponent)
    assert later / half_year == pytest.approx(2**one.spread.exponent)
    assert one.spread.exponent > 0.1


def japanese_holidays(first, days):
    """Days off in Japan whose date never moves, and the long ones of early May; by hand."""
    fixed = {(1, 1), (2, 11), (2, 23), (4, 29), (5, 3), (5, 4), (5, 5), (8, 11), (11, 3), (11, 23)}
    every = [first + timedelta(days=day) for day in range(days)]
    return np.array([(one.month, one.day) in fixed for one in every])


def daily_history(off, seed=0):
    """Two and a half years of days, weekends at 60 %, holidays at half [day]."""
    days = len(off)
    noise = np.random.default_rng(seed).normal(1, 0.02, days)
    weekend = np.where(np.arange(days) % 7 < 5, 1.0, 0.6)
    return 100 * weekend * noise * np.where(off & (weekend == 1), 0.5, 1.0)


def test_the_country_whose_holidays_a_demand_keeps_is_found_and_its_next_holiday_foreseen():
    first, days = START.date(), 900
    off = japanese_holidays(first, days + 365)

    effects = find_effects(daily_history(off[:days]), first, days + 365, Calendars())

    assert effects.country == "JP"
    ahead = [day for day in range(days, days + 365) if off[day] and day % 7 < 5]
    assert np.exp(effects.effect[ahead]) == pytest.approx(0.5, abs=0.12)
    plain = [day for day in range(days, days + 365) if not off[max(day - 4, 0) : day + 5].any()]
    assert np.abs(effects.effect[plain]).mean() < 0.02


def test_a_demand_that_keeps_no_holidays_is_given_none():
    daily = daily_history(np.zeros(900, dtype=bool))

    assert find_effects(daily, START.date(), 1000, Calendars()).country is None


def test_no_country_is_chosen_by_itself_from_less_than_a_year():
    first, off = date(2022, 1, 3), japanese_holidays(date(2022, 1, 3), 800)

    def country(days, calendars):
        return find_effects(daily_history(off[:days]), first, 800, calendars).country

    assert country(363, Calendars()) is None
    assert country(364, Calendars()) == "JP"
    assert country(363, Calendars(("JP", "DE"), named=True)) == "JP"


def test_the_zone_s_own_country_is_taken_if_it_explains_enough():
    """All of these days are off in Germany, most in the Netherlands, one in Japan."""
    fixed = {(1, 1), (5, 1), (10, 3), (12, 25), (12, 26)}
    easter = [date(2022, 4, 17), date(2023, 4, 9), date(2024, 3, 31)]
    moving = {sunday + timedelta(days=day) for sunday in easter for day in (-2, 1, 39, 50)}
    every = [START.date() + timedelta(days=day) for day in range(900)]
    off = [one in moving or (one.month, one.day) in fixed for one in every]

    def country(home):
        calendars = Calendars(("JP", "NL", "DE"), home=home)
        return find_effects(daily_history(np.array(off)), START.date(), 900, calendars).country

    assert [country(home) for home in (None, "DE", "NL", "JP")] == ["DE", "DE", "NL", "DE"]


@pytest.mark.parametrize(
    ("zone", "inside", "outside", "home"),
    [
        ("America/New_York", {"US", "CA"}, {"GB", "AU", "MX", "BR"}, "US"),
        ("Europe/Berlin", {"DE", "FR", "AT"}, {"GB", "FI", "US"}, "DE"),
        ("US/Pacific", {"US", "CA"}, {"GB", "JP"}, None),
        ("Europe/Lisbon", {"PT", "GB", "IE"}, {"DE", "US"}, "PT"),
        ("UTC", {"US", "GB", "JP"}, set(), None),
        (None, {"US", "GB", "JP"}, set(), None),
    ],
)
def test_holidays_are_looked_for_among_countries_of_the_zone_s_clock(zone, inside, outside, home):
    found = calendars_by_clock(zone, 2026)

    assert inside <= set(found.countries)
    assert not outside & set(found.countries)
    assert found.home == home


def test_years_far_ahead_draw_no_warnings_of_holidays_not_known():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        find_effects(daily_history(np.zeros(400, bool)), date(2060, 1, 5), 900, Calendars())


def test_days_follow_the_zone_s_clock_across_its_changes():
    """Busy from 9 to 17 in Paris: the hours that are UTC's move with summer time."""
    start = datetime(2022, 1, 1, tzinfo=UTC)
    hours = 26 * WEEK
    paris = [(start + timedelta(hours=hour)).astimezone(ZoneInfo("Europe/Paris")).hour
             for hour in range(hours + 26 * WEEK)]  # fmt: skip
    busy = np.where([9 <= hour < 17 for hour in paris], 100.0, 10.0)
    ahead = busy[hours:]

    by_zone = made(busy[:hours], 26 * WEEK, start, timezone="Europe/Paris").quantiles("it", [0.5])
    by_utc = made(busy[:hours], 26 * WEEK, start).quantiles("it", [0.5])

    def wrong(fan):
        return np.abs(fan[0] - ahead).sum() / ahead.sum()

    assert wrong(by_zone) < 0.03
    assert wrong(by_utc) > 3 * wrong(by_zone)


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/Sao_Paulo", "Asia/Kolkata"])
def test_the_local_clock_has_every_hour_once(zone):
    first, local = Clock(zone).to_local(START, np.arange(8760.0))

    last = START + timedelta(hours=8759)
    naive = last.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert len(local) == math.floor((naive - datetime(1970, 1, 1)) / timedelta(hours=1)) - first + 1  # noqa: DTZ001
    assert np.all(np.diff(local) >= 0)


def test_nothing_after_the_end_of_history_is_looked_at():
    """The same past, with two different futures behind it, cut off where they begin."""
    random = np.random.default_rng(5)
    past = 30 * shape_of_week(30) * random.lognormal(0, 0.1, 30 * WEEK)
    found = []
    for after in (np.zeros(WEEK), random.random(WEEK) * 1e6):
        whole = Demand(START, {"it": np.concatenate([past, after])})
        cut = whole.between(START, len(past))
        one = forecast(cut, ForecastSettings(paths=8), 4 * WEEK)
        found.append((one.quantiles("it"), one.futures().series["it"]))
    assert np.array_equal(found[0][0], found[1][0])
    assert np.array_equal(found[0][1], found[1][1])


def random_demand(kind, hours, random):
    """Histories of many sorts [hour]."""
    return {
        "noise": random.random(hours) * 10.0 ** random.uniform(-12, 12),
        "rare": (random.random(hours) < 0.02) * 5.0,
        "walk": np.exp(np.clip(np.cumsum(random.normal(0, 0.2, hours)), -25, 25)),
        "steps": np.repeat(random.random(hours // 50 + 1) * 100, 50)[:hours],
        "wild": 10.0 ** random.uniform(-300, 12, hours),
        "late": np.where(np.arange(hours) < 0.9 * hours, 0.0, 7.0),
        "early": np.where(np.arange(hours) < 0.6 * hours, random.random(hours), 0.0),
    }[kind]


@settings(deadline=None, max_examples=60)
@given(
    kind=st.sampled_from(["noise", "rare", "walk", "steps", "wild", "late", "early"]),
    hours=st.integers(48, 6000),
    zone=st.sampled_from([None, "Europe/Paris"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_quantiles_of_any_history_are_finite_not_negative_and_in_order(kind, hours, zone, seed):
    values = random_demand(kind, hours, np.random.default_rng(seed))

    one = made(values, 500, timezone=zone, paths=4)

    fan = one.quantiles("it", LEVELS)
    assert np.isfinite(fan).all()
    assert (fan >= 0).all()
    assert (np.diff(fan, axis=0) >= -1e-12 * fan[1:]).all()
    drawn = one.futures().series["it"]
    assert np.isfinite(drawn).all()
    assert (drawn >= 0).all()


TWO_YEARS = 2 * 8760
ODD = {
    "one week": np.arange(168.0),
    "two days": np.arange(48.0),
    "zeros": np.zeros(TWO_YEARS),
    "one constant": np.full(TWO_YEARS, 7.0),
    "one spike": np.where(np.arange(TWO_YEARS) == 9000, 1e12, 0.0),
    "a spike on ones": np.where(np.arange(TWO_YEARS) == 9000, 1e12, 1.0),
    "tiny": np.linspace(1e-310, 1e-309, TWO_YEARS),
    "huge": np.linspace(1e11, 1e12, TWO_YEARS),
    "begins late": np.where(np.arange(TWO_YEARS) < TWO_YEARS - 60, 0.0, 5.0),
    "ends early": np.where(np.arange(TWO_YEARS) < TWO_YEARS - 2000, 5.0, 0.0),
}


@pytest.mark.parametrize("values", ODD.values(), ids=ODD.keys())
def test_odd_histories_are_forecast_within_reason(values):
    one = made(values, 8760, paths=4)

    fan, drawn = one.quantiles("it", LEVELS), one.futures().series["it"]
    for found in (fan, drawn):
        assert np.isfinite(found).all()
        assert (found >= 0).all()
        assert found.max() <= 100 * values.max()


def test_a_service_that_began_two_days_ago_is_forecast_to_go_on():
    """Weeks without it before must not bury what it has now."""
    values = np.where(np.arange(TWO_YEARS) < TWO_YEARS - 60, 0.0, 5.0)

    assert made(values).quantiles("it", [0.5])[0] == pytest.approx(5.0, rel=0.01)


def test_rare_peaks_do_not_grow_beyond_all_measure():
    random = np.random.default_rng(1)
    values = (random.random(TWO_YEARS) < 0.01) * 5.0

    assert made(values, 8760).futures().series["it"].max() < 10 * 5.0


def test_a_million_hours_of_noise_take_seconds():
    values = np.random.default_rng(0).random(1_000_000)
    began = time.perf_counter()

    made(values, 8760, start=datetime(1985, 1, 1, tzinfo=UTC)).quantiles("it")

    assert time.perf_counter() - began < 20  # well below one on a quiet machine


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"hours": 47}, "demand"),
        ({"holidays": ("XX",)}, "forecast.holidays.0"),
        ({"together": (("it", "none"),)}, "forecast.together.0"),
    ],
    ids=["too short", "no country", "no series"],
)
def test_what_cannot_be_forecast_is_refused_by_its_field(change, field):
    values = np.ones(change.pop("hours", 100))

    with pytest.raises(InvalidInputError) as refused:
        made(values, **change)
    assert [one.field for one in refused.value.faults] == [field]


# What the forecast would have done on its past


def test_the_naive_rule_repeats_the_last_week_with_a_fan_of_its_past_errors():
    values = np.tile(np.arange(168.0), 5)
    values[-WEEK:] += 1

    fan = seasonal_naive(values, 200, (0.1, 0.5, 0.9))

    assert fan[1] == pytest.approx(np.resize(values[-WEEK:], 200))
    # Of four differences a week apart three are 0 and one is 1.
    assert fan[2, :WEEK] == pytest.approx(values[-WEEK:] + 1)
    assert fan[0] == pytest.approx(fan[1])


def test_a_track_record_is_what_forecasts_from_its_origins_really_came_to():
    """The weighted quantile loss and coverage counted hour by hour."""
    random = np.random.default_rng(3)
    values = 20 * shape_of_week(30) * random.lognormal(0, 0.15, 30 * WEEK)
    history = Demand(START, {"it": values})

    (record,) = track_records(history, ForecastSettings())["it"]

    loss = demand = inside = hours = 0
    for origin in record.origins:
        first = (origin - START) // timedelta(hours=1)
        fan = made(values[:first], record.hours_ahead).quantiles("it", (0.1, 0.5, 0.9))
        for ahead in range(record.hours_ahead):
            true = values[first + ahead]
            for level, row in zip((0.1, 0.5, 0.9), fan, strict=True):
                off = true - row[ahead]
                loss += 2 * (level * off if off > 0 else (level - 1) * off) / 3
            demand += true
            inside += fan[0, ahead] <= true <= fan[2, ahead]
            hours += 1
    assert record.weighted_quantile_loss == pytest.approx(loss / demand)
    assert record.coverage == pytest.approx(inside / hours)
    assert record.skill == pytest.approx(
        1 - record.weighted_quantile_loss / record.naive_weighted_quantile_loss
    )


@pytest.mark.parametrize("hours", [48, 71, 72, 168, 700, 6 * WEEK + 5, 60 * WEEK, 156 * WEEK + 100])
def test_origins_leave_a_past_to_learn_from_and_end_with_the_history(hours):
    planned = list(horizons(hours))

    assert bool(planned) == (hours >= 72)
    for ahead, origins in planned:
        assert origins == sorted(set(origins))
        assert origins[0] >= 48
        assert origins[-1] + ahead == hours
    assert len(planned) == (2 if hours >= 117 * WEEK else bool(hours >= 72))


def test_nothing_is_set_beside_naive_errors_that_are_mere_rounding():
    """A day that repeats to the last bits: naive is off by rounding alone."""
    random = np.random.default_rng(3)
    values = shape_of_week(20) * 100
    values += random.uniform(-1e-12, 1e-12, len(values))

    (record,) = track_records(Demand(START, {"it": values}), ForecastSettings())["it"]

    assert record.naive_weighted_quantile_loss > 0
    assert record.weighted_quantile_loss > 1e-6
    assert (record.skill, record.mase) == (None, None)


def test_a_series_without_demand_has_no_losses_but_a_record():
    (record,) = track_records(Demand(START, {"it": np.zeros(20 * WEEK)}), ForecastSettings())["it"]

    assert record.weighted_quantile_loss is None
    assert record.mase is None
    assert record.coverage == 1.0
