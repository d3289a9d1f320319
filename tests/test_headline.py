"""What one signs for, against sums by hand from purchases, months and prices."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from planner import Surroundings, compare, make_plan, parse_request

FIRST = Path(__file__).parents[2] / "shared" / "field-cases" / "first-answer"
PRICES = Path(__file__).parents[1] / "catalogs" / "data" / "aws.parquet"
NANO = 1e-6
YEAR = 8760


def hours_between(earlier, later):
    return (later - earlier).total_seconds() / 3600


def by_hand(plan):
    """Commitment, fees due and upfront unused after the horizon, of what is bought for certain."""
    committed = fees = ahead = 0.0
    for one in plan.purchases:
        upfront, hourly = float(one.upfront_usd), float(one.hourly_usd)
        after = max(hours_between(plan.horizon.end, one.end), 0.0)
        term = hours_between(one.start, one.end)
        assert term == one.term_hours
        committed += upfront + hourly * term
        fees += hourly * after
        ahead += upfront * after / term
    return committed, fees, ahead


def check(plan):
    head = plan.headline
    committed, fees, ahead = by_hand(plan)
    assert float(head.commitment_total_usd) == pytest.approx(committed, abs=NANO)
    assert float(head.still_to_pay_usd) == pytest.approx(fees, abs=NANO)
    assert float(head.paid_ahead_usd) == pytest.approx(ahead, abs=NANO)
    assert head.owed_after_demand_usd == head.still_to_pay_usd + head.paid_ahead_usd
    cash = [float(month.cash_usd) for month in plan.monthly]
    if plan.horizon.accounting != "full_term":
        assert float(head.cash_first_quarter_usd) == pytest.approx(sum(cash[:3]), abs=NANO)
        assert float(head.cash_first_year_usd) == pytest.approx(sum(cash[:12]), abs=NANO)
    if plan.horizon.accounting == "cash_flow":
        assert float(head.cash_usd) == pytest.approx(sum(cash), abs=NANO)
        return
    paid = sum(float(month.on_demand_usd) for month in plan.monthly)
    for one in plan.purchases:
        inside = hours_between(one.start, min(one.end, plan.horizon.end))
        paid += float(one.upfront_usd) + float(one.hourly_usd) * inside
    owned_usd = sum(float(one.cost_usd) for one in plan.owned)  # without upfront, here
    assert float(head.cash_usd) == pytest.approx(paid + owned_usd, abs=NANO)
    dates = [one.start.date() for one in plan.purchases]
    assert head.next_deadline == min(dates, default=None)


def test_cash_is_what_is_paid_hour_by_hour(document, price):
    """Ninety days from 20 January on: 1,200 USD upfront, 0.5 an hour, 2 on demand above a machine.

    Of the term of 2,400 hours 240 lie after the 2,160 planned ones.
    """
    hours = 90 * 24
    rates = [
        price("m", "on_demand", 2),
        price("m", "reserved_standard", 0.5, 2400, "partial_upfront", 1200),
    ]
    demand = [2 if hour % 24 == 7 else 1 for hour in range(hours)]
    start = datetime(2026, 1, 20, tzinfo=UTC)
    asked = document(rates, {"m": demand}, offers={"terms_hours": [2400]})
    asked["demand"]["inline"]["start"] = start.isoformat()
    plan = make_plan(parse_request(asked))

    assert [(one.quantity, one.upfront_usd) for one in plan.purchases] == [(1, 1200)]
    moments = [start + timedelta(hours=hour) for hour in range(hours)]
    paid = [0.5 + 2 * (count - 1) for count in demand]
    quarter = sum(usd for usd, at in zip(paid, moments, strict=True) if at.month <= 3)
    head = plan.headline
    assert head.first_quarter == "2026-01 to 2026-03"
    assert head.first_year == "2026-01 to 2026-04"
    assert float(head.cash_first_quarter_usd) == pytest.approx(1200 + quarter)
    assert float(head.cash_first_year_usd) == pytest.approx(1200 + sum(paid))
    rented = [2 * count for count in demand]
    assert float(head.on_demand_cash.first_quarter_usd) == pytest.approx(
        sum(usd for usd, at in zip(rented, moments, strict=True) if at.month <= 3)
    )
    assert float(head.on_demand_cash.horizon_usd) == pytest.approx(sum(rented))
    assert float(head.commitment_total_usd) == pytest.approx(1200 + 0.5 * 2400)
    assert float(head.still_to_pay_usd) == pytest.approx(0.5 * 240)
    assert float(head.paid_ahead_usd) == pytest.approx(1200 * 240 / 2400)
    assert head.next_deadline == start.date()
    assert head.savings_usd.mean == head.savings_usd.worst_tenth == head.savings_usd.best_tenth
    check(plan)


def test_more_cash_than_on_demand_is_said_in_the_sentence(planned, price):
    """All 30 USD are paid for 30 hours of which 10 are planned; on demand these cost 20."""
    rates = [
        price("m", "on_demand", 2),
        price("m", "reserved_standard", 0, 30, "all_upfront", 30),
    ]
    offers = {"terms_hours": [30]}
    plan = planned(rates, {"m": [1] * 10}, offers=offers)

    assert plan.headline.sentence == (
        "plan: buy 1 commitment on 2026-01-01 (30.00 USD upfront). The fleet costs 10.00 USD over "
        "10 hours, 50.0% less than on demand (20.00 USD). More is paid in that time than all on "
        "demand: 30.00 USD instead of 20.00 USD."
    )


def test_nothing_bought_binds_to_nothing(planned, price):
    plan = planned([price("m", "on_demand", 2)], {"m": [1] * 10})

    head = plan.headline
    assert (head.commitment_total_usd, head.owed_after_demand_usd, head.next_deadline) == (
        0,
        0,
        None,
    )
    assert head.cash_usd == head.on_demand_cash.horizon_usd == 20
    assert head.sentence.startswith("plan: buy no commitment.")


prices = st.fixed_dictionaries(
    {
        "upfront": st.integers(0, 40),
        "hourly": st.sampled_from([0.0, 0.25, 0.9]),
        "term": st.sampled_from([24, 100, 800]),
    }
)


@settings(deadline=None, max_examples=40)
@given(
    one=prices, other=prices, accounting=st.sampled_from(["amortized", "cash_flow", "full_term"])
)
def test_any_plan_adds_up(planned, price, one, other, accounting):
    def row(name, of):
        payment = "partial_upfront" if of["upfront"] else "no_upfront"
        usd = of["upfront"] or None
        return price(name, "reserved_standard", of["hourly"], of["term"], payment, usd)

    rates = [price("m", "on_demand", 2), row("m", one), price("n", "on_demand", 1), row("n", other)]
    demand = {"m": [3, 2] * 36, "n": [1] * 72}
    plan = planned(
        rates,
        demand,
        horizon={"hours": 72, "accounting": accounting},
        purchases={"hours": [0, 30]},
        offers={"terms_hours": sorted({one["term"], other["term"]})},
    )

    check(plan)


@pytest.mark.parametrize("accounting", ["amortized", "full_term"])
def test_fees_of_what_is_owned_already_are_told_apart(planned, price, accounting):
    """Three owned reservations at 0.5 USD an hour run on for 20 hours after the 10 planned ones."""
    rates = [price("m", "on_demand", 2), price("m", "reserved_standard", 0.5, 40)]
    owned = {
        "id": "old", "kind": "reserved_standard", "instance_type": "m", "region": "here",
        "quantity": 3, "start": "2025-12-31T14:00Z", "end": "2026-01-02T06:00Z",
    }  # fmt: skip
    plan = planned(
        rates,
        {"m": [2] * 10},
        owned=[owned],
        offers={"kinds": []},
        horizon={"accounting": accounting},
    )

    head = plan.headline
    assert float(head.owned_still_to_pay_usd) == pytest.approx(3 * 0.5 * 20)
    assert float(head.cash_usd) == pytest.approx(3 * 0.5 * 10)
    assert head.still_to_pay_usd == head.commitment_total_usd == 0


@pytest.mark.parametrize("accounting", ["amortized", "full_term"])
def test_fees_of_what_is_exchanged_are_those_of_what_is_taken(planned, price, accounting):
    """Four owned machines at 0.6 USD an hour become three at 0.8: 2.4 in each of 24 + 48 hours."""
    rates = [
        price("b", "on_demand", 2.0),
        price("b", "reserved_convertible", 0.8, 96, "no_upfront"),
        price("z", "reserved_convertible", 0.6, 96, "no_upfront"),
        price("z", "on_demand", 1.0),
    ]
    owned = {
        "id": "wrong", "kind": "reserved_convertible", "instance_type": "z", "region": "here",
        "quantity": 4, "start": "2025-12-31T00:00Z", "end": "2026-01-04T00:00Z",
    }  # fmt: skip
    plan = planned(
        rates,
        {"b": [3.0] * 24},
        owned=[owned],
        offers={"kinds": [], "exchanges": True},
        horizon={"accounting": accounting},
    )

    head = plan.headline
    assert [one.quantity for one in plan.exchanges] == [3]
    assert float(head.cash_usd) == pytest.approx(24 * 2.4)
    assert float(head.still_to_pay_usd) == pytest.approx(48 * 2.4)
    assert head.owned_still_to_pay_usd == 0
    assert float(head.commitment_total_usd) == pytest.approx(0)


def test_savings_range_over_futures(planned, price):
    """Nine in ten futures save 1 USD in each of 4 hours; one in twenty loses 4, one saves none."""
    rates = [price("m", "on_demand", 2), price("m", "reserved_standard", 1, 4)]
    futures = {f"f{at}": {"m": [level] * 4} for at, level in enumerate([1] * 18 + [0, 0.5])}
    plan = planned(rates, futures, scenarios=dict.fromkeys(futures, 0.05))

    head = plan.headline
    assert float(head.savings_usd.mean) == pytest.approx((18 * 4 - 4 + 0) / 20)
    assert float(head.savings_usd.worst_tenth) == pytest.approx(0)
    assert float(head.savings_usd.best_tenth) == pytest.approx(4)


def test_strategies_have_the_same_figures(price, document):
    rates = [
        price("m", "on_demand", 2),
        price("m", "reserved_standard", 0, YEAR, "all_upfront", 9000),
    ]
    request = parse_request(
        document(rates, {"m": [1] * 400}, offers={"terms_hours": [YEAR]}, horizon={"hours": 400})
    )
    found = {one.strategy: one.headline for one in compare(request).strategies}

    plan = make_plan(request)
    assert found["optimum"].model_dump(exclude={"sentence"}) == plan.headline.model_dump(
        exclude={"sentence"}
    )
    assert float(found["on_demand"].cash_usd) == 800
    peak = found["reserved_at_peak"]
    assert float(peak.cash_first_quarter_usd) == 9000
    assert float(peak.paid_ahead_usd) == pytest.approx(9000 * (YEAR - 400) / YEAR)


def listed_usd(machine, kind, term=0, payment=None):
    """Upfront and hourly price of a machine in us-east-1, read from the catalogue's own table."""
    table = pd.read_parquet(
        PRICES, filters=[("instance_type", "==", machine), ("kind", "==", kind)]
    )
    table = table[(table.region == "us-east-1") & (table.os == "linux")]
    table = table[(table.tenancy == "shared") & (table.term_hours == term)]
    if payment is not None:
        table = table[table.payment == payment]
    (row,) = table.itertuples()
    return row.upfront_nanousd / 1e9, row.hourly_nanousd / 1e9


