"""Exchanges and refunds against the providers' own examples, and the reasons they are refused."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogs.faults import InvalidInputError
from planner.billing import Reservation, exchange_convertible
from planner.billing.exchanges import (
    Cancellation,
    convertible_count,
    refund_usd,
    refundable_usd,
    remaining_commitment_usd,
    true_up_usd,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
HALF_YEAR = START + timedelta(hours=4380)


def convertible(**changes):
    terms = {
        "commitment_id": "ri",
        "account": "A",
        "region": "us-east-1",
        "instance_type": "m5.large",
        "size_flexible": False,
        "convertible": True,
        "count": Decimal(1),
        "start": START,
        "term_hours": 8760,
        "upfront_usd": Decimal(1000),
        "hourly_usd": Decimal(0),
    }
    return Reservation(**{**terms, **changes})


def test_e19_a_value_of_35_becomes_four_of_10_and_the_upfront_difference_is_paid():
    """docs.aws.amazon.com/AWSEC2/latest/UserGuide/ri-convertible-exchange.html."""
    assert convertible_count(Decimal(35), Decimal(10)) == 4
    assert true_up_usd(Decimal(500), Decimal(600)) == 100
    assert true_up_usd(Decimal(600), Decimal(500)) == 0


def test_half_a_years_upfront_buys_what_is_left_of_it_in_the_target():
    """500 of 1,000 is left; four targets of 300 a year need 150 each for the half to come."""
    target = convertible(instance_type="c5.large", upfront_usd=Decimal(300))
    exchange = exchange_convertible([convertible()], target, HALF_YEAR)
    assert (exchange.count, exchange.true_up_usd) == (4, 100)
    assert exchange.end == START + timedelta(hours=8760)


def test_merged_lots_end_with_the_last():
    later = convertible(commitment_id="later", start=START + timedelta(days=90))
    exchange = exchange_convertible([convertible(), later], convertible(), HALF_YEAR)
    assert exchange.end == later.start + timedelta(hours=8760)


@settings(deadline=None, max_examples=60)
@given(
    upfront=st.integers(0, 2000),
    hourly=st.integers(1, 50),
    target=st.integers(1, 90),
    count=st.integers(1, 9),
)
def test_the_target_is_worth_no_less_and_one_machine_fewer_would_be(upfront, hourly, target, count):
    lot = convertible(
        upfront_usd=Decimal(upfront), hourly_usd=Decimal(hourly) / 100, count=Decimal(count)
    )
    other = convertible(upfront_usd=Decimal(1), hourly_usd=Decimal(target) / 100)
    exchange = exchange_convertible([lot], other, HALF_YEAR)
    given_usd = count * (upfront / 2 + hourly * 43.80)
    each_usd = 0.5 + target * 43.80
    assert exchange.count * each_usd >= given_usd - 1e-6
    assert (exchange.count - 1) * each_usd < given_usd + 1e-6


def test_all_reasons_against_an_exchange_are_reported_together():
    given_up = [
        convertible(convertible=False),
        convertible(region="eu-west-1", start=HALF_YEAR + timedelta(hours=1)),
    ]
    free = convertible(upfront_usd=Decimal(0))
    with pytest.raises(InvalidInputError) as refused:
        exchange_convertible(given_up, free, HALF_YEAR)
    assert [fault.field for fault in refused.value.faults] == [
        "given[0].convertible",
        "target.upfront_usd",
        "given[1].start",
        "given[1].region",
        "target.upfront_usd",
        "target.hourly_usd",
    ]


def test_no_upfront_goes_to_no_upfront_only_at_no_lower_hourly_price():
    """One of two lots lasts longer, so that fewer dollars an hour would be worth as much."""
    monthly = {"upfront_usd": Decimal(0), "hourly_usd": Decimal("0.10")}
    short = convertible(**monthly)
    long = convertible(**monthly, commitment_id="long", start=HALF_YEAR)
    target = convertible(upfront_usd=Decimal(0), hourly_usd=Decimal("0.01"))
    with pytest.raises(InvalidInputError, match=r"no less than today's 0\.20 USD per hour"):
        exchange_convertible([short, long], target, HALF_YEAR)
    assert exchange_convertible([long], target, HALF_YEAR).count == 10


def test_e30_a_refund_takes_2400_of_the_50000_and_an_exchange_needs_1800():
    """cost-management-billing/reservations/exchange-and-refund-azure-reservations."""
    month_12 = START + timedelta(days=365)
    cancelled = Cancellation(month_12, remaining_commitment_usd(Decimal(100), 36, 12))
    assert cancelled.cancelled_usd == 2400
    assert refundable_usd([cancelled], month_12 + timedelta(days=1)) == 47_600
    assert remaining_commitment_usd(Decimal(100), 36, 18) == 1800


@pytest.mark.parametrize(
    ("at", "left"),
    [
        (datetime(2026, 5, 10, 11, tzinfo=UTC), 50_000),
        (datetime(2026, 5, 10, 12, tzinfo=UTC), 10_000),
        (datetime(2027, 5, 10, 11, tzinfo=UTC), 10_000),
        (datetime(2027, 5, 10, 12, tzinfo=UTC), 50_000),
    ],
    ids=["before", "at once", "just inside twelve months", "twelve months on"],
)
def test_what_was_cancelled_counts_for_twelve_months(at, left):
    cancelled = [Cancellation(datetime(2026, 5, 10, 12, tzinfo=UTC), Decimal(40_000))]
    assert refundable_usd(cancelled, at) == left


def test_no_more_is_refundable_once_the_limit_is_passed():
    cancelled = [Cancellation(START, Decimal(40_000))] * 2
    assert refundable_usd(cancelled, START) == 0


def test_a_refund_is_at_the_lower_price_less_the_fee():
    assert refund_usd(Decimal(3600), Decimal(3000), Decimal("0.5")) == 1500
    assert refund_usd(Decimal(3000), Decimal(3600), Decimal("0.5"), Decimal("0.12")) == 1320
