"""Where workloads run when they have a choice, with shares computed by hand."""

import pytest


def shares(found):
    """(first hour, type) -> share."""
    return {(one.start.hour, one.instance_type): one.share for one in found.mix}


def own_unit(name, capacity, **more):
    needs = {"unit": "own", "capacity": capacity}
    return [{"name": name, "needs": needs, "regions": ["here"]} | more]


def test_each_window_runs_where_it_is_cheapest(planned, price):
    """The owned `a` machines end after hour 2: then `b`, cheaper on demand, takes all."""
    rates = [price("a", "on_demand", 3), price("b", "on_demand", 2)]
    owned = {
        "id": "old", "kind": "reserved_standard", "hourly_usd": 1, "quantity": 4,
        "start": "2025-01-01T00:00Z", "end": "2026-01-01T02:00Z",
        "instance_type": "a", "region": "here",
    }  # fmt: skip
    found = planned(
        rates, {"web": [4, 4, 4, 4]}, owned=[owned], workloads=own_unit("web", {"a": 1, "b": 1})
    )
    assert shares(found) == {(0, "a"): 1.0, (2, "b"): 1.0}
    assert found.total_cost_usd == 2 * 4 * 1 + 2 * 4 * 2
    assert found.on_demand_cost_usd == 4 * 4 * 2


def test_a_window_is_shared_between_machines_where_commitments_reach_only_so_far(planned, price):
    """3 of 4 machines owned: three quarters on them, one quarter on the cheaper on-demand type."""
    rates = [price("a", "on_demand", 3), price("b", "on_demand", 2)]
    owned = {
        "id": "old", "kind": "reserved_standard", "hourly_usd": 1, "quantity": 3,
        "start": "2025-01-01T00:00Z", "end": "2027-01-01T00:00Z",
        "instance_type": "a", "region": "here",
    }  # fmt: skip
    found = planned(
        rates, {"web": [4, 4]}, owned=[owned], workloads=own_unit("web", {"a": 1, "b": 1})
    )
    assert shares(found) == pytest.approx({(0, "a"): 0.75, (0, "b"): 0.25})
    assert float(found.total_cost_usd) == pytest.approx(2 * (3 + 2))


def test_shares_of_a_window_add_up_to_one(planned, price):
    rates = [
        price("a", "on_demand", 3), price("b", "on_demand", 2),
        price("a", "reserved_standard", 1, 2),
    ]  # fmt: skip
    found = planned(
        rates,
        {"web": [4, 1, 4, 5]},
        purchases={"hours": [0, 1]},
        workloads=own_unit("web", {"a": 1, "b": 1}),
    )
    by_window = {}
    for one in found.mix:
        by_window[one.start] = by_window.get(one.start, 0) + one.share
    assert list(by_window.values()) == pytest.approx([1.0] * len(by_window))


def test_an_own_unit_is_served_at_each_types_capacity(planned, price):
    """1,000 requests/s: 10 machines of `a` at 1 USD, or 4 of `b` at 2 USD."""
    rates = [price("a", "on_demand", 1), price("b", "on_demand", 2)]
    found = planned(
        rates, {"requests": [1000, 500]}, workloads=own_unit("requests", {"a": 100, "b": 250})
    )
    assert shares(found) == {(0, "b"): 1.0}
    assert float(found.total_cost_usd) == pytest.approx(8 + 4)


def test_whole_machines_are_counted_by_the_hour(planned, price):
    """5 units: one machine of 4 and one of 1, rather than two of 4."""
    rates = [price("a", "on_demand", 4), price("b", "on_demand", 1.5)]
    found = planned(
        rates,
        {"jobs": [5, 4]},
        whole_machines=True,
        workloads=own_unit("jobs", {"a": 4, "b": 1}),
    )
    assert float(found.total_cost_usd) == pytest.approx(4 + 1.5 + 4)
    # All on one type in each hour: 2 x 4 or 5 x 1.5, then 4.
    assert float(found.on_demand_cost_usd) == pytest.approx(7.5 + 4)


def test_whole_machines_round_demand_up(planned, price):
    rates = [price("m", "on_demand", 1)]
    assert planned(rates, {"m": [1.2, 2.0]}, whole_machines=True).total_cost_usd == 4
    assert float(planned(rates, {"m": [1.2, 2.0]}).total_cost_usd) == pytest.approx(3.2)


