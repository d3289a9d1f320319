"""Limits that conflict, limits of time, and what the plan says about either."""

import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from planner import (
    InfeasibleError,
    NoPlanError,
    Surroundings,
    compare,
    make_plan,
    parse_request,
)
from solvers import StopReason, get_solver

START = datetime(2026, 1, 1, tzinfo=UTC)
DATES = ["2026-01-01T00:00Z", "2026-01-01T02:00Z"]


@pytest.fixture
def upfront_rates(price):
    """On demand 2 USD; reserved for 2 hours at 2 USD upfront and nothing more."""
    return [
        price("m", "on_demand", 2),
        price("m", "reserved_standard", 0, 2, "all_upfront", 2),
    ]


def conflicts(error):
    return [(one.field, one.value) for one in error.value.conflicts]


def twice_two_hours(planned, rates, **limits):
    return planned(
        rates,
        {"m": [1, 1, 1, 1]},
        horizon={"hours": 4},
        purchases={"dates": DATES},
        limits=limits,
    )


def budgets(*usd):
    return [{"date": date, "usd": one} for date, one in zip(DATES, usd, strict=True)]


def test_a_coverage_floor_conflicts_with_the_budget_that_forbids_it(planned, upfront_rates):
    """90 % need purchases at both dates; only the second budget is too small."""
    with pytest.raises(InfeasibleError) as error:
        twice_two_hours(
            planned, upfront_rates, coverage={"at_least": 0.9}, upfront_budget_usd=budgets(50, 1)
        )
    assert conflicts(error) == [
        ("limits.upfront_budget_usd at 2026-01-01T02:00Z", "1.00"),
        ("limits.coverage.at_least", "0.9"),
    ]
    assert str(error.value) == (
        "no plan serves m within these limits together:\n"
        "limits.upfront_budget_usd at 2026-01-01T02:00Z = 1.00: "
        "raise it, or allow offers without upfront payment\n"
        "limits.coverage.at_least = 0.9: lower it"
    )


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param({"coverage": {"at_least": 0.9}}, id="the floor alone"),
        pytest.param({"upfront_budget_usd": budgets(50, 1)}, id="the budgets alone"),
        pytest.param(
            {"coverage": {"at_least": 0.5}, "upfront_budget_usd": budgets(50, 1)},
            id="a floor the budgets allow",
        ),
    ],
)
def test_each_limit_alone_is_feasible(planned, upfront_rates, limits):
    assert twice_two_hours(planned, upfront_rates, **limits).status == "optimal"


def test_all_budgets_conflict_when_any_one_more_would_do(planned, upfront_rates):
    """A floor of 20 % needs one purchase at either date, and neither budget allows it."""
    with pytest.raises(InfeasibleError) as error:
        twice_two_hours(
            planned, upfront_rates, coverage={"at_least": 0.2}, upfront_budget_usd=budgets(1, 1)
        )
    assert [field for field, _ in conflicts(error)] == [
        "limits.upfront_budget_usd at 2026-01-01T00:00Z",
        "limits.upfront_budget_usd at 2026-01-01T02:00Z",
        "limits.coverage.at_least",
    ]


OWNED = {
    "id": "too many", "kind": "reserved_standard", "hourly_usd": 1, "quantity": 4,
    "start": "2025-01-01T00:00Z", "end": "2027-01-01T00:00Z",
    "instance_type": "m", "region": "here",
}  # fmt: skip


def test_a_utilization_floor_conflicts_with_owning_too_much(planned, price):
    """4 machines owned, 1 used: 25 %."""
    rates = [price("m", "on_demand", 2)]
    parts = {"owned": [OWNED], "limits": {"utilization": {"at_least": 0.3}}}
    with pytest.raises(InfeasibleError) as error:
        planned(rates, {"m": [1, 1]}, **parts)
    assert conflicts(error) == [("limits.utilization.at_least", "0.3")]

    parts["limits"] = {"utilization": {"at_least": 0.25}}
    assert planned(rates, {"m": [1, 1]}, **parts).utilization == 0.25


def test_a_coverage_ceiling_conflicts_with_owning_more_than_it(planned, price):
    """The provider applies what is owned, whatever the plan wishes."""
    rates = [price("m", "on_demand", 2)]
    with pytest.raises(InfeasibleError) as error:
        planned(rates, {"m": [8, 8]}, owned=[OWNED], limits={"coverage": {"at_most": 0.4}})
    assert conflicts(error) == [("limits.coverage.at_most", "0.4")]
    found = planned(rates, {"m": [8, 8]}, owned=[OWNED], limits={"coverage": {"at_most": 0.5}})
    assert found.coverage == 0.5


