"""Why offers stay unbought: break-even and utilization computed by hand."""

import pytest


def reason(found, offer):
    return next(one for one in found.not_bought if offer in one.offer_id)


def test_a_reservation_breaks_even_at_its_effective_over_its_on_demand_price(planned, price):
    """1.2 / 2 = 60 % of the hours; the machine runs in 1 of 4 hours."""
    rates = [price("m", "on_demand", 2), price("m", "reserved_standard", 1.2, 4)]
    found = planned(rates, {"m": [1, 0, 0, 0]})
    one = reason(found, "reserved")
    assert one.break_even_utilization == pytest.approx(0.6)
    assert one.utilization == one.alone_utilization == 0.25
    assert one.reason == "too_little_usage"
    assert one.start == found.horizon.start


def test_a_dearer_product_is_beaten_by_what_was_bought(planned, price):
    """Alone it would be used in all 4 hours; beside the cheaper one nothing is left for it."""
    rates = [
        price("m", "on_demand", 2),
        price("m", "reserved_standard", 0.5, 4),
        price("m", "reserved_convertible", 1, 4),
    ]
    found = planned(rates, {"m": [3, 3, 3, 3]})
    one = reason(found, "convertible")
    assert one.break_even_utilization == pytest.approx(0.5)
    assert (one.utilization, one.alone_utilization) == (0, 1)
    assert one.reason == "served_cheaper"
    assert one.served_by == ("custom:reserved_standard:here:m:4h:no_upfront",)
    assert [bought.offer_id for bought in found.purchases] == [
        "custom:reserved_standard:here:m:4h:no_upfront"
    ]


def test_a_budget_keeps_a_good_offer_unbought(planned, price):
    """1 USD of effective price against 2 on demand, fully used, but 4 USD upfront are too much."""
    rates = [price("m", "on_demand", 2), price("m", "reserved_standard", 0, 4, "all_upfront", 4)]
    found = planned(rates, {"m": [1] * 4}, limits={"upfront_budget_usd": 3})
    one = reason(found, "all_upfront")
    assert one.break_even_utilization == pytest.approx(0.5)
    assert one.utilization == 1
    assert one.reason == "budget_used_up"


def test_a_budget_of_which_a_purchase_left_too_little_is_used_up(planned, price):
    """Two are worth it at 4 USD each; 5 USD pay one."""
    rates = [
        price("m", "on_demand", 2),
        price("m", "reserved_standard", 0, 4, "all_upfront", 4),
        price("n", "on_demand", 2),
        price("n", "reserved_standard", 0, 4, "all_upfront", 4.1),
    ]
    found = planned(rates, {"m": [1] * 4, "n": [1] * 4}, limits={"upfront_budget_usd": 5})
    assert [one.offer_id for one in found.purchases] == [
        "custom:reserved_standard:here:m:4h:all_upfront"
    ]
    assert reason(found, ":n:").reason == "budget_used_up"


def test_a_purchase_that_serves_more_than_there_ever_is_is_too_large(planned, price):
    """Half a machine runs all the time: half of a reservation is used, 60 % are needed."""
    rates = [price("m", "on_demand", 2), price("m", "reserved_standard", 1.2, 4)]
    found = planned(rates, {"m": [0.5] * 4})
    one = reason(found, "reserved")
    assert (one.utilization, one.break_even_utilization) == (0.5, pytest.approx(0.6))
    assert one.reason == "beyond_smallest_purchase"


def test_a_ceiling_on_coverage_is_a_reason(planned, price):
    rates = [price("m", "on_demand", 2), price("m", "reserved_standard", 1, 4)]
    found = planned(rates, {"m": [1] * 4}, limits={"coverage": {"at_most": 0.5}})
    assert reason(found, "reserved").reason == "limit_reached"


def test_the_smallest_purchase_asked_for_is_a_reason(planned, price):
    """4 USD over the term are less than 5."""
    rates = [price("m", "on_demand", 2), price("m", "reserved_standard", 1, 4)]
    found = planned(rates, {"m": [1] * 4}, purchases={"smallest_usd": 5})
    assert reason(found, "reserved").reason == "below_smallest_usd"


def test_a_line_that_saves_too_little_is_left_out_for_few_lines(planned, price):
    """A reservation of n saves 0.04 USD of some 4; at 5 % that is no line of its own."""
    rates = [price("m", "on_demand", 2), price("m", "reserved_standard", 1, 4),
             price("n", "on_demand", 0.02), price("n", "reserved_standard", 0.01, 4)]  # fmt: skip
    found = planned(rates, {"m": [1] * 4, "n": [1] * 4}, simplify=0.05)
    assert [one.offer_id for one in found.purchases] == [
        "custom:reserved_standard:here:m:4h:no_upfront"
    ]
    assert reason(found, ":n:").reason == "left_out_for_few_lines"


def test_a_plan_breaks_even_at_its_rate_over_the_on_demand_price_it_displaces(planned, price):
    """In the only busy hour it displaces m at 2 USD for 1.8 USD: 90 %; used in 1 of 2 hours."""
    rates = [price("m", "on_demand", 2), price("n", "on_demand", 5),
             price("m", "savings_plan_compute", 1.8, 2),
             price("n", "savings_plan_compute", 4, 2)]  # fmt: skip
    found = planned(rates, {"m": [1, 0], "n": [0, 0]})
    one = reason(found, "savings_plan")
    assert one.break_even_utilization == pytest.approx(0.9)
    assert one.utilization == 0.5
    assert one.reason == "too_little_usage"


def test_upfront_counts_in_the_break_even(planned, price):
    """6 USD upfront over 4 hours and 0.2 USD per hour: 1.7 / 2."""
    rates = [price("m", "on_demand", 2),
             price("m", "reserved_standard", 0.2, 4, "partial_upfront", 6)]  # fmt: skip
    found = planned(rates, {"m": [1, 1, 1, 0]})
    one = reason(found, "reserved")
    assert one.break_even_utilization == pytest.approx(0.85)
    assert one.utilization == 0.75


def test_bought_offers_are_not_among_the_reasons(planned, price):
    rates = [price("m", "on_demand", 2), price("m", "reserved_standard", 1, 4)]
    found = planned(rates, {"m": [1] * 4})
    assert found.not_bought == ()


def test_utilization_of_a_purchase_is_the_share_of_its_hours_used(planned, price):
    """One of two machines idles in one of four hours: 7 of 8 machine-hours."""
    rates = [price("m", "on_demand", 2), price("m", "reserved_standard", 0.5, 4)]
    found = planned(rates, {"m": [2, 2, 2, 1]})
    (bought,) = found.purchases
    assert bought.quantity == 2
    assert bought.utilization == found.utilization == 7 / 8


@pytest.mark.parametrize("kind", ["reserved_standard", "savings_plan_compute"])
def test_machines_that_are_free_on_demand_leave_an_offer_unbought(planned, price, kind):
    """Nothing breaks even against a price of zero; no division by it either."""
    rates = [price("m", "on_demand", 0), price("m", kind, 1, 4)]
    found = planned(rates, {"m": [1] * 4})
    assert found.purchases == ()
    assert found.total_cost_usd == 0
    assert len(found.not_bought) == 1
