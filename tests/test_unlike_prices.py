"""Plans where prices per unit differ inside a family: four kinds that once went wrong.

Sources: AWS, "How Savings Plans apply to your usage" (each size at its own rate) and "How Reserved
Instances are applied" (size flexibility, smallest size first); Microsoft, "Virtual machine size
flexibility with Reserved VM Instances"; 2bcloud, "I saved 40% on Azure VMs" (reserve the cheapest
size of a group). Every case is worked by hand or counted through.
"""

import json
from pathlib import Path

import pytest
import yaml

from planner import Surroundings, make_plan, parse_request

SEARCHES_THE_BILL = True
CASES = Path(__file__).parents[2] / "shared" / "field-cases" / "plans"
FLEX = "flex-group-unproportional-price"

FIELD_CASES = [
    ("linear-pool-picks-dearer-plan/request.yaml", 125_352.84, 0.005),
    ("bound-above-true-optimum/azure-esv3-westeurope.json", 7_995.55, 0.005),
    ("bound-above-true-optimum/bound.json", 25.20, 0.005),
    ("bound-above-true-optimum/wrong-mix.json", 25.20, 0.005),
    ("bound-above-bill-bundled/t2i_bundled.json", 9_460.80, 0.005),
    (f"{FLEX}/t2d.json", 172.80, 0.005),
    (f"{FLEX}/h1_aws_30pct.json", 264.00, 0.005),
    (f"{FLEX}/h2_aws_12pct.json", 264.00, 0.005),
    (f"{FLEX}/h4_azure_Bsv2.json", 11.17, 0.01),
]


@pytest.mark.parametrize(("name", "usd", "within"), FIELD_CASES)
def test_field_cases_cost_what_was_worked_out_for_them(name, usd, within):
    path = CASES / name
    if not path.exists():
        pytest.skip(f"needs {name} of the shared field cases")
    read = yaml.safe_load if path.suffix == ".yaml" else json.loads
    document = read(path.read_text()) | {"solve": {"gap": 1e-6}}
    plan = make_plan(parse_request(document), Surroundings(folder=path.parent))
    assert float(plan.total_cost_usd) == pytest.approx(usd, abs=within)
    assert plan.lower_bound_usd <= plan.total_cost_usd
    assert plan.model_gap <= 1e-6 + 1e-9


def family(units, rates, **more):
    """Sizes of one family, and the rows of their prices by kind."""
    types = [
        {"name": name, "family": "f", "normalized_units": of, "size_flexible": True}
        for name, of in units.items()
    ]
    rows = [
        {"instance_type": name, "region": "here", "kind": kind, "hourly_usd": usd}
        | ({} if kind == "on_demand" else {"term_hours": 48, "payment": "no_upfront"})
        for kind, prices in rates.items()
        for name, usd in prices.items()
    ]
    return {"types": types, **more}, rows


def plan_at(document, provider, rates, demand, units, **parts):
    """The plan of a fleet of one family."""
    more, rows = family(units, rates)
    request = document(rows, demand, **more, **{"solve": {"gap": 1e-7}, **parts})
    request["catalog"]["inline"]["provider"] = provider
    return make_plan(parse_request(request))


def assert_bill(plan, usd):
    """The bill is this, and the bound no higher."""
    assert float(plan.total_cost_usd) == pytest.approx(usd, abs=0.005)
    assert float(plan.lower_bound_usd) <= usd + 0.005


@pytest.mark.parametrize(
    ("kind", "large_rate"),
    [("savings_plan_ec2", 0.26), ("savings_plan_ec2", 0.25), ("savings_plan_compute", 0.27)],
)
def test_plans_are_not_taken_for_the_rate_of_the_cheapest_size(document, kind, large_rate):
    """A reservation of the small size costs what the plan's small size does; 40 large run.

    40 large at 4 units, one small: 161 reservations at 0.06, where the plan asks more for large.
    """
    rates = {
        "on_demand": {"f.s": 0.1, "f.l": 0.4},
        "reserved_standard": {"f.s": 0.06},
        kind: {"f.s": 0.06, "f.l": large_rate},
    }
    demand = {"f.s": [1] * 48, "f.l": [40] * 48}
    plan = plan_at(document, "aws", rates, demand, {"f.s": 1, "f.l": 4})
    assert_bill(plan, 161 * 0.06 * 48)


