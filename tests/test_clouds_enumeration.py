"""Optima over the clouds' products against enumerations that share no code with the planner."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner import make_plan, parse_request

MONTH_HOURS = 744
TOLERANCE = 2e-6
"""Tie-breaking and solvers, as a share."""

relaxed = settings(deadline=None, max_examples=12)
days = st.lists(st.integers(0, 6), min_size=24, max_size=24)
shares = st.sampled_from([0.35, 0.5, 0.62, 0.8])


def plan_at(provider, document, rates, demand, **parts):
    """The plan of a request whose one price list is a provider's."""
    request = document(rates, demand, **parts)
    inline = request["catalog"]["inline"]
    inline["provider"] = provider
    # Rates of resources name no machine.
    inline["instance_types"] = [one for one in inline["instance_types"] if "/" not in one["name"]]
    return make_plan(parse_request(request))


def one_vcpu(series):
    """A machine type that is billed as one vCPU and nothing else."""
    return {"name": f"{series}-one", "resources": {f"{series}/vcpu": 1}}


def assert_costs(plan, usd):
    """The plan is the optimum, to the model and as billed, in no part apart from it."""
    assert float(plan.model_cost_usd) == pytest.approx(usd, rel=TOLERANCE)
    assert float(plan.total_cost_usd) == pytest.approx(usd, rel=TOLERANCE)


