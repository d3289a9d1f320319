"""Futures drawn: as spread, as correlated and as often befallen as they are said to be."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.demand import Demand, Scenario
from planner.forecasting import Forecast, forecast
from planner.forecasting.hazards import first_hours
from planner.forecasting.reduction import reduce_futures, reduced
from planner.repairs import Repair
from planner.request import (
    Drop,
    Event,
    ForecastSettings,
    Migration,
    Replacement,
    Rollout,
    Slip,
)

START = datetime(2022, 1, 3, tzinfo=UTC)
WEEK = 168
YEAR = 52 * WEEK
QUARTER = 13 * WEEK


def noisy(weeks, seed=0, level=0.04, hour=0.08):
    """A level that walks by the week, a day's shape, noise by the hour [hour]."""
    random = np.random.default_rng(seed)
    levels = 100 * np.exp(np.cumsum(random.normal(0, level, weeks)))
    day = 1 + 0.4 * np.sin(2 * np.pi * np.arange(weeks * WEEK) / 24)
    return np.repeat(levels, WEEK) * day * random.lognormal(0, hour, weeks * WEEK)


def made(series, hours=YEAR, **parts):
    settings_ = ForecastSettings(**{"hazards": (), "paths": 64} | parts)
    return forecast(Demand(START, series), settings_, hours)


def paths_of(demand, name):
    return demand.series[name].reshape(len(demand.scenarios), -1)


# Spread and correlation


@pytest.fixture(scope="module")
def many() -> tuple[Forecast, np.ndarray]:
    one = made({"it": noisy(120)}, 20 * WEEK, paths=2048)
    return one, paths_of(one.futures(), "it")


def test_the_quantiles_are_those_of_the_futures_drawn(many):
    """The closed form against two thousand paths: as many lie below as should."""
    one, drawn = many
    for level, row in zip((0.1, 0.5, 0.9), one.quantiles("it"), strict=True):
        assert (drawn < row).mean() == pytest.approx(level, abs=0.025)


def test_levels_deviate_as_much_as_they_are_said_to_and_remember_it(many):
    one, drawn = many
    weekly = np.log(drawn.reshape(len(drawn), -1, WEEK).mean(axis=2))
    off = weekly - weekly.mean(axis=0)

    spread = one.series["it"].spread
    said = spread.scale * np.arange(1, 21) ** spread.exponent
    assert off.std(axis=0) == pytest.approx(said, rel=0.12)
    # A process that forgets within 200 weeks: exp(-10 / 200).
    assert np.corrcoef(off[:, 5], off[:, 15])[0, 1] == pytest.approx(np.exp(-10 / 200), abs=0.05)


def test_levels_that_walk_are_drawn_to_walk_on_as_far():
    """Weekly steps of 4 %: 13 weeks on a walk is off by 0.04 · √13, mean over ten histories.

    Growth with the horizon is drawn to that of real fleets, which is less: a fifth is lost.
    """
    off = []
    for seed in range(10):
        one = made({"it": noisy(150, seed)}, 13 * WEEK, paths=128, holidays="none")
        weekly = paths_of(one.futures(), "it").reshape(128, 13, WEEK).mean(axis=2)
        off.append(np.log(weekly).std(axis=0))
    first, last = np.mean(off, axis=0)[[0, 12]]
    # A level is the median of four weeks: it is off by some steps before it begins.
    assert 0.04 < first < 0.08
    assert 0.75 * 0.04 * np.sqrt(13) < last < 1.25 * 0.04 * np.sqrt(13)


def test_hours_follow_each_other_in_futures_as_they_did_in_history():
    """Noise that keeps 0.9 of itself from hour to hour, and is off by 20 %."""
    random, weeks = np.random.default_rng(8), 60
    noise = np.zeros(weeks * WEEK)
    shocks = random.normal(0, 0.2 * np.sqrt(1 - 0.9**2), weeks * WEEK)
    for hour in range(1, len(noise)):
        noise[hour] = 0.9 * noise[hour - 1] + shocks[hour]
    one = made({"it": 100 * np.exp(noise)}, 20 * WEEK, holidays="none")

    drawn = np.log(paths_of(one.futures(), "it")).reshape(64, 20, WEEK)
    inside = drawn - drawn.mean(axis=2, keepdims=True)

    # Within a week some of the noise is the week's own level.
    assert inside.std() == pytest.approx(0.2, rel=0.15)
    after, before = inside[:, :, 1:].ravel(), inside[:, :, :-1].ravel()
    assert np.corrcoef(after, before)[0, 1] == pytest.approx(0.9, abs=0.03)


