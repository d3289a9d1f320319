"""Quotas, dedicated reservations and machines sold by reservation only, case by case."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogs import InvalidInputError
from planner import InfeasibleError, Surroundings, make_plan, parse_request
from planner.fleet.increments import count_increments
from planner.planning import resolve
from planner.zones import merge_zones

HOURS = 4
ON_DEMAND_USD, RESERVED_USD = 1.0, 0.5


def rates(price, *names, **more):
    """Each machine on demand and reserved for the horizon."""
    found = []
    for name in names:
        found.append(price(name, "on_demand", ON_DEMAND_USD, **more))
        found.append(price(name, "reserved_standard", RESERVED_USD, HOURS, **more))
    return found


def own(name, capacity, regions=("here",)):
    needs = {"unit": "own", "capacity": capacity}
    return {"name": name, "needs": needs, "regions": list(regions)}


def parts(quotas=(), mode="pooled", **more):
    limits = {"quotas": list(quotas)}
    return {"whole_machines": True, "reservations": mode, "limits": limits} | more


def faults_of(document):
    with pytest.raises(InvalidInputError) as caught:
        make_plan(parse_request(document))
    return [(fault.field, fault.fix) for fault in caught.value.faults]


def test_a_quota_counts_reserved_and_running_machines_together(planned, price):
    """Five of six machines may be had of the cheap type; the dear one serves the rest."""
    dear = [price("dear", "on_demand", 3.0)]
    demand = {"web": [6, 6, 2, 6]}
    workloads = [own("web", {"m": 1, "dear": 1})]
    quota = {"name": "few", "at_most": 5, "instance_types": ["m"]}
    found = planned([*rates(price, "m"), *dear], demand, workloads=workloads, **parts([quota]))
    assert sum(one.quantity for one in found.purchases) == 5
    assert float(found.total_cost_usd) == pytest.approx(5 * HOURS * RESERVED_USD + 3 * 3.0)


def test_reserved_machines_count_against_a_quota_even_when_idle(planned, price):
    """Reserving the peak of one would leave no room for the other."""
    demand = {"day": [2, 2, 2, 0], "night": [0, 0, 0, 2]}
    workloads = [own("day", {"a": 1}), own("night", {"b": 1})]
    quota = [{"name": "all", "at_most": 2}]
    found = planned(rates(price, "a", "b"), demand, workloads=workloads, **parts(quota))
    assert found.purchases == ()
    assert float(found.total_cost_usd) == pytest.approx(8 * ON_DEMAND_USD)


def test_a_quota_may_count_vcpus(planned, price):
    types = [{"name": "m", "vcpus": 4}, {"name": "dear", "vcpus": 2}]
    dear = [price("dear", "on_demand", 3.0)]
    quota = {"name": "cores", "at_most_vcpus": 10}
    found = planned(
        [*rates(price, "m"), *dear],
        {"web": [3] * HOURS},
        types=types,
        workloads=[own("web", {"m": 1, "dear": 1})],
        **parts([quota]),
    )
    assert float(found.total_cost_usd) == pytest.approx(HOURS * (2 * RESERVED_USD + 3.0))


@pytest.mark.parametrize(("mode", "cost_usd"), [("pooled", 2 * 4 * 0.5), ("dedicated", 8 * 1.0)])
def test_dedicated_reservations_serve_their_own_workload_only(planned, price, mode, cost_usd):
    """Two machines wander between workloads: a pooled pair serves all, a dedicated one half."""
    demand = {"day": [2, 2, 0, 0], "night": [0, 0, 2, 2]}
    workloads = [own("day", {"m": 1}), own("night", {"m": 1})]
    found = planned(rates(price, "m"), demand, workloads=workloads, **parts(mode=mode))
    assert float(found.total_cost_usd) == pytest.approx(cost_usd)


def test_a_dedicated_purchase_names_its_workload(planned, price):
    demand = {"day": [2, 2, 2, 2], "night": [1, 1, 1, 1]}
    workloads = [own("day", {"m": 1}), own("night", {"m": 1})]
    found = planned(rates(price, "m"), demand, workloads=workloads, **parts(mode="dedicated"))
    assert {(one.workload, int(one.quantity)) for one in found.purchases} == {
        ("day", 2),
        ("night", 1),
    }
    assert {one.scope for one in found.purchases} == {
        "here m linux for day",
        "here m linux for night",
    }


def test_fractional_machines_may_be_dedicated_too(planned, price):
    demand = {"day": [2.0, 2.0, 0.0, 0.0], "night": [0.0, 0.0, 2.0, 2.0]}
    workloads = [own("day", {"m": 1}), own("night", {"m": 1})]
    found = planned(rates(price, "m"), demand, workloads=workloads, reservations="dedicated")
    assert float(found.total_cost_usd) == pytest.approx(8 * ON_DEMAND_USD)


def test_machines_sold_by_reservation_only_serve_and_are_told_of(planned, price):
    bare = price("bare", "reserved_standard", 0.4, HOURS)
    workloads = [own("web", {"m": 1, "bare": 2})]
    found = planned(
        [*rates(price, "m"), bare], {"web": [3, 4, 4, 4]}, workloads=workloads, **parts()
    )
    assert float(found.total_cost_usd) == pytest.approx(2 * HOURS * 0.4)
    assert any("bare in here is sold by reservation only" in note for note in found.notes)


def test_a_workload_without_machines_on_demand_is_named_when_nothing_may_be_reserved(
    planned, price
):
    bare = price("bare", "reserved_standard", 0.4, 2)
    with pytest.raises(InfeasibleError) as caught:
        planned(
            [bare],
            {"web": [1, 1, 1]},
            workloads=[own("web", {"bare": 1})],
            **parts(horizon={"hours": 3}),
        )
    assert [(one.field, one.value) for one in caught.value.conflicts] == [("workloads.0", "web")]


def test_all_faults_of_quotas_and_owned_reservations_are_told_at_once(document, price):
    owned = {
        "id": "old",
        "kind": "reserved_standard",
        "instance_type": "m",
        "region": "here",
        "quantity": 1,
        "start": "2026-01-01T00:00Z",
        "end": "2026-01-01T04:00Z",
        "workload": "web",
    }
    quota = {"name": "odd", "at_most_vcpus": 3, "regions": ["there"], "families": ["x"]}
    whole = {"name": "cores", "at_most_vcpus": 3}
    asked = document(
        rates(price, "m"),
        {"web": [1] * HOURS},
        workloads=[own("web", {"m": 1})],
        limits={"quotas": [quota, whole]},
        owned=[owned],
    )
    assert faults_of(asked) == [
        (
            "owned.0.workload",
            "take it out, or write reservations: dedicated; pooled ones serve all",
        ),
        ("limits.quotas.0.regions", "the catalogue knows none; take it out"),
        ("limits.quotas.0.families", "the catalogue knows none; take it out"),
        (
            "limits.quotas.1.at_most_vcpus",
            "the catalogue does not know its vCPUs; add them, or limit machines",
        ),
    ]


def test_an_owned_reservation_must_name_its_workload_where_they_are_dedicated(document, price):
    owned = {
        "id": "old",
        "kind": "reserved_standard",
        "instance_type": "m",
        "region": "here",
        "quantity": 1,
        "start": "2026-01-01T00:00Z",
        "end": "2026-01-01T04:00Z",
    }
    asked = document(
        rates(price, "m"),
        {"web": [1] * HOURS},
        workloads=[own("web", {"m": 1})],
        **parts(mode="dedicated", owned=[owned]),
    )
    assert faults_of(asked) == [
        ("owned.0.workload", "name the workload it serves, reservations are dedicated: web")
    ]


@settings(deadline=None, max_examples=60)
@given(
    capacities=st.lists(st.sampled_from([0.5, 1, 1.5, 2, 3, 7.5]), min_size=1, max_size=3),
    demand=st.floats(0, 30, allow_nan=False).map(lambda value: round(value, 3)),
)
def test_whole_machines_serve_demand_and_its_increments_alike(capacities, demand):
    counted = count_increments(np.array([demand]), capacities)
    assert counted is not None
    (level,), serves = counted
    for counts in np.ndindex(*(5,) * len(capacities)):
        enough = float(np.dot(counts, capacities)) >= demand - 1e-9
        assert enough == (int(np.dot(counts, serves)) >= level)


@pytest.mark.parametrize("dear", [True, False])
def test_quotas_on_what_runs_beside_reserved_machines_change_what_is_reserved(planned, price, dear):
    """Six machines are needed in one hour, five of m and big may be had; a big one serves two.

    By tables alone nothing is reserved and six of m run. The quota then leaves five of m beside a
    dear one, 7 USD; where there is none, a big one reserved for all hours beside four of m, 7.6.
    """
    rates = [price("m", "on_demand", 1.0), price("big", "reserved_standard", 0.9, HOURS)]
    capacity = {"m": 1, "big": 2}
    if dear:
        rates.append(price("dear", "on_demand", 2.0))
        capacity["dear"] = 1
    quota = {"name": "few", "at_most": 5, "instance_types": ["m", "big"]}
    found = planned(
        rates, {"web": [0, 0, 0, 6]}, workloads=[own("web", capacity)], **parts([quota])
    )
    cost_usd = 5 + 2.0 if dear else HOURS * 0.9 + 4
    assert float(found.total_cost_usd) == pytest.approx(cost_usd)
    assert found.status == "optimal"
    assert float(found.lower_bound_usd) == pytest.approx(cost_usd, rel=1e-6)


def zoned(document, price, quotas):
    """Two zones that sell two types by reservation only, and a region that sells on demand."""
    reserved = [
        price(name, "reserved_standard", usd, HOURS, region=zone)
        for zone in ("zone1", "zone2", "zone3")
        for name, usd in (("a", 0.3), ("b", 0.5))
    ]
    on_demand = [price(name, "on_demand", usd) for name, usd in (("a", 1.0), ("b", 2.0))]
    regions = ("here", "zone1", "zone2", "zone3")
    return document(
        reserved + on_demand,
        {"web": [9, 11, 13, 8], "job": [4, 4, 4, 5]},
        workloads=[own("web", {"a": 1, "b": 2}, regions), own("job", {"a": 1, "b": 2}, regions)],
        **parts(quotas, "dedicated"),
    )


def zone_quotas(at_most):
    """In every zone two machines and one of type a; the last zone as told."""
    return [
        {"name": f"{zone} {i}", "at_most": most, "regions": [zone]} | scope
        for zone, limits in (("zone1", (2, 1)), ("zone2", (2, 1)), ("zone3", at_most))
        for i, (most, scope) in enumerate(zip(limits, ({}, {"instance_types": ["a"]}), strict=True))
    ]


@pytest.mark.parametrize(
    ("last", "groups"),
    [((2, 1), (("zone1", "zone2", "zone3"),)), ((4, 1), (("zone1", "zone2"),))],
)
def test_zones_alike_are_merged_and_each_keeps_its_quotas(document, price, last, groups):
    request = parse_request(zoned(document, price, zone_quotas(last)))
    zones = merge_zones(resolve(request, Surroundings()))
    found = make_plan(request)
    assert zones.groups == groups
    assert not [one for one in found.warnings if one.startswith("limits: ")]
    for zone, (most, most_a) in zip(
        ("zone1", "zone2", "zone3"), [(2, 1), (2, 1), last], strict=True
    ):
        mine = [one for one in found.purchases if f":{zone}:" in one.offer_id]
        assert sum(one.quantity for one in mine) <= most
        assert sum(one.quantity for one in mine if ":a:" in one.offer_id) <= most_a
    assert float(found.total_cost_usd) == pytest.approx(float(found.model_cost_usd), abs=1e-6)
    assert found.gap == pytest.approx(0, abs=1e-6)


def test_zones_without_quotas_of_their_own_are_one(document, price):
    request = parse_request(zoned(document, price, []))
    zones = merge_zones(resolve(request, Surroundings()))
    assert zones.groups == (("zone1", "zone2", "zone3"),)
    assert len(zones.merged.candidates) == 8
    found = make_plan(request)
    assert all(":zone1:" in one.offer_id for one in found.purchases)
