"""On prices as published: rounded small sizes, several products, and one real demand."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner import make_plan, parse_request

SHAVED_ICE = Path(__file__).parents[2] / "shared" / "data" / "demand" / "shavedice_hourly.parquet"
HOURS = 12
NANO_ROUNDING_USD = 1e-6
"""What rounding to nano-dollars may add up to over a small bill."""


def family_plan(family, demand, **more):
    """A plan for sizes of one family in us-east-1 at the bundled AWS prices."""
    return make_plan(
        parse_request(
            {
                "catalog": "aws",
                "horizon": {"hours": HOURS},
                "demand": {"inline": {"start": "2026-01-01T00:00Z", "series": demand}},
                "purchases": {"hours": [0]},
                "simplify": "off",
                "solve": {"gap": 0},
                "workloads": [
                    {"name": name, "needs": {"unit": "machines", "of": f"{family}.{name}"},
                     "regions": ["us-east-1"]}
                    for name in demand
                ],
            }
            | more
        )
    )  # fmt: skip


series = st.lists(st.sampled_from([0.0, 1.0, 3.0, 7.5, 20.0]), min_size=HOURS, max_size=HOURS)
fleets = st.one_of(
    st.tuples(st.just("t3"), st.fixed_dictionaries(
        dict.fromkeys(["nano", "micro", "large"], series))),
    st.tuples(st.just("m5"), st.fixed_dictionaries(
        dict.fromkeys(["large", "xlarge", "4xlarge"], series))),
    st.tuples(st.just("c6g"), st.fixed_dictionaries(
        dict.fromkeys(["medium", "2xlarge"], series))),
)  # fmt: skip


@settings(deadline=None, max_examples=8)
@given(fleet=fleets)
def test_gaps_account_for_the_whole_way_from_model_to_bill(fleet):
    """Exactly, in decimals; the assignment gap is never negative: the model may assign alike."""
    found = family_plan(*fleet)
    assert found.total_cost_usd - found.model_cost_usd == (
        found.assignment_gap_usd + found.linearization_usd
    )
    assert float(found.assignment_gap_usd) >= -NANO_ROUNDING_USD
    assert found.total_cost_usd == sum(
        (month.on_demand_usd + month.commitment_usd for month in found.monthly), Decimal(0)
    )


@settings(deadline=None, max_examples=8)
@given(fleet=fleets)
def test_reservations_alone_leave_no_assignment_gap_and_give_excess_back(fleet):
    """In linear units every order of reservations costs the same; covered excess is not billed."""
    found = family_plan(*fleet, offers={"kinds": ["reserved_standard", "reserved_convertible"]})
    assert float(found.assignment_gap_usd) == pytest.approx(0, abs=NANO_ROUNDING_USD)
    assert float(found.linearization_usd) <= NANO_ROUNDING_USD


def test_on_demand_alone_is_billed_to_the_nano_dollar():
    found = family_plan("t3", {"nano": [1.0] * HOURS, "large": [2.0] * HOURS}, offers={"kinds": []})
    assert found.total_cost_usd == found.on_demand_cost_usd
    assert found.linearization_usd == 0
    assert float(found.model_cost_usd) == pytest.approx(float(found.total_cost_usd), abs=1e-9)


def shaved_ice():
    if not SHAVED_ICE.exists():
        pytest.skip(f"needs {SHAVED_ICE.name} of the shared demand")
    rows = pd.read_parquet(SHAVED_ICE)
    return rows.groupby("timestamp")["count"].sum().sort_index().to_numpy(dtype=float)


def level_plan(demand, document):
    """One type at 2.1 USD on demand and 1 USD reserved for the whole horizon."""
    hours = len(demand)
    rates = [
        {"instance_type": "vm", "region": "here", "kind": "on_demand", "hourly_usd": 2.1},
        {"instance_type": "vm", "region": "here", "kind": "reserved_standard",
         "term_hours": hours, "payment": "no_upfront", "hourly_usd": 1},
    ]  # fmt: skip
    return make_plan(parse_request(document(rates, {"vm": demand.tolist()})))


def least_level(demand):
    """The smallest whole level that no larger share than 1/2.1 of the hours lies above."""
    ordered = np.sort(demand)
    return int(ordered[int(np.ceil(len(ordered) * (1 - 1 / 2.1))) - 1])


@pytest.mark.parametrize("hours", [8760, 26280])
def test_one_commitment_level_is_a_quantile_of_demand(hours, document):
    """Cost per hour is c + 2.1 max(d - c, 0): least where 1/2.1 of the hours lie above c."""
    demand = shaved_ice()[:hours]
    assert len(demand) == hours
    found = level_plan(demand, document)
    level = least_level(demand)
    assert [one.quantity for one in found.purchases] == [level]
    cost = level * hours + 2.1 * np.maximum(demand - level, 0).sum()
    assert float(found.total_cost_usd) == pytest.approx(cost, rel=1e-12)
    assert float(found.model_cost_usd) == pytest.approx(cost, rel=1e-9)
    assert found.gap == pytest.approx(0, abs=1e-6)


def test_a_machine_that_no_plan_covers_does_not_keep_the_rest_from_one():
    """i3.metal has no plan rates in the bundled catalogue; i3.xlarge beside it is still covered."""
    demand = {"i3.xlarge": [100.0] * 720, "i3.metal": [1.0] * 720}
    document = {
        "demand": {"inline": {"start": "2026-01-01T00:00Z", "series": demand}},
        "offers": {"kinds": ["savings_plan_compute"]},
        "solve": {"gap": 1e-7},
        "workloads": [
            {"name": n, "regions": ["us-east-1"], "needs": {"unit": "machines", "of": n}}
            for n in demand
        ],
    }
    both = make_plan(parse_request(document))
    alone = make_plan(parse_request(document | {"workloads": document["workloads"][:1]}))
    metal = make_plan(parse_request(document | {"workloads": document["workloads"][1:]}))
    assert not metal.purchases
    assert both.model_cost_usd == pytest.approx(alone.model_cost_usd + metal.model_cost_usd)
    assert both.total_cost_usd <= alone.total_cost_usd + metal.total_cost_usd


@pytest.mark.parametrize(
    "solve",
    [
        {"gap": 1e-7},
        {"gap": 1e-7, "solver": "scip"},
        {"gap": 1e-7, "solver": "pulp-highs"},
        {"gap": 1e-7, "method": "decomposed"},
    ],
)
def test_a_choice_of_sizes_costs_no_more_than_any_one_of_them(solve):
    """Sizes cost alike on demand, but small ones' plan rates carry rounding of some percent."""
    capacity = {"t4g.nano": 0.25, "t4g.small": 1, "t4g.large": 4, "t4g.2xlarge": 16}

    def bill(**needs):
        return make_plan(
            parse_request(
                {
                    "demand": {
                        "inline": {"start": "2026-01-01T00:00Z", "series": {"w": [160.0] * 720}}
                    },
                    "offers": {"kinds": ["savings_plan_compute"]},
                    "workloads": [{"name": "w", "regions": ["ap-south-1"], "needs": needs}],
                    "simplify": "off",
                    "solve": solve,
                }
            )
        ).total_cost_usd

    free = bill(unit="own", capacity=capacity)
    for name, units in capacity.items():
        alone = bill(unit="own", capacity={name: units})
        assert float(free) <= float(alone) * (1 + 1e-7)  # the gap asked for


def test_a_month_of_gcp_on_demand_is_billed_less_sustained_use_as_the_model_has_it():
    """N2 runs all of January: its four quarters cost 100, 86.78, 73.3, 60 % of the list price."""
    parts = {
        "catalog": "gcp",
        "offers": {"kinds": []},
        "workloads": [
            {"name": "w", "needs": {"unit": "machines", "of": "n2-standard-4"},
             "regions": ["us-east4"]}
        ],
    }  # fmt: skip
    demand = {"start": "2026-01-01T00:00Z", "series": {"w": [4] * 744}}
    found = make_plan(parse_request(parts | {"demand": {"inline": demand}}))
    listed = float(sum(pool.on_demand_equivalent_usd for pool in found.pools))
    factor = (1 + 0.8678 + 0.733 + 0.6) / 4
    assert float(found.total_cost_usd) == pytest.approx(listed * factor, abs=0.01)
    assert found.total_cost_usd == found.model_cost_usd