PAID_AHEAD = {"no_upfront": 0.0, "partial_upfront": 0.5, "all_upfront": 1.0}
"""Share of a savings plan's commitment that is paid upfront."""


def from_catalogue(shown):
    """Commitment, fees after, upfront unused, and cash inside, of what a plan says it buys."""
    sums, end = [0.0, 0.0, 0.0, 0.0], datetime.fromisoformat(shown["horizon"]["end"])
    for one in shown["purchases"]:
        quantity, term, payment = one["quantity"], one["term_hours"], one["payment"]
        if one["kind"].startswith("savings_plan"):
            share = PAID_AHEAD[payment]
            upfront, hourly = quantity * term * share, quantity * (1 - share)
        else:
            machine = one["offer_id"].split(":")[3]
            prices = listed_usd(machine, one["kind"], term, payment)
            upfront, hourly = (quantity * usd for usd in prices)
        inside = min(term, hours_between(datetime.fromisoformat(one["start"]), end))
        ahead = upfront * (1 - inside / term)
        found = (
            upfront + hourly * term,
            hourly * (term - inside),
            ahead,
            upfront + hourly * inside,
        )
        for at, usd in enumerate(found):
            sums[at] += usd
    return sums


@pytest.mark.skipif(not FIRST.exists(), reason="the shared reference data is not there")
@pytest.mark.slow
def test_what_a_real_trace_leaves_to_pay_stands_in_the_first_screen():
    """187,646 USD after the demand ends, 155,989 USD of them fees, but for the gap."""
    document = yaml.safe_load((FIRST / "shop.yaml").read_text())

    plan = make_plan(parse_request(document), Surroundings(folder=FIRST))

    check(plan)
    shown = json.loads(plan.model_dump_json())
    committed, fees, ahead, inside = from_catalogue(shown)
    usage = pd.read_csv(FIRST / "usage_naive.csv", index_col=0, parse_dates=True)
    machines = {one["name"]: one["needs"]["of"] for one in document["workloads"]}
    rented = sum(usage[name] * listed_usd(of, "on_demand")[1] for name, of in machines.items())
    by_month = rented.groupby(rented.index.strftime("%Y-%m")).sum()
    head = plan.headline
    assert float(head.commitment_total_usd) == pytest.approx(committed, abs=NANO * 100)
    assert float(head.still_to_pay_usd) == pytest.approx(fees, abs=NANO * 100)
    assert float(head.paid_ahead_usd) == pytest.approx(ahead, abs=NANO * 100)
    for cash, months in ((head.on_demand_cash.first_quarter_usd, 3),
                         (head.on_demand_cash.first_year_usd, 12),
                         (head.on_demand_cash.horizon_usd, None)):  # fmt: skip
        assert float(cash) == pytest.approx(by_month.iloc[:months].sum(), abs=0.005)
    on_demand = sum(month["on_demand_usd"] for month in shown["monthly"])
    owned = sum(one["cost_usd"] for one in shown["owned"])
    assert float(head.cash_usd) == pytest.approx(on_demand + owned + inside, abs=0.005)
    # Ten reserved m5.2xlarge for a year, until 2027-03-01: 90 days after the demand.
    _, owned_usd = listed_usd("m5.2xlarge", "reserved_standard", YEAR, "no_upfront")
    assert float(head.owned_still_to_pay_usd) == pytest.approx(10 * owned_usd * 90 * 24)
    assert float(head.owed_after_demand_usd) == pytest.approx(187_646, rel=0.01)
    assert float(head.still_to_pay_usd) == pytest.approx(155_989, rel=0.01)
    assert np.isclose(float(plan.total_cost_usd), 159_005, rtol=2e-3)