def test_every_future_has_a_twin_that_deviates_the_other_way(many):
    one, drawn = many
    half = len(drawn) // 2
    expected = one.series["it"].expected

    week = slice(5 * WEEK, 6 * WEEK)
    of_one = (drawn[:, week] / expected[week]).mean(axis=1)
    of_twins = (np.sqrt(drawn[:half] * drawn[half:])[:, week] / expected[week]).mean(axis=1)
    # Twins share their weeks' shapes; their levels' deviations cancel.
    assert of_twins.std() < 0.25 * of_one.std()


def test_few_futures_have_the_median_level_of_many():
    one = made({"it": noisy(120)}, 20 * WEEK, paths=16)

    weekly = np.log(paths_of(one.futures(), "it").reshape(16, 20, WEEK).mean(axis=2)).mean(axis=0)
    true = np.log(paths_of(made({"it": noisy(120)}, 20 * WEEK, paths=2048).futures(), "it")
                  .reshape(2048, 20, WEEK).mean(axis=2)).mean(axis=0)  # fmt: skip
    assert weekly == pytest.approx(true, abs=0.03)


def test_workloads_that_moved_together_go_on_to():
    base, other = noisy(120, 1), noisy(120, 2)
    one = made({"a": base, "b": 3 * base, "c": other}, paths=1024)

    futures = one.futures()
    level = {name: np.log(paths_of(futures, name)[:, : 10 * WEEK].mean(axis=1)) for name in "abc"}
    assert np.corrcoef(level["a"], level["b"])[0, 1] > 0.7
    assert abs(np.corrcoef(level["a"], level["c"])[0, 1]) < 0.35


def test_the_same_seed_draws_the_same_futures_and_another_others():
    series = {"it": noisy(60)}

    drawn = [made(series, seed=seed).futures().series["it"] for seed in (1, 1, 2)]

    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])


def test_sums_of_series_kept_together_are_forecast_as_sums():
    """One machine type takes over from another: their sum is flat, and stays so."""
    new = np.repeat(np.linspace(0, 98, 80), WEEK)
    series = {"old": 100 - new, "new": new}

    kept = made(series, together=(("old", "new"),))
    apart = made(series)

    def total(one):
        return one.quantiles("old", [0.5])[0] + one.quantiles("new", [0.5])[0]

    assert total(kept) == pytest.approx(100, rel=0.02)
    assert np.abs(total(apart) - 100).max() > 10


# Hazards


@pytest.mark.parametrize("per_quarter", [0.05, 0.12, 0.5])
def test_hazards_hit_as_often_as_they_should(per_quarter):
    first = first_hours(per_quarter, 64, np.random.default_rng(0))

    for quarters in (1, 4, 12):
        struck = (first < quarters * QUARTER).mean()
        assert struck == pytest.approx(1 - (1 - per_quarter) ** quarters, abs=1.5 / 64)


def test_demand_that_drops_loses_its_share_from_then_on_and_no_more():
    series = {"it": noisy(60)}
    drop = Drop(per_quarter=0.3, size=0.35)

    plain = paths_of(made(series).futures(), "it")
    befallen = paths_of(made(series, hazards=(drop,)).futures(), "it")

    kept = befallen / plain
    assert set(np.unique(kept.round(9))) == {0.65, 1.0}
    assert (np.diff(kept, axis=1) <= 1e-9).all()
    # Of a year's four quarters, 1 - 0.7⁴ of the futures have it before the end.
    assert (kept[:, -1] < 0.7).mean() == pytest.approx(1 - 0.7**4, abs=2 / 64)


def test_types_replaced_move_to_the_youngest_and_their_sum_stays():
    young = np.where(np.arange(100 * WEEK) < 80 * WEEK, 0.0, 20.0)
    series = {"old": np.full(100 * WEEK, 50.0), "young": young}
    hazard = Replacement(per_quarter=0.4, shortest_days=10, longest_days=100)
    together = (("old", "young"),)

    plain, moved = (
        made(series, together=together, hazards=hazards).futures() for hazards in ((), (hazard,))
    )

    def both(futures):
        return sum(paths_of(futures, name) for name in series)

    assert both(moved) == pytest.approx(both(plain))
    gone = (paths_of(moved, "old")[:, -1] == 0).mean()
    assert 1 - 0.6**3 - 0.1 < gone < 1 - 0.6**4 + 0.05


# What is known


LAUNCH = Rollout(
    name="launch", workload="it", at=START + timedelta(weeks=62), uplift_units=1000.0,
    probability=0.75, slip=Slip(days=28, probability=0.5),
)  # fmt: skip


