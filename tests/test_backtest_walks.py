"""Walks through history: nothing later is seen, bills are those of a hand-written biller."""

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogs import InvalidInputError
from planner import Surroundings, parse_request
from planner.backtest import backtest
from planner.backtest.courses import run_course
from planner.backtest.drawing import ForecastFutures
from planner.backtest.resolving import resolve_setting
from planner.backtest.walk import walk_on
from planner.demand import Demand
from planner.request import Backtest, Course, ForecastSettings, PolicyName

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
WEEK = 168
FUTURES = ForecastFutures(ForecastSettings(paths=4), 3 * 168, ())
TERMS = ((336, "0.7"), (1008, "0.5"))
RULES = ["look_back", "trailing_quantile", "break_even"]


def at(hour):
    return (START + hour * HOUR).isoformat()


@pytest.fixture(scope="session")
def request_of(document, price):
    """A request whose demand of machines m, 1 USD on demand, is history."""

    def make(hours, terms=TERMS, series=None, **backtest):
        parts = {
            key: backtest.pop(key) for key in ("owned", "purchases", "horizon") if key in backtest
        }
        demand = series or {"m": list(map(float, hours))}
        rates = [price(name, "on_demand", 1) for name in demand]
        rates += [
            price(name, "reserved_standard", hourly, term)
            for name in demand
            for term, hourly in terms
        ]
        return parse_request(document(rates, demand, name="toy", backtest=backtest, **parts))

    return make


def weeks(draw, count, level=20.0):
    """Hours of so many weeks, with days and noise."""
    hours = np.arange(count * WEEK)
    return np.round(level + 5 * np.sin(hours / 24 * 2 * np.pi) + draw.normal(0, 2, len(hours)), 3)


# Nothing later is seen


@pytest.mark.parametrize("policy", [one for one in PolicyName if one != "hindsight"])
def test_purchases_do_not_depend_on_what_comes_after_them(request_of, policy):
    """The future is scrambled after each of two dates; purchases up to it stay the same."""
    draw = np.random.default_rng(7)
    recorded = weeks(draw, 8)
    rules = {"start": at(4 * WEEK), "purchases": {"every_hours": WEEK}, "trailing_weeks": 2}

    def bought(hours):
        setting = resolve_setting(request_of(hours, **rules), Surroundings(), FUTURES)
        records = ()
        while more := walk_on(setting, Course(), policy, records):
            records += more
        return [(one.date, one.wanted, one.bought) for one in records]

    as_recorded = bought(recorded)
    assert as_recorded or policy == "on_demand"
    for seen in (4 * WEEK, 6 * WEEK):
        scrambled = np.concatenate([recorded[:seen], 3 * draw.permutation(recorded[seen:])])
        until = START + seen * HOUR
        again = bought(scrambled)
        assert [one for one in again if one[0] <= until] == [
            one for one in as_recorded if one[0] <= until
        ]


# What was announced


def announced_move(**changed):
    """A move of all of a to b in the fifth week, told at the end of the third."""
    return {
        "kind": "migration", "name": "move", "takes_from": "a", "workload": "b",
        "at": at(4 * WEEK), "announced": at(3 * WEEK), **changed,
    }  # fmt: skip


def steady(count):
    return Demand(START, {"a": np.full(count, 20.0), "b": np.full(count, 2.0)})


@pytest.mark.parametrize(
    ("weeks_seen", "changed", "comes"),
    [
        (2, {}, False),
        (3, {}, True),
        (3, {"announced": at(3 * WEEK + 1)}, False),
        (3, {"announced": None}, False),
    ],
)
def test_futures_hold_what_was_announced_by_their_start_and_nothing_else(
    weeks_seen, changed, comes
):
    settings = ForecastSettings.model_validate({"paths": 4, "known": [announced_move(**changed)]})
    futures = ForecastFutures(settings, 4 * WEEK, ())(steady(weeks_seen * WEEK))

    last_of_a = futures.series["a"].reshape(4, -1)[:, -1]
    assert (last_of_a == 0).all() == comes
    assert (last_of_a > 10).all() != comes