@pytest.mark.parametrize(
    ("provider", "kind", "ratio", "dear"),
    [
        ("azure", "azure_reservation", 1.5, 0.24),
        ("azure", "azure_reservation", 2.37, 0.30),
        ("aws", "reserved_standard", 2, 0.29),
    ],
)
def test_dear_sizes_are_worth_their_own_price_to_a_reservation(
    document, provider, kind, ratio, dear
):
    """Three cheap machines run for 48 hours, six dear ones for 22; smallest sizes are served first.

    Counted through: units bought, of which the cheap ones take theirs before the dear ones.
    """

    def usd(bought):
        alone = max(3 - bought, 0) * 0.1
        left = max(bought - 3, 0)
        dear_alone = max(6 - left / ratio, 0) * dear
        return 48 * (0.06 * bought + alone) + 22 * dear_alone

    rates = {"on_demand": {"f.s": 0.1, "f.l": dear}, kind: {"f.s": 0.06}}
    demand = {"f.s": [3] * 48, "f.l": [6] * 22 + [0] * 26}
    plan = plan_at(document, provider, rates, demand, {"f.s": 1, "f.l": ratio})
    assert_bill(plan, min(usd(bought) for bought in range(30)))


@pytest.mark.parametrize(("small", "large"), [(5, 20), (50, 3), (1, 400)])
def test_an_azure_plan_covers_each_size_at_its_own_rate(document, small, large):
    """Rates a unit of 0.05 and 0.06; on demand 0.08 and 0.09: dollars serve all at their own."""
    rates = {
        "on_demand": {"f.s": 0.08, "f.l": 0.36},
        "azure_savings_plan": {"f.s": 0.05, "f.l": 0.24},
    }
    demand = {"f.s": [small] * 48, "f.l": [large] * 48}
    plan = plan_at(document, "azure", rates, demand, {"f.s": 1, "f.l": 4})
    assert_bill(plan, 48 * (0.05 * small + 0.24 * large))


@pytest.mark.parametrize(
    ("region", "name", "other"),
    [
        ("eu-west-2", "t2.medium", "t2.large"),
        ("us-east-1", "t3.medium", "t3.xlarge"),
        ("eu-west-1", "m5.large", "m5.4xlarge"),
    ],
)
def test_bundled_prices_leave_the_bound_below_reservations_of_the_cheapest_unit(
    region, name, other
):
    """Ten of each size all year, one-year reservations without upfront.

    Whatever the catalogue's rounding of small sizes, a plan costs no more than ten of each reserved
    at their own price, nor more than as many units of either size; and its bound is below all.
    """
    document = {
        "horizon": {"start": "2027-01-01T00:00Z", "hours": 8760},
        "catalog": "aws",
        "demand": {
            "inline": {
                "start": "2027-01-01T00:00Z",
                "series": {one: [10] * 8760 for one in (name, other)},
            }
        },
        "purchases": {"hours": [0]},
        "offers": {
            "kinds": ["reserved_standard"], "terms_months": [12], "payments": ["no_upfront"],
        },
        "workloads": [
            {"name": one, "regions": [region], "needs": {"unit": "machines", "of": one}}
            for one in (name, other)
        ],
        "solve": {"gap": 1e-6},
    }  # fmt: skip
    both = make_plan(parse_request(document))
    alone = [
        make_plan(parse_request(document | {"workloads": [one]})) for one in document["workloads"]
    ]
    assert both.total_cost_usd <= sum(one.total_cost_usd for one in alone)
    assert both.lower_bound_usd <= both.total_cost_usd
    assert float(both.gap) < 1e-6
