"""Laws every optimum keeps, whatever the fleet; solved to zero gap."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

SHARES = [0.35, 0.5, 0.62, 0.8, 0.95]
HOURS = 6
TOLERANCE_USD = 1e-5
"""Tie-breaking raises costs by parts in 10 million."""

TYPES = (
    {"name": "flex.small", "normalized_units": 1, "size_flexible": True},
    {"name": "flex.large", "normalized_units": 2, "size_flexible": True},
    {"name": "fixed.x"},
)
ON_DEMAND_USD = {"flex.small": 1.0, "flex.large": 2.0, "fixed.x": 1.4}

relaxed = settings(deadline=None, max_examples=15)


@st.composite
def price_lists(draw, price):
    """On-demand rates of three machines, and reservations and plans below them."""
    rates = [price(name, "on_demand", usd) for name, usd in ON_DEMAND_USD.items()]
    for name, usd in ON_DEMAND_USD.items():
        if draw(st.booleans()):
            share, term = draw(st.sampled_from(SHARES)), draw(st.integers(2, HOURS))
            upfront = draw(st.sampled_from([None, 0.5, 1.0]))
            hourly = round(usd * share, 4)
            if upfront is None:
                rates.append(price(name, "reserved_standard", hourly, term))
            else:
                paid = round(hourly * term * upfront, 4)
                rest = round(hourly * (1 - upfront), 4)
                payment = "all_upfront" if upfront == 1.0 else "partial_upfront"
                rates.append(price(name, "reserved_standard", rest, term, payment, paid))
    rates += draw(compute_plans(price))
    return rates


@st.composite
def compute_plans(draw, price):
    """Up to two compute plans, with rates unequal among machines and terms."""
    terms = draw(st.sets(st.integers(1, HOURS), max_size=2))
    return [
        price(name, "savings_plan_compute", round(usd * draw(st.sampled_from(SHARES)), 4), term)
        for term in sorted(terms)
        for name, usd in ON_DEMAND_USD.items()
    ]


amounts = st.lists(st.sampled_from([0, 0.5, 1, 2, 3]), min_size=HOURS, max_size=HOURS)
demands = st.fixed_dictionaries(dict.fromkeys(ON_DEMAND_USD, amounts))


def parts(demand, **more):
    """Arguments of a plan with three purchase dates and half-dollar steps."""
    return {
        "demand": demand,
        "types": TYPES,
        "horizon": {"hours": HOURS},
        "purchases": {"hours": [0, 2, 3]},
        "commitment_step_usd": 0.5,
    } | more


def test_another_offer_never_raises_the_optimum(planned, price):
    @relaxed
    @given(rates=price_lists(price), demand=demands, share=st.sampled_from(SHARES))
    def check(rates, demand, share):
        before = planned(rates, **parts(demand))
        offer = price("fixed.x", "reserved_convertible", round(1.4 * share, 4), 3)
        after = planned([*rates, offer], **parts(demand))
        assert float(after.model_cost_usd) <= float(before.model_cost_usd) + TOLERANCE_USD

    check()


def test_another_purchase_date_never_raises_the_optimum(planned, price):
    @relaxed
    @given(rates=price_lists(price), demand=demands, hour=st.integers(1, HOURS - 1))
    def check(rates, demand, hour):
        before = planned(rates, **parts(demand, purchases={"hours": [0]}))
        after = planned(rates, **parts(demand, purchases={"hours": [0, hour]}))
        assert float(after.model_cost_usd) <= float(before.model_cost_usd) + TOLERANCE_USD

    check()


def times(rates, factor, *fields):
    return [row | {name: row[name] * factor for name in fields if name in row} for row in rates]


def test_twice_the_prices_with_twice_the_budget_and_step_cost_twice_as_much(planned, price):
    """A plan's rates are prices too: twice the dollars per hour serve the same machines."""

    @relaxed
    @given(rates=price_lists(price), demand=demands, budget=st.sampled_from([0, 2, 5]))
    def check(rates, demand, budget):
        once = planned(rates, **parts(demand, limits={"upfront_budget_usd": budget}))
        twice = planned(
            times(rates, 2, "hourly_usd", "upfront_usd"),
            **parts(demand, limits={"upfront_budget_usd": 2 * budget}, commitment_step_usd=1.0),
        )
        doubled = pytest.approx(2 * float(once.model_cost_usd), abs=TOLERANCE_USD)
        assert float(twice.model_cost_usd) == doubled

    check()


