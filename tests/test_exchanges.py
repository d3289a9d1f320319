"""Exchanges of convertible reservations in whole plans: worked examples, refusals, laws."""

import json
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from catalogs import InvalidInputError
from planner import InfeasibleError, compare, make_plan, parse_request
from planner.actuals import Actuals, bill_plan, parse_plan, usage_source
from planner.billing import Reservation, exchange_convertible

START = datetime.fromisoformat("2026-01-01T00:00Z")
METHODS = pytest.mark.parametrize("method", ["extensive", "decomposed"])


def solve(method):
    return {"gap": 0 if method == "extensive" else 1e-6, "method": method}


def exchanging(price, *, second=12, **parts):
    """`a` is needed in the first half, `b` in the second; convertibles of a day, paid upfront."""
    rates = [
        price("a", "on_demand", 1.0),
        price("b", "on_demand", 2.0),
        price("a", "reserved_convertible", 0.0, 24, "all_upfront", 12.0),
        price("b", "reserved_convertible", 0.0, 24, "all_upfront", 24.0),
    ]
    demand = {"a": [4.0] * second + [0.0] * (24 - second)}
    demand["b"] = [0.0] * second + [2.0] * (24 - second)
    made = {
        "offers": {"kinds": ["reserved_convertible"], "exchanges": True},
        "purchases": {"hours": [0, second]},
        "horizon": {"hours": 24, "accounting": "full_term"},
    }
    return rates, demand, made | parts


@METHODS
def test_machines_follow_a_workload_that_moves(planned, price, method):
    rates, demand, parts = exchanging(price)
    plan = planned(rates, demand, **parts, solve=solve(method))
    # Four machines of `a` for 12 each; two of `b` are worth the same for the half to come.
    (one,) = plan.purchases
    (made,) = plan.exchanges
    assert (one.quantity, made.quantity, made.true_up_usd) == (4, 2, 0)
    assert [given.quantity for given in made.given] == [4]
    assert float(plan.total_cost_usd) == pytest.approx(48)
    assert plan.coverage == 1
    assert made.utilization == 1
    assert "exchange 2026-01-01  4 of" in str(plan)
    without = planned(
        rates, demand, **(parts | {"offers": {"kinds": ["reserved_convertible"]}}),
        solve=solve(method),
    )  # fmt: skip
    assert not without.exchanges
    assert float(without.total_cost_usd) == pytest.approx(96)


@METHODS
def test_owned_machines_of_the_wrong_family_are_exchanged_on_the_first_date(planned, price, method):
    """The family they are of runs nowhere in the fleet any more."""
    rates = [
        price("b", "on_demand", 2.0),
        price("b", "reserved_convertible", 0.8, 96, "no_upfront"),
        price("z", "reserved_convertible", 0.6, 96, "no_upfront"),
        price("z", "on_demand", 1.0),
    ]
    owned = {
        "id": "wrong", "kind": "reserved_convertible", "instance_type": "z", "region": "here",
        "quantity": 4, "start": "2025-12-31T00:00Z", "end": "2026-01-04T00:00Z",
    }  # fmt: skip
    parts = {"offers": {"kinds": [], "exchanges": True}, "owned": [owned]}
    plan = planned(rates, {"b": [3.0] * 24}, **parts, solve=solve(method))
    (made,) = plan.exchanges
    # 4 × 0.6 is worth 3 × 0.8: all four are given, at the same hourly price.
    assert (made.date, made.quantity, made.given[0].quantity) == (START, 3, 4)
    assert made.given[0].id == "wrong"
    assert float(plan.total_cost_usd) == pytest.approx(24 * 2.4)
    assert plan.owned[0].cost_usd == 0
    assert float(made.cost_usd) == pytest.approx(24 * 2.4)
    assert made.after_horizon_usd == pytest.approx(Decimal(48) * Decimal("2.4"))


