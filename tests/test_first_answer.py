"""What a first answer must be: the cases tried as new users would, each with its right value."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from api.cli.app import app
from planner import Surroundings, make_plan, parse_request

FIELD = Path(__file__).parents[2] / "shared" / "field-cases"
FIRST, PLANS = FIELD / "first-answer", FIELD / "plans"
SEARCHES_THE_BILL = True

pytestmark = pytest.mark.skipif(not FIELD.exists(), reason="the shared reference data is not there")


def plan_of(path, **changed):
    text = path.read_text()
    asked = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    return make_plan(parse_request(asked | changed), Surroundings(folder=path.parent))


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.2, 3])
def test_a_shop_has_a_plan_at_any_time_limit(seconds):
    """Buying nothing is feasible: 264,609 USD with what is owned."""
    plan = plan_of(FIRST / "shop.yaml", solve={"time_limit_s": seconds})

    assert plan.total_cost_usd < 264_610


@pytest.mark.slow
def test_auto_decomposes_a_shop():
    """Where one model takes ten times as long; benchmarks/auto_grid.py has the times."""
    plan = plan_of(FIRST / "shop.yaml", simplify="off")

    assert plan.solver.name.startswith("decomposed")
    assert float(plan.total_cost_usd) == pytest.approx(159_005, rel=2e-3)


@pytest.mark.slow
def test_the_first_screen_of_a_shop_says_what_is_owed_after():
    result = CliRunner().invoke(app, ["plan", str(FIRST / "shop.yaml"), "--quiet"])

    assert result.exit_code == 0
    screen = result.stdout.splitlines()[:24]
    assert max(map(len, screen)) <= 80
    (owed,) = [line for line in screen if line.startswith("fees still to pay after 2026-11-30")]
    assert float(owed.split()[-1].replace(",", "")) == pytest.approx(155_989, rel=0.01)
    assert any(line.startswith("committed over all terms") for line in screen)
    assert any(line.startswith("in 2025-10 to 2025-12") for line in screen)
    assert any(line.startswith("next deadline") for line in screen)


@pytest.mark.parametrize(
    ("name", "size"),
    [("t17_c5.18xlarge", "c5.18xlarge"), ("t17_m5.4xlarge", "m5.4xlarge"),
     ("t17_t3.2xlarge", "t3.2xlarge")],
)  # fmt: skip
def test_ten_machines_are_reserved_as_ten_machines(name, size):
    """Not as 80 of a small size, whose rates are rounded."""
    plan = plan_of(PLANS / "many-tiny-reservations" / f"{name}.json")

    (bought,) = plan.purchases
    assert f":{size}:" in bought.offer_id
    assert bought.quantity == 10


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("vcpu-memory-one-ratio/t15_const.json", "serves vCPUs and GiB in the ratio of their sums"),
        (
            "mix-fixed-between-dates/t6b.json",
            "runs on one mix of machines, the same",
        ),
        ("sp-only-families/request.json", "the catalogue sells none of those allowed"),
    ],
)
def test_what_later_versions_will_do_is_said_meanwhile(case, said):
    assert any(said in note for note in plan_of(PLANS / case).notes)


def test_computed_prices_and_old_ones_are_said(tmp_path):
    """The Compute Savings Plan rate of m6a is a rule's, 9 % below the published one."""
    asked = {
        "catalog": "aws",
        "horizon": {"hours": 8760},
        "demand": {
            "inline": {"start": "2027-01-01T00:00Z", "series": {"web": [10] * 8760}}
        },
        "purchases": {"hours": [0]},
        "offers": {"kinds": ["savings_plan_compute"], "payments": ["no_upfront"]},
        "workloads": [
            {"name": "web", "needs": {"unit": "machines", "of": "m6a.xlarge"},
             "regions": ["us-east-1"]}
        ],
    }  # fmt: skip
    plan = make_plan(parse_request(asked), Surroundings(folder=tmp_path))

    (bought,) = plan.purchases
    assert bought.price.basis == "derived"
    assert any(
        note.startswith("prices: 1 of 1 purchases are at prices computed") for note in plan.notes
    )
    assert any("fleetplan catalog refresh aws" in warning for warning in plan.warnings)
