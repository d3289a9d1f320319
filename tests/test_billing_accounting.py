"""Monthly figures of the three accountings, worked by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogs.faults import InvalidInputError
from planner.billing import Reservation, SavingsPlan, Usage, UsageClass, bill

START = datetime(2026, 1, 31, 20, tzinfo=UTC)
MACHINE = UsageClass(
    account="A",
    name="m5.large",
    region="us-east-1",
    family="m5",
    units=Decimal(4),
    on_demand_usd=Decimal("0.10"),
)


def usd(text):
    return Decimal(text)


def running(machines, hours, start=START):
    return Usage(start, (MACHINE,), np.full((hours, 1), float(machines)))


def reservation(**changes):
    """Two machines for ten hours: 1 USD upfront and 0.03 USD/h each."""
    defaults = {
        "commitment_id": "ri",
        "account": "A",
        "region": "us-east-1",
        "instance_type": "m5.large",
        "family": "m5",
        "units": Decimal(4),
        "size_flexible": True,
        "count": Decimal(2),
        "start": START + timedelta(hours=2),
        "term_hours": 10,
        "upfront_usd": usd("1"),
        "hourly_usd": usd("0.03"),
    }
    return Reservation(**{**defaults, **changes})


def figures(result):
    return [
        (
            month.month,
            month.on_demand_usd,
            month.commitment_usd,
            month.upfront_cash_usd,
            month.cash_usd,
        )
        for month in result.months
    ]


def test_amortized_charges_the_hours_inside_the_span_and_tells_the_cash():
    """Eight hours, four in each month; the term starts in the third."""
    result = bill(running(3, 8), [reservation()])
    assert figures(result) == [
        ("2026-01", usd("0.80"), usd("0.52"), usd("2"), usd("2.92")),
        ("2026-02", usd("0.40"), usd("1.04"), usd("0"), usd("0.64")),
    ]
    assert result.total_usd == usd("2.76")
    assert result.on_demand_equivalent_usd == usd("2.40")
    assert result.hourly_on_demand_nanousd.tolist() == [300_000_000] * 2 + [100_000_000] * 6
    billed = result.commitments[0]
    assert (billed.active_hours, billed.committed, billed.used) == (6, 12, 12)


def test_full_term_charges_the_whole_term_in_months_past_the_span():
    result = bill(running(3, 4), [reservation()], accounting="full_term")
    assert figures(result) == [
        ("2026-01", usd("0.80"), usd("0.52"), usd("2"), usd("2.92")),
        ("2026-02", usd("0"), usd("2.08"), usd("0"), usd("0.48")),
    ]
    assert result.commitment_usd == 2 * reservation().list_value_usd


def test_full_term_charges_an_owned_commitment_from_the_span_to_its_end():
    owned = reservation(start=START - timedelta(hours=2))
    result = bill(running(3, 4), [owned], accounting="full_term")
    assert figures(result) == [
        ("2026-01", usd("0.40"), usd("1.04"), usd("0"), usd("0.64")),
        ("2026-02", usd("0"), usd("1.04"), usd("0"), usd("0.24")),
    ]


def test_cash_flow_without_interest_credits_the_upfront_not_yet_used_up():
    """Six of ten hours are used: 2 USD paid, 0.8 USD credited in the last month."""
    result = bill(running(3, 8), [reservation()], accounting="cash_flow")
    assert figures(result) == [
        ("2026-01", usd("0.80"), usd("2.12"), usd("2"), usd("2.92")),
        ("2026-02", usd("0.40"), usd("-0.56"), usd("0"), usd("0.64")),
    ]
    assert result.total_usd == bill(running(3, 8), [reservation()]).total_usd


def test_cash_flow_discounts_every_payment_to_the_start_of_the_span():
    """At this rate money halves every 100 hours."""
    yearly_rate = 2.0 ** (8760 / 100) - 1
    owned = reservation(start=START + timedelta(hours=100), term_hours=400)
    result = bill(running(0, 200), [owned], accounting="cash_flow", discount_rate=yearly_rate)
    recurring = sum(2 * 0.03 * 2 ** (-hour / 100) for hour in range(100, 200))
    paid, credit = 2 * 2**-1, 2 * (300 / 400) * 2**-2
    assert float(result.commitment_usd) == pytest.approx(recurring + paid - credit, abs=1e-8)
    on_demand = bill(running(1, 200), [], accounting="cash_flow", discount_rate=yearly_rate)
    expected = sum(0.1 * 2 ** (-hour / 100) for hour in range(200))
    assert float(on_demand.on_demand_usd) == pytest.approx(expected, abs=1e-8)
    assert sum(month.cash_usd for month in on_demand.months) == usd("20")


def test_cash_flow_treats_upfront_paid_before_the_span_as_sunk():
    owned = reservation(start=START - timedelta(hours=1))
    result = bill(running(3, 4), [owned], accounting="cash_flow")
    assert result.commitment_usd == 4 * 2 * usd("0.03")


@pytest.mark.parametrize("accounting", ["amortized", "full_term"])
def test_only_cash_flow_discounts(accounting):
    plain = bill(running(3, 8), [reservation()], accounting=accounting)
    with_rate = bill(running(3, 8), [reservation()], accounting=accounting, discount_rate=0.5)
    assert with_rate.months == plain.months


@pytest.mark.parametrize("accounting", ["amortized", "cash_flow", "full_term"])
@pytest.mark.parametrize("hours", [-10, 8], ids=["ended before", "begins after"])
def test_a_term_outside_the_span_costs_nothing_and_serves_nothing(accounting, hours):
    owned = reservation(start=START + timedelta(hours=hours))
    result = bill(running(1, 8), [owned], accounting=accounting)
    assert result.total_usd == usd("0.80")
    assert len(result.months) == 2
    assert result.commitments[0].utilization is None
    assert result.utilization is None


@settings(deadline=None, max_examples=50)
@given(
    upfront=st.decimals(0, 10_000, places=9),
    term_hours=st.integers(1, 2000),
    count=st.integers(0, 9),
    split=st.integers(1, 1999),
)
def test_amortized_upfront_of_partial_cents_adds_up_to_the_payment(
    upfront, term_hours, count, split
):
    """Billed in two spans, the term's hours still give exactly the upfront."""
    owned = reservation(
        start=START,
        upfront_usd=upfront,
        hourly_usd=usd("0"),
        term_hours=term_hours,
        count=Decimal(count),
    )
    spans = [running(0, split), running(0, 2000 - split, START + timedelta(hours=split))]
    assert sum(bill(span, [owned]).commitment_usd for span in spans) == upfront * count


