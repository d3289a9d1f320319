"""The picture of a plan and the hourly curves it is drawn from."""

from datetime import UTC, datetime

import numpy as np
import pytest
from matplotlib.figure import Figure

from api.command.backtest_pictures import month_edges
from api.command.pictures import draw_bill, draw_demand, draw_duration, draw_plan, title
from planner import Layer, parse_request, plan_fleet
from planner.backtest import MonthOfPolicy, Window


@pytest.fixture
def fleet_of(document, price):
    """Plans machines of one type at 0.1, reserved for 48 hours at 2.5, by a plan at 0.06."""

    def plan(demand, **parts):
        rates = [
            price("m.big", "on_demand", 0.1),
            price("m.big", "reserved_standard", 0, 48, "all_upfront", 2.5),
            price("m.big", "savings_plan_compute", 0.06, 24, "no_upfront"),
        ]
        return plan_fleet(parse_request(document(rates, {"m.big": demand}, name="toy", **parts)))

    return plan


@pytest.fixture
def fleet(fleet_of):
    return fleet_of([3, 2] * 24)


def drawn(draw, *what):
    axes = Figure().subplots()
    draw(axes, *what)
    return axes


def test_usage_is_what_commitments_serve_and_what_is_left_on_demand(fleet):
    curves = fleet.curves

    served = curves.dedicated_usd + curves.spend_usd + curves.on_demand_usd
    assert np.allclose(curves.usage_usd, served)
    assert np.allclose(curves.usage_usd, [0.3, 0.2] * 24)
    assert np.allclose(curves.on_demand_usd, [0.1, 0.0] * 24)


def test_a_reservation_is_committed_at_the_on_demand_price_of_its_machine(fleet):
    assert np.allclose(fleet.curves.committed_usd[Layer.RESERVED], 0.2)
    assert np.allclose(fleet.curves.level_usd, 0.2)


def test_a_savings_plan_is_committed_at_the_usage_it_could_serve(fleet_of):
    """0.06 dollars of the plan serve a machine-hour worth 0.1 on demand."""
    offers = {"kinds": ["savings_plan_compute"]}
    fleet = fleet_of([3] * 24 + [0] * 24, offers=offers, horizon={"hours": 48})

    level = fleet.curves.committed_usd[Layer.WIDE_PLAN]
    assert np.allclose(level, [0.3] * 24 + [0.0] * 24)


def test_owned_commitments_are_a_layer_of_their_own(fleet_of):
    owned = {
        "id": "old",
        "kind": "reserved_standard",
        "instance_type": "m.big",
        "region": "here",
        "quantity": 1,
        "start": "2025-12-31T00:00Z",
        "end": "2026-01-01T06:00Z",
        "hourly_usd": 0.05,
    }
    curves = fleet_of([1] * 12, owned=[owned], offers={"kinds": []}).curves

    assert np.allclose(curves.committed_usd[Layer.OWNED], [0.1] * 6 + [0.0] * 6)
    assert np.allclose(curves.dedicated_usd, [0.1] * 6 + [0.0] * 6)


def test_the_title_says_what_is_bought_and_saved(fleet):
    # 7.40 instead of 12.00 USD.
    assert title(fleet.plan) == "toy: 1 purchase, 7.40 USD over 48 hours, 38.3% below on demand"


def test_the_title_counts_what_is_bought_whatever_comes(fleet):
    (one,) = fleet.plan.purchases
    in_a_future = one.model_copy(update={"scenarios": ("high",)})

    plan = fleet.plan.model_copy(update={"purchases": (one, in_a_future, in_a_future)})

    assert title(plan).startswith("toy: 1 purchase whatever comes, 7.40 USD")


def test_every_axis_has_its_unit_and_every_mark_its_name(fleet):
    time = drawn(draw_demand, fleet.plan, fleet.curves)
    duration = drawn(draw_duration, fleet.plan, fleet.curves)
    bill = drawn(draw_bill, fleet.plan)

    labels = [(axes.get_xlabel(), axes.get_ylabel()) for axes in (time, duration, bill)]
    assert labels == [
        ("UTC", "on-demand-equivalent USD / hour"),
        ("share of the hours", "on-demand-equivalent USD / hour"),
        ("month", "bill, USD / month"),
    ]
    names = {text.get_text() for text in time.get_legend().get_texts()}
    assert names == {"reserved", "demand, daily range", "demand, daily mean", "purchase date"}


def test_the_load_duration_curve_falls_from_the_peak_to_the_trough(fleet):
    axes = drawn(draw_duration, fleet.plan, fleet.curves)

    (curve,) = [line for line in axes.get_lines() if line.get_label() == "demand, sorted"]
    values = curve.get_ydata()
    assert (values[0], values[-1]) == pytest.approx((0.3, 0.2))
    assert np.all(np.diff(values) <= 0)


def test_the_bars_of_the_bill_add_up_to_the_plan_s_cost(fleet):
    axes = drawn(draw_bill, fleet.plan)

    total = sum(bar.get_height() for bars in axes.containers for bar in bars)
    assert total == pytest.approx(float(fleet.plan.total_cost_usd))


@pytest.mark.parametrize(
    ("demand", "parts"),
    [
        ([3, 2] * 24, {}),
        ([1], {"offers": {"kinds": []}}),
        ([0, 0, 0], {}),
    ],
    ids=["two days", "one hour on demand", "no demand"],
)
def test_any_plan_can_be_drawn(fleet_of, demand, parts):
    fleet = fleet_of(demand, **parts)

    assert draw_plan(fleet.plan, fleet.curves).startswith(b"\x89PNG\r\n")


def test_a_back_test_is_drawn_from_its_windows_start_by_month_to_its_end():
    window = Window(
        start=datetime(2025, 11, 9, 5, tzinfo=UTC), end=datetime(2026, 2, 3, tzinfo=UTC),
        hours=2059, seen_before_hours=0,
    )  # fmt: skip
    months = [
        MonthOfPolicy(month=name, bill_usd=1, saving_usd=1)
        for name in ("2025-11", "2025-12", "2026-01", "2026-02")
    ]
    edges = month_edges(window, months)
    assert [f"{one:%Y-%m-%d %H}" for one in edges] == [
        "2025-11-09 05", "2025-12-01 00", "2026-01-01 00", "2026-02-01 00", "2026-02-03 00"
    ]  # fmt: skip
    assert month_edges(window, months[:1]) == [window.start, window.end]