@METHODS
@pytest.mark.parametrize("accounting", ["amortized", "full_term", "cash_flow"])
def test_e19_a_value_of_35_becomes_four_of_10_and_the_upfront_difference_is_paid(
    planned, price, method, accounting
):
    """Left 35 of 10 each is 4; upfront left 500 of the 600 needed: 100 is paid."""
    # Half of the term is to come. Partial upfront: 1,000 and 50 an hour, worth 1,750 by then;
    # the target takes 300 and 7 an hour for its whole term of 50 hours, so 500 / 3.5 a piece.
    rates = [
        price("a", "on_demand", 100.0),
        price("b", "on_demand", 40.0),
        price("a", "reserved_convertible", 50.0, 50, "partial_upfront", 1000.0),
        price("b", "reserved_convertible", 14.0, 50, "partial_upfront", 300.0),
    ]
    owned = {
        "id": "a", "kind": "reserved_convertible", "instance_type": "a", "region": "here",
        "quantity": 1, "payment": "partial_upfront", "upfront_usd": 1000, "hourly_usd": 50,
        "start": "2025-12-31T23:00Z", "end": "2026-01-03T01:00Z",
    }  # fmt: skip
    parts = {
        "owned": [owned], "offers": {"kinds": [], "exchanges": True},
        "purchases": {"hours": [24]}, "horizon": {"hours": 49, "accounting": accounting},
    }  # fmt: skip
    demand = {"a": [1.0] * 24 + [0.0] * 25, "b": [0.0] * 24 + [4.0] * 25}
    plan = planned(rates, demand, **parts, solve=solve(method))
    (made,) = plan.exchanges
    # 500 + 25 × 50 = 1,750 over 150 + 25 × 14 = 500 is 3.5.
    assert made.given_value_usd == 1750
    assert (made.quantity, made.true_up_usd) == (4, 100)
    sunk = 0 if accounting == "cash_flow" else 20 * 49
    assert float(plan.total_cost_usd) == pytest.approx(sunk + 24 * 50 + 100 + 25 * 4 * 14, abs=1e-6)
    assert plan.monthly[0].upfront_cash_usd == pytest.approx(Decimal(100))
    assert float(plan.monthly[0].cash_usd) == pytest.approx(24 * 50 + 100 + 25 * 4 * 14)


def test_the_strategy_without_upfront_payments_pays_no_true_up(document, price):
    """As above: the exchange would cost 100 upfront; without it four of `b` run on demand."""
    rates = [
        price("a", "on_demand", 100.0),
        price("b", "on_demand", 40.0),
        price("a", "reserved_convertible", 50.0, 50, "partial_upfront", 1000.0),
        price("b", "reserved_convertible", 14.0, 50, "partial_upfront", 300.0),
    ]
    owned = {
        "id": "a", "kind": "reserved_convertible", "instance_type": "a", "region": "here",
        "quantity": 1, "payment": "partial_upfront", "upfront_usd": 1000, "hourly_usd": 50,
        "start": "2025-12-31T23:00Z", "end": "2026-01-03T01:00Z",
    }  # fmt: skip
    demand = {"a": [1.0] * 24 + [0.0] * 25, "b": [0.0] * 24 + [4.0] * 25}
    parts = {
        "owned": [owned], "offers": {"kinds": ["reserved_convertible"], "exchanges": True},
        "purchases": {"hours": [24]}, "horizon": {"hours": 49},
    }  # fmt: skip
    found = {
        one.strategy: (float(one.total_cost_usd), float(one.upfront_cash_usd))
        for one in compare(parse_request(document(rates, demand, **parts))).strategies
    }
    kept = 49 * (1000 / 50 + 50)
    assert found["optimum"] == (49 * 20 + 24 * 50 + 100 + 25 * 4 * 14, 100)
    assert found["no_upfront"] == (kept + 25 * 4 * 40, 0)


@METHODS
def test_only_the_future_that_moves_exchanges(planned, price, method):
    rates, demand, parts = exchanging(price)
    stays = {"a": [4.0] * 24, "b": [0.0] * 24}
    parts |= {
        "scenarios": {"moves": 0.4, "stays": 0.6},
        "information": {"tree": [[["moves", "stays"]], [["moves"], ["stays"]]]},
    }
    plan = planned(rates, {"moves": demand, "stays": stays}, **parts, solve=solve(method))
    (made,) = plan.exchanges
    assert made.scenarios == ("moves",)
    assert made.quantity == 2
    assert float(plan.total_cost_usd) == pytest.approx(48)
    assert float(plan.purchases[0].cost_usd) == pytest.approx(0.4 * 24 + 0.6 * 48)
    assert plan.lower_bound_usd <= plan.total_cost_usd + Decimal("1e-3")


