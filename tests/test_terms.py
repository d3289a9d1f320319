"""Terms no longer than what is planned for, unless the request names them."""

import numpy as np
import pytest

from planner import Surroundings, compare, make_plan, parse_request

YEAR = 8760


def asked(hours, *, offers=None, machines=10, **parts):
    """A steady service on a bundled machine for some hours, its demand known."""
    document = {
        "catalog": "aws",
        "demand": {"inline": {"start": "2027-01-01T00:00Z", "series": {"s": [machines] * hours}}},
        "purchases": {"hours": [0]},
        "simplify": "off",
        "workloads": [
            {"name": "s", "needs": {"unit": "machines", "of": "m5.large"}, "regions": ["us-east-1"]}
        ],
    }
    return parse_request(document | ({} if offers is None else {"offers": offers}) | parts)


def terms_of(plan):
    return {one.term_hours for one in plan.purchases}


def terms_offered(plan):
    return terms_of(plan) | {
        int(one.offer_id.split(":")[-2][:-1]) * YEAR for one in plan.not_bought
    }


def test_terms_longer_than_the_planned_hours_are_left_out_and_told_with_what_they_would_save():
    """Against the plan that names both terms: the difference of the two bills."""
    hours = 9600

    plan = make_plan(asked(hours))
    named = make_plan(asked(hours, offers={"terms_months": [12, 36]}))

    assert terms_offered(plan) == {YEAR}
    assert terms_of(named) == {3 * YEAR}
    assert plan.longer_terms.terms_hours == (3 * YEAR,)
    saving = plan.total_cost_usd - named.total_cost_usd
    assert float(plan.longer_terms.saving_usd) == pytest.approx(float(saving), rel=2e-3)
    after = [sum(one.after_horizon_usd for one in each.purchases) for each in (named, plan)]
    assert float(plan.longer_terms.after_demand_usd) == pytest.approx(
        float(after[0] - after[1]), rel=1e-2
    )
    (note,) = [one for one in plan.notes if one.startswith("offers: terms")]
    assert note.startswith(
        "offers: terms of 3 years are left out, longer than the 13 months planned for; "
        "offers.terms_months allows them: if demand went on they would save "
    )
    assert f"{plan.longer_terms.saving_usd:,.0f} USD" in note


def test_a_term_as_long_as_the_planned_hours_may_be_bought():
    assert YEAR in terms_offered(make_plan(asked(YEAR)))
    assert not [one for one in make_plan(asked(YEAR)).warnings if one.startswith("offers:")]


def test_where_no_term_fits_the_shortest_may_be_bought_with_a_warning():
    plan = make_plan(asked(YEAR - 24))

    assert terms_offered(plan) == {YEAR}
    assert (
        "offers: no term fits into the 364 days planned for; 1 year, the shortest, may be bought "
        "and runs on after them"
    ) in plan.warnings


def test_terms_in_hours_lift_the_rule_too():
    plan = make_plan(asked(YEAR, offers={"terms_hours": [3 * YEAR]}))

    assert terms_offered(plan) == {3 * YEAR}
    assert plan.longer_terms is None


def test_the_default_horizon_does_not_hang_on_the_rule():
    """Four years of demand are planned for three, the longest term sold; both terms then fit."""
    plan = make_plan(asked(4 * YEAR))

    assert plan.horizon.hours == 3 * YEAR
    assert terms_offered(plan) == {YEAR, 3 * YEAR}
    assert plan.longer_terms is None


def test_strategies_are_compared_under_the_same_rule():
    compared = compare(asked(9600))

    costs = {one.strategy: one.total_cost_usd for one in compared.strategies}
    assert costs["optimum"] == costs["one_year"]
    assert (
        "offers: terms of 3 years are left out, longer than the 13 months planned for; "
        "offers.terms_months allows them"
    ) in compared.notes


def test_a_custom_catalogue_has_terms_of_its_own(planned, price):
    """Of 4, 8 and 12 hours in 9 planned ones, 12 are left out; they would save 2 USD of 10.

    At 1.00, 0.90 and 0.70 USD an hour for one machine: 8 hours at 0.90 and one at 2.00 on demand.
    """
    rates = [
        price("m", "on_demand", 2),
        price("m", "reserved_standard", 1.0, 4),
        price("m", "reserved_standard", 0.9, 8),
        price("m", "reserved_standard", 0.7, 12),
    ]
    plan = planned(rates, {"m": [1] * 9}, offers={"terms_hours": None})

    assert terms_of(plan) == {8}
    assert float(plan.total_cost_usd) == pytest.approx(8 * 0.9 + 2)
    assert float(plan.longer_terms.saving_usd) == pytest.approx(9.2 - 9 * 0.7)
    assert float(plan.longer_terms.after_demand_usd) == pytest.approx(3 * 0.7)


def test_no_time_is_spent_on_longer_terms_once_it_is_up(planned, price):
    rates = [
        price("m", "on_demand", 2),
        price("m", "reserved_standard", 1.0, 4),
        price("m", "reserved_standard", 0.7, 12),
    ]
    parts = {"offers": {"terms_hours": None}, "solve": {"time_limit_s": 1e-3, "gap": 0}}
    plan = planned(rates, {"m": [1] * 9}, **parts)

    assert plan.longer_terms is None
    assert any(one.startswith("offers: terms of 12 hours are left out") for one in plan.notes)


@pytest.mark.parametrize(("days", "terms"), [(88, {YEAR}), (366, {YEAR, 3 * YEAR})])
def test_a_short_history_is_no_ground_for_three_years(days, terms):
    rng = np.random.default_rng(1)
    history = (20 + rng.normal(0, 0.5, 24 * days)).round(3).tolist()
    request = parse_request(
        {
            "catalog": "aws",
            "demand": {"inline": {"start": "2026-01-01T00:00Z", "series": {"s": history}}},
            "forecast": {"paths": 8},
            "horizon": {"hours": 3 * YEAR},
            "purchases": {"hours": [0]},
            "simplify": "off",
            "workloads": [
                {"name": "s", "needs": {"unit": "machines", "of": "m5.large"},
                 "regions": ["us-east-1"]}
            ],
        }
    )  # fmt: skip
    plan = make_plan(request, Surroundings())

    assert terms_offered(plan) == terms
    told = [one for one in plan.notes if "no ground" in one]
    assert bool(told) == (days == 88)
    if told:
        assert told[0].startswith(
            "offers: terms of 3 years are left out, for which 88 days of history are no ground; "
        )
