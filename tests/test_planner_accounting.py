"""Purchases charged by hand under the three accountings, and what each plan says about money."""

from decimal import Decimal

import pytest

FOUR_HOURS = {"m": [1, 1, 1, 1]}
MICRO_USD = 1e-6


@pytest.fixture
def rates(price):
    """On demand 3 USD; reserved for 8 hours: 8 USD upfront and 0.5 USD per hour."""
    return [
        price("m", "on_demand", 3),
        price("m", "reserved_standard", 0.5, 8, "partial_upfront", 8),
    ]


def test_amortized_charges_the_hours_inside_the_horizon(planned, rates):
    """4 of 8 hours: half of the upfront and 4 recurring hours; as much again comes after."""
    found = planned(rates, FOUR_HOURS, horizon={"hours": 4})
    (bought,) = found.purchases
    assert (bought.quantity, bought.upfront_usd, bought.hourly_usd) == (1, 8, Decimal("0.5"))
    assert bought.cost_usd == 4 + 2
    assert bought.after_horizon_usd == 4 + 2
    assert found.total_cost_usd == 6
    (month,) = found.monthly
    assert (month.month, month.on_demand_usd, month.commitment_usd) == ("2026-01", 0, 6)
    assert (month.upfront_cash_usd, month.cash_usd) == (8, 10)
    assert float(found.model_cost_usd) == pytest.approx(6, abs=MICRO_USD)
    assert (found.coverage, found.utilization) == (1, 1)
    assert (found.on_demand_cost_usd, found.savings_usd) == (12, 6)
    assert found.savings_share == 0.5


def test_full_term_charges_a_purchase_whole(planned, rates):
    """8 USD upfront and 8 recurring hours: 12 USD, as much as 4 hours on demand."""
    found = planned(rates, {"m": [1] * 4 + [2]}, horizon={"hours": 5, "accounting": "full_term"})
    (bought,) = found.purchases
    assert bought.cost_usd == 12
    assert found.total_cost_usd == 12 + 3
    assert float(found.model_cost_usd) == pytest.approx(15, abs=MICRO_USD)
    assert sum(month.commitment_usd for month in found.monthly) == 12


def test_cash_flow_discounts_and_credits_what_is_not_used_up(planned, rates):
    """Without a discount rate the credit leaves half of the upfront: 4 and 4 x 0.5."""
    flat = planned(rates, FOUR_HOURS, horizon={"hours": 4, "accounting": "cash_flow"})
    assert flat.total_cost_usd == 6

    found = planned(
        rates,
        FOUR_HOURS,
        horizon={"hours": 4, "accounting": "cash_flow", "discount_rate": 9},
    )
    worth = [10 ** (-hour / 8760) for hour in range(5)]
    by_hand = 8 + 0.5 * sum(worth[:4]) - 4 * worth[4]
    assert float(found.total_cost_usd) == pytest.approx(by_hand, abs=1e-8)
    assert float(found.model_cost_usd) == pytest.approx(by_hand, abs=MICRO_USD)


@pytest.mark.parametrize(
    ("accounting", "cost_usd"),
    [
        pytest.param("amortized", 2 * (8 / 8 + 0.5), id="amortized: its two hours"),
        pytest.param("cash_flow", 2 * 0.5, id="cash_flow: its upfront is sunk"),
        pytest.param("full_term", 2 * (8 / 8 + 0.5), id="full_term: nothing from before"),
    ],
)
def test_an_owned_commitment_begun_before_is_charged_its_hours(
    planned, rates, accounting, cost_usd
):
    """8 hours from 6 hours before: 2 are inside; the last two hours are on demand."""
    owned = {
        "id": "old", "kind": "reserved_standard", "payment": "partial_upfront",
        "start": "2025-12-31T18:00Z", "end": "2026-01-01T02:00Z",
        "instance_type": "m", "region": "here", "quantity": 1,
    }  # fmt: skip
    found = planned(
        rates,
        FOUR_HOURS,
        horizon={"hours": 4, "accounting": accounting},
        owned=[owned],
        offers={"kinds": []},
    )
    assert [(one.id, float(one.cost_usd), one.utilization) for one in found.owned] == [
        ("old", cost_usd, 1.0)
    ]
    assert float(found.total_cost_usd) == cost_usd + 2 * 3
    assert float(found.model_cost_usd) == pytest.approx(cost_usd + 2 * 3, abs=MICRO_USD)


