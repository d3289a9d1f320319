"""Bills with equal hours as one row, against whole bills; levels and shares worked by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.billing import (
    CapacityBlock,
    CapacityReservation,
    RateKey,
    Reservation,
    SavingsPlan,
    Usage,
    UsageClass,
    bill,
    full_levels,
    merge_equal_hours,
    running_cost_usd,
    shares_taken,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
SMALL = UsageClass(
    account="a", name="s", region="here", family="f", units=Decimal(1), on_demand_usd=Decimal(1)
)
LARGE = SMALL.model_copy(
    update={
        "name": "l", "units": Decimal(2), "on_demand_usd": Decimal("2.5"),
        "software_usd": Decimal("0.3"),
    }
)  # fmt: skip


def reservation(count, term_hours=24, begins=0, **more):
    return Reservation(
        commitment_id=f"r {begins}", account="a", start=START + timedelta(hours=begins),
        term_hours=Decimal(term_hours), region="here", instance_type="s", family="f",
        units=Decimal(1), size_flexible=True, count=Decimal(count), upfront_usd=Decimal(0),
        hourly_usd=Decimal("0.5"), **more,
    )  # fmt: skip


def plan(dollars):
    rates = {RateKey("ec2", "s", "here"): Decimal("0.6"), RateKey("ec2", "l", "here"): Decimal(1)}
    return SavingsPlan(
        commitment_id="p", account="a", start=START, term_hours=Decimal(1000), kind="compute",
        commitment_usd=Decimal(dollars), rates=rates,
    )  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(
    day=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=6, max_size=6),
    count=st.integers(0, 5),
    dollars=st.sampled_from([0, 0.7, 2.5]),
    begins=st.sampled_from([0, 1, 2.5]),
    rate=st.sampled_from([0.0, 3.0]),
    sustained=st.booleans(),
)
def test_equal_hours_merged_cost_what_the_bill_says(day, count, dollars, begins, rate, sustained):
    """Terms that begin or end inside an hour, capacity held, blocks cleared, prices that fall."""
    factors = (Decimal(1), Decimal("0.8"), Decimal("0.6"), Decimal("0.4"))
    small = SMALL.model_copy(update={"sustained_use": factors if sustained else None})
    usage = Usage(START, (small, LARGE), np.array(day * 8, dtype=float))
    block = CapacityBlock(
        commitment_id="b", account="a", start=START, term_hours=Decimal(24), region="here",
        zone=None, instance_type="l", count=Decimal(1), upfront_usd=Decimal(9),
    )  # fmt: skip
    held = CapacityReservation(
        commitment_id="c", account="a", start=START, term_hours=Decimal(30), machine=LARGE,
        count=Decimal(2),
    )  # fmt: skip
    commitments = (reservation(count, begins=begins, term_hours=20), plan(dollars), block, held)
    asked = {"accounting": "cash_flow", "discount_rate": rate} if rate else {}
    whole = bill(usage, commitments, **asked).total_usd
    prices = bill(Usage(START, (small,), np.zeros((48, 1))), commitments[:3], **asked).total_usd
    worth = (1 + rate) ** -(np.arange(48) / 8760)
    terms = [one.serving_in(START) for one in commitments]
    merged = merge_equal_hours(usage, terms, worth)
    assert (merged.hours < usage.hours) is not sustained
    running = running_cost_usd(merged, commitments)
    assert running == pytest.approx(float(whole - prices), abs=1e-6)


def test_hours_are_fully_served_at_the_levels_found():
    """Small machines first: 3 units serve them, 7 serve all; one unit is another's."""
    usage = Usage(START, (SMALL, LARGE), np.array([[3.0, 2.0]] * 5 + [[0.0, 1.0]]))
    commitments = (reservation(1), reservation(8, begins=1, term_hours=10))
    merged = merge_equal_hours(usage, [one.serving_in(START) for one in commitments], np.ones(6))
    levels, worth = full_levels(merged, commitments, 1)
    found = sorted(zip((8 * levels).tolist(), worth.tolist(), strict=True))
    assert found == [(1.0, 1.0), (2.0, 4.0), (6.0, 4.0)]


def test_a_unit_hour_takes_its_share_of_what_serves_it():
    other = SMALL.model_copy(update={"region": "there"})
    classes = (SMALL, LARGE, other)
    assert shares_taken(reservation(4), classes).tolist() == [0.25, 0.5, 0]
    assert shares_taken(plan(2), classes).tolist() == [0.3, 0.5, 0]
    held = CapacityReservation(
        commitment_id="c", account="a", start=START, term_hours=Decimal(1), machine=LARGE,
        count=Decimal(2),
    )  # fmt: skip
    assert shares_taken(held, classes).tolist() == [0, 1, 0]
