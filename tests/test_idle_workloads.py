"""A workload on which nothing ever runs changes nothing: neither cost, nor bound, nor plan."""

import copy
import json
import sys
from pathlib import Path

import pytest

from planner import make_plan, parse_request

ROOT = Path(__file__).parents[1]
CASES = ROOT.parent / "shared" / "field-cases" / "plans" / "zero-workload-changes-cost"
NANO = 1e-6


@pytest.fixture(scope="module")
def random_request():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT)
        from benchmarks.audit.random_requests import random_request as made

        yield made
    for name in [one for one in sys.modules if one.startswith("benchmarks")]:
        del sys.modules[name]


def with_idle(document, kinds):
    """The request with a workload without demand for each of some machine types."""
    wider = copy.deepcopy(document)
    series = wider["demand"]["inline"]["series"]
    hours = len(next(iter(series.values())))
    regions = wider["workloads"][0]["regions"]
    for kind in kinds:
        name = f"idle {kind}"
        series[name] = [0.0] * hours
        needs = {"unit": "machines", "of": kind}
        wider["workloads"].append({"name": name, "needs": needs, "regions": regions})
    return wider


def same(one, other):
    assert one.total_cost_usd == other.total_cost_usd
    assert float(one.model_cost_usd) == pytest.approx(float(other.model_cost_usd), abs=NANO)
    assert float(one.lower_bound_usd) == pytest.approx(float(other.lower_bound_usd), abs=NANO)
    assert one.purchases == other.purchases
    assert one.mix == other.mix
    assert one.not_bought == other.not_bought


@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("provider", ["aws", "azure", "gcp"])
def test_random_requests_are_planned_alike(random_request, provider, number):
    document = random_request(provider, number)
    document["solve"] = document["solve"] | {"gap": 1e-9}
    kinds = [one["name"] for one in document["catalog"]["inline"]["instance_types"]]

    same(
        make_plan(parse_request(document)),
        make_plan(parse_request(with_idle(document, kinds))),
    )


def test_whole_machines_are_planned_alike(document, price):
    rates = [price("m", "on_demand", 2), price("m", "reserved_standard", 1.2, 4),
             price("n", "on_demand", 3), price("n", "reserved_standard", 0.5, 3)]  # fmt: skip
    asked = document(rates, {"m": [1, 2, 2, 3, 1]}, whole_machines=True)

    same(make_plan(parse_request(asked)), make_plan(parse_request(with_idle(asked, ["m", "n"]))))


def test_idle_capacity_that_is_held_is_not_idle(document, price):
    """One machine is held for nothing to run on: 2 USD an hour, or 1 reserved."""
    rates = [price("m", "on_demand", 2), price("m", "reserved_standard", 1, 4)]
    asked = document(rates, {"m": [0, 0, 0, 0]})
    asked["workloads"][0]["capacity"] = [{"at_least": 1}]

    assert float(make_plan(parse_request(asked)).total_cost_usd) == pytest.approx(4)


@pytest.mark.skipif(not CASES.exists(), reason="the shared reference data is not there")
@pytest.mark.parametrize(
    ("name", "idle", "usd"),
    [("base", "with-zero", 137.8912), ("ceiling-base", "ceiling-with-zero", 69.1270)],
)
def test_reported_cases(name, idle, usd):
    plans = []
    for each in (name, idle):
        asked = json.loads((CASES / f"{each}.json").read_text())
        sold = {one.get("term_hours") for one in asked["catalog"]["inline"]["rates"]} - {None, 0}
        offers = {"terms_hours": sorted(sold)} | asked.get("offers", {})
        plans.append(make_plan(parse_request(asked | {"offers": offers, "simplify": "off"})))

    assert float(plans[0].total_cost_usd) == pytest.approx(usd, abs=5e-5)
    same(*plans)