def test_what_has_begun_is_not_expected_once_more_as_late():
    """A launch came in the fifth week, 100 units; by the eighth it is in the history alone."""
    launch = {
        "kind": "rollout", "name": "launch", "workload": "a", "at": at(4 * WEEK),
        "announced": at(0), "uplift_units": 100, "slip": {"days": 70, "probability": 0.5},
    }  # fmt: skip
    settings = ForecastSettings.model_validate({"paths": 4, "known": [launch]})
    futures = ForecastFutures(settings, 12 * WEEK, ())
    quiet = ForecastFutures(ForecastSettings(paths=4), 12 * WEEK, ())
    history = steady(8 * WEEK)
    history.series["a"][4 * WEEK :] += 100

    assert (futures(history).series["a"] == quiet(history).series["a"]).all()
    before = futures(steady(3 * WEEK)).series["a"].reshape(4, -1)
    assert (before[:, 2 * WEEK] > 60).sum() == 2
    assert (before[:, -1] > 60).all()


def test_a_series_that_is_announced_but_not_there_is_told_before_any_walk(document, price):
    rates = [price("a", "on_demand", 1), price("a", "reserved_standard", "0.7", 336)]
    known = [announced_move(announced=at(6 * WEEK)), announced_move(name="other", announced=None)]
    request = parse_request(
        document(
            rates,
            {"a": [20.0] * 8 * WEEK},
            forecast={"known": known},
            backtest={"start": at(4 * WEEK), "policies": ["look_back"]},
        )
    )
    with pytest.raises(InvalidInputError) as error:
        backtest(request)
    assert [one.field for one in error.value.faults] == [
        "forecast.known.0.workload", "forecast.known.1.workload"
    ]  # fmt: skip


def test_a_policy_that_was_told_of_a_move_buys_nothing_for_what_moves(document, price):
    """Machines of a pay off over a term of 336 hours; a is gone within the week."""
    rates = [price(name, "on_demand", 1) for name in "ab"]
    rates += [price(name, "reserved_standard", "0.7", 336) for name in "ab"]
    demand = {"a": [20.0] * 8 * WEEK, "b": [2.0] * 8 * WEEK}
    rules = {"start": at(4 * WEEK), "purchases": {"hours": [0]}, "policies": ["neutral"]}

    def bought(course, **changed):
        known = [announced_move(at=at(4 * WEEK), **changed)]
        request = parse_request(
            document(
                rates,
                demand,
                forecast={"paths": 4, "known": known},
                backtest={**rules, "courses": [course]},
            )
        )
        report = backtest(request)
        (neutral,) = (one for one in report.courses[0].policies if one.policy == "neutral")
        return {one.offer_id for one in neutral.purchases}, report.notes

    told, notes = bought("as_recorded")
    untold, notes_untold = bought("as_recorded", announced=None)
    reversed_, notes_reversed = bought({"reversed": True})

    assert not any(":a:" in one for one in told)
    assert any(":a:" in one for one in untold)
    assert any(":a:" in one for one in reversed_)
    assert not [one for one in notes if "known" in one]
    assert any("nothing says when it was announced: move" in one for one in notes_untold)
    assert any("turn time around" in one for one in notes_reversed)


# Bills


def bill_by_hand(hours, first, purchases):
    """On demand at 1 USD beyond what is bought, and its price in the hours of the window."""
    cost = Decimal(0)
    for hour in range(first, len(hours)):
        now = START + hour * HOUR
        active = [one for one in purchases if one.start <= now < one.end]
        cost += sum(one.quantity * price_of(one) for one in active)
        cost += max(Decimal(str(hours[hour])) - sum(one.quantity for one in active), Decimal(0))
    return cost


def price_of(purchase):
    return {term: Decimal(hourly) for term, hourly in TERMS}[
        (purchase.end - purchase.start) // HOUR
    ]


