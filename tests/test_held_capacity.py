"""Capacity held for workloads, used or not: plans against enumerations by hand, and the bill."""

import itertools
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from api.command.figures import WIDTH
from api.command.terminal import show_plan
from catalogs import InvalidInputError
from planner import compare, make_plan, parse_request
from planner.actuals import Actuals, bill_plan

TOLERANCE = 2e-6
relaxed = settings(deadline=None, max_examples=15)
METHODS = ("extensive", "decomposed")


def workload(name, *capacity, machine="m", **parts):
    """A workload on machines of one type, with capacity held for it."""
    return {
        "name": name, "needs": {"unit": "machines", "of": machine}, "regions": ["here"],
        "capacity": list(capacity), **parts,
    }  # fmt: skip


def document_of(document, provider, rates, demand, workloads, **parts):
    found = document(rates, demand, workloads=workloads, **parts)
    inline = found["catalog"]["inline"]
    inline["provider"] = provider
    inline["instance_types"] = [one for one in inline["instance_types"] if "/" not in one["name"]]
    return found


@pytest.fixture
def plan(document):
    def make(provider, rates, demand, workloads, **parts):
        return make_plan(
            parse_request(document_of(document, provider, rates, demand, workloads, **parts))
        )

    return make


def assert_costs(found, usd):
    for cost in (found.model_cost_usd, found.total_cost_usd):
        assert float(cost) == pytest.approx(usd, rel=TOLERANCE)
    assert float(found.lower_bound_usd) <= float(found.total_cost_usd) * (1 + TOLERANCE)


@pytest.mark.parametrize("method", METHODS)
def test_e14_an_hour_held_and_five_run_are_six_hours_of_which_one_is_unused(plan, price, method):
    """One m4.large at 0.10: held from the first hour to the fifth, running from the second on."""
    held = {"at_least": 1, "end": "2026-01-01T05:00Z"}
    found = plan(
        "aws",
        [price("m4.large", "on_demand", 0.10)],
        {"web": [0.0, 1, 1, 1, 1, 1]},
        [workload("web", held, machine="m4.large")],
        solve={"gap": 0, "method": method},
    )
    assert_costs(found, 0.60)
    (told,) = found.capacity
    assert float(told.unused_usd) == pytest.approx(0.10)
    assert (told.workload, told.instance_type, told.region) == ("web", "m4.large", "here")
    assert (told.machines, told.unused_hours) == (1, 1)
    assert [f"{at:%H}" for at in (told.start, told.end)] == ["00", "05"]
    assert float(found.on_demand_cost_usd) == pytest.approx(0.60)
    assert any("no term" in note for note in found.notes)


def test_e15_of_twenty_held_fifteen_run_and_five_are_paid_for_unused(plan, price):
    found = plan(
        "aws",
        [price("m4.large", "on_demand", 0.10)],
        {"web": [15.0]},
        [workload("web", {"at_least": 20}, machine="m4.large")],
    )
    assert_costs(found, 2.0)
    assert [(one.machines, one.unused_hours) for one in found.capacity] == [(20, 5)]
    assert float(found.capacity[0].unused_usd) == pytest.approx(0.5)


def test_e29_reservations_serve_unused_capacity_after_what_runs(plan, price):
    """Azure: ten held, five inside, two reservations: eight are paid on demand."""
    owned = {
        "id": "two", "kind": "azure_reservation", "instance_type": "D2s_v3", "region": "here",
        "quantity": 2, "hourly_usd": 0, "start": "2026-01-01T00:00Z", "end": "2026-01-01T04:00Z",
    }  # fmt: skip
    found = plan(
        "azure",
        [price("D2s_v3", "on_demand", 0.1)],
        {"web": [5.0] * 4},
        [workload("web", {"at_least": 10}, machine="D2s_v3")],
        owned=[owned],
    )
    assert_costs(found, 8 * 0.1 * 4)
    assert found.owned[0].utilization == 1.0


