"""Each purchase policy against its rule, written again by other means."""

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner import Surroundings, parse_request
from planner.backtest.book import Holding, Record, settled, steadied
from planner.backtest.policies.break_even import BreakEven, remembered_options
from planner.backtest.policies.repeating import Repeating
from planner.backtest.replanning import RARELY_HOURS, dates_of_plan, purchases_of
from planner.backtest.resolving import resolve_setting
from planner.backtest.setting import Seen, cut
from planner.forecasting import known_at
from planner.planning import resolve
from planner.request import OwnedCommitment, PolicyName

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="session")
def seen_of(document, price):
    """What a policy sees at the end of a demand of machines m, which cost 1 on demand."""

    def see(hours, terms, owned=(), kind="reserved_standard"):
        rates = [price("m", "on_demand", 1)]
        rates += [price("m", kind, hourly, term) for term, hourly in terms]
        backtest = {"start": "2026-01-01T00:00Z"}
        request = parse_request(document(rates, {"m": hours}, backtest=backtest))
        setting = resolve_setting(request, Surroundings(), None)
        now = START + len(hours) * HOUR
        past = cut(setting.history, now)
        return Seen(request, setting.catalog, now, past, tuple(owned), (now,))

    return see


def owned(quantity, start, end, number=0):
    """Machines reserved from an hour to an hour after the start."""
    return OwnedCommitment(
        id=f"r{number}", kind="reserved_standard", start=START + start * HOUR,
        end=START + end * HOUR, instance_type="m", region="here", quantity=quantity,
        upfront_usd=0, hourly_usd="0.5",
    )  # fmt: skip


# Look-back: the newsvendor quantile of the latest hours, beside what is owned.


@settings(deadline=None, max_examples=15)
@given(
    hours=st.lists(st.integers(0, 9), min_size=12, max_size=20),
    rate=st.sampled_from([Fraction(1, 3), Fraction(1, 2), Fraction(7, 10)]),
    held=st.integers(0, 4),
)
def test_look_back_buys_up_to_the_quantile_of_the_latest_hours(seen_of, hours, rate, held):
    """A level is worth its price where it is used in more than a share `rate` of the hours."""
    hourly = str(round(float(rate), 9))
    mine = [owned(held, 0, 1000)] if held else []
    seen = seen_of(hours, [(1000, hourly)], mine)

    bought = Repeating(10, "").decide(seen)

    latest = hours[-10:]
    worth = [level for level in range(1, 10) if sum(u >= level for u in latest) > rate * 10]
    ties = [level for level in range(1, 10) if sum(u >= level for u in latest) == rate * 10]
    wanted = max((max(worth, default=0) - held), 0)
    found = sum(int(one.quantity) for one in bought)
    assert wanted <= found <= wanted + len(ties)


def test_look_back_takes_the_cheapest_of_several_products(seen_of):
    seen = seen_of([3] * 24, [(24, "0.66"), (72, "0.476")])

    (bought,) = Repeating(24, "").decide(seen)

    assert (bought.quantity, bought.commitment.term_hours) == (3, 72)
    assert bought.commitment.start == seen.date


def test_look_back_takes_what_serves_now_to_go_on(seen_of):
    """Five hours before they end, three machines still count for the whole day looked back."""
    seen = seen_of([3] * 24, [(24, "0.5")], [owned(3, 5, 29)])

    assert Repeating(24, "").decide(seen) == ()


def test_look_back_forgets_what_has_ended(seen_of):
    seen = seen_of([3] * 24, [(24, "0.5")], [owned(3, 0, 24)])

    (bought,) = Repeating(24, "").decide(seen)
    assert bought.quantity == 3


# The break-even rule


def asked(seen):
    """What the break-even rule buys."""
    return BreakEven(remembered_options(seen.request, seen.catalog)).decide(seen)


def walk_break_even(seen_of, usage, term, price):
    """The rule asked at every hour: its cost with whole terms charged, and what it bought."""
    hourly = str(Decimal(price) / term)
    mine, cost = [], 0
    for now, used in enumerate(usage):
        if now:
            for one in asked(seen_of(usage[:now], [(term, hourly)], mine)):
                number = int(one.quantity)
                mine.append(owned(number, now, now + term, len(mine)))
                cost += number * price
        active = sum(int(one.quantity) for one in mine if one.start <= START + now * HOUR < one.end)
        cost += max(used - active, 0)
    return cost, sum(int(one.quantity) for one in mine)