def test_every_bill_is_that_of_a_hand_written_biller(request_of):
    hours = weeks(np.random.default_rng(3), 8)
    rules = {"start": at(4 * WEEK), "purchases": {"every_hours": 2 * WEEK}}
    report = backtest(request_of(hours, **rules), futures=FUTURES)

    (course,) = report.courses
    assert [one.policy for one in course.policies] == list(PolicyName)
    for one in course.policies:
        by_hand = bill_by_hand(hours, 4 * WEEK, one.purchases)
        assert float(one.bill_usd) == pytest.approx(float(by_hand), rel=1e-9), one.policy
        assert sum(month.bill_usd for month in one.monthly) == one.bill_usd
        assert sum(month.saving_usd for month in one.monthly) == one.saving_usd
        assert one.regret_usd == one.bill_usd - course.hindsight_usd
    best = course.policies[-1]
    assert (best.policy, best.captured, best.regret_usd) == ("hindsight", 1.0, 0)
    assert course.policies[0].captured == 0


@settings(deadline=None, max_examples=12)
@given(
    hours=st.lists(st.integers(0, 3), min_size=8, max_size=10),
    dates=st.sampled_from([[3], [3, 5], [3, 6]]),
)
def test_hindsight_is_the_cheapest_of_all_purchases_at_the_dates(request_of, hours, dates):
    """Every number of machines, of two products, at every date is tried."""
    terms = ((2, "0.6"), (4, "0.4"))
    request = request_of(
        hours, terms, start=at(3), purchases={"dates": [at(date) for date in dates]}
    )
    (course,) = backtest(request).courses

    lots = list(itertools.product(dates, terms))
    best = float("inf")
    for numbers in itertools.product(range(max(hours) + 1), repeat=len(lots)):
        cost = 0.0
        committed = np.zeros(len(hours))
        for (date, (term, hourly)), number in zip(lots, numbers, strict=True):
            committed[date : date + term] += number
            cost += number * float(hourly) * len(committed[date : date + term])
        cost += float(np.maximum(np.array(hours) - committed, 0)[3:].sum())
        best = min(best, cost)
    assert float(course.hindsight_usd) == pytest.approx(best)
    for one in course.policies:
        if one.policy != "break_even":  # it buys on other dates
            assert one.bill_usd >= course.hindsight_usd
    assert course.on_demand_usd == sum(hours[3:])


def test_what_was_owned_before_counts_for_every_policy_and_saves_nothing(request_of):
    owned = {
        "id": "old", "kind": "reserved_standard", "instance_type": "m", "region": "here",
        "start": at(0), "end": at(336), "quantity": 2, "hourly_usd": "0.7",
    }  # fmt: skip
    later = owned | {"id": "new", "start": at(40), "end": at(376)}
    report = backtest(request_of([3] * 48, start=at(24), owned=[owned, later]))

    (course,) = report.courses
    assert course.on_demand_usd == 24 * (2 * Decimal("0.7") + 1)
    assert course.policies[0].saving_usd == 0
    assert all(one.bill_usd < course.on_demand_usd for one in course.policies if one.purchases)
    assert report.notes[-1] == "owned: bought inside the window, so left out: new"


def figures_of(report):
    """Bill and quantities bought by policy."""
    return {
        one.policy: (float(one.bill_usd), [float(bought.quantity) for bought in one.purchases])
        for one in report.courses[0].policies
    }


def test_what_may_not_leave_home_runs_there_in_every_bill(document, price):
    """Machines elsewhere cost half; a reservation at home costs 0.9 an hour."""
    elsewhere = price("m", "on_demand", 1) | {"region": "there"}
    rates = [price("m", "on_demand", 2), elsewhere, price("m", "reserved_standard", "0.9", 24)]
    workload = {
        "name": "w", "needs": {"unit": "machines", "of": "m"}, "regions": ["here", "there"],
        "egress": {"gib_per_unit_hour": 1, "home": {"provider": "custom", "region": "here"}},
    }  # fmt: skip
    request = document(
        rates,
        {"w": [4.0] * 48},
        workloads=[workload],
        limits={"egress": [{"name": "line", "at_most_gib_per_hour": 0}]},
        backtest={"start": at(24), "policies": ["on_demand"]},
    )
    found = figures_of(backtest(parse_request(request)))
    assert found["on_demand"] == (pytest.approx(4 * 2 * 24), [])
    assert found["hindsight"] == (pytest.approx(4 * 0.9 * 24), [4])