def test_the_bill_of_what_really_ran_has_the_plans_exchanges(document, price, tmp_path):
    rates, demand, parts = exchanging(price)
    request = parse_request(document(rates, demand, **parts))
    plan = make_plan(request)
    rows = ["timestamp,a,b"]
    rows += [
        f"{(START + timedelta(hours=hour)).isoformat()},{demand['a'][hour]},{demand['b'][hour]}"
        for hour in range(24)
    ]
    path = tmp_path / "usage.csv"
    path.write_text("\n".join(rows))
    read_back = parse_plan(json.loads(plan.model_dump_json()))
    actuals = Actuals(usage_source(request.demand, path), None, None)
    bill = bill_plan(read_back, request, actuals)
    assert bill.total_cost_usd == plan.total_cost_usd
    assert bill.difference_usd == 0
    assert sorted(one.start.hour for one in bill.commitments) == [0, 12]
    unknown = json.loads(plan.model_dump_json())
    unknown["exchanges"][0]["date"] = "2026-01-01T01:00:00Z"
    with pytest.raises(InvalidInputError, match="offers no such exchange"):
        bill_plan(parse_plan(unknown), request, actuals)


def test_budgets_count_the_true_up_at_its_date(planned, price):
    rates, demand, parts = exchanging(price, second=6)
    demand["b"] = [0.0] * 6 + [3.0] * 18
    rich = planned(rates, demand, **parts)
    poor = planned(
        rates,
        demand,
        **parts,
        limits={"upfront_budget_usd": [{"date": "2026-01-01T06:00Z", "usd": 0}]},
    )
    # Three of `b` are worth 54 for what is left of them: five of `a` at 9, and 9 more.
    assert [(one.quantity, one.true_up_usd) for one in rich.exchanges] == [(3, 9)]
    assert float(rich.total_cost_usd) == pytest.approx(5 * 12 + 9)
    # A sixth for 12 stands in for them, or one of `b` from the start.
    assert all(one.true_up_usd == 0 for one in poor.exchanges)
    assert float(poor.total_cost_usd) == pytest.approx(6 * 12)
    assert not [one for one in poor.warnings if "upfront" in one]


def test_what_is_dominated_as_it_stands_is_bought_to_be_exchanged(planned, price):
    """A standard reservation at the same price is as good, until half-time."""
    rates, demand, parts = exchanging(price)
    rates.append(price("a", "reserved_standard", 0.0, 24, "all_upfront", 11.9))
    kinds = ["reserved_convertible", "reserved_standard"]
    plan = planned(rates, demand, **(parts | {"offers": {"kinds": kinds, "exchanges": True}}))
    assert [one.kind for one in plan.purchases] == ["reserved_convertible"]
    assert float(plan.total_cost_usd) == pytest.approx(48)


@pytest.mark.parametrize(
    ("parts", "match"),
    [
        ({"offers": {"kinds": ["reserved_standard"], "exchanges": True}}, "nothing is convertible"),
        ({"whole_machines": True}, "cannot go with whole_machines"),
        ({"purchases": {"every_hours": 1}, "horizon": {"hours": 8760}}, "fewer purchase dates"),
    ],
)
def test_what_cannot_be_exchanged_is_refused(planned, price, parts, match):
    rates, demand, made = exchanging(price)
    demand = {name: hours * 365 for name, hours in demand.items()}
    with pytest.raises(InvalidInputError, match=match):
        planned(rates, demand, **(made | parts))


def reservation_of(plan, given):
    """The billing simulator's reservation of a purchase in a plan."""
    one = next(p for p in plan.purchases if given.id == f"{p.offer_id} @ {p.start:%Y-%m-%dT%H:%MZ}")
    return Reservation(
        commitment_id=given.id, account="A", provider="custom", region="here",
        instance_type=given.offer_id.split(":")[3], size_flexible=False, convertible=True,
        count=given.quantity, start=one.start, term_hours=one.term_hours,
        upfront_usd=one.upfront_usd / one.quantity, hourly_usd=one.hourly_usd / one.quantity,
    )  # fmt: skip


SHARES = st.sampled_from([0.35, 0.5, 0.62, 0.8])
PAYMENTS = st.sampled_from(["no_upfront", "partial_upfront", "all_upfront"])