@pytest.mark.parametrize("provider", ["aws", "azure", "gcp", "custom"])
@pytest.mark.parametrize("method", METHODS)
def test_reservations_are_bought_for_what_runs_or_is_held(provider, method, plan, price):
    kind = {"azure": "azure_reservation", "gcp": "resource_commitment"}.get(
        provider, "reserved_standard"
    )
    name, types = ("e2/vcpu", [{"name": "e2-one", "resources": {"e2/vcpu": 1}}])
    if provider != "gcp":
        name, types = "m", []
    machine = types[0]["name"] if types else "m"

    @relaxed
    @given(
        needs=st.lists(st.integers(0, 5), min_size=3, max_size=3),
        level=st.integers(1, 6),
        window=st.sampled_from([(0, 3), (1, 3), (0, 1)]),
        share=st.sampled_from([0.4, 0.7]),
    )
    def check(needs, level, window, share):
        held = {
            "at_least": level,
            "start": f"2026-01-01T0{window[0]}:00Z",
            "end": f"2026-01-01T0{window[1]}:00Z",
        }
        found = plan(
            provider,
            [price(name, "on_demand", 1.0), price(name, kind, share, 3)],
            {"web": [float(one) for one in needs]},
            [workload("web", held, machine=machine)],
            types=types,
            solve={"gap": 1e-7, "method": method},
        )
        paid = [max(n, level if window[0] <= t < window[1] else 0) for t, n in enumerate(needs)]
        assert_costs(
            found,
            min(
                3 * share * count + sum(max(0, one - count) for one in paid)
                for count in range(max(paid) + 1)
            ),
        )

    check()


@pytest.mark.parametrize("method", METHODS)
def test_capacity_is_held_in_the_shares_that_run(plan, price, method):
    """Three units on a (2 units, 1.8 USD) or b (1 unit, 1.0 USD), at most half of it on a."""
    needs = {"unit": "own", "capacity": {"a": 2.0, "b": 1.0}}

    @relaxed
    @given(
        needed=st.lists(st.integers(0, 6), min_size=2, max_size=2), share=st.sampled_from([0.5, 1])
    )
    def check(needed, share):
        if not max(needed):
            return
        web = {
            "name": "web", "needs": needs, "regions": ["here"],
            "capacity": [{"share_of_peak": share}],
            "placement": [{"families": ["a"], "at_most": 0.5}],
        }  # fmt: skip
        found = plan(
            "aws",
            [price("a", "on_demand", 1.8), price("b", "on_demand", 1.0)],
            {"web": [float(one) for one in needed]},
            [web],
            types=[{"name": "a", "family": "a"}, {"name": "b", "family": "b"}],
            solve={"gap": 1e-7, "method": method},
        )
        paid = sum(max(one, share * max(needed)) for one in needed)
        assert_costs(found, paid * (0.5 * 0.9 + 0.5 * 1.0))
        held = {one.instance_type: one.machines for one in found.capacity}
        peak = share * max(needed)
        assert held == pytest.approx({"a": peak / 4, "b": peak / 2}, rel=1e-4)

    check()


def test_one_workload_does_not_fill_what_is_held_for_another(plan, price):
    """Ten machines run for one, none for the other, for which ten are held."""
    found = plan(
        "aws",
        [price("m", "on_demand", 1.0)],
        {"web": [10.0] * 2, "spare": [0.0] * 2},
        [workload("web"), workload("spare", {"at_least": 10})],
    )
    assert_costs(found, 40.0)


def test_where_several_overlap_the_highest_counts(plan, price):
    several = (
        {"at_least": 2},
        {"at_least": 5, "start": "2026-01-01T01:00Z", "end": "2026-01-01T03:00Z"},
        {"share_of_peak": 1.0, "start": "2026-01-01T02:00Z"},
    )
    found = plan(
        "aws", [price("m", "on_demand", 1.0)], {"w": [0.0, 0, 0, 4]}, [workload("w", *several)]
    )
    assert [(one.machines, one.start.hour, one.end.hour) for one in found.capacity] == [
        (2, 0, 1), (5, 1, 3), (4, 3, 4),
    ]  # fmt: skip
    assert_costs(found, 2 + 5 + 5 + 4)


def test_software_is_paid_for_what_runs_alone(plan, price):
    rates = [price("D2", "on_demand", 1.0), price("D2", "on_demand", 1.5, os="windows")]
    for method in METHODS:
        found = plan(
            "azure",
            rates,
            {"w": [4.0, 1.0]},
            [workload("w", {"at_least": 3}, machine="D2", os="windows")],
            solve={"gap": 0, "method": method},
        )
        assert_costs(found, 4 * 1.5 + 3 * 1.0 + 1 * 0.5)