def least_cost(usage, term, price):
    """The cheapest of all ways to buy at any hour, whole terms charged."""
    best = sum(usage)
    for bought in itertools.product(range(max(usage) + 1), repeat=len(usage)):
        active = [sum(bought[max(hour - term + 1, 0) : hour + 1]) for hour in range(len(usage))]
        rest = sum(max(used - own, 0) for used, own in zip(usage, active, strict=True))
        best = min(best, price * sum(bought) + rest)
    return best


@settings(deadline=None, max_examples=15)
@given(
    usage=st.lists(st.integers(0, 2), min_size=2, max_size=7),
    term=st.sampled_from([2, 4, 5]),
    price=st.integers(1, 4),
)
def test_break_even_costs_at_most_twice_the_optimum_and_an_hour_per_unit(
    seen_of, usage, term, price
):
    """It looks every hour here, once the hour has been paid for."""
    if not price < term:
        return
    cost, units = walk_break_even(seen_of, usage, term, price)
    assert cost <= 2 * least_cost(usage, term, price) + units


@pytest.mark.parametrize(
    ("usage", "bought"),
    [
        pytest.param([1, 1], 0, id="two hours cost what a term does: not more"),
        pytest.param([1, 1, 1], 1, id="three hours cost more"),
        pytest.param([2, 1, 2, 1, 2], 2, id="the upper level was used three times"),
        pytest.param([1, 1, 0, 0, 0, 1], 0, id="what left the trailing term is forgotten"),
    ],
)
def test_break_even_buys_once_a_trailing_term_on_demand_costs_more_than_a_term(
    seen_of, usage, bought
):
    """A term of 5 hours for 2 USD."""
    found = asked(seen_of(usage, [(5, "0.4")]))
    assert sum(one.quantity for one in found) == bought


def test_hours_that_led_to_a_purchase_lead_to_no_second_one(seen_of):
    """Bought at hour 3 on the strength of hours 0 to 2, which stay in the trailing term."""
    seen = seen_of([1, 1, 1, 1], [(5, "0.4")], [owned(1, 3, 8)])
    assert asked(seen) == ()


@pytest.mark.parametrize("kind", ["reserved_standard", "savings_plan_compute"])
def test_break_even_buys_reservations_and_spend_alike(seen_of, kind):
    (bought,) = asked(seen_of([3] * 5, [(5, "0.4")], kind=kind))
    machines = bought.quantity if kind == "reserved_standard" else bought.quantity / Decimal("0.4")
    assert float(machines) == pytest.approx(3, abs=0.01)


# Dates and targets


def test_a_plan_takes_its_owner_to_buy_quarterly_also_past_the_last_date():
    quarter = timedelta(days=91)
    dates = [START + n * quarter for n in range(4)]
    found = dates_of_plan(dates[2], dates, dates[2] + 4 * quarter)
    assert found == tuple(dates[2] + n * quarter for n in range(4))