def test_full_term_charges_an_owned_commitment_past_the_horizon(planned, rates):
    """Begun 2 hours before with 6 hours left, of which 4 lie inside: charged 6 x 1.5."""
    owned = {
        "id": "old", "kind": "reserved_standard", "payment": "partial_upfront",
        "start": "2025-12-31T22:00Z", "end": "2026-01-01T06:00Z",
        "instance_type": "m", "region": "here", "quantity": 1,
    }  # fmt: skip
    found = planned(
        rates,
        FOUR_HOURS,
        horizon={"hours": 4, "accounting": "full_term"},
        owned=[owned],
        offers={"kinds": []},
    )
    assert float(found.total_cost_usd) == 9
    assert float(found.model_cost_usd) == pytest.approx(9, abs=MICRO_USD)


def test_an_owned_plan_is_charged_its_dollars_and_serves_at_the_catalogue_rate(planned, price):
    """2 USD per hour at 0.5 USD a machine-hour serve 4 of 5 machines; the fifth costs 1 USD."""
    owned = {
        "id": "sp", "kind": "savings_plan_compute", "commitment_usd": 2,
        "start": "2025-07-01T00:00Z", "end": "2026-07-01T00:00Z",
    }  # fmt: skip
    rates = [price("m", "on_demand", 1), price("m", "savings_plan_compute", 0.5, 8760)]
    found = planned(rates, {"m": [5, 5]}, owned=[owned], offers={"kinds": []})
    assert float(found.total_cost_usd) == 2 * (2 + 1)
    assert float(found.model_cost_usd) == pytest.approx(6, abs=MICRO_USD)
    assert found.coverage == pytest.approx(0.8)


def test_an_owned_commitment_that_serves_nothing_of_the_fleet_is_still_paid(planned, rates):
    """Of another operating system."""
    elsewhere = {
        "id": "elsewhere", "kind": "reserved_standard", "payment": "no_upfront",
        "start": "2025-01-01T00:00Z", "end": "2027-01-01T00:00Z", "hourly_usd": 2,
        "instance_type": "m", "region": "here", "os": "windows", "quantity": 1,
    }  # fmt: skip
    found = planned(rates, FOUR_HOURS, horizon={"hours": 4}, owned=[elsewhere])
    assert found.notes == (
        "owned: elsewhere serves nothing of this fleet; its cost counts all the same",
    )
    assert found.total_cost_usd == 6 + 4 * 2
    assert float(found.model_cost_usd) == pytest.approx(14, abs=MICRO_USD)
    (use,) = found.owned
    assert use.utilization == 0


def test_months_add_up_to_the_total_and_follow_the_calendar(planned, price):
    """744 hours of January and 24 of February; 1 USD upfront per 8 hours amortized evenly."""
    rates = [
        price("m", "on_demand", 3),
        price("m", "reserved_standard", 0.25, 800, "partial_upfront", 800),
    ]
    found = planned(rates, {"m": [1] * 768}, horizon={"hours": 768})
    assert [(month.month, month.commitment_usd) for month in found.monthly] == [
        ("2026-01", Decimal("930")),
        ("2026-02", Decimal("30")),
    ]
    assert [month.upfront_cash_usd for month in found.monthly] == [800, 0]
    assert [month.cash_usd for month in found.monthly] == [800 + 186, 6]
    assert found.total_cost_usd == 960
    assert found.purchases[0].after_horizon_usd == 32 * Decimal("1.25")


def test_purchases_wait_for_the_date_that_pays(planned, price):
    """Demand begins in hour 3; a reservation of 3 hours is bought there, not at the start."""
    rates = [price("m", "on_demand", 2), price("m", "reserved_standard", 1, 3)]
    found = planned(
        rates, {"m": [0, 0, 0, 1, 1, 1]}, purchases={"hours": [0, 3]}, horizon={"hours": 6}
    )
    assert [(one.start.hour, one.end.hour, one.quantity) for one in found.purchases] == [(3, 6, 1)]
    assert found.total_cost_usd == 3


@pytest.mark.parametrize("payment", ["no_upfront", "partial_upfront", "all_upfront"])
def test_a_plans_upfront_is_its_share_of_the_whole_term(planned, price, payment):
    """4 USD per hour over 10 hours: 40 USD, of which 0, a half, or all upfront."""
    rates = [price("m", "on_demand", 2), price("m", "savings_plan_compute", 1, 10, payment)]
    found = planned(rates, {"m": [4] * 5}, commitment_step_usd=0.5, horizon={"hours": 5})
    share = {"no_upfront": 0, "partial_upfront": Decimal("0.5"), "all_upfront": 1}[payment]
    (bought,) = found.purchases
    assert (bought.unit, bought.quantity) == ("USD per hour", 4)
    assert (bought.upfront_usd, bought.hourly_usd) == (40 * share, 4 * (1 - share))
    assert (bought.cost_usd, bought.after_horizon_usd) == (20, 20)