def test_whole_machines_are_held_whole(plan, price):
    needs = {"unit": "own", "capacity": {"m": 10.0}}
    web = workload("w", {"at_least": 25}) | {"needs": needs}
    found = plan(
        "aws",
        [price("m", "on_demand", 1.0), price("m", "reserved_standard", 0.6, 2)],
        {"w": [12.0, 41.0]},
        [web],
        whole_machines=True,
    )
    assert [(one.machines, one.unused_hours) for one in found.capacity] == [(3, 1)]
    assert_costs(found, 2 * 3 * 0.6 + 2)


def test_futures_pay_for_what_each_leaves_unused(plan, price):
    for method in METHODS:
        found = plan(
            "aws",
            [price("m", "on_demand", 1.0)],
            {"low": {"w": [1.0, 2.0]}, "high": {"w": [5.0, 2.0]}},
            [workload("w", {"at_least": 3})],
            scenarios={"low": 0.25, "high": 0.75},
            risk={"weight": 0.5, "level": 0.9},
            solve={"gap": 0, "method": method},
        )
        assert float(found.total_cost_usd) == pytest.approx(0.25 * 6 + 0.75 * 8)
        assert float(found.objective_usd) == pytest.approx(float(found.total_cost_usd))
        (held,) = found.capacity
        assert held.unused_hours == pytest.approx(0.25 * 3 + 0.75 * 1)
        assert float(held.unused_usd) == pytest.approx(0.25 * 3 + 0.75 * 1)


def test_what_ran_is_billed_with_what_the_plan_holds(document, price, tmp_path):
    usage = tmp_path / "usage.csv"
    usage.write_text("timestamp,w\n2026-01-01T00:00Z,1\n2026-01-01T01:00Z,7\n")
    request = parse_request(
        document_of(
            document,
            "aws",
            [price("m", "on_demand", 1.0)],
            {"w": [3.0, 4.0, 2.0]},
            [workload("w", {"share_of_peak": 1.0})],
        )
    )
    found = make_plan(request)
    assert float(found.total_cost_usd) == pytest.approx(12)
    source = request.demand.model_copy(update={"inline": None, "file": usage})
    bill = bill_plan(found, request, Actuals(usage=source))
    assert float(bill.total_cost_usd) == pytest.approx(4 + 7)
    assert float(bill.planned_cost_usd) == pytest.approx(4 + 4)
    (held,) = bill.commitments
    assert float(held.unused_usd) == pytest.approx(3)
    assert float(held.planned_unused_usd) == pytest.approx(1)
    assert float(bill.difference.charged_by_use_usd) == pytest.approx(3 - 1)
    assert bill.difference.total_usd == bill.difference_usd


SERVER = {
    "name": "r1", "site": "cellar", "replaces": {"m": 4}, "capex_usd": 1000, "life_years": 1,
    "power_kw": 0.5, "energy_usd_per_kwh": 0.2,
}  # fmt: skip
ZONAL = {
    "id": "zonal", "kind": "reserved_zonal", "instance_type": "m", "region": "here",
    "zone": "here-a", "quantity": 3, "start": "2025-12-31T00:00Z", "end": "2026-01-02T00:00Z",
    "hourly_usd": 0.1,
}  # fmt: skip


def test_servers_stand_in_for_others_than_those_that_capacity_is_held_for(plan, price):
    owned = {
        "id": "old", "kind": "own_hardware", "payment": "all_upfront", "quantity": 1,
        "instance_type": "r1", "region": "cellar",
        "start": "2025-06-01T00:00Z", "end": "2026-06-01T00:00Z",
    }  # fmt: skip
    for method in METHODS:
        found = plan(
            "aws",
            [price("m", "on_demand", 1.0)],
            {"w": [1.0] * 4, "x": [3.0] * 4},
            [workload("w", {"at_least": 2}), workload("x")],
            hardware=[SERVER],
            owned=[owned],
            solve={"gap": 0, "method": method},
        )
        own = float(found.owned[0].cost_usd)
        assert float(found.total_cost_usd) == pytest.approx(own + 4 * 2)
        assert float(found.model_cost_usd) == pytest.approx(own + 4 * 2)
        assert any("no machines of w" in note for note in found.notes)


