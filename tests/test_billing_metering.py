"""Running time becomes metered hours: by the second, or by the started hour."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogs.faults import InvalidInputError
from planner.billing import Metering, Run, UsageClass, metered_usage

START = datetime(2026, 1, 1, tzinfo=UTC)


def machine(os):
    return UsageClass(
        account="A", name="m5.large", region="us-east-1", os=os, on_demand_usd=Decimal("0.1")
    )


def ran(os, start_seconds, seconds, count=1):
    start = START + timedelta(seconds=start_seconds)
    return Run(machine(os), start, start + timedelta(seconds=seconds), count)


@pytest.mark.parametrize(
    ("os", "seconds", "hours"),
    [
        ("linux", 20, [60 / 3600, 0, 0]),
        ("windows", 61.5, [62 / 3600, 0, 0]),
        ("linux", 5400, [0.5, 1, 0]),
        ("suse", 20, [0.5, 0.5, 0]),
        ("suse", 3601, [0.5, 1, 0.5]),
    ],
)
def test_a_launch_at_half_past_is_rounded_up_from_its_start(os, seconds, hours):
    """docs: 60 s minimum by the second; a started hour is a full hour for commercial Linux."""
    usage = metered_usage([ran(os, 1800, seconds)], START, 3)
    assert usage.quantity[:, 0].tolist() == pytest.approx(hours)


def test_machines_of_one_class_add_up_and_time_outside_the_span_is_left_out():
    runs = [ran("linux", -3600, 7200, count=2), ran("linux", 0, 1800), ran("linux", 7200, 7200)]
    usage = metered_usage(runs, START, 3)
    assert usage.quantity.tolist() == [[2.5], [0], [1]]


def test_another_table_meters_other_software():
    quarter = {"linux": Metering(step_seconds=900, minimum_seconds=900)}
    assert metered_usage([ran("linux", 0, 901)], START, 1, quarter).quantity.tolist() == [[0.5]]


@settings(deadline=None, max_examples=80)
@given(
    start=st.integers(0, 7200),
    seconds=st.integers(1, 7200),
    os=st.sampled_from(["linux", "suse"]),
)
def test_metered_time_is_counted_second_by_second(start, seconds, os):
    billed = max(seconds, 60) if os == "linux" else -(-seconds // 3600) * 3600
    expected = [0] * 5
    for second in range(start, start + billed):
        expected[second // 3600] += 1
    usage = metered_usage([ran(os, start, seconds)], START, 5)
    assert (usage.quantity[:, 0] * 3600).tolist() == pytest.approx(expected)


def test_all_faults_of_all_runs_are_reported_together():
    naive = datetime(2026, 1, 1)  # noqa: DTZ001  naive on purpose
    runs = [
        ran("plan9", 0, 60),
        ran("linux", 0, -5, count=-1),
        Run(machine("linux"), naive, START),
    ]
    with pytest.raises(InvalidInputError) as refused:
        metered_usage(runs, START + timedelta(minutes=1), 0)
    assert [fault.field for fault in refused.value.faults] == [
        "start",
        "hours",
        "runs[0].machine.os",
        "runs[1].end",
        "runs[1].count",
        "runs[2].start",
    ]
