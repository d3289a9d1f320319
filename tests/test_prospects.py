"""Why offers stay unbought, against sums hour by hour over every date of every offer."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

HOURS = 6
DATES = (0, 2, 3)
PRICE_USD = {"m": 2.0, "n": 5.0}
TERM_HOURS = {"reserved_standard": 3, "reserved_convertible": 2, "savings_plan_compute": 4}

demands = st.fixed_dictionaries(
    {name: st.lists(st.integers(0, 3), min_size=HOURS, max_size=HOURS) for name in PRICE_USD}
)
rates_usd = st.fixed_dictionaries(
    {
        "standard": st.sampled_from([0.8, 1.1, 1.7]),
        "convertible": st.sampled_from([1.2, 1.8, 2.2]),
        "plan_m": st.sampled_from([1.2, 1.6]),
        "plan_n": st.sampled_from([2.5, 4.5]),
    }
)


def price_list(price, rates):
    """Of these only the standard reservation can be bought: all others are paid upfront."""
    plans = [
        price(name, "savings_plan_compute", rates[f"plan_{name}"], 4, "all_upfront")
        for name in PRICE_USD
    ]
    upfront = rates["convertible"] * TERM_HOURS["reserved_convertible"]
    return [
        *(price(name, "on_demand", usd) for name, usd in PRICE_USD.items()),
        price("m", "reserved_standard", rates["standard"], 3),
        price("m", "reserved_convertible", 0, 2, "all_upfront", upfront),
        *plans,
    ]


def use_in_an_hour(kind, rates, running):
    """Share of a step used in an hour, and what a dollar, or a machine, displaces then."""
    if kind != "savings_plan_compute":
        return min(running["m"], 1), PRICE_USD["m"]
    ratios = [PRICE_USD[name] / rates[f"plan_{name}"] for name in PRICE_USD if running[name] > 0]
    return (1, max(ratios)) if ratios else (0, None)


def judged(kind, rates, hours, ever):
    """Utilization over some hours, and what a used hour displaces on average.

    Of a plan never used in them, the most it can displace of what ``ever`` runs.
    """
    uses = [use_in_an_hour(kind, rates, running) for running in hours]
    used = sum(share for share, _ in uses)
    if kind != "savings_plan_compute":
        return used / len(uses), PRICE_USD["m"]
    best = max(PRICE_USD[name] / rates[f"plan_{name}"] for name in ever)
    displaced = sum(usd for share, usd in uses if share)
    return used / len(uses), displaced / used if used else best


def expected(kind, rates, demand, reserved):
    """What is to be told of an offer: the best date and the shares there."""
    hourly_usd = {
        "reserved_standard": rates["standard"],
        "reserved_convertible": rates["convertible"],
        "savings_plan_compute": 1.0,
    }[kind]
    running = [{name: demand[name][hour] for name in PRICE_USD} for hour in range(HOURS)]
    left = [one | {"m": max(one["m"] - reserved[hour], 0)} for hour, one in enumerate(running)]
    ever, found = [name for name in PRICE_USD if any(demand[name])], []
    for date in DATES:
        span = slice(date, min(date + TERM_HOURS[kind], HOURS))
        beside, displaced_usd = judged(kind, rates, left[span], ever)
        alone, _ = judged(kind, rates, running[span], ever)
        needed = hourly_usd / displaced_usd
        order = (round(beside - needed, 9), round(alone - needed, 9), -date)
        found.append((order, (date, needed, beside, alone)))
    return max(found)[1]


def reason_of(kind, needed, beside, alone, busy):
    if beside >= needed - 1e-9:
        return "within_gap" if kind == "reserved_standard" else "budget_used_up"
    if alone >= needed - 1e-9:
        return "served_cheaper"
    return "beyond_smallest_purchase" if busy >= needed - 1e-9 else "too_little_usage"


def busy_share(kind, demand, date):
    """Share of the hours of a term in which there is anything to serve."""
    served = PRICE_USD if kind == "savings_plan_compute" else ["m"]
    hours = range(date, min(date + TERM_HOURS[kind], HOURS))
    return sum(any(demand[name][hour] for name in served) for hour in hours) / len(hours)


@settings(deadline=None, max_examples=60)
@given(demand=demands, rates=rates_usd)
def test_reasons_are_those_of_a_search_through_all_dates_and_hours(planned, price, demand, rates):
    found = planned(
        price_list(price, rates),
        demand,
        horizon={"hours": HOURS},
        purchases={"hours": list(DATES)},
        limits={"upfront_budget_usd": 0},
    )
    start = found.horizon.start
    reserved = [0] * HOURS
    for one in found.purchases:
        first = (one.start - start).total_seconds() / 3600
        for hour in range(HOURS):
            reserved[hour] += int(one.quantity) if first <= hour < first + one.term_hours else 0
    bought = {one.kind for one in found.purchases}
    served = {kind: PRICE_USD if "plan" in kind else ["m"] for kind in TERM_HOURS}
    unbought = {
        kind
        for kind in set(TERM_HOURS) - bought
        if any(any(demand[name]) for name in served[kind])  # nothing else is worth a reason
    }
    assert len(found.not_bought) == len(unbought)
    for kind in unbought:
        one = next(one for one in found.not_bought if kind in one.offer_id)
        date, needed, beside, alone = expected(kind, rates, demand, reserved)
        assert (one.start - start).total_seconds() / 3600 == date
        assert one.break_even_utilization == pytest.approx(needed)
        assert one.utilization == pytest.approx(beside)
        assert one.alone_utilization == pytest.approx(alone)
        busy = busy_share(kind, demand, date)
        assert one.reason == reason_of(kind, needed, beside, alone, busy)
        served = {other.offer_id for other in found.purchases}
        assert set(one.served_by) <= served
        assert bool(one.served_by) == (one.reason == "served_cheaper")


def test_hours_count_by_what_money_is_worth_in_them(planned, price):
    """A use in the first of two hours a year apart counts more than one in the last."""
    hours = 8761
    rates = [price("m", "on_demand", 2), price("m", "reserved_standard", 1.9, hours)]
    horizon = {"accounting": "cash_flow", "discount_rate": 1.0}
    demand = {"m": [1] + [0] * (hours - 2) + [3]}
    (one,) = planned(rates, demand, horizon=horizon).not_bought
    worth = [2 ** -(hour / 8760) for hour in range(hours)]
    assert one.utilization == pytest.approx((1 + 0.5) / sum(worth))
    assert one.break_even_utilization == pytest.approx(0.95)


def test_of_dates_alike_beside_all_bought_the_one_is_told_at_which_an_offer_alone_is_used_most(
    planned, price
):
    """Nothing is left for it at either date; alone it is of no use at the first."""
    rates = [
        price("m", "on_demand", 2),
        price("m", "reserved_standard", 0.5, 2),
        price("m", "reserved_convertible", 1, 2),
    ]
    dates = {"horizon": {"hours": 4}, "purchases": {"hours": [0, 2]}}
    (one,) = planned(rates, {"m": [0, 0, 1, 1]}, **dates).not_bought
    assert (one.utilization, one.alone_utilization) == (0, 1)
    assert (one.start - one.start.replace(hour=0)).total_seconds() == 2 * 3600
    assert one.reason == "served_cheaper"
    assert one.served_by == ("custom:reserved_standard:here:m:2h:no_upfront",)