def test_a_launch_comes_in_time_late_or_not_at_all_as_often_as_it_should():
    one = made({"it": noisy(60)}, 20 * WEEK, known=(LAUNCH,))
    plain = paths_of(made({"it": noisy(60)}, 20 * WEEK).futures(), "it")

    futures = one.draw()

    added = paths_of(futures.demand, "it") - plain
    hours = {"in time": 2 * WEEK, "late": 6 * WEEK, "not at all": 20 * WEEK}
    labels = futures.outcomes["launch"]
    for label, row in zip(labels, added, strict=True):
        assert row[: hours[label]] == pytest.approx(0)
        assert row[hours[label] :] == pytest.approx(1000)
    assert {label: labels.count(label) for label in hours} == {
        "in time": 24, "late": 24, "not at all": 16
    }  # fmt: skip


def test_a_ramp_grows_by_the_day_and_takes_from_another_what_it_gains():
    start = START + timedelta(weeks=61)
    launch = Rollout(
        name="launch", workload="a", takes_from="b", at=start, ramp_days=10, uplift_units=20.0
    )
    series = {"a": np.full(60 * WEEK, 100.0), "b": np.full(60 * WEEK, 200.0)}

    fans = made(series, 10 * WEEK, known=(launch,))

    for name, begins, ends in (("a", 100, 120), ("b", 200, 180)):
        median = fans.quantiles(name, [0.5])[0]
        assert median[:WEEK] == pytest.approx(begins, rel=1e-3)
        assert median[WEEK + 120] == pytest.approx((begins + ends) / 2, rel=1e-3)
        assert median[WEEK + 241 :] == pytest.approx(ends, rel=1e-3)


@pytest.mark.parametrize("ramp_days", [0, 7])
def test_a_launch_that_is_in_the_history_is_not_counted_twice(ramp_days):
    launch = Rollout(
        name="launch", workload="it", at=START + timedelta(weeks=50), ramp_days=ramp_days,
        uplift_share=0.5,
    )  # fmt: skip
    since = np.arange(60 * WEEK) >= 50 * WEEK
    history = {"it": np.where(since, 150.0, 100.0)}

    told, untold = (made(history, 4 * WEEK, known=known) for known in ((launch,), ()))

    assert told.quantiles("it") == pytest.approx(untold.quantiles("it"), rel=1e-3)
    assert np.array_equal(told.futures().series["it"], untold.futures().series["it"])


def test_a_move_half_over_at_the_history_s_end_moves_the_rest():
    """Of 100, 50 have moved when the forecast begins; all have 10 days later."""
    begins = START + timedelta(weeks=60, days=-10)
    move = Migration(name="move", takes_from="old", workload="new", at=begins, ramp_days=20)
    series = {"old": np.full(60 * WEEK, 50.0), "new": np.full(60 * WEEK, 50.0)}

    one = made(series, 4 * WEEK, known=(move,))

    old, new = (one.quantiles(name, [0.5])[0] for name in ("old", "new"))
    assert old[120] == pytest.approx(25, rel=0.02)
    assert new[120] == pytest.approx(75, rel=0.02)
    assert old[260:] == pytest.approx(0, abs=0.1)
    assert new[260:] == pytest.approx(100, rel=0.01)


def test_an_event_lasts_from_its_first_hour_to_its_last():
    start = START + timedelta(weeks=60, hours=50)
    event = Event(
        name="sale", workload="it", start=start, end=start + timedelta(hours=5), uplift_share=1.0
    )

    median = made({"it": np.full(60 * WEEK, 10.0)}, WEEK, known=(event,)).quantiles("it", [0.5])[0]

    assert np.flatnonzero(median > 15).tolist() == list(range(50, 55))
    assert median[50:55] == pytest.approx(20, rel=1e-3)


def test_a_migration_moves_demand_and_never_more_than_there_is():
    move = Migration(
        name="move", takes_from="old", workload="new", at=START + timedelta(weeks=61),
        units_per_unit=0.5,
    )  # fmt: skip
    series = {"old": noisy(60), "new": np.zeros(60 * WEEK)}

    plain, futures = (made(series, 4 * WEEK, known=known).futures() for known in ((), (move,)))

    before, after = slice(None, WEEK), slice(WEEK, None)
    old, new = paths_of(futures, "old"), paths_of(futures, "new")
    assert new[:, before] == pytest.approx(0)
    assert old[:, after] == pytest.approx(0)
    assert new[:, after] == pytest.approx(0.5 * paths_of(plain, "old")[:, after])


def test_quantiles_of_what_may_or_may_not_come_are_those_of_the_futures():
    one = made({"it": noisy(60)}, 20 * WEEK, known=(LAUNCH,), paths=1024)

    drawn = paths_of(one.futures(), "it")[:, 10 * WEEK :]
    for level, row in zip((0.1, 0.5, 0.9), one.quantiles("it"), strict=True):
        assert (drawn < row[10 * WEEK :]).mean() == pytest.approx(level, abs=0.04)


