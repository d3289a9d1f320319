"""Plans of few lines against a count of every line that could be left out or merged.

The bill counted here is written down by hand: reserved machines first, the rest on demand.
"""

from fractions import Fraction
from itertools import product
from random import Random

import numpy as np
import pytest

from planner import Surroundings, compare, make_plan, parse_request
from planner.actuals import Actuals, bill_plan, parse_plan, usage_source
from planner.bill_search.kept import Keeper
from planner.decision import Policy
from planner.planning import resolve
from planner.settlement import look_out
from planner.simplification.mix import without_small_shares

HOURS = 72
DATES = (0, 24, 48)
NEARLY = 1e-7

RATES = {
    ("reserved_standard", 24, "no_upfront"): (Fraction("0.7"), Fraction(0)),
    ("reserved_standard", 48, "all_upfront"): (Fraction(0), Fraction("31.2")),
    ("reserved_standard", 48, "no_upfront"): (Fraction("0.67"), Fraction(0)),
    ("reserved_convertible", 72, "all_upfront"): (Fraction(0), Fraction("44.64")),
}
"""Hourly and upfront price of a machine that costs a dollar on demand."""


@pytest.fixture
def fleet(document, price):
    """A request of one machine type, with demand that rises and falls at random."""

    def of(number, **parts):
        dice = Random(number)  # noqa: S311 - no secret
        rates = [price("m", "on_demand", 1)]
        for (kind, term, payment), (hourly, upfront) in RATES.items():
            rates.append(price("m", kind, float(hourly), term, payment, float(upfront) or None))
        level = [dice.randint(1, 3), dice.randint(3, 7), dice.randint(5, 9)]
        dice.shuffle(level)
        demand = [
            max(level[hour // 24] + dice.choice((-1, 0, 0, 0, 1, 2)), 0) for hour in range(HOURS)
        ]
        asked = {"purchases": {"hours": list(DATES)}, "horizon": {"hours": HOURS}} | parts
        return document(rates, {"m": [float(one) for one in demand]}, **asked)

    return of


def plan_of(document, **parts):
    return make_plan(parse_request(document | parts), Surroundings())


def lines_of(plan):
    """Machines by kind, term, payment and first hour."""
    start = plan.horizon.start
    return {
        (str(one.kind), one.term_hours, str(one.payment), (one.start - start).days * 24): int(
            one.quantity
        )
        for one in plan.purchases
    }


def counted(document, lines):
    """The bill in dollars: what is committed in the horizon, and the rest on demand."""
    demand = document["demand"]["inline"]["series"]["m"]
    active, cost = [0] * HOURS, Fraction(0)
    for (kind, term, payment, start), machines in lines.items():
        hourly, upfront = RATES[kind, term, payment]
        hours = range(start, min(start + term, HOURS))
        cost += machines * (hourly + upfront / term) * len(hours)
        for hour in hours:
            active[hour] += machines
    left = (max(Fraction(need) - have, 0) for need, have in zip(demand, active, strict=True))
    return cost + sum(left)


def with_one_line_less(document, lines):
    """Every plan with a line left out, and any other one of any amount."""
    most = int(max(document["demand"]["inline"]["series"]["m"]))
    for gone in lines:
        rest = {line: count for line, count in lines.items() if line != gone}
        yield rest
        for other, count in product(rest, range(most + 1)):
            yield rest | {other: count}


@pytest.mark.parametrize("number", range(12))
@pytest.mark.parametrize("tolerance", [0.001, 0.02, 0.1])
def test_no_line_can_go_or_merge_within_what_simplicity_may_cost(fleet, number, tolerance):
    document = fleet(number)
    best, plan = plan_of(document), plan_of(document, simplify=tolerance)
    lines = lines_of(plan)
    limit = float(best.total_cost_usd) * (1 + tolerance)
    total = float(plan.total_cost_usd)
    assert total == pytest.approx(float(counted(document, lines)))
    assert total <= limit * (1 + NEARLY)
    for fewer in with_one_line_less(document, lines):
        assert float(counted(document, fewer)) > limit * (1 - NEARLY)


def test_lines_do_go_and_what_that_costs_is_told_to_the_cent(fleet):
    gone = 0
    for number in range(12):
        document = fleet(number)
        best, plan = plan_of(document), plan_of(document, simplify=0.05)
        gone += len(best.purchases) - len(plan.purchases)
        extra = counted(document, lines_of(plan)) - counted(document, lines_of(best))
        assert float(plan.simplification_usd) == pytest.approx(float(extra), abs=1e-6)
        assert plan.total_cost_usd - plan.simplification_usd == best.total_cost_usd
        parts = plan.assignment_gap_usd + plan.linearization_usd + plan.simplification_usd
        assert plan.model_cost_usd + parts == plan.total_cost_usd
        unchanged = ("status", "model_gap", "model_cost_usd", "lower_bound_usd", "objective_usd")
        assert [getattr(plan, one) for one in unchanged] == [
            getattr(best, one) for one in unchanged
        ]
        assert not any("order of application" in warning for warning in plan.warnings)
    assert gone >= 6


@pytest.mark.parametrize("written", ["off", False])
def test_off_is_the_plan_of_the_least_bill_and_searches_nothing(fleet, written, monkeypatch):
    """YAML reads a bare off as false."""
    monkeypatch.setattr("planner.simplification.simplifying._simplified", None)
    plan = plan_of(fleet(1), simplify=written)
    assert plan.simplification_usd == 0
    assert not any(note.startswith("simplify") for note in plan.notes)


LIMITS = [
    {"upfront_budget_usd": 70},
    {"coverage": {"at_least": 0.8}},
    {"coverage": {"at_most": 0.6}},
    {"utilization": {"at_least": 0.97}},
]


@pytest.mark.parametrize("limits", LIMITS, ids=str)
def test_a_simpler_plan_that_breaks_a_limit_is_not_taken(fleet, limits):
    """Each is counted by hand; without the limit, a tenth more buys plans that break it."""
    broken = 0
    for number in range(6):
        document = fleet(number, limits=limits, simplify=0.1)
        assert keeps(document, lines_of(plan_of(document)), limits)
        free = plan_of(document, limits={})
        broken += not keeps(document, lines_of(free), limits)
    assert broken > 0


def keeps(document, lines, limits):
    """Whether purchases keep to limits, counted hour by hour."""
    demand = document["demand"]["inline"]["series"]["m"]
    active = [0] * HOURS
    paid = dict.fromkeys(DATES, 0.0)
    for (kind, term, payment, start), machines in lines.items():
        paid[start] += float(machines * RATES[kind, term, payment][1])
        for hour in range(start, min(start + term, HOURS)):
            active[hour] += machines
    used = sum(min(need, have) for need, have in zip(demand, active, strict=True))
    coverage, utilization = used / sum(demand), used / max(sum(active), 1)
    floor, ceiling = (limits.get("coverage", {}).get(one) for one in ("at_least", "at_most"))
    return (
        max(paid.values()) <= limits.get("upfront_budget_usd", np.inf) + NEARLY
        and coverage >= (floor or 0.0) - NEARLY
        and coverage <= (ceiling or 1.0) + NEARLY
        and (
            not any(active)
            or utilization >= limits.get("utilization", {}).get("at_least", 0.0) - NEARLY
        )
    )


@pytest.mark.parametrize("most", [1, 2])
@pytest.mark.parametrize("simplify", ["off", 0.001])
def test_no_more_lines_are_shown_than_asked_for_and_the_bound_stays(fleet, most, simplify):
    fewer = 0
    for number in range(6):
        document = fleet(number, simplify=simplify)
        best = plan_of(document, simplify="off")
        rules = {"hours": list(DATES), "most_lines": most}
        plan = plan_of(document, purchases=rules)
        fewer += len(best.purchases) > most
        assert len(plan.purchases) <= most
        assert (plan.lower_bound_usd, plan.status) == (best.lower_bound_usd, best.status)
        assert float(plan.total_cost_usd) == pytest.approx(float(counted(document, lines_of(plan))))
        assert plan.simplification_usd == plan.total_cost_usd - best.total_cost_usd >= 0
    assert fewer > 2


@pytest.mark.parametrize("simplify", ["off", 0.001])
def test_no_purchase_commits_to_less_than_the_smallest(fleet, simplify):
    raised = 0
    for number in range(6):
        document = fleet(number, simplify=simplify)
        best = plan_of(document, simplify="off")
        plan = plan_of(document, purchases={"hours": list(DATES), "smallest_usd": 60})
        committed = [one.upfront_usd + one.hourly_usd * one.term_hours for one in plan.purchases]
        assert min(committed) >= 60
        assert plan.lower_bound_usd == best.lower_bound_usd
        raised += any(count > lines_of(best).get(line, 0) for line, count in lines_of(plan).items())
    assert raised > 0


def test_rules_that_limits_do_not_allow_are_warned_of(fleet):
    """Covering all of the demand takes purchases at every date, whatever the rules."""
    limits = {"coverage": {"at_least": 1}}
    rules = {"hours": list(DATES), "most_lines": 1, "smallest_usd": 5000}
    document = fleet(2, limits=limits, purchases=rules, offers={"terms_hours": [24]})
    plan = plan_of(document)
    assert len(plan.purchases) == 3
    assert any(
        one.startswith("purchases.most_lines: 3 purchases are left") for one in plan.warnings
    )


def test_purchases_are_every_three_months_where_only_their_look_is_given(fleet):
    request = parse_request(fleet(1, purchases={"most_lines": 5}))
    assert request.purchases.every_months == 3


def rows_of(document):
    compared = compare(parse_request(document), Surroundings())
    return {one.strategy: one for one in compared.strategies}


@pytest.mark.parametrize("number", range(4))
def test_the_optimum_is_never_dearer_than_another_strategy(fleet, number):
    rows = rows_of(fleet(number, simplify=0.1))
    kept = [one.total_cost_usd for one in rows.values() if one.keeps_limits]
    assert rows["optimum"].total_cost_usd == min(kept)


def test_compare_has_the_plan_shown_unless_another_strategy_costs_less(document, price):
    """Reserving at the peak is the optimum: 10 + 1 machines at 0.6; without the one, 7 an hour."""
    rates = [price(name, kind, usd, *term) for name in "ab" for kind, usd, term in
             (("on_demand", 1, ()), ("reserved_standard", 0.6, (24,)))]  # fmt: skip
    always = document(rates, {"a": [10.0] * 24, "b": [1.0] * 24}, simplify=0.1)
    plan, optimum = plan_of(always), rows_of(always)["optimum"]
    assert (len(plan.purchases), float(plan.total_cost_usd)) == (1, 7 * 24)
    assert float(optimum.total_cost_usd) == pytest.approx(6.6 * 24)
    assert optimum.detail.startswith("the cheapest plan found")
    assert optimum.gap == pytest.approx(0, abs=1e-9)
    shown = rows_of(always | {"demand": by_night(always)})["optimum"]
    assert (shown.purchases, shown.detail) == (1, None)


def by_night(document):
    """Demand of which more than half is there half of the time only."""
    inline = document["demand"]["inline"]
    series = {"a": [10.0] * 12 + [21.0] * 12, "b": [1.0] * 24}
    return {"inline": inline | {"series": series}}


# Sizes


def aws(series, **parts):
    """Machines that always run in us-east-1, at bundled prices: a year without upfront."""
    return {
        "catalog": "aws",
        "demand": {"inline": {"start": "2026-01-01T00:00Z", "series": series}},
        "purchases": {"hours": [0]},
        "offers": {
            "kinds": ["reserved_standard"],
            "terms_months": [12],
            "payments": ["no_upfront"],
        },
        "workloads": [
            {"name": name, "regions": ["us-east-1"], "needs": {"unit": "machines", "of": name}}
            for name in series
        ],
    } | parts


def bought(plan):
    return {one.offer_id.split(":")[3]: int(one.quantity) for one in plan.purchases}


ALWAYS = [10.0] * 168


def test_reservations_are_bought_in_the_size_that_runs():
    """Field case: 80 m5.large for 10 m5.4xlarge, 320 t3.micro for 10 t3.2xlarge."""
    document = aws({"m5.4xlarge": ALWAYS, "t3.2xlarge": ALWAYS})
    small, plan = plan_of(document, simplify="off"), plan_of(document)
    assert bought(small) == {"m5.large": 80, "t3.micro": 320}
    assert bought(plan) == {"m5.4xlarge": 10, "t3.2xlarge": 10}
    hourly = {name: sum(one.hourly_usd for one in p.purchases) for name, p in
              (("small", small), ("same", plan))}  # fmt: skip
    forgone = float(hourly["same"] - hourly["small"]) * 168
    assert float(plan.simplification_usd) == pytest.approx(forgone, abs=0.01)
    told = next(note for note in plan.notes if note.startswith("sizes: "))
    assert "m5.4xlarge for m5.large" in told
    assert f"{forgone:,.2f} USD" in told
    assert not {one.offer_id for one in plan.not_bought} & {one.offer_id for one in small.purchases}


def test_another_size_is_bought_where_it_saves_more_than_tolerated():
    """One m5.large in eight costs 0.8 % less than m5.4xlarge."""
    document = aws({"m5.4xlarge": ALWAYS})
    for tolerance, size in ((0.005, "m5.large"), (0.01, "m5.4xlarge")):
        rules = {"hours": [0], "size_tolerance": tolerance}
        assert set(bought(plan_of(document, purchases=rules))) == {size}


def test_several_sizes_that_run_share_the_one_that_fits_them_all():
    """Field case: 520 r5.large for 10 r5.24xlarge and 10 r5.2xlarge."""
    plan = plan_of(aws({"r5.24xlarge": ALWAYS, "r5.2xlarge": ALWAYS}))
    assert bought(plan) == {"r5.2xlarge": 130}


def test_a_plan_in_sizes_that_run_can_be_billed(tmp_path):
    request = parse_request(aws({"m5.4xlarge": ALWAYS}))
    plan = make_plan(request, Surroundings())
    assert bought(plan) == {"m5.4xlarge": 10}
    usage = tmp_path / "usage.csv"
    rows = [f"2026-01-{1 + hour // 24:02d}T{hour % 24:02d}:00Z,10" for hour in range(168)]
    usage.write_text("\n".join(["timestamp,m5.4xlarge", *rows]))
    source = usage_source(request.demand, usage)
    bill = bill_plan(parse_plan(plan.model_dump(mode="json")), request, Actuals(source, None, None))
    assert float(bill.planned_cost_usd) == pytest.approx(float(plan.total_cost_usd))
    assert float(bill.total_cost_usd) == pytest.approx(float(plan.total_cost_usd))


# Shares


@pytest.fixture
def mixed(document, price):
    """A workload that may run on machines of two families, with bounds on where it runs."""

    def of(*placement):
        rates = [price("m", "on_demand", 1), price("n", "on_demand", 1.1)]
        workload = {
            "name": "w", "regions": ["here"], "placement": list(placement),
            "needs": {"unit": "own", "capacity": {"m": 1, "n": 1}},
        }  # fmt: skip
        types = [{"name": name, "family": name} for name in "mn"]
        asked = document(rates, {"w": [100.0] * 24}, types=types, workloads=[workload])
        return resolve(parse_request(asked), Surroundings())

    return of


def without_small(problem, first):
    """Share of the first machine that is left of one."""
    before = look_out(problem, Policy((), {(0, 0): first, (1, 0): 1 - first}))
    found = without_small_shares(problem, before, Keeper(problem, before).keeps)
    assert sum(found.policy.shares.values()) == pytest.approx(1)
    return found.policy.shares[0, 0]


@pytest.mark.parametrize(("first", "after"), [(0.995, 1.0), (0.99, 0.99), (0.009, 0.0)])
def test_no_mix_share_is_under_a_percent(mixed, first, after):
    assert without_small(mixed(), first) == pytest.approx(after)


@pytest.mark.parametrize("bound", [{"families": ["n"], "at_least": 0.005},
                                   {"families": ["m"], "at_most": 0.996}])  # fmt: skip
def test_a_small_share_stays_where_a_limit_needs_it(mixed, bound):
    assert without_small(mixed(bound), 0.995) == pytest.approx(0.995)


def test_a_gap_below_the_usual_asks_for_the_last_cent(document, price):
    plain = document([price("m", "on_demand", 1)], {"m": [1.0]}) | {"solve": {}}
    plain.pop("simplify", None)
    assert parse_request(plain).simplify_share == 0.001
    fine = plain | {"solve": {"gap": 1e-6}}
    assert parse_request(fine).simplify_share is None
    assert parse_request(fine | {"simplify": 0.01}).simplify_share == 0.01