def test_policies_exchange_nothing_and_so_count_on_no_exchange(document, price):
    """Owned machines of a type that nobody needs stay unused; what is needed is bought."""
    rates = [
        price(name, kind, *terms)
        for name in ("a", "b")
        for kind, *terms in (("on_demand", 1), ("reserved_convertible", "0.5", 72))
    ]
    owned = {
        "id": "old", "kind": "reserved_convertible", "instance_type": "a", "region": "here",
        "start": at(0), "end": at(72), "quantity": 4, "hourly_usd": "0.5",
    }  # fmt: skip
    request = document(
        rates,
        {"b": [4.0] * 72},
        owned=[owned],
        offers={"kinds": ["reserved_convertible"], "exchanges": True},
        backtest={"start": at(24), "policies": ["look_back"]},
    )
    report = backtest(parse_request(request))
    assert figures_of(report) == {
        "on_demand": (48 * (2 + 4), []),
        "look_back": (48 * (2 + 2), [4]),
        "hindsight": (48 * (2 + 2), [4]),
    }
    assert "offers.exchanges: left out; policies buy, and exchange nothing" in report.notes
    bare = {name: value for name, value in request.items() if name != "owned"}
    assert figures_of(backtest(parse_request(bare)))["look_back"] == (48 * 2, [4])


def test_capacity_is_held_in_its_own_hours_of_the_window(document, price):
    """Six are held until a day into the window, four run; the rule of break-even sees it too."""
    rates = [price("m", "on_demand", 1), price("m", "reserved_standard", "0.2", 24)]
    held = [{"at_least": 6, "end": at(48)}, {"at_least": 9, "end": at(4)}]
    workload = {
        "name": "w", "needs": {"unit": "machines", "of": "m"}, "regions": ["here"],
        "capacity": held,
    }  # fmt: skip
    request = document(
        rates,
        {"w": [4.0] * 96},
        workloads=[workload],
        purchases={"every_hours": 24},
        backtest={"start": at(24), "policies": ["look_back", "break_even"]},
    )
    found = figures_of(backtest(parse_request(request)))
    assert found["on_demand"] == (24 * 6 + 48 * 4, [])
    assert found["hindsight"] == (pytest.approx(0.2 * 24 * (6 + 4 + 4)), [6, 4, 4])
    assert found["look_back"] == found["hindsight"]
    assert found["break_even"][1][0] == 6


def test_the_worst_quarter_is_the_one_that_saves_the_smallest_share(request_of):
    """Four months at 10, then nothing: what is bought for a year is paid for nothing."""
    hours = [10.0] * (31 + 28 + 31 + 30) * 24 + [0.0] * (31 + 30 + 31) * 24
    rules = {"start": at(31 * 24), "purchases": {"dates": [at(31 * 24)]}}
    report = backtest(request_of(hours, ((8760, "0.5"),), **rules))

    found = {one.policy: one for one in report.courses[0].policies}["look_back"]
    assert [one.quantity for one in found.purchases] == [10]
    worst = found.worst_quarter
    assert (worst.first_month, worst.last_month) == ("2026-05", "2026-07")
    assert worst.saving_usd == -10 * 92 * 24 * Decimal("0.5")
    assert worst.saving_share is None
    assert found.utilization == pytest.approx(89 / 181)


# Courses


def history(**series):
    return Demand(START, {name: np.array(values, float) for name, values in series.items()})


def course(**changes):
    return Backtest.model_validate({"courses": [changes or "as_recorded"]}).courses[0]


