"""Capacity blocks in plans, against enumerations by hand, and as billed."""

import itertools
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogs import InvalidInputError
from planner import make_plan, parse_request

TOLERANCE = 2e-6
relaxed = settings(deadline=None, max_examples=10)
METHODS = ("extensive", "decomposed")
EVERYTHING = {"kinds": ["capacity_block", "reserved_standard", "savings_plan_compute"]}


@pytest.fixture
def plan(document):
    def make(rates, demand, **parts):
        horizon = {"hours": len(next(iter(demand.values())))}
        usual = {"offers": EVERYTHING, "horizon": horizon}
        request = document(rates, demand, **(usual | parts))
        request["catalog"]["inline"]["provider"] = "aws"
        return make_plan(parse_request(request))

    return make


@pytest.fixture
def block(price):
    def make(name, upfront_usd, hours=24, **more):
        return price(name, "capacity_block", 0, hours, "all_upfront", upfront_usd, **more)

    return make


def assert_costs(found, usd):
    for cost in (found.model_cost_usd, found.total_cost_usd):
        assert float(cost) == pytest.approx(usd, rel=TOLERANCE)
    assert float(found.lower_bound_usd) <= float(found.total_cost_usd) * (1 + TOLERANCE)


def served(hour, begun, term):
    """Share of an hour that a block serves: half of its last one."""
    if not begun <= hour < begun + term:
        return 0.0
    return 0.5 if hour == begun + term - 1 else 1.0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("whole", [False, True])
def test_blocks_at_two_dates_cost_the_least_of_all_numbers(method, whole, plan, price, block):
    if whole and method == "decomposed":
        pytest.skip("whole machines are decided in one model")

    @relaxed
    @given(
        days=st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=2, max_size=2),
        usd=st.sampled_from([5.0, 13.0, 21.0]),
    )
    def check(days, usd):
        hours = [one for day in days for one in day for _ in range(6)]
        found = plan(
            [price("p5", "on_demand", 1.0), block("p5", usd)],
            {"p5": [float(one) for one in hours]},
            purchases={"hours": [0, 24]},
            whole_machines=whole,
            solve={"gap": 1e-7, "method": method},
        )
        assert_costs(
            found,
            min(
                usd * (first + second)
                + sum(
                    max(0.0, one - first * served(t, 0, 24) - second * served(t, 24, 24))
                    for t, one in enumerate(hours)
                )
                for first, second in itertools.product(range(4), repeat=2)
            ),
        )

    check()


@pytest.mark.parametrize("method", METHODS)
def test_a_block_serves_its_type_alone_and_discounts_serve_the_rest(method, plan, price, block):
    """Of a family of two sizes the block serves one; reserved machines serve what is left."""
    types = [
        {"name": "p.large", "family": "p", "normalized_units": 4, "size_flexible": True},
        {"name": "p.xlarge", "family": "p", "normalized_units": 8, "size_flexible": True},
    ]
    rates = [
        price("p.large", "on_demand", 1.0),
        price("p.xlarge", "on_demand", 2.0),
        price("p.large", "reserved_standard", 0.7, 48),
        block("p.large", 19.2, 48),
    ]
    found = plan(
        rates,
        {"p.large": [3.0] * 48, "p.xlarge": [1.0] * 48},
        types=types,
        solve={"gap": 1e-7, "method": method},
    )
    bought = {one.kind: one.quantity for one in found.purchases}
    assert bought == {"capacity_block": 3, "reserved_standard": 2}
    # In the last half hour the two reserved machines are as busy as ever.
    assert_costs(found, 48 * (3 * 0.4 + 2 * 0.7) + 1.5)
    blocks = next(one for one in found.purchases if one.kind == "capacity_block")
    assert blocks.scope == "here p.large linux"
    assert blocks.upfront_usd == Decimal("57.6")
    assert blocks.utilization == pytest.approx(47.5 / 48)


def test_its_last_half_hour_serves_nothing(plan, price, block):
    """Half of the last hour runs in the block; what runs after it does not."""
    found = plan([price("p5", "on_demand", 100.0), block("p5", 60)], {"p5": [0.0] * 20 + [1.0] * 5})
    assert_costs(found, 60 + 50 + 100)


def test_at_most_256_machines_are_had_at_once(plan, price, block):
    for method in METHODS:
        found = plan(
            [price("p5", "on_demand", 1.0), block("p5", 6, 24), block("p5", 14, 48)],
            {"p5": [300.0] * 48},
            purchases={"hours": [0, 24]},
            solve={"gap": 1e-7, "method": method},
        )
        assert all(one.term_hours == 24 for one in found.purchases)
        assert [one.quantity for one in found.purchases] == [256, 256]
        assert_costs(found, 2 * (256 * 6.5) + 44 * 48)
        assert any("at most 64 machines each" in note for note in found.notes)


@pytest.mark.parametrize("method", METHODS)
def test_an_owned_block_serves_until_half_an_hour_before_its_end(method, plan, price):
    owned = {
        "id": "ours", "kind": "capacity_block", "payment": "all_upfront", "quantity": 2,
        "instance_type": "p5", "region": "here", "upfront_usd": 24,
        "start": "2025-12-31T12:00Z", "end": "2026-01-01T12:00Z",
    }  # fmt: skip
    found = plan(
        [price("p5", "on_demand", 1.0)],
        {"p5": [3.0] * 24},
        owned=[owned],
        offers={"kinds": []},
        solve={"gap": 1e-7, "method": method},
    )
    assert_costs(found, 12 * 2 * 1.0 + 12 * 1 + 2 * 0.5 + 12 * 3)


def test_machines_in_capacity_that_is_held_run_in_no_block(plan, price, block):
    """Each may be had for itself: the block for what is not held."""
    needs = {"unit": "machines", "of": "p5"}
    workloads = [
        {"name": "train", "needs": needs, "regions": ["here"]},
        {"name": "serve", "needs": needs, "regions": ["here"], "capacity": [{"at_least": 2}]},
    ]
    for method in METHODS:
        found = plan(
            [price("p5", "on_demand", 1.0), block("p5", 6)],
            {"train": [3.0] * 24, "serve": [1.0] * 24},
            workloads=workloads,
            solve={"gap": 1e-7, "method": method},
        )
        assert_costs(found, 3 * 6.5 + 2 * 24)


def test_no_block_is_bought_unless_it_is_named(plan, price, block):
    found = plan([price("p5", "on_demand", 1.0), block("p5", 6)], {"p5": [3.0] * 24}, offers={})
    assert not found.purchases
    assert_costs(found, 72)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"hours": 36}, "lasts 36 hours; blocks last 1 to 14 days, or whole weeks"),
        ({"hours": 360}, "lasts 360 hours"),
        ({"hours": 24, "payment": "partial_upfront"}, "is paid upfront"),
        ({"hours": 24, "hourly_usd": 0.5}, "is paid upfront"),
    ],
)
def test_a_block_that_is_not_sold_so_is_refused(row, said, plan, price, block):
    rate = block("p5", 6, row["hours"]) | {k: v for k, v in row.items() if k != "hours"}
    with pytest.raises(InvalidInputError, match=said):
        plan([price("p5", "on_demand", 1.0), rate], {"p5": [1.0] * 24})


def test_blocks_are_of_aws_alone(price, block, document):
    request = document(
        [price("D2", "on_demand", 1.0), block("D2", 6)], {"D2": [1.0] * 24}, offers=EVERYTHING
    )
    request["catalog"]["inline"]["provider"] = "azure"
    with pytest.raises(InvalidInputError, match="is no product of azure"):
        make_plan(parse_request(request))