# Few futures for many


def tiny(weekly, chances=None):
    """Futures of some weeks each, constant within a week."""
    values = np.repeat(np.array(weekly, dtype=float), WEEK, axis=1)
    count = len(values)
    chances = chances or [1 / count] * count
    scenarios = tuple(Scenario(f"s{at}", chance) for at, chance in enumerate(chances))
    return Demand(START, {"it": values.ravel()}, scenarios)


def distance(weekly, one, other, mean):
    return sum(abs(a - b) for a, b in zip(weekly[one], weekly[other], strict=True)) / (
        len(weekly[one]) * mean
    )


def error_of(weekly, chances, kept):
    mean = sum(chance * sum(row) / len(row) for chance, row in zip(chances, weekly, strict=True))
    return sum(
        chance * min(distance(weekly, at, rep, mean) for rep in kept)
        for at, chance in enumerate(chances)
    )


@settings(deadline=None, max_examples=40)
@given(
    weekly=st.lists(st.tuples(*[st.integers(1, 50)] * 3), min_size=3, max_size=6),
    count=st.integers(1, 6),
)
def test_reduction_states_its_error_and_errs_little_more_than_the_best_choice(weekly, count):
    """Every choice of representatives enumerated; one alone is the best of all."""
    chances = [1 / len(weekly)] * len(weekly)
    count = min(count, len(weekly))

    found = reduce_futures(tiny(weekly), count)

    assert found.error_share == pytest.approx(error_of(weekly, chances, found.kept))
    best = min(error_of(weekly, chances, kept) for kept in combinations(range(len(weekly)), count))
    if count in (1, len(weekly)):
        assert found.error_share == pytest.approx(best, abs=1e-12)
    # Each future kept closes at least one part in `count` of what is left to gain.
    alone = min(error_of(weekly, chances, kept) for kept in combinations(range(len(weekly)), 1))
    assert alone - found.error_share >= (1 - (1 - 1 / count) ** (count - 1)) * (alone - best) - 1e-9


def test_the_error_falls_with_every_future_kept_and_is_none_when_all_are():
    one = made({"a": noisy(60, 1), "b": noisy(60, 2)}, 26 * WEEK)
    futures = one.futures()

    errors = [reduce_futures(futures, count).error_share for count in (1, 2, 4, 8, 16, 32, 64)]

    assert all(more > fewer for more, fewer in pairwise(errors))
    assert errors[-1] == 0


def test_futures_kept_are_as_likely_as_those_they_stand_for():
    demand = tiny([(1, 1), (2, 2), (50, 50), (51, 51)], [0.1, 0.2, 0.3, 0.4])

    few = reduced(demand, reduce_futures(demand, 2))

    chances = {one.name: one.probability for one in few.scenarios}
    assert sum(chances.values()) == pytest.approx(1)
    assert sorted(chances.values()) == pytest.approx([0.3, 0.7])
    assert few.hours == demand.hours


def test_futures_kept_tell_what_was_mended_in_their_history():
    mended = Repair("gaps", "it", START, START + timedelta(hours=1), 1, "filled")
    demand = replace(tiny([(1, 1), (2, 2)]), repairs=(mended,))
    assert reduced(demand, reduce_futures(demand, 1)).repairs == (mended,)


def test_no_future_kept_is_impossible_though_others_are_the_same():
    demand = tiny([(5, 5)] * 6 + [(0, 0)] * 2)

    few = reduced(demand, reduce_futures(demand, 4))

    assert all(one.probability >= 1 / 8 for one in few.scenarios)
    assert sum(one.probability for one in few.scenarios) == pytest.approx(1)


def test_settings_reduce_what_is_drawn_with_what_is_known_of_it():
    one = made({"it": noisy(60)}, 20 * WEEK, known=(LAUNCH,), scenarios=5)
    whole = made({"it": noisy(60)}, 20 * WEEK, known=(LAUNCH,)).draw()

    few = one.draw()

    assert len(few.demand.scenarios) == len(few.outcomes["launch"]) == 5
    assert few.paths == 64
    assert 0 < few.error_share < 1
    names = [one.name for one in whole.demand.scenarios]
    for place, scenario in enumerate(few.demand.scenarios):
        at = names.index(scenario.name)
        assert whole.outcomes["launch"][at] == few.outcomes["launch"][place]
        assert np.array_equal(paths_of(whole.demand, "it")[at], paths_of(few.demand, "it")[place])