BIG_AND_LEAN = (
    {"name": "big.x", "vcpus": 4, "memory_gib": 32},
    {"name": "lean.x", "vcpus": 4, "memory_gib": 8},
)


@pytest.mark.parametrize(
    ("vcpus", "memory_gib", "cost_usd"),
    [
        pytest.param(40, 80, 10 * 1.0, id="both fit lean machines"),
        pytest.param(40, 160, 20 * 1.0, id="memory decides: 20 lean, 10 big at 2.5 are dearer"),
        pytest.param(8, 320, 10 * 2.5, id="memory decides: 40 lean are dearer than 10 big"),
        pytest.param(40, 8, 10 * 1.0, id="vCPUs decide"),
    ],
)
def test_a_machine_serves_what_its_scarcer_side_allows(planned, price, vcpus, memory_gib, cost_usd):
    rates = [price("big.x", "on_demand", 2.5), price("lean.x", "on_demand", 1.0)]
    needs = {"unit": "vcpus_and_memory", "vcpus": "cpu", "memory_gib": "ram"}
    found = planned(
        rates,
        {"cpu": [vcpus], "ram": [memory_gib]},
        types=BIG_AND_LEAN,
        workloads=[{"name": "db", "needs": needs, "regions": ["here"]}],
    )
    assert float(found.total_cost_usd) == pytest.approx(cost_usd)


FAMILY = (
    {"name": "f.small", "normalized_units": 1, "size_flexible": True},
    {"name": "f.large", "normalized_units": 4, "size_flexible": True},
)


def test_normalized_units_are_bought_in_the_size_whose_unit_is_cheapest(planned, price):
    """1 USD a unit in small machines, 0.9 in large ones: 8 units cost 7.2."""
    rates = [price("f.small", "on_demand", 1), price("f.large", "on_demand", 3.6)]
    found = planned(
        rates,
        {"f": [8]},
        types=FAMILY,
        workloads=[
            {"name": "f", "needs": {"unit": "normalized_units", "of": "f"}, "regions": ["here"]}
        ],
    )
    assert float(found.total_cost_usd) == pytest.approx(7.2)
    assert [pool.machines for pool in found.pools] == [("f.large",)]


def test_a_reservation_of_one_size_serves_the_whole_family(planned, price):
    """One large reserved machine gives 4 units: 2 small machines and half of a large one."""
    rates = [
        price("f.small", "on_demand", 1), price("f.large", "on_demand", 4),
        price("f.large", "reserved_standard", 2, 2),
    ]  # fmt: skip
    found = planned(rates, {"f.small": [2, 2], "f.large": [0.5, 0.5]}, types=FAMILY)
    assert [(one.offer_id, one.quantity) for one in found.purchases] == [
        ("custom:reserved_standard:here:f.large:2h:no_upfront", 1)
    ]
    assert found.total_cost_usd == 4
    assert found.coverage == 1


def test_a_size_whose_units_divide_no_other_is_still_bought(planned, price):
    """3 units needed: one machine of 3, though the units of those of 2 are cheaper."""
    types = (
        {"name": "f.two", "normalized_units": 2, "size_flexible": True},
        {"name": "f.three", "normalized_units": 3, "size_flexible": True},
    )
    rates = [
        price("f.two", "on_demand", 2), price("f.three", "on_demand", 3),
        price("f.two", "reserved_standard", 1, 4), price("f.three", "reserved_standard", 1.6, 4),
    ]  # fmt: skip
    found = planned(rates, {"f.three": [1, 1, 1, 1]}, types=types)
    assert float(found.total_cost_usd) == pytest.approx(6.4)


def test_regions_are_a_choice_too(planned):
    """The same type 20 % cheaper elsewhere."""
    rates = [
        {"instance_type": "m", "region": region, "kind": "on_demand", "hourly_usd": usd}
        for region, usd in (("here", 1), ("there", 0.8))
    ]
    found = planned(
        rates,
        {"m": [10]},
        workloads=[{"name": "m", "needs": {"unit": "machines", "of": "m"},
                    "regions": ["here", "there"]}],
    )  # fmt: skip
    assert [(one.region, one.share) for one in found.mix] == [("there", 1.0)]
    assert found.total_cost_usd == 8
