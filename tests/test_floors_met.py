"""Floors on utilization that the provider's order breaks are kept by buying less."""

import json
import math
import time
from pathlib import Path

import pytest

from planner import Surroundings, make_plan, parse_request
from planner.bill_search import Deadline
from planner.bill_search.floors_met import meet_floor
from planner.decision import Bought, Policy
from planner.planning import resolve
from planner.settlement import broken_limits, look_out

SEARCHES_THE_BILL = True
FIRST = Path(__file__).parents[2] / "shared" / "field-cases" / "first-answer"


@pytest.fixture
def problem(document, price):
    """Four hours of 4, 4, 4 and 1 machines m, and a floor of 75 %."""
    rates = [
        price("m", "on_demand", 2),
        price("m", "reserved_standard", 0.5, 4),
        price("n", "on_demand", 2),
        price("n", "reserved_standard", 0.5, 4),
    ]
    asked = document(
        rates, {"m": [4, 4, 4, 1], "n": [1] * 4}, limits={"utilization": {"at_least": 0.75}}
    )
    return resolve(parse_request(asked), Surroundings())


def policy(problem, steps):
    lots = {problem.options[lot.option].offer.instance_type: lot for lot in problem.lots}
    bought = tuple(
        Bought(lots[name], problem.options[lots[name].option], count)
        for name, count in steps.items()
    )
    return Policy(bought, {})


def bought(outlook):
    return {one.option.offer.instance_type: one.steps for one in outlook.policy.bought}


def in_time():
    return Deadline(time.perf_counter() + 60)


def test_commitments_that_miss_the_floor_are_bought_less_and_others_stay(problem):
    """Of 10 machines 13 of 40 hours are used; of 4 at 81 % enough; n is used all the time."""
    given = look_out(problem, policy(problem, {"m": 10, "n": 1}))
    assert broken_limits(given)

    kept = meet_floor(problem, given, in_time())

    assert bought(kept)["n"] == 1
    assert 1 <= bought(kept)["m"] <= 4
    assert not broken_limits(kept)


def test_a_plan_that_keeps_the_floor_stays(problem):
    assert meet_floor(problem, look_out(problem, policy(problem, {"m": 4})), in_time()) is None


def test_without_time_nothing_changes(problem):
    given = look_out(problem, policy(problem, {"m": 10}))

    assert meet_floor(problem, given, Deadline(-math.inf)) is None


@pytest.mark.skipif(not FIRST.exists(), reason="the shared reference data is not there")
@pytest.mark.slow
def test_a_fleet_of_twelve_families_keeps_its_floor_in_the_bill():
    asked = json.loads((FIRST / "floors.json").read_text()) | {"simplify": "off"}

    plan = make_plan(parse_request(asked), Surroundings(folder=FIRST))

    assert plan.status == "optimal"
    assert not [one for one in plan.warnings if one.startswith("limits:")]
    assert any("keeps utilization.at_least" in one for one in plan.notes)
    assert plan.gap < 0.005
    assert plan.model_gap <= 1e-4
