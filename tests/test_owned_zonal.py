"""Zonal reservations that are owned serve one type alone, beside what serves its family."""

import pytest

from catalogs import InvalidInputError

TYPES = (
    {"name": "f.large", "family": "f", "normalized_units": 4, "size_flexible": True},
    {"name": "f.xlarge", "family": "f", "normalized_units": 8, "size_flexible": True},
)
ZONAL = {
    "id": "zonal", "kind": "reserved_zonal", "instance_type": "f.large", "region": "here",
    "zone": "here-a", "quantity": 3, "start": "2025-12-31T00:00Z", "end": "2026-01-02T00:00Z",
    "hourly_usd": 0.1,
}  # fmt: skip


def rates(price):
    return [
        price("f.large", "on_demand", 1.0),
        price("f.xlarge", "on_demand", 2.0),
        price("f.large", "reserved_standard", 0.6, 48),
        price("f.large", "reserved_standard", 0.6, 8760),
    ]


@pytest.mark.parametrize("method", ["extensive", "decomposed"])
def test_it_serves_its_type_and_nothing_else(planned, price, method):
    demand = {"f.large": [2.0] * 24, "f.xlarge": [5.0] * 24}
    plan = planned(rates(price), demand, types=TYPES, owned=[ZONAL], offers={"kinds": []},
                   solve={"gap": 1e-6, "method": method})  # fmt: skip
    # Two of three large machines are used; the xlarge ones stay on demand.
    assert float(plan.total_cost_usd) == pytest.approx(24 * (3 * 0.1 + 5 * 2.0))
    assert plan.assignment_gap_usd == plan.linearization_usd == 0
    assert plan.owned[0].utilization == pytest.approx(2 / 3)


def test_what_serves_the_family_is_bought_for_the_rest(planned, price):
    demand = {"f.large": [5.0] * 48, "f.xlarge": [1.0] * 48}
    owned = ZONAL | {"end": "2026-01-03T00:00Z"}
    plan = planned(rates(price), demand, types=TYPES, owned=[owned])
    # Four large machines' worth are left, in two sizes; all are reserved.
    assert [one.quantity for one in plan.purchases] == [4]
    assert float(plan.total_cost_usd) == pytest.approx(48 * (3 * 0.1 + 4 * 0.6))


def test_it_needs_its_zone(planned, price):
    without = {key: value for key, value in ZONAL.items() if key != "zone"}
    with pytest.raises(InvalidInputError, match="write its zone"):
        planned(rates(price), {"f.large": [1.0]}, types=TYPES, owned=[without])
