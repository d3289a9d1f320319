"""The forecast example: its history is what its script makes, its holidays and launch are seen."""

import importlib.util
from pathlib import Path

import jsonschema
import pytest

from api.command.documents import read_document
from api.schemas import json_schema
from planner import Surroundings, forecast_demand, make_plan, parse_request

FOLDER = Path(__file__).parent.parent / "examples" / "forecast"


@pytest.fixture(scope="module")
def document():
    return read_document(FOLDER / "request.yaml")


def test_the_history_is_what_the_script_writes():
    spec = importlib.util.spec_from_file_location("forecast_generate", FOLDER / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    written = module.make_history().to_csv(lineterminator="\n")

    assert written == (FOLDER / "history.csv").read_text()


def test_the_request_meets_the_published_schema(document):
    jsonschema.Draft202012Validator(json_schema("request")).validate(document)


def test_its_forecast_beats_the_naive_rule_and_foresees_a_holiday(document):
    made = forecast_demand(parse_request(document), Surroundings(folder=FOLDER))

    shop = next(one for one in made.report.series if one.workload == "shop")
    assert shop.track_records[0].skill > 0.3
    median = made.quantiles["shop"][1].reshape(-1, 24).mean(axis=1)
    # From Monday, 2026-01-05 on: Friday, 2026-05-01 is a holiday, the one a week before is none.
    labour_day = 116
    assert median[labour_day] < 0.8 * median[labour_day - 7]


def test_it_plans_and_tells_what_the_launch_slipping_costs(document):
    plan = make_plan(parse_request(document), Surroundings(folder=FOLDER))

    assert plan.status == "optimal"
    assert plan.savings_share > 0.1
    (launch,) = plan.known
    assert launch.name == "recommendations"
    assert [way.label for way in launch.ways] == ["in time", "late", "not at all"]