@pytest.mark.parametrize(
    ("capacity", "more", "parts", "said"),
    [
        ([{"at_least": 1, "share_of_peak": 1}], {}, {}, "exactly one of at_least, share_of_peak"),
        ([{}], {}, {}, "exactly one of at_least, share_of_peak"),
        ([{"at_least": 1}], {"spot": {"at_most": 0.5}}, {}, "no capacity is held on spot"),
        ([{"at_least": 1, "start": "2027-01-01T00:00Z"}], {}, {}, "outside the horizon"),
        ([{"at_least": 1}], {}, {"limits": {"coverage": {"at_most": 0.5}}}, "limits.coverage"),
        ([{"at_least": 1}], {}, {"owned": [ZONAL]}, "holds capacity itself"),
    ],
)
def test_what_cannot_be_held_exactly_is_refused(capacity, more, parts, said, plan, price):
    with pytest.raises(InvalidInputError, match=said):
        plan(
            "aws",
            [price("m", "on_demand", 1.0)],
            {"w": [1.0] * 2},
            [workload("w", *capacity, **more)],
            **parts,
        )


def test_a_series_of_vcpus_and_one_of_memory_have_no_common_level(plan, price):
    types = [{"name": "m", "vcpus": 2, "memory_gib": 4}]
    needs = {"unit": "vcpus_and_memory", "vcpus": "cpu", "memory_gib": "gib"}

    def planned(**held):
        return plan(
            "aws",
            [price("m", "on_demand", 1.0)],
            {"cpu": [2.0, 8.0], "gib": [24.0, 4.0]},
            [{"name": "w", "needs": needs, "regions": ["here"], "capacity": [held]}],
            types=types,
        )

    with pytest.raises(InvalidInputError, match="write share_of_peak"):
        planned(at_least=3)
    # Of six machines at the peak nine tenths are held; four run in the second hour.
    assert_costs(planned(share_of_peak=0.9), 6 + 5.4)


@pytest.mark.parametrize("whole", [False, True])
def test_a_random_fleet_costs_what_enumeration_finds(plan, price, whole):
    """Two workloads of one type share reservations; each holds capacity of its own."""

    @relaxed
    @given(
        hours=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=2),
        levels=st.tuples(st.integers(1, 4), st.integers(0, 4)),
    )
    def check(hours, levels):
        held = [[{"at_least": one}] if one else [] for one in levels]
        found = plan(
            "aws",
            [price("m", "on_demand", 1.0), price("m", "reserved_standard", 0.7, 2)],
            {"a": [float(one) for one, _ in hours], "b": [float(one) for _, one in hours]},
            [workload("a", *held[0]), workload("b", *held[1])],
            whole_machines=whole,
        )
        paid = [sum(map(max, pair, levels)) for pair in hours]
        costs = (
            2 * 0.7 * count + sum(max(0, one - count) for one in paid)
            for count in itertools.takewhile(lambda n: n <= max(paid), itertools.count())
        )
        assert_costs(found, min(costs))

    check()


def test_a_terminal_shows_what_is_held(plan, price):
    found = plan(
        "aws", [price("m", "on_demand", 1.0)], {"w": [1.0, 3.0]}, [workload("w", {"at_least": 2})]
    )
    shown = StringIO()
    show_plan(Console(file=shown, width=WIDTH), found)
    assert "2026-01-01 00h  2026-01-01 02h  2 × m here" in shown.getvalue()
    assert "hold 2026-01-01" in str(found)


@pytest.mark.parametrize(
    ("provider", "reserved"), [("aws", 0), ("aws", 2), ("azure", 0), ("gcp", 0)]
)
def test_whole_machines_held_unused_count_against_quotas(provider, reserved, document, price):
    """Four are held, one to three run; what is reserved is among the four."""
    owned = {
        "id": "old", "kind": "reserved_standard", "instance_type": "m", "region": "here",
        "quantity": 2, "hourly_usd": 0.5, "start": "2026-01-01T00:00Z", "end": "2026-01-01T03:00Z",
    }  # fmt: skip
    rates, demand = [price("m", "on_demand", 1.0)], {"web": [1.0, 2.0, 3.0]}
    parts = {
        "whole_machines": True,
        "owned": [owned | {"quantity": reserved}] if reserved else [],
        "limits": {"quotas": [{"name": "few", "at_most": 4}]},
    }
    workloads = [workload("web", {"at_least": 4})]
    asked = document_of(document, provider, rates, demand, workloads, **parts)
    (peak,) = make_plan(parse_request(asked)).limit_peaks
    assert (peak.peak, peak.binds) == (4, True)
    asked["limits"]["quotas"][0]["at_most"] = 3
    rented = next(
        one for one in compare(parse_request(asked)).strategies if one.strategy == "on_demand"
    )
    assert not rented.keeps_limits
    assert "4 are had at once" in rented.detail
