"""Problems that others published, with optimal costs proven elsewhere."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from planner import make_plan, parse_request

SHARED = Path(__file__).parents[2] / "shared"
DATED = SHARED / "conformance" / "dated_purchases.json"
NAMES = (
    "savings_plan",
    "on_demand_reserved",
    "savings_plan_reserve_different_durations",
    "savings_plan_different_prices",
    "multiple_reserve_markets",
    "more_instances_total_demand",
)
PAYMENTS = {"all_up": "all_upfront", "partial_up": "partial_upfront"}


def dated_problem(name):
    if not DATED.exists():
        pytest.skip(f"needs {DATED.name} of the shared conformance problems")
    return next(one for one in json.loads(DATED.read_text()) if one["name"] == name)


def request_of(problem, **options):
    """The request that means a dated-purchases problem: full terms, whole dollars and machines."""
    rates = [
        {
            "instance_type": one["instance"],
            "region": "here",
            "kind": "on_demand",
            "hourly_usd": one["hourly_usd"],
        }
        for one in problem["on_demand"]
    ]
    rates += [
        {
            "instance_type": one["instance"],
            "region": "here",
            "kind": "reserved_standard",
            "term_hours": one["term_hours"],
            "payment": PAYMENTS.get(one["name"], "no_upfront"),
            "upfront_usd": one["upfront_usd"],
            "hourly_usd": one["hourly_usd"],
        }
        for one in problem["reserved"]
    ]
    rates += [
        {
            "instance_type": one["instance"],
            "region": "here",
            "kind": "savings_plan_compute",
            "term_hours": one["term_hours"],
            "payment": "no_upfront",
            "hourly_usd": one["rate_usd"],
        }
        for one in problem["spend_plan"]
    ]
    document = {
        "name": problem["name"],
        "horizon": {
            "accounting": "full_term",
            "hours": len(next(iter(problem["demand_instances"].values()))),
        },
        "catalog": {
            "inline": {
                "name": "toy",
                "as_of": "2026-01-01",
                "source": "published problem",
                "instance_types": [{"name": name} for name in problem["demand_instances"]],
                "rates": rates,
            }
        },
        "demand": {"inline": {"start": "2026-01-01T00:00Z", "series": problem["demand_instances"]}},
        "purchases": {"every_hours": 1},
        "commitment_step_usd": 1,
        "whole_machines": True,
        "workloads": [
            {"name": name, "needs": {"unit": "machines", "of": name}, "regions": ["here"]}
            for name in problem["demand_instances"]
        ],
        "simplify": "off",
        "solve": {"gap": 0},
    }
    return parse_request(document | options)


@pytest.mark.parametrize("solver", ["highs", "cbc"])
@pytest.mark.parametrize("name", NAMES)
def test_dated_purchases_reach_the_published_optimum(name, solver):
    problem = dated_problem(name)
    found = make_plan(request_of(problem, solve={"gap": 0, "solver": solver}))
    assert float(found.model_cost_usd) == pytest.approx(problem["optimal_cost_usd"], rel=1e-6)
    assert found.status == "optimal"


def test_fractional_machines_cost_what_the_readme_of_the_problems_says():
    """29.408547 with whole dollars but fractional machines, 29.4 with everything continuous."""
    problem = dated_problem("more_instances_total_demand")
    found = make_plan(request_of(problem, whole_machines=False))
    assert float(found.model_cost_usd) == pytest.approx(29.408547, abs=1e-6)
    found = make_plan(request_of(problem, whole_machines=False, commitment_step_usd=Decimal("0.1")))
    assert float(found.model_cost_usd) == pytest.approx(29.4, abs=1e-3)