def test_coverage_keeps_within_its_floor_and_ceiling_as_billed(planned, price):
    rates = [price("m", "on_demand", 2), price("m", "reserved_standard", 1, 4)]
    dear = [price("m", "on_demand", 2), price("m", "reserved_standard", 3, 4)]
    demand = {"m": [10, 10, 10, 10]}
    assert planned(rates, demand, limits={"coverage": {"at_most": 0.3}}).coverage == 0.3
    assert planned(dear, demand, limits={"coverage": {"at_least": 0.2}}).coverage == 0.2
    both = {"coverage": {"at_least": 0.5, "at_most": 0.5}}
    assert planned(rates, demand, limits=both).coverage == 0.5


def test_a_utilization_floor_forbids_purchases_that_would_pay(planned, price):
    """Used in 3 of 4 hours it saves money, but less than 80 % of it is used."""
    rates = [price("m", "on_demand", 2), price("m", "reserved_standard", 1, 4)]
    floor = {"utilization": {"at_least": 0.8}}
    assert len(planned(rates, {"m": [1, 1, 1, 0]}).purchases) == 1
    assert planned(rates, {"m": [1, 1, 1, 0]}, limits=floor).purchases == ()


def hard(document, price, **solve):
    """Many dates, terms and sizes under tight budgets: no plan is proven optimal at once."""
    hours = 240
    types = [
        {"name": f"f.{units}", "normalized_units": units, "size_flexible": True}
        for units in (3, 5, 7)
    ]
    rates = []
    for units in (3, 5, 7):
        rates.append(price(f"f.{units}", "on_demand", units))
        rates += [
            price(f"f.{units}", "reserved_standard", 0, term, "all_upfront",
                  round(units * term * (0.6 + 0.013 * units - term / 2000), 4))
            for term in (30, 70, 110)
        ]  # fmt: skip
    demand = {f"f.{u}": [(h * h * u) % 17 + h % 24 / 3 for h in range(hours)] for u in (3, 5, 7)}
    return parse_request(
        document(
            rates,
            demand,
            types=types,
            whole_machines=True,
            horizon={"hours": hours},
            purchases={"every_hours": 10},
            limits={"upfront_budget_usd": 377},
            solve={"gap": 0} | solve,
        )
    )


def test_a_time_limit_ends_with_a_plan_that_says_its_gap_or_with_none(document, price):
    request = hard(document, price, time_limit_s=0.5)
    try:
        found = make_plan(request)
    except NoPlanError as error:
        without_plan = error
    else:
        without_plan = None
    if without_plan is not None:
        assert without_plan.stop == "time_limit"
        assert str(without_plan).startswith("no plan found in ")
        return
    assert found.solver.stopped == "time_limit"
    assert found.status == "feasible"
    told = f"the gap is {found.model_gap:.3%}, above the 0.000% asked for"
    assert f"{told}: the solver stopped at time limit" in found.warnings


class Halted:
    """The default solver, said to have stopped at its time limit with what `keep` leaves."""

    name = "halted"

    def __init__(self, **keep):
        self.keep = keep

    def solve(self, model, limits, *, progress=None, stop=None):
        """Solve as the default does, and forget what is not kept."""
        outcome = get_solver("highs").solve(model, limits, progress=progress, stop=stop)
        return replace(outcome, stop=StopReason.TIME_LIMIT, seconds=7.25, **self.keep)


def halted_plan(monkeypatch, planned, price, **keep):
    monkeypatch.setattr("planner.methods.get_racing", lambda _: Halted(**keep))
    rates = [price("m", "on_demand", 2), price("m", "reserved_standard", 1, 4)]
    return planned(rates, {"m": [10, 10, 10, 10]})


def test_a_plan_with_a_wide_gap_is_feasible_and_warns(monkeypatch, planned, price):
    found = halted_plan(monkeypatch, planned, price, bound=30.0)
    assert found.status == "feasible"
    assert found.gap == pytest.approx(0.25, abs=1e-6)
    assert found.warnings[-1] == (
        "the gap is 25.000%, above the 0.000% asked for: the solver stopped at time limit"
    )
    assert str(found).startswith("Purchase plan plan: feasible, gap 25.000%\n")


def test_a_plan_without_a_bound_says_so(monkeypatch, planned, price):
    found = halted_plan(monkeypatch, planned, price, bound=None)
    assert (found.status, found.lower_bound_usd, found.gap) == ("feasible", None, None)
    assert found.warnings[-1] == ("no bound is known, so no gap: the solver stopped at time limit")


def test_without_an_incumbent_the_error_tells_the_time_and_the_bound(monkeypatch, planned, price):
    monkeypatch.setattr("planner.tabled.buy_nothing", lambda _: None)
    with pytest.raises(NoPlanError) as error:
        halted_plan(monkeypatch, planned, price, incumbent=None, objective=None, bound=1234.5)
    seconds, rest = str(error.value).removeprefix("no plan found in ").split(" s ", 1)
    assert 0 <= float(seconds) < 7  # those that passed, not those that the solver says
    assert rest == (
        "(time limit); none can cost less than 1,234.50 USD; allow more time, fewer purchase dates "
        "or a shorter horizon"
    )