@st.composite
def requests(draw):
    """Rates, demand and other parts of a request with exchanges in it."""
    usd = {"a": 1.0, "b": 2.1, "c": 1.7}
    rates = [("on_demand", name, price, None, None, None) for name, price in usd.items()]
    term = draw(st.sampled_from([15, 24, 40]))
    for payment in draw(st.sets(PAYMENTS, min_size=1, max_size=2)):
        upfront_share = {"no_upfront": 0.0, "partial_upfront": 0.5, "all_upfront": 1.0}[payment]
        for name, on_demand in usd.items():
            rate = on_demand * draw(SHARES)
            upfront = round(rate * upfront_share * term, 4) if upfront_share else None
            hourly = round(rate * (1 - upfront_share), 4)
            rates.append(("reserved_convertible", name, hourly, term, payment, upfront))
    rates.append(("reserved_standard", "a", 0.45, 24, "no_upfront", None))
    rates += [
        ("savings_plan_compute", name, round(usd[name] * 0.7, 4), 24, "no_upfront", None)
        for name in usd
    ]
    futures = draw(st.sampled_from([1, 1, 2]))
    hours = st.lists(st.integers(0, 9), min_size=4, max_size=4)
    paths = [
        {name: [float(level) for level in draw(hours) for _ in range(6)] for name in usd}
        for _ in range(futures)
    ]
    accounting = draw(st.sampled_from(["amortized", "cash_flow", "full_term"]))
    parts = {
        "horizon": {"hours": 24, "accounting": accounting},
        "purchases": {"hours": draw(st.sampled_from([[0, 12], [0, 6, 15]]))},
        "commitment_step_usd": 0.5,
        "limits": draw(
            st.sampled_from(
                [{}, {}, {"upfront_budget_usd": 30}, {"coverage": {"at_least": 0.4}},
                 {"coverage": {"at_most": 0.6}}, {"utilization": {"at_least": 0.7}}]
            )
        ),
    }  # fmt: skip
    if accounting == "cash_flow":
        parts["horizon"]["discount_rate"] = 9.0
        if "utilization" in parts["limits"]:
            parts["limits"] = {}
    if futures > 1:
        for name in usd:
            paths[1][name][:6] = paths[0][name][:6]
        parts |= {"scenarios": {"s0": 0.3, "s1": 0.7}, "information": {"groups": [1, 2]}}
        if draw(st.booleans()) and "utilization" not in parts["limits"]:
            parts["risk"] = {"level": 0.5, "weight": draw(st.sampled_from([0.4, 1.0]))}
    if draw(st.booleans()):
        parts["owned"] = [
            {"id": "old", "kind": "reserved_convertible", "hourly_usd": 0.5, "quantity": 3,
             "start": "2025-12-31T20:00Z", "end": str_of(term - 4), "instance_type": "c",
             "region": "here"}
        ]  # fmt: skip
    demand = paths[0] if futures == 1 else {"s0": paths[0], "s1": paths[1]}
    return rates, demand, parts


def str_of(hour):
    return (START + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%MZ")


def rows(rates, price):
    return [
        price(name, kind, usd, term, payment, upfront) if term else price(name, kind, usd)
        for kind, name, usd, term, payment, upfront in rates
    ]


def plan_or_none(planned, price, rates, demand, parts, *, exchanges=True, method="extensive"):
    offers = {"exchanges": exchanges}
    try:
        return planned(
            rows(rates, price), demand, **parts, offers=offers,
            solve={"gap": 1e-6, "method": method},
        )  # fmt: skip
    except InfeasibleError:
        return None


relaxed = settings(
    deadline=None,
    max_examples=10,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],  # each is solved three times
)


@relaxed
@given(request=requests())
def test_both_methods_agree_and_exchanges_never_raise_the_optimum(request, planned, price):
    found = plan_or_none(planned, price, *request)
    decomposed = plan_or_none(planned, price, *request, method="decomposed")
    assert (found is None) == (decomposed is None)
    assume(found is not None)
    cost = float(found.objective_usd)
    slack = 5e-6 * max(abs(cost), 1.0)
    assert float(decomposed.objective_usd) == pytest.approx(cost, abs=slack)
    assert float(decomposed.lower_bound_usd) <= cost + slack
    without = plan_or_none(planned, price, *request, exchanges=False)
    if without is not None:
        assert cost <= float(without.objective_usd) + slack
    for plan in (found, decomposed):
        parts = plan.model_cost_usd + plan.assignment_gap_usd + plan.linearization_usd
        assert parts == plan.total_cost_usd
        # Savings plans take what the provider has them take; all else is exact.
        assert float(plan.total_cost_usd) >= float(plan.model_cost_usd) - slack
        billed = sum(one.on_demand_usd + one.commitment_usd for one in plan.monthly)
        assert billed == pytest.approx(plan.total_cost_usd, abs=Decimal("1e-6"))
        check_exchanges(plan, request)