@pytest.mark.parametrize(
    ("accounting", "total"),
    [("amortized", 5294.67), ("cash_flow", 5591.16), ("full_term", 15_884)],
)
def test_the_example_of_the_three_accountings(document, price, accounting, total):
    """The one of docs/decisions/0007-accounting.md."""
    rates = [
        price("m", "on_demand", 0.8),
        price("m", "reserved_standard", 0.3, 26_280, "partial_upfront", 8000),
    ]
    horizon = {"accounting": accounting, "hours": YEAR}
    if accounting == "cash_flow":
        horizon["discount_rate"] = 0.08
    asked = document(
        rates,
        {"m": [1] * YEAR},
        offers={"terms_hours": [26_280]},
        limits={"coverage": {"at_least": 0.99}},
        horizon=horizon,
    )
    plan = make_plan(parse_request(asked))

    assert float(plan.total_cost_usd) == pytest.approx(total, abs=0.005)
    head = plan.headline
    assert float(head.cash_first_quarter_usd) == pytest.approx(8000 + 0.3 * 90 * 24)
    assert float(head.cash_usd) == pytest.approx(8000 + 0.3 * YEAR)
    assert float(head.still_to_pay_usd) == pytest.approx(5256)
    assert float(head.paid_ahead_usd) == pytest.approx(8000 * 2 / 3)