def stacked_usd(hours, price, factors):
    """A month's usage stacked into levels; each pays by the quarters of the month it runs."""
    total = 0.0
    for level in range(max(hours)):
        running = sum(used > level for used in hours)
        for factor in factors:
            total += price * factor * min(running, MONTH_HOURS // 4)
            running = max(0, running - MONTH_HOURS // 4)
    return total


@pytest.mark.parametrize(
    ("series", "factors"),
    [("n1", (1, 0.8, 0.6, 0.4)), ("n2", (1, 0.8678, 0.733, 0.6)), ("e2", (1, 1, 1, 1))],
)
def test_resource_commitments_beside_sustained_use_cost_the_least_of_every_level(
    series, factors, price, document
):
    """Google's Compute Engine documentation, sustained use discounts: N1 30 %, N2 20 %, E2 none."""

    @relaxed
    @given(day=days, level=st.integers(0, 3), share=shares)
    def check(day, level, share):
        hours = [used + level * (t % 168 < 120) for t, used in enumerate((day * 31)[:MONTH_HOURS])]
        rates = [
            price(f"{series}/vcpu", "on_demand", 0.1),
            price(f"{series}/vcpu", "resource_commitment", round(0.1 * share, 4), MONTH_HOURS),
        ]
        plan = plan_at("gcp", document, rates, {f"{series}-one": hours}, types=[one_vcpu(series)])
        assert_costs(
            plan,
            min(
                0.1 * share * count * MONTH_HOURS
                + stacked_usd([max(0, used - count) for used in hours], 0.1, factors)
                if max(hours)
                else 0.0
                for count in range(max(hours) + 1)
            ),
        )

    check()


def server(replaces, capex_usd, **more):
    """A server that lasts a year."""
    found = {"name": "r1", "site": "cellar", "replaces": replaces, "life_years": 1}
    return found | {"capex_usd": capex_usd} | more


def test_own_servers_with_overflow_to_rented_machines_cost_the_least_of_every_number(
    price, document
):
    @relaxed
    @given(
        day=st.lists(st.integers(0, 20), min_size=24, max_size=24),
        capex_usd=st.sampled_from([3000, 9000, 20_000]),
        holds=st.sampled_from([3, 4.5]),
    )
    def check(day, capex_usd, holds):
        hardware = server(
            {"m": holds}, capex_usd, salvage_usd=500, power_kw=0.4, pue=1.5,
            energy_usd_per_kwh=0.25, space_usd_per_kw_month=73, operation_usd_per_hour=0.05,
        )  # fmt: skip
        plan = plan_at(
            "aws", document, [price("m", "on_demand", 0.9)], {"m": day}, hardware=[hardware]
        )
        hourly_usd = (capex_usd - 500) / 8760 + 0.4 * 1.5 * 0.25 + 0.4 * 73 * 12 / 8760 + 0.05
        costs = [
            count * hourly_usd * 24 + 0.9 * sum(max(0, used - count * holds) for used in day)
            for count in range(math.ceil(max(day) / holds) + 1)
        ]
        assert_costs(plan, min(costs))

    check()


@pytest.mark.parametrize("os", ["linux", "windows"])
def test_azure_reservations_serve_both_sizes_by_ratio_whatever_runs_on_them(os, price, document):
    """A reservation covers the machine alone; software is paid beside it, hour by hour."""

    @relaxed
    @given(small=days, large=days, of_small=shares, of_large=shares)
    def check(small, large, of_small, of_large):
        small, large = small[:8], [used // 2 for used in large[:8]]
        types = [
            {"name": "D2", "family": "D", "normalized_units": 1, "size_flexible": True},
            {"name": "D4", "family": "D", "normalized_units": 2, "size_flexible": True},
        ]
        rates = [
            price("D2", "on_demand", 1.0), price("D4", "on_demand", 2.0),
            price("D2", "on_demand", 1.4, os="windows"),
            price("D4", "on_demand", 2.8, os="windows"),
            price("D2", "azure_reservation", of_small, 8),
            price("D4", "azure_reservation", 2 * of_large, 8),
        ]  # fmt: skip
        workloads = [
            {"name": name, "needs": {"unit": "machines", "of": name}, "regions": ["here"], "os": os}
            for name in ("D2", "D4")
        ]
        demand = {"D2": small, "D4": large}
        plan = plan_at("azure", document, rates, demand, types=types, workloads=workloads)
        units = [one + 2 * two for one, two in zip(small, large, strict=True)]
        software = 0.4 * sum(units) if os == "windows" else 0.0
        most = max(units)
        costs = [
            8 * (of_small * one + 2 * of_large * two)
            + sum(max(0, used - one - 2 * two) for used in units)
            for one, two in itertools.product(range(most + 1), range(most // 2 + 2))
        ]
        assert_costs(plan, min(costs) + software)

    check()


def test_a_spot_share_costs_the_least_of_every_reservation_and_breakpoint(price, document):
    """For so many reservations the cost bends only where the rest of an hour fits on them."""

    @relaxed
    @given(
        day=days,
        share=shares,
        spot=st.sampled_from([0.2, 0.5, 0.9]),
        most=st.sampled_from([0.3, 0.75, 1.0]),
        overhead=st.sampled_from([0.0, 0.05, 1.0]),
    )
    def check(day, share, spot, most, overhead):
        workload = {
            "name": "m", "needs": {"unit": "machines", "of": "m"}, "regions": ["here"],
            "spot": {"at_most": most, "overhead": overhead},
        }  # fmt: skip
        rates = [
            price("m", "on_demand", 1.0),
            price("m", "spot", spot),
            price("m", "reserved_standard", share, 24),
        ]
        plan = plan_at("aws", document, rates, {"m": day}, workloads=[workload])

        def cost(count, on_spot):
            rented = sum(max(0, used * (1 - on_spot) - count) for used in day)
            return 24 * share * count + rented + spot * (1 + overhead) * on_spot * sum(day)

        bends = [(count, 1 - count / used) for count in range(max(day) + 1) for used in day if used]
        ends = itertools.product(range(max(day) + 1), (0.0, most))
        costs = [cost(count, x) for count, x in (*bends, *ends) if 0 <= x <= most]
        assert_costs(plan, min(costs))

    check()


def test_the_size_that_a_server_stands_in_for_is_not_replaced_by_another(price, document):
    """m.large is as cheap a unit as m.xlarge, but no server takes its place."""
    types = [
        {"name": "m.large", "normalized_units": 1, "size_flexible": True},
        {"name": "m.xlarge", "normalized_units": 2, "size_flexible": True},
    ]
    capacity = {"m.large": 1.0, "m.xlarge": 2.0}
    needs = {"unit": "own", "capacity": capacity}
    plan = plan_at(
        "aws",
        document,
        [price("m.large", "on_demand", 1.0), price("m.xlarge", "on_demand", 2.0)],
        {"web": [8.0] * 24},
        types=types,
        workloads=[{"name": "web", "needs": needs, "regions": ["here"]}],
        hardware=[server({"m.xlarge": 4}, 8760)],
    )
    assert_costs(plan, 24.0)


def test_servers_serve_what_would_run_on_spot(price, document):
    """Owned servers are paid for anyway; as billed, they serve spot usage where they have room."""
    workload = {
        "name": "m", "needs": {"unit": "machines", "of": "m"}, "regions": ["here"],
        "spot": {"at_most": 1, "overhead": 0},
    }  # fmt: skip
    owned = {
        "id": "old", "kind": "own_hardware", "payment": "all_upfront", "quantity": 1,
        "instance_type": "r1", "region": "cellar",
        "start": "2025-06-01T00:00Z", "end": "2026-06-01T00:00Z",
    }  # fmt: skip
    plan = plan_at(
        "aws",
        document,
        [price("m", "on_demand", 1.0), price("m", "spot", 0.3)],
        {"m": [5.0, 3.0] * 12},
        workloads=[workload],
        hardware=[server({"m": 3}, 8760)],
        owned=[owned],
    )
    assert_costs(plan, 24 * 1 + 12 * 0.3 * 2)


def test_an_owned_commitment_to_a_resource_serves_it(price, document):
    owned = {
        "id": "old", "kind": "resource_commitment", "instance_type": "e2/vcpu", "region": "here",
        "quantity": 3, "hourly_usd": 0.05,
        "start": "2026-01-01T00:00Z", "end": "2026-01-02T00:00Z",
    }  # fmt: skip
    rates = [price("e2/vcpu", "on_demand", 0.1)]
    plan = plan_at(
        "gcp", document, rates, {"e2-one": [5.0] * 24}, types=[one_vcpu("e2")], owned=[owned]
    )
    assert_costs(plan, 24 * (3 * 0.05 + 2 * 0.1))
    assert [one.utilization for one in plan.owned] == [1.0]


def test_an_owned_plan_that_serves_nothing_of_the_fleet_counts_all_the_same(price, document):
    """A plan of a family of machines that no workload runs on."""
    rates = [
        price("m", "on_demand", 1.0),
        price("other", "on_demand", 1.0),
        price("other", "savings_plan_compute", 0.6, 24),
    ]
    owned = {
        "id": "old", "kind": "savings_plan_compute", "commitment_usd": 2,
        "start": "2026-01-01T00:00Z", "end": "2026-01-02T00:00Z",
    }  # fmt: skip
    plan = plan_at("aws", document, rates, {"m": [5.0] * 24}, owned=[owned])
    assert_costs(plan, 24 * (5 + 2))
    assert "owned: old serves nothing of this fleet; its cost counts all the same" in plan.notes


@pytest.mark.parametrize("rate", [0.08, 9.0])
def test_sustained_use_of_hours_to_come_is_discounted_like_what_it_lowers(rate, price, document):
    """A constant 10 vCPUs: the first quarter of the month pays in full, the last the least."""
    plan = plan_at(
        "gcp",
        document,
        [price("n1/vcpu", "on_demand", 0.1), price("n1-one", "on_demand", 0.1)],
        {"n1-one": [10.0] * MONTH_HOURS},
        types=[one_vcpu("n1")],
        horizon={"hours": MONTH_HOURS, "accounting": "cash_flow", "discount_rate": rate},
        offers={"kinds": []},
    )
    worth = [(1 + rate) ** (-hour / 8760) for hour in range(MONTH_HOURS)]
    factors = (1, 0.8, 0.6, 0.4)
    due = sum(10 * 0.1 * factors[4 * hour // MONTH_HOURS] * one for hour, one in enumerate(worth))
    assert_costs(plan, due)


@pytest.mark.parametrize(("hours", "cheapest"), [(MONTH_HOURS, "n1-one"), (372, "rival")])
def test_what_all_on_demand_costs_is_discounted_for_sustained_use(hours, cheapest, price, document):
    """0.1 USD list: 0.07 a whole month, 0.09 half of one; the rival asks 0.08 all the time."""
    plan = plan_at(
        "gcp",
        document,
        [
            price("n1/vcpu", "on_demand", 0.1),
            price("n1-one", "on_demand", 0.1),
            price("rival", "on_demand", 0.08),
        ],
        {"web": [10.0] * hours},
        types=[one_vcpu("n1")],
        workloads=[
            {"name": "web", "needs": {"unit": "own", "capacity": {"n1-one": 1, "rival": 1}},
             "regions": ["here"]},
        ],
        offers={"kinds": []},
        horizon={"hours": hours},
    )  # fmt: skip
    assert {one.instance_type for one in plan.mix if one.share > 0.5} == {cheapest}
    assert_costs(plan, 10 * hours * {"n1-one": 0.07, "rival": 0.08}[cheapest])
    assert float(plan.on_demand_cost_usd) == pytest.approx(float(plan.total_cost_usd))


@pytest.mark.parametrize("licensed", [True, False])
def test_servers_stand_in_for_licensed_machines_only_where_the_licence_is_brought(
    licensed, price, document
):
    """The model charges licences whoever runs the machine: a bound with them would be none."""
    rates = [
        price("D2", "on_demand", 1.0),
        price("D2", "on_demand", 1.5, os="windows"),
    ]
    workload = {
        "name": "D2", "needs": {"unit": "machines", "of": "D2"}, "regions": ["here"],
        "os": "windows", "hybrid_benefit": not licensed,
    }  # fmt: skip
    plan = plan_at(
        "azure",
        document,
        rates,
        {"D2": [4.0] * 24},
        workloads=[workload],
        hardware=[server({"D2": 4}, 3 * 8760)],
    )
    assert_costs(plan, 4 * 24 * 1.5 if licensed else 24 * 3.0)
    assert float(plan.lower_bound_usd) <= float(plan.total_cost_usd) * (1 + 1e-9)
    noted = "hardware: servers stand in for no machines with licences: D2"
    assert (noted in plan.notes) == licensed
