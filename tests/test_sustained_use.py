"""Sustained use where commitments change inside months: one model against sorting by hand.

Bills by hand sort a month's hours by what commitments leave on demand and charge each quarter of
the month its factor, Google's Compute Engine documentation, sustained use discounts of N1.
"""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner import make_plan, parse_request

HOURS = 672
"""February 2026: quarters of a week."""

FACTORS = (1, 0.8, 0.6, 0.4)
TOLERANCE = 2e-6
NOTED = "solve.method: decomposed prices sustained use by the hour"
TYPES = [
    {"name": "n1-one", "resources": {"n1/vcpu": 1}},
    {"name": "n1-two", "resources": {"n1/vcpu": 2}},
    {"name": "n2-one", "resources": {"n2/vcpu": 1}},
]
relaxed = settings(deadline=None, max_examples=8, derandomize=True)
levels = st.lists(st.integers(0, 5), min_size=14, max_size=14)
days = st.integers(1, 27)


def on(levels, hours=HOURS):
    """Usage that changes every two days: hours of one level are merged in the model."""
    return [float(levels[hour // 48 % len(levels)]) for hour in range(hours)]


def month_usd(left, worth=None, price=0.1):
    """A February's bill of what is left on demand; of equal hours the earlier pays more."""
    order = sorted(range(len(left)), key=lambda hour: (-left[hour], hour))
    return sum(
        price * FACTORS[4 * rank // HOURS] * left[hour] * (1 if worth is None else worth[hour])
        for rank, hour in enumerate(order)
    )


def bill_usd(usage, active, share, worth=None):
    """On demand and commitments [(count, first, end)] of a February, or two months of 28 days."""
    left = list(usage)
    for count, first, end in active:
        for hour in range(first, min(end, len(left))):
            left[hour] = max(0.0, left[hour] - count)
    paid = sum(
        count * 0.1 * share * (1 if worth is None else worth[hour])
        for count, first, end in active
        for hour in range(first, min(end, len(usage)))
    )
    return paid + month_usd(left, worth)


@pytest.fixture
def planned(price, document):
    """The plan of a February on N1 by a method."""

    def plan(demand, rates, method, **parts):
        more = [price(name, "on_demand", 0.1) for name in ("n1/vcpu", "n2/vcpu")]
        request = document([*more, *rates], demand, types=TYPES, **parts)
        inline = request["catalog"]["inline"]
        inline["provider"] = "gcp"
        inline["instance_types"] = [
            one for one in inline["instance_types"] if "/" not in one["name"]
        ]
        for form in request["demand"].values():
            form["start"] = "2026-02-01T00:00Z"
        request.setdefault("horizon", {"hours": HOURS})
        request["solve"] = {"gap": 0, "method": method}
        return make_plan(parse_request(request))

    return plan


def is_noted(plan):
    return any(one.startswith(NOTED) for one in plan.notes)


def usd(plan):
    return float(plan.model_cost_usd), float(plan.total_cost_usd)


def test_a_commitment_that_begins_inside_a_month_costs_the_least_of_every_number(planned, price):
    """The decomposed form, with an hour's price known beforehand, never finds more."""

    @relaxed
    @given(levels=levels, day=days, share=st.sampled_from([0.3, 0.45, 0.6]))
    def check(levels, day, share):
        usage, first = on(levels), 24 * day
        rates = [price("n1/vcpu", "resource_commitment", round(0.1 * share, 4), HOURS)]
        plans = [
            planned({"n1-one": usage}, rates, method, purchases={"hours": [first]})
            for method in ("extensive", "decomposed")
        ]
        least = min(bill_usd(usage, [(n, first, 2 * HOURS)], share) for n in range(7))
        assert usd(plans[0]) == pytest.approx((least, least), rel=TOLERANCE)
        assert float(plans[1].model_cost_usd) <= least * (1 + TOLERANCE)
        assert float(plans[1].total_cost_usd) >= least * (1 - TOLERANCE)
        assert not is_noted(plans[0])
        assert is_noted(plans[1]) == any(levels)

    check()


def test_purchases_at_two_dates_cost_the_least_of_every_pair_of_numbers(planned, price):
    @relaxed
    @given(levels=levels, day=days)
    def check(levels, day):
        usage, dates = on(levels), (0, 24 * day)
        rates = [price("n1/vcpu", "resource_commitment", 0.05, 300)]
        plan = planned({"n1-one": usage}, rates, "extensive", purchases={"hours": list(dates)})
        least = min(
            bill_usd(usage, [(n, at, at + 300) for n, at in zip(counts, dates, strict=True)], 0.5)
            for counts in product(range(6), range(6))
        )
        assert usd(plan) == pytest.approx((least, least), rel=TOLERANCE)

    check()


def test_methods_agree_and_no_note_is_left_where_commitments_keep_to_months(planned, price):
    """A month from its first hour, and a week that is all that is planned of the next."""

    @relaxed
    @given(levels=levels, share=st.sampled_from([0.3, 0.45, 0.6]))
    def check(levels, share):
        usage = on(levels, HOURS + 168)
        rates = [price("n1/vcpu", "resource_commitment", round(0.1 * share, 4), HOURS)]
        one, other = (
            planned(
                {"n1-one": usage},
                rates,
                method,
                purchases={"hours": [0, HOURS]},
                horizon={"hours": HOURS + 168},
            )
            for method in ("extensive", "decomposed")
        )
        assert usd(one) == pytest.approx(usd(other), rel=TOLERANCE)
        assert usd(one)[0] == pytest.approx(usd(one)[1], rel=TOLERANCE)
        assert not is_noted(other)

    check()


def test_futures_have_months_of_their_own(planned, price):
    """The same hours of two futures are merged only where each has a month to itself."""

    @relaxed
    @given(calm=levels, busy=levels, day=days)
    def check(calm, busy, day):
        futures = {"calm": on(calm), "busy": on([*calm[:7], *busy[7:]])}
        rates = [price("n1/vcpu", "resource_commitment", 0.05, HOURS)]
        parts = {"scenarios": {"calm": 0.25, "busy": 0.75}, "purchases": {"hours": [24 * day]}}
        demand = {name: {"n1-one": usage} for name, usage in futures.items()}
        chance = parts["scenarios"]
        plan = planned(demand, rates, "extensive", **parts)
        least = min(
            sum(chance[name] * bill_usd(u, [(n, 24 * day, 2 * HOURS)], 0.5)
                for name, u in futures.items())
            for n in range(7)
        )  # fmt: skip
        assert usd(plan) == pytest.approx((least, least), rel=TOLERANCE)
        risky = planned(demand, rates, "extensive", risk={"level": 0.5, "weight": 0.5}, **parts)
        assert usd(risky)[0] == pytest.approx(usd(risky)[1], rel=TOLERANCE)

    check()


def test_workloads_of_different_shapes_that_choose_machines_cost_what_is_billed(planned):
    """N1 is dearer, so that what runs on it is bounded from below alone."""

    @relaxed
    @given(one=levels, other=levels, share=st.sampled_from([0.25, 0.5]))
    def check(one, other, share):
        demand = {"one": on(one), "other": on(other)}
        capacity = {"n1-one": 0.9, "n2-one": 1.0}
        workloads = [
            {"name": name, "regions": ["here"], "needs": {"unit": "own", "capacity": capacity},
             "placement": [{"families": ["n1-one"], "at_least": share}]}
            for name in demand
        ]  # fmt: skip
        plan = planned(demand, [], "extensive", workloads=workloads, offers={"kinds": []})
        bound = planned(demand, [], "decomposed", workloads=workloads, offers={"kinds": []})
        assert usd(plan)[0] == pytest.approx(usd(plan)[1], rel=TOLERANCE)
        assert usd(bound)[0] <= usd(plan)[0] * (1 + TOLERANCE)

    check()


@pytest.mark.parametrize("rate", [0.08, 9.0])
@pytest.mark.parametrize("method", ["extensive", "decomposed"])
def test_where_money_is_discounted_the_bound_is_below_every_bill(rate, method, planned, price):
    """By no more than the hours of a month differ in worth."""

    @relaxed
    @given(levels=levels, day=days)
    def check(levels, day):
        usage, first = on(levels), 24 * day
        worth = [(1 + rate) ** (-hour / 8760) for hour in range(HOURS)]
        rates = [price("n1/vcpu", "resource_commitment", 0.05, HOURS - first)]
        horizon = {"hours": HOURS, "accounting": "cash_flow", "discount_rate": rate}
        plan = planned(
            {"n1-one": usage}, rates, method, purchases={"hours": [first]}, horizon=horizon
        )
        least = min(bill_usd(usage, [(n, first, HOURS)], 0.5, worth) for n in range(6))
        bound = float(plan.lower_bound_usd)
        assert bound <= least * (1 + TOLERANCE)
        if method == "extensive":
            assert bound >= least * (1 - TOLERANCE) * worth[-1] ** 0.3
            assert usd(plan)[1] <= least * (1 + TOLERANCE) / worth[-1] ** 0.3

    check()
