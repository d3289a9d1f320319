"""The quarterly example: its demand is what its script makes, and it plans in seconds."""

import importlib.util
import time
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest

from api.command.documents import read_document
from api.schemas import json_schema
from planner import Surroundings, make_plan, parse_request

FOLDER = Path(__file__).parent.parent / "examples" / "quarterly"
MOST_SECONDS = 60
"""It takes 5 on a quiet machine; a shared one may be slow."""


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location("quarterly_generate", FOLDER / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def demand(generator):
    return generator.make_demand()


def test_the_demand_file_is_what_the_script_writes(demand):
    assert demand.to_csv(lineterminator="\n") == (FOLDER / "demand.csv").read_text()


def test_the_demand_has_the_features_its_description_promises(demand):
    day = demand.index.str[:10]
    launched = demand.loc[demand.index >= "2027-06-01", "api_requests"]
    assert demand.loc[demand.index < "2027-06-01", "api_requests"].max() == 0
    assert launched.min() > 0
    assert (demand.loc[demand.index.str[11:13] == "12", "batch_machines"] == 0).all()
    assert set(demand["cache_units"]) == {192, 256}
    christmas = demand.loc[day == "2027-12-25", "web_vcpus"].mean()
    assert christmas < 0.7 * demand.loc[day == "2027-12-17", "web_vcpus"].mean()


def test_the_request_meets_the_published_schema():
    document = read_document(FOLDER / "request.yaml")

    jsonschema.Draft202012Validator(json_schema("request")).validate(document)


@pytest.mark.slow
def test_it_is_planned_in_seconds_within_its_gap_and_budget():
    request = parse_request(read_document(FOLDER / "request.yaml"))
    began = time.perf_counter()

    plan = make_plan(request, Surroundings(folder=FOLDER))

    assert time.perf_counter() - began < MOST_SECONDS
    assert plan.status == "optimal"
    assert plan.model_gap <= 0.001
    assert len(plan.purchases) <= 10
    best = plan.total_cost_usd - plan.simplification_usd
    assert 0 <= plan.simplification_usd <= best * Decimal("0.0015")
    assert plan.savings_share > 0.4
    assert {one.id for one in plan.owned} == {"compute-2026"}
    by_month = [float(month.upfront_cash_usd) for month in plan.monthly]
    assert max(by_month) <= 60_000
    assert sum(by_month) == pytest.approx(float(sum(one.upfront_usd for one in plan.purchases)))