def test_a_plan_takes_close_dates_as_they_come_and_thins_later_ones():
    """Weekly for twelve weeks, then every twelve; 30 weeks are known, later ones assumed."""
    weeks = [START + n * timedelta(days=7) for n in range(30)]
    found = dates_of_plan(weeks[1], weeks, START + timedelta(days=7 * 60))
    assert [(one - START).days // 7 for one in found] == [*range(1, 13), 24, 36, 48]


def test_a_plan_on_daily_dates_takes_its_owner_to_buy_weekly():
    days = [START + n * timedelta(days=1) for n in range(30)]
    found = dates_of_plan(days[0], days, days[29])
    assert [(one - START).days for one in found] == [0, 7, 14, 21, 28]


def test_the_futures_are_told_apart_by_the_time_gone_by():
    weeks = [168 * week for week in (0, 1, 6, 10, 12, 24, 36, 48, 60)]
    assert known_at(weeks).groups == (1, 1, 2, 3, 4, 8, 16, 16, 16)
    assert known_at([]).groups is None


@pytest.mark.parametrize("growth", [0.4, 0.6])
def test_later_purchases_in_fractions_are_rounded_together(document, price, growth):
    """Nine weekly dates: 5 machines, then 0.4 or 0.6 more a week; each by itself, none or one."""
    hours = 60 * 168
    level = 5 + growth * np.minimum(np.arange(hours) // 168, 8)
    rates = [price("m", "on_demand", 1.0), price("m", "reserved_standard", 0.5, hours)]
    dates = [168 * week for week in range(9)]
    parts = {"horizon": {"hours": hours}, "purchases": {"hours": dates}, "solve": {"gap": 1e-5}}
    problem = resolve(
        parse_request(document(rates, {"m": level.tolist()}, **parts)), Surroundings()
    )

    bought = sum(one.quantity for one in purchases_of(problem, RARELY_HOURS))

    assert abs(float(bought) - (5 + 8 * growth)) < 1


def test_with_one_date_a_plan_buys_once():
    assert dates_of_plan(START, [START], START + timedelta(days=999)) == (START,)


def holding(quantity, start=0, term=1000):
    """A purchase of machines at an hour."""
    ordered = START + start * HOUR
    return Holding(
        offer_id="o", step=1, ordered=ordered, commitment=owned(quantity, start, start + term)
    )


def record(number, wanted, bought):
    return Record(
        course="c", policy=PolicyName.NEUTRAL, date=START + number * HOUR, seconds=0,
        wanted=[holding(one, number) for one in wanted],
        bought=[holding(one, number) for one in bought],
    )  # fmt: skip


def test_what_was_bought_at_the_latest_four_dates_is_decided_once_more():
    records = [record(number, [one], [one]) for number, one in enumerate([1, 2, 3, 4, 5, 6])]
    assert [one.quantity for one in settled(records)] == [1, 2]
    assert settled(records[:4]) == ()


def test_a_noisy_target_is_not_acted_upon_at_once():
    """Targets 10, 10, 10 and now 17: the median stays at the 10 owned."""
    records = [record(0, [10], [10]), record(1, [10], []), record(2, [10], [])]
    assert steadied((holding(17, 3),), records, START + 3 * HOUR) == ()


def test_a_lasting_target_is_acted_upon_once_it_is_the_median():
    """Targets 10, 10, 17, 17 and 17: the median is 17."""
    records = [record(0, [10], [10]), record(1, [10], []), record(2, [17], []), record(3, [17], [])]
    (bought,) = steadied((holding(17, 4),), records, START + 4 * HOUR)
    assert (bought.quantity, bought.commitment.start) == (7, START + 4 * HOUR)
    assert bought.commitment.end - bought.commitment.start == 1000 * HOUR


def test_targets_below_what_is_owned_weigh_as_what_they_are():
    """Targets 30, 10, 10, 10 and now 40, of which 30 are owned: the median is 10."""
    records = [record(0, [30], [30]), *(record(one, [10], []) for one in (1, 2, 3))]
    assert steadied((holding(40, 4),), records, START + 4 * HOUR) == ()


def test_a_target_counts_what_was_settled_when_it_was_made():
    """10 are settled by the sixth date; targets 12, 12, 12, 12 and now 10 + 5: the median is 12."""
    records = [record(0, [10], [10]), *(record(one, [12], []) for one in (1, 2, 3, 4))]
    (bought,) = steadied((holding(5, 5),), records, START + 5 * HOUR)
    assert bought.quantity == 2


def test_what_is_no_more_wanted_is_still_bought_while_the_median_says_so():
    """Targets 5, 5 and now 0: the median is 5, and nothing is owned."""
    records = [record(0, [5], []), record(1, [5], [])]
    (bought,) = steadied((), records, START + 2 * HOUR)
    assert bought.quantity == 5


def test_what_earlier_plans_had_in_mind_for_now_counts_as_their_targets():
    """Growth seen coming: two plans took their owner to have 13 by hour 2, the third 19."""
    first = record(0, [10], [10])
    first = first.model_copy(update={"wanted": (*first.wanted, holding(3, 2))})
    second = record(1, [10], [])
    second = second.model_copy(update={"wanted": (*second.wanted, holding(3, 2))})

    (bought,) = steadied((holding(19, 2),), [first, second], START + 2 * HOUR)

    assert bought.quantity == 3