def test_a_partial_upfront_plan_costs_its_commitment_however_it_is_paid():
    terms = {
        "commitment_id": "sp",
        "account": "A",
        "kind": "compute",
        "commitment_usd": usd("1.00"),
        "start": START,
        "term_hours": 8760,
        "rates": {MACHINE.rate_key: usd("0.07")},
    }
    half = SavingsPlan(upfront_share=usd("0.5"), **terms)
    assert (half.upfront_usd, half.hourly_usd) == (4380, usd("0.5"))
    result = bill(running(1, 4), [half])
    assert figures(result) == [("2026-01", usd("0"), usd("4"), usd("4380"), usd("4382"))]
    assert result.utilization == pytest.approx(0.07)


def test_utilization_weighs_commitments_by_amortized_cost():
    """Two machines of 0.13 USD/h used whole, one of 1.03 USD/h idle."""
    idle = reservation(commitment_id="idle", family="c5", count=Decimal(1), upfront_usd=usd("10"))
    result = bill(running(2, 8), [reservation(), idle])
    assert result.utilization == pytest.approx(0.26 / (0.26 + 1.03))
    assert result.coverage == pytest.approx(12 / 16)


def test_a_bill_of_no_usage_and_no_commitment_is_zero():
    result = bill(Usage(START, (), np.zeros((5, 0))), [])
    assert (result.total_usd, result.coverage, result.utilization) == (0, None, None)
    assert [month.month for month in result.months] == ["2026-01", "2026-02"]


def test_leap_days_and_years_turn_the_month_in_utc():
    start = datetime(2028, 2, 28, 22, tzinfo=UTC)
    result = bill(running(1, 24 * 310, start), [])
    hours = [int(month.on_demand_usd / usd("0.1")) for month in result.months]
    assert result.months[0].month == "2028-02"
    assert result.months[-1].month == "2029-01"
    assert hours[:3] == [2 + 24, 744, 720]
    assert sum(hours) == 24 * 310


@pytest.mark.parametrize("machines", [9.1e10, 1e300])
def test_a_bill_beyond_whole_nano_dollars_is_refused_not_wrapped(machines):
    with pytest.raises(InvalidInputError, match="a bill holds at most 9 billion USD"):
        bill(running(machines, 1), [])


def test_hours_that_fit_one_by_one_but_not_together_are_refused():
    with pytest.raises(InvalidInputError) as refused:
        bill(running(5e10, 2), [])
    assert [fault.field for fault in refused.value.faults] == ["usage at on-demand prices [USD]"]


def test_commitments_beyond_whole_nano_dollars_are_refused():
    owned = reservation(count=Decimal(10**9), upfront_usd=usd("100"))
    with pytest.raises(InvalidInputError, match=r"commitments, cost \[USD\] = "):
        bill(running(1, 8), [owned])


def test_all_faults_of_a_request_are_reported_together():
    with pytest.raises(InvalidInputError) as refused:
        bill(
            running(1, 1),
            [reservation(), reservation()],
            accounting="cash",
            discount_rate=float("nan"),
        )
    assert str(refused.value).splitlines() == [
        "accounting = 'cash': write one of amortized, cash_flow, full_term",
        "discount_rate = nan: write a yearly share of 0 or more",
        "commitments[1].commitment_id = 'ri': give every commitment its own id",
    ]


def test_a_statement_says_the_sums_of_its_bill():
    result = bill(running(3, 20), [reservation()])
    statement = result.statement
    for name in ("total_usd", "on_demand_usd", "commitment_usd", "coverage", "utilization"):
        assert getattr(statement, name) == getattr(result, name)
    assert figures(statement) == figures(result)
    assert not hasattr(statement, "on_demand_quantity")