def test_a_stopped_solver_without_a_plan_leaves_the_one_that_buys_nothing(
    monkeypatch, planned, price
):
    """Ten machines for four hours at 2 USD; the search on the bill goes on from there."""
    found = halted_plan(monkeypatch, planned, price, incumbent=None, objective=None, bound=12.5)
    assert found.model_cost_usd == 80
    assert found.total_cost_usd <= 80
    assert float(found.lower_bound_usd) == pytest.approx(12.5)


def test_a_stop_that_is_set_ends_the_solve(document, price):
    stop = threading.Event()
    stop.set()
    found = make_plan(hard(document, price), Surroundings(folder=Path(), stop=stop))
    assert (found.status, found.solver.stopped) == ("feasible", "interrupted")
    assert found.purchases == ()


def test_an_old_catalogue_draws_a_warning_after_90_days(document, price):
    request = parse_request(document([price("m", "on_demand", 1)], {"m": [1]}))
    for day, warned in ((1, False), (2, True)):
        found = make_plan(request, Surroundings(now=datetime(2026, 4, day, tzinfo=UTC)))
        assert (found.warnings != ()) is warned
    assert found.warnings == ("catalog: prices are of 2026-01-01, 91 days old; refresh them",)


def test_comparison_keeps_to_the_allowed_offers_and_to_the_limits(price, document):
    """A strategy buys nothing forbidden; one that breaks a limit is not called the cheapest."""
    rates = [
        price("m", "on_demand", 2),
        price("m", "reserved_standard", 1, 8760),
        price("m", "reserved_standard", 0.9, 26280),
    ]
    request = parse_request(
        document(
            rates,
            {"m": [10, 10, 10, 10]},
            offers={"terms_months": [36]},
            limits={"coverage": {"at_least": 0.9}},
        )
    )
    found = {one.strategy: one for one in compare(request).strategies}
    assert found["one_year"].status == "infeasible"
    assert found["on_demand"].keeps_limits is False
    assert found["on_demand"].detail == "the bill covers 0.00%, below coverage.at_least 90.00%"
    assert compare(request).cheapest == "optimum"


def test_a_bill_that_breaks_a_limit_draws_a_warning(planned, price):
    """AWS's order keeps 0.3424 of m.y on demand, where another would keep nothing.

    The EC2 plan serves m.x first, at its greatest saving; the compute plan is left to m.y at 0.90.
    """
    rates = [
        price("m.x", "on_demand", 1),
        price("m.y", "on_demand", 1),
        price("m.x", "savings_plan_ec2", 0.50, 4),
        price("m.y", "savings_plan_ec2", 0.55, 4),
        price("m.x", "savings_plan_compute", 0.51, 4),
        price("m.y", "savings_plan_compute", 0.90, 4),
    ]
    term = {"start": "2026-01-01T00:00Z", "end": "2026-01-01T04:00Z"}
    found = planned(
        rates,
        {"m.x": [1] * 4, "m.y": [1] * 4},
        owned=[
            term | {"id": "ec2", "kind": "savings_plan_ec2", "family": "m", "region": "here",
                    "commitment_usd": 0.55},
            term | {"id": "compute", "kind": "savings_plan_compute", "commitment_usd": 0.51},
        ],
        offers={"kinds": []},
        limits={"coverage": {"at_least": 0.99}},
    )  # fmt: skip
    assert float(found.model_cost_usd) == pytest.approx(4 * 1.06)
    assert float(found.assignment_gap_usd) == pytest.approx(4 * 0.3424, abs=1e-3)
    assert found.warnings[-2:] == (
        "the bill is at most 24.417% above the best possible one, 0.000% were asked for: the "
        "model's plan is within 0.000%, the rest is the provider's order of application, see "
        "assignment_gap_usd",
        "limits: the bill covers 82.88%, below coverage.at_least 99.00%",
    )


def test_a_coverage_ceiling_is_kept_as_the_bound_counts_it(planned, price):
    """The bill alone would cover less than the ceiling, by serving half a small machine."""
    types = [
        {"name": "f.small", "family": "f", "size_flexible": True, "normalized_units": "1"},
        {"name": "f.large", "family": "f", "size_flexible": True, "normalized_units": "2"},
    ]
    rates = [
        price("f.small", "on_demand", 0.95),
        price("f.large", "on_demand", 2.0),
        price("f.small", "reserved_standard", 0.38, 6),
    ]
    demand = {"f.small": [0, 0, 0, 0, 0, 0.5], "f.large": [0, 0, 0, 1, 1, 2]}
    limits = {"coverage": {"at_most": 0.9}}
    found = planned(rates, demand, types=types, limits=limits)
    # Two reservations could serve 12 units, of 8.475 x 0.9 allowed: one at the most.
    assert sum(one.quantity for one in found.purchases) <= 1
    assert found.lower_bound_usd <= found.total_cost_usd