def test_a_course_runs_backwards_or_is_shocked():
    recorded = history(m=[1, 2, 3, 4])
    assert run_course(recorded, course()).series["m"].tolist() == [1, 2, 3, 4]
    assert run_course(recorded, course(reversed=True)).series["m"].tolist() == [4, 3, 2, 1]
    shocked = run_course(recorded, course(shock={"at": at(2), "factor": 0.5}))
    assert shocked.series["m"].tolist() == [1, 2, 1.5, 2]
    assert recorded.series["m"].tolist() == [1, 2, 3, 4]


def test_a_migration_moves_demand_evenly_and_loses_none():
    recorded = history(a=[24] * 72, b=[6] * 72)
    moving = course(migration={"from": "a", "to": "b", "at": at(24), "days": 1})
    found = run_course(recorded, moving).series
    assert found["a"][22:26].tolist() == [24, 24, 23, 22]
    assert found["a"][47:].tolist() == [0] * 25
    assert (found["a"] + found["b"]).tolist() == [30] * 72


def test_a_migration_from_type_to_type_is_walked_with_locked_and_fungible_products(document, price):
    """Reservations hold a type, the savings plan follows: hindsight buys both."""
    types = ("a", "b", "rest")
    rates = [
        rate
        for name in types
        for rate in (
            price(name, "on_demand", 1),
            price(name, "reserved_standard", "0.45", 26280),
            price(name, "savings_plan_compute", "0.55", 26280),
        )
    ]
    demand = {"a": [20.0] * 960, "b": [2.0] * 960, "rest": [5.0] * 960}
    rules = {
        "start": at(480), "purchases": {"every_hours": 240},
        "courses": [
            "as_recorded", {"migration": {"from": "a", "to": "b", "at": at(600), "days": 2}}
        ],
    }  # fmt: skip
    report = backtest(parse_request(document(rates, demand, backtest=rules)))

    assert [one.course for one in report.courses] == ["as_recorded", "migration"]
    steady, moved = report.courses
    assert steady.on_demand_usd == 27 * 480
    assert float(moved.on_demand_usd) == pytest.approx(27 * 480)
    by_name = {one.policy: one for one in moved.policies}
    assert by_name["look_back"].captured < 0.9
    kinds = {one.kind for one in by_name["hindsight"].purchases}
    assert kinds == {"reserved_standard", "savings_plan_compute"}
    assert {one.policy: one.captured for one in steady.policies}["look_back"] == pytest.approx(1)


# Inputs


def test_without_a_past_to_forecast_from_policies_are_left_out_and_said_to_be(request_of):
    report = backtest(request_of([3] * 48))
    assert [one.policy for one in report.courses[0].policies] == ["on_demand", *RULES, "hindsight"]
    assert report.notes == (
        "policies: neutral and cautious have nothing to forecast from; left out",
    )


def test_the_window_is_the_last_two_thirds_of_history_by_default(request_of):
    report = backtest(request_of([3] * 72))
    assert (report.window.hours, report.window.seen_before_hours) == (48, 24)


def test_every_fault_of_a_back_test_is_told_at_once(request_of):
    request = request_of(
        [3] * 48,
        start=at(24),
        purchases={"dates": [at(2)]},
        policies=["look_back", "neutral"],
        courses=[
            {"shock": {"at": at(-5), "factor": 0.5}},
            {"name": "move", "migration": {"from": "m", "to": "x", "at": at(30)}},
        ],
    )
    with pytest.raises(InvalidInputError) as caught:
        backtest(request)
    assert [fault.field for fault in caught.value.faults] == [
        "purchases.dates.0",
        "backtest.start",
        "backtest.courses.0.shock.at",
        "backtest.courses.1.migration",
    ]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"start": at(5), "end": at(5)}, "end must lie after start"),
        ({"courses": ["backwards"]}, "write as_recorded"),
        ({"courses": [{"reversed": True}, {"reversed": True}]}, "stands more than once"),
        ({"policies": ["look_back", "look_back"]}, "stands more than once"),
        ({"courses": [{"migration": {"from": "a", "to": "a", "at": at(1)}}]}, "name two"),
    ],
)
def test_rules_that_contradict_themselves_are_refused(request_of, rules, said):
    with pytest.raises(InvalidInputError, match=said):
        request_of([1], **rules)
