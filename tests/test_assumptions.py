"""What a plan assumes: all of it listed, with what it costs where it does not come true."""

from pathlib import Path

import pytest
import yaml

from planner import Surroundings, make_plan, parse_request

FIRST = Path(__file__).parents[2] / "shared" / "field-cases" / "first-answer"
DAY, YEAR = 24, 8760


def asked(forecast, history=70, **parts):
    return parse_request(
        {
            "catalog": "aws",
            "demand": {
                "inline": {
                    "start": "2026-01-05T00:00Z",
                    "series": {"web": [20.0 + hour % 24 for hour in range(history * DAY)]},
                }
            },
            "forecast": {"paths": 8} | forecast,
            "horizon": {"hours": YEAR},
            "purchases": {"hours": [0]},
            "simplify": "off",
            "workloads": [
                {
                    "name": "web",
                    "needs": {"unit": "machines", "of": "m5.large"},
                    "regions": ["us-east-1"],
                }
            ],
        }
        | parts
    )


def reckoned(plan, kind):
    return [one for one in plan.assumptions if one.kind == kind]


@pytest.fixture(autouse=True)
def time_to_look(monkeypatch):
    """Costs are found on however busy a machine."""
    monkeypatch.setattr("planner.assumed.LEAST_S", 120.0)
    monkeypatch.setattr("planner.longer_terms.LEAST_S", 120.0)


def test_default_hazards_are_listed_with_probability_source_and_cost():
    plan = make_plan(asked({}))

    drop, replaced = reckoned(plan, "hazard")
    assert drop.text == "all demand falls by 35% for good (2% a quarter)"
    assert drop.probability == pytest.approx(1 - 0.98 ** (YEAR / (13 * 7 * 24)))
    assert replaced.text == (
        "10% of the usage of a family (m5) leaves for its successor, out of reach of its "
        "reservations (10% a year)"
    )
    assert replaced.probability == pytest.approx(0.1)
    for one in (drop, replaced):
        assert one.source == "default: a judgement, not a measurement"
        assert one.cost_usd is not None
    (days,) = reckoned(plan, "calendar")
    assert "UTC" in days.text


def test_the_cost_is_that_of_a_plan_without_the_assumption_where_it_does_not_come_true():
    """Both planned by hand: with the hazard alone, and without; billed in futures without it."""
    hazard = {"kind": "drop", "per_quarter": 0.4, "size": 0.9}
    offers = {"terms_months": [12], "kinds": ["reserved_standard"], "payments": ["no_upfront"]}
    parts = {"offers": offers, "solve": {"gap": 1e-6}}
    guarded = make_plan(asked({"hazards": [hazard]}, **parts))
    spared = make_plan(asked({"hazards": []}, **parts))

    (one,) = reckoned(guarded, "hazard")
    assert one.source == "forecast.hazards"
    assert sum(a.quantity for a in guarded.purchases) < sum(a.quantity for a in spared.purchases)
    owned = [
        {
            "id": f"bought-{at}",
            "kind": bought.kind,
            "region": "us-east-1",
            "instance_type": bought.offer_id.split(":")[3],
            "quantity": float(bought.quantity),
            "payment": bought.payment,
            "start": bought.start.isoformat(),
            "end": bought.end.isoformat(),
        }
        for at, bought in enumerate(guarded.purchases)
    ]
    nothing_more = {"kinds": [], "terms_months": [12]}
    billed = make_plan(
        asked({"hazards": []}, owned=owned, offers=nothing_more, solve={"gap": 1e-6})
    )
    expected = float(billed.total_cost_usd - spared.total_cost_usd)
    assert expected > 0
    assert float(one.cost_usd) == pytest.approx(expected, rel=0.02)


def test_launches_are_listed_and_their_cost_is_what_planning_for_them_costs_in_vain():
    launch = {
        "kind": "rollout", "name": "search", "workload": "web", "at": "2026-04-01T00:00Z",
        "uplift_share": 1.0, "probability": 0.5, "slip": {"days": 30, "probability": 0.2},
    }  # fmt: skip
    plan = make_plan(asked({"hazards": [], "known": [launch]}))

    (one,) = reckoned(plan, "launch")
    assert one.id == "launch-search"
    assert one.text == "search: rollout on 2026-04-01, 30 days late with 20%"
    assert (one.probability, one.source) == (0.5, "forecast.known")
    assert one.cost_usd > 0


def test_private_prices_and_computed_rates_are_listed():
    prices = [{"factor": 0.9, "kinds": ["on_demand"]}]
    plan = make_plan(asked({"hazards": []}, prices=prices, offers={"payments": ["all_upfront"]}))

    (price,) = reckoned(plan, "price")
    assert price.text == "list prices of on_demand times 0.9"
    assert price.source == "prices.0"
    (rate,) = reckoned(plan, "derived_rate")
    assert rate.purchases == tuple(sorted({one.offer_id for one in plan.purchases}))
    assert all(one.price.rule in rate.text for one in plan.purchases)


def test_terms_left_out_are_an_assumption_too(planned, price):
    rates = [
        price("m", "on_demand", 2),
        price("m", "reserved_standard", 1.0, 4),
        price("m", "reserved_standard", 0.7, 12),
    ]
    plan = planned(rates, {"m": [1] * 9}, offers={"terms_hours": None})

    (term,) = reckoned(plan, "term")
    assert term.cost_usd == plan.longer_terms.saving_usd
    assert term.text.startswith("offers: terms of 12 hours are left out")


def test_a_plan_on_known_demand_at_quoted_prices_assumes_nothing(planned, price):
    rates = [price("m", "on_demand", 2), price("m", "reserved_standard", 1, 4)]

    assert planned(rates, {"m": [1] * 4}).assumptions == ()


def test_without_time_costs_are_not_told():
    plan = make_plan(asked({}, solve={"time_limit_s": 1e-3}))

    assert [one.cost_usd for one in reckoned(plan, "hazard")] == [None, None]


@pytest.mark.skipif(not FIRST.exists(), reason="the shared reference data is not there")
@pytest.mark.slow
def test_two_steady_services_are_planned_for_as_they_are():
    """Each pool's usage within 10 % of that without hazards; the cost where nothing happens 2 %."""
    document = yaml.safe_load((FIRST / "flat.yaml").read_text()) | {"simplify": "off"}
    spared = document | {"forecast": {"hazards": []}}
    plans = [
        make_plan(parse_request(one), Surroundings(folder=FIRST)) for one in (document, spared)
    ]

    usage, before = (
        {one.pool: float(one.on_demand_equivalent_usd) for one in plan.pools} for plan in plans
    )
    for pool, usd in before.items():
        assert usage[pool] == pytest.approx(usd, rel=0.1)
    hazards = reckoned(plans[0], "hazard")
    assert len(hazards) == 2
    assert all(one.probability and one.cost_usd is not None for one in hazards)
    total = sum(float(one.cost_usd) for one in hazards)
    assert total < 0.025 * float(plans[1].total_cost_usd)