def test_with_nothing_owned_the_optimum_is_never_above_all_on_demand(planned, price):
    @relaxed
    @given(rates=price_lists(price), demand=demands)
    def check(rates, demand):
        found = planned(rates, **parts(demand))
        on_demand = sum(sum(demand[name]) * usd for name, usd in ON_DEMAND_USD.items())
        assert float(found.on_demand_cost_usd) == pytest.approx(on_demand, abs=1e-6)
        assert float(found.model_cost_usd) <= on_demand + TOLERANCE_USD

    check()


def test_on_proportional_prices_neither_bound_nor_model_exceed_the_bill(planned, price):
    """The provider's assignment is one of those the model chooses from."""

    @relaxed
    @given(rates=price_lists(price), demand=demands)
    def check(rates, demand):
        found = planned(rates, **parts(demand))
        assert float(found.lower_bound_usd) <= float(found.total_cost_usd) + TOLERANCE_USD
        assert float(found.model_cost_usd) <= float(found.total_cost_usd) + TOLERANCE_USD

    check()


@pytest.mark.parametrize("order", [*permutations(ON_DEMAND_USD)])
def test_the_order_of_workloads_and_price_rows_changes_nothing(order, planned, price):
    demand = {"flex.small": [1, 2, 3, 0, 1, 2], "flex.large": [2, 2, 0, 1, 1, 1],
              "fixed.x": [1, 1, 1, 3, 3, 0]}  # fmt: skip
    rates = [
        row
        for name, usd in ON_DEMAND_USD.items()
        for row in (
            price(name, "on_demand", usd),
            price(name, "reserved_standard", round(0.6 * usd, 4), 4),
            price(name, "savings_plan_compute", round(0.7 * usd, 4), 2),
        )
    ]
    first = planned(rates, **parts(demand))
    turned = planned(
        sorted(rates, key=lambda row: order.index(row["instance_type"])),
        **parts({name: demand[name] for name in order}),
    )
    assert turned.purchases == first.purchases
    assert turned.total_cost_usd == first.total_cost_usd
    assert turned.model_cost_usd == first.model_cost_usd


def test_the_order_of_candidate_machines_changes_nothing(planned, price):
    rates = [price("a", "on_demand", 1.0), price("b", "on_demand", 1.2),
             price("b", "reserved_standard", 0.5, 4)]  # fmt: skip
    capacities = {"a": 2.0, "b": 3.0}
    found = [
        planned(
            rates,
            demand={"requests": [6, 3, 6, 6]},
            workloads=[
                {
                    "name": "requests",
                    "needs": {
                        "unit": "own",
                        "capacity": {name: capacities[name] for name in order},
                    },
                    "regions": ["here"],
                }
            ],
        )
        for order in ("ab", "ba")
    ]
    assert found[0].purchases == found[1].purchases
    assert found[0].mix == found[1].mix
    assert found[0].total_cost_usd == found[1].total_cost_usd


def test_hours_that_last_twice_as_long_cost_twice_as_much(planned, price):
    """Every hour written twice, with terms, upfronts and purchase hours doubled (amortized)."""

    @relaxed
    @given(rates=price_lists(price), demand=demands)
    def check(rates, demand):
        once = planned(rates, **parts(demand))
        slow = {name: [value for value in series for _ in "ab"] for name, series in demand.items()}
        twice = planned(
            times(rates, 2, "term_hours", "upfront_usd"),
            **parts(slow, horizon={"hours": 2 * HOURS}, purchases={"hours": [0, 4, 6]}),
        )
        doubled = pytest.approx(2 * float(once.model_cost_usd), abs=TOLERANCE_USD)
        assert float(twice.model_cost_usd) == doubled

    check()
