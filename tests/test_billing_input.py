"""Usage and commitments refuse wrong values, all at once, with field, value and fix."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pytest
from pydantic import ValidationError

from catalogs.faults import InvalidInputError
from planner.billing import Reservation, SavingsPlan, Usage, UsageClass, UsageLine

START = datetime(2026, 1, 1, tzinfo=UTC)
FIELDS = {
    "account": "A",
    "name": "m5.large",
    "region": "us-east-1",
    "family": "m5",
    "units": Decimal(4),
    "on_demand_usd": Decimal("0.10"),
}
MACHINE = UsageClass(**FIELDS)


def line(**changes):
    return UsageLine(**{**FIELDS, "hour": START, **changes})


def faults_of(call):
    with pytest.raises(InvalidInputError) as refused:
        call()
    return [str(fault) for fault in refused.value.faults]


def test_lines_of_one_class_and_hour_add_up_in_any_order():
    later = START + timedelta(hours=2)
    lines = [
        line(hour=later, quantity=0.5),
        line(seconds=1200),
        line(seconds=1200, count=2),
        line(seconds=900, name="m5.xlarge", units=Decimal(8)),
        line(hour=later, seconds=1800),
    ]
    usage = Usage.from_lines(lines)
    assert (usage.start, usage.hours, usage.end) == (START, 3, START + timedelta(hours=3))
    assert [one.name for one in usage.classes] == ["m5.large", "m5.xlarge"]
    assert usage.quantity.tolist() == [[1.0, 0.25], [0.0, 0.0], [1.0, 0.0]]


def test_a_given_span_leaves_room_around_the_lines():
    usage = Usage.from_lines([line(quantity=1)], start=START - timedelta(hours=1), hours=3)
    assert usage.quantity.tolist() == [[0.0], [1.0], [0.0]]
    assert Usage.from_lines([], start=START, hours=2).quantity.shape == (2, 0)


def test_hours_of_other_time_zones_join_the_same_utc_hour():
    zone = timezone(timedelta(hours=2))
    usage = Usage.from_lines(
        [line(quantity=1), line(quantity=1, hour=START.replace(hour=2, tzinfo=zone))]
    )
    assert usage.quantity.tolist() == [[2.0]]


def test_all_faults_of_all_lines_are_reported_together():
    wrong = [
        line(quantity=1.0),
        line(hour=datetime(2026, 1, 1), quantity=-1.0),  # noqa: DTZ001  naive on purpose
        line(hour=START + timedelta(minutes=30), seconds=float("nan")),
        line(seconds=3601),
        line(),
        line(seconds=1, quantity=1, count=-2),
    ]
    assert faults_of(lambda: Usage.from_lines(wrong)) == [
        "lines[1].hour = datetime.datetime(2026, 1, 1, 0, 0): write the time with its UTC offset",
        "lines[1].quantity = -1.0: write a finite amount of 0 or more",
        "lines[2].hour = datetime.datetime(2026, 1, 1, 0, 30, tzinfo=datetime.timezone.utc): "
        "write the start of a whole UTC clock-hour",
        "lines[2].seconds = nan: write a finite amount of 0 or more",
        "lines[3].seconds = 3601.0: a machine runs at most 3600 s in a clock-hour: split over "
        "hours, or use count",
        "lines[4].(seconds, quantity) = (None, None): write exactly one of the two",
        "lines[5].(seconds, quantity) = (1.0, 1.0): write exactly one of the two",
        "lines[5].count = -2.0: write a finite amount of 0 or more",
    ]


def test_lines_outside_the_given_span_are_faults():
    late = line(quantity=1, hour=START + timedelta(hours=5))
    found = faults_of(lambda: Usage.from_lines([line(quantity=1), late], start=START, hours=2))
    assert [fault.split(" = ")[0] for fault in found] == ["lines[1].hour"]
    assert found[0].endswith("keep it inside the span, or widen that")


def test_a_span_must_be_known_and_whole():
    assert faults_of(lambda: Usage.from_lines([])) == [
        "lines = []: give at least one line, or the span's start and hours"
    ]
    half_past = START + timedelta(minutes=30)
    found = faults_of(lambda: Usage.from_lines([line(quantity=1)], start=half_past, hours=0))
    assert [fault.split(" = ")[0] for fault in found] == ["start", "hours"]


def test_usage_reports_start_classes_and_cells_together():
    quantity = np.array([[1.0, -1.0], [np.nan, np.inf]])
    naive = datetime(2026, 1, 1)  # noqa: DTZ001  naive on purpose
    found = faults_of(lambda: Usage(naive, (MACHINE, MACHINE), quantity))
    assert [fault.split(" = ")[0] for fault in found] == [
        "usage.start",
        "usage.classes[1]",
        "usage.quantity[0, 1]",
        "usage.quantity[1, 0]",
        "usage.quantity[1, 1]",
    ]


@pytest.mark.parametrize("shape", [(3,), (3, 2), (0, 1)])
def test_usage_of_another_shape_is_refused(shape):
    assert faults_of(lambda: Usage(START, (MACHINE,), np.zeros(shape))) == [
        f"usage.quantity.shape = {shape}: give an array of at least one hour × 1 classes"
    ]


def test_usage_cannot_be_changed_from_outside():
    quantity = np.ones((1, 1))
    usage = Usage(START, (MACHINE,), quantity)
    quantity[0, 0] = 5
    assert usage.quantity.tolist() == [[1.0]]
    with pytest.raises(ValueError, match="read-only"):
        usage.quantity[0, 0] = 5


TERMS = {"commitment_id": "c", "account": "A", "start": START, "term_hours": 8760}
RESERVED = {
    **TERMS,
    "region": "us-east-1",
    "instance_type": "m5.large",
    "size_flexible": False,
    "count": Decimal(1),
    "upfront_usd": Decimal(0),
    "hourly_usd": Decimal("0.05"),
}
PLANNED = {**TERMS, "kind": "compute", "commitment_usd": Decimal(1), "rates": {}}


@pytest.mark.parametrize(
    ("kind", "terms", "message"),
    [
        (Reservation, {**RESERVED, "size_flexible": True}, "needs family and units"),
        (Reservation, {**RESERVED, "count": Decimal(-1)}, "greater than or equal to 0"),
        (Reservation, {**RESERVED, "utilisation": 1}, "Extra inputs are not permitted"),
        (Reservation, {**RESERVED, "start": datetime(2026, 1, 1)}, "UTC offset"),  # noqa: DTZ001
        (SavingsPlan, {**PLANNED, "kind": "ec2"}, "an ec2 plan needs region and family"),
        (SavingsPlan, {**PLANNED, "region": "us-east-1"}, "a compute plan takes neither"),
        (SavingsPlan, {**PLANNED, "upfront_share": Decimal(2)}, "less than or equal to 1"),
        (SavingsPlan, {**PLANNED, "rates": {MACHINE.rate_key: 0}}, "greater than 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_commitment_that_cannot_be_is_refused(kind, terms, message):
    with pytest.raises(ValidationError, match=message):
        kind(**terms)


def test_commitment_starts_are_kept_in_utc():
    zone = timezone(timedelta(hours=-5))
    owned = Reservation(**{**RESERVED, "start": datetime(2026, 1, 1, 3, tzinfo=zone)})
    assert owned.start.isoformat() == "2026-01-01T08:00:00+00:00"