def check_exchanges(plan, request):
    """The billing simulator's own count and true-up of every exchange of purchases."""
    catalogue = {
        (name, payment, term): (hourly, upfront or 0)
        for kind, name, hourly, term, payment, upfront in request[0]
        if kind == "reserved_convertible"
    }
    for made in plan.exchanges:
        owned = [one for one in made.given if one.id == "old"]
        name = made.offer_id.split(":")[3]
        hourly, upfront = catalogue[name, made.payment, made.term_hours]
        target = Reservation(
            commitment_id="t", account="A", provider="custom", region="here", instance_type=name,
            size_flexible=False, convertible=True, count=1, start=made.date,
            term_hours=made.term_hours, upfront_usd=str(upfront), hourly_usd=str(hourly),
        )  # fmt: skip
        if owned:
            given = [
                target.model_copy(
                    update={
                        "commitment_id": "old", "instance_type": "c", "count": one.quantity,
                        "start": START - timedelta(hours=4), "upfront_usd": Decimal(0),
                        "hourly_usd": Decimal("0.5"),
                    }
                )
                for one in owned
            ]  # fmt: skip
        else:
            given = []
        given += [reservation_of(plan, one) for one in made.given if one.id != "old"]
        found = exchange_convertible(given, target, made.date)
        assert found.count == made.quantity
        assert float(found.true_up_usd) == pytest.approx(float(made.true_up_usd), abs=1e-6)
        assert found.end == made.end


@METHODS
def test_reservations_tied_to_a_workload_stay_with_it(planned, price, method):
    """`web` moves from `a` to `b`; `batch` on `b` may not have what `web` gives up."""
    rates, demand, parts = exchanging(price)
    demand = {"web": demand["a"], "batch": demand["b"]}
    needs = {"unit": "own", "capacity": {"a": 1.0}}, {"unit": "own", "capacity": {"b": 1.0}}
    parts["workloads"] = [
        {"name": name, "needs": one, "regions": ["here"]}
        for name, one in zip(demand, needs, strict=True)
    ]
    pooled = planned(rates, demand, **parts, solve=solve(method))
    tied = planned(rates, demand, **parts, reservations="dedicated", solve=solve(method))
    assert float(pooled.total_cost_usd) == pytest.approx(48)
    assert not tied.exchanges
    assert float(tied.total_cost_usd) == pytest.approx(96)


def test_sizes_of_a_family_are_taken_by_their_units(planned, price):
    """Five machines of one family serve a small one and two large ones of another."""
    types = (
        {"name": "f.s", "family": "f", "normalized_units": 1, "size_flexible": True},
        {"name": "f.l", "family": "f", "normalized_units": 2, "size_flexible": True},
        {"name": "g.s", "family": "g", "normalized_units": 1, "size_flexible": True},
    )
    rates = [
        price(name, kind, usd, *term)
        for name, od in (("f.s", 1.0), ("f.l", 2.0), ("g.s", 1.0))
        for kind, usd, term in (
            ("on_demand", od, ()), ("reserved_convertible", od / 2, (48,))
        )
    ]  # fmt: skip
    owned = {
        "id": "old", "kind": "reserved_convertible", "instance_type": "g.s", "region": "here",
        "quantity": 5, "start": "2025-12-31T00:00Z", "end": "2026-01-02T00:00Z",
    }  # fmt: skip
    parts = {"types": types, "owned": [owned], "offers": {"kinds": [], "exchanges": True}}
    plan = planned(rates, {"f.s": [1.0] * 24, "f.l": [2.0] * 24}, **parts)
    (made,) = plan.exchanges
    assert (made.quantity, made.given[0].quantity) == (5, 5)
    assert float(plan.total_cost_usd) == pytest.approx(24 * 2.5)


def test_strategies_are_compared_with_exchanges(document, price):
    rates, demand, parts = exchanging(price)
    found = compare(parse_request(document(rates, demand, **parts)))
    costs = {one.strategy: one.total_cost_usd for one in found.strategies}
    assert float(costs["optimum"]) == pytest.approx(48)
    assert found.cheapest == "optimum"
