"""Plans whose purchases a search on the bill has changed, against bills written out by hand."""

import itertools
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner import Surroundings, compare, make_plan, parse_request
from planner.bill_search import Deadline, Proven, deadline_after, search_on_bill
from planner.bill_search.descent import Descent
from planner.bill_search.kept import Keeper
from planner.bill_search.trial import Trial
from planner.comparison import StrategyResult, _never_dearer
from planner.decision import Bought, Policy
from planner.planning import find_policy, resolve
from planner.settlement import look_out

SEARCHES_THE_BILL = True
HOURS = 4
NOTHING = Proven(0.0, None)
"""A model that says nothing of a plan's bill."""
relaxed = settings(deadline=None, max_examples=8, derandomize=True)
hourly = st.lists(st.integers(0, 3), min_size=HOURS, max_size=HOURS)
prices = st.sampled_from([1.7, 2.0, 2.3, 2.8])
rates_of_two = st.sampled_from([0.5, 0.7, 0.8])


def sizes(small_units=1, large_units=2):
    """Two sizes of one family."""
    return [
        {"name": "s", "family": "f", "normalized_units": small_units, "size_flexible": True},
        {"name": "l", "family": "f", "normalized_units": large_units, "size_flexible": True},
    ]


def hour_usd(small, large, units, dollars, price, rate):
    """What one hour costs beside commitments: reserved units serve small machines first.

    A small machine takes one unit, a large one two; a plan serves where it saves the most.
    """
    left = {"s": small, "l": large}
    for size, each in (("s", 1), ("l", 2)):
        served = min(left[size], units / each)
        left[size] -= served
        units -= served * each
    for size in sorted(left, key=lambda one: (rate[one] / price[one], rate[one])):
        served = min(left[size], dollars / rate[size])
        left[size] -= served
        dollars -= served * rate[size]
    return sum(left[size] * price[size] for size in left)


def bill_usd(demand, reserved, dollars, price, reserved_usd, rate):
    """The bill of a term of reservations by size, and of a plan of so many dollars."""
    units = reserved["s"] + 2 * reserved["l"]
    fixed = sum(reserved[size] * reserved_usd[size] for size in reserved) + dollars
    return sum(
        fixed + hour_usd(small, large, units, dollars, price, rate)
        for small, large in zip(*demand, strict=True)
    )


def cheapest_usd(demand, price, reserved_usd, rate, step):
    """The least bill of all purchases: none buys more than serves the peak."""
    peak = max(small + 2 * large for small, large in zip(*demand, strict=True))
    most = max(rate["s"] * one + rate["l"] * two for one, two in zip(*demand, strict=True))
    return min(
        bill_usd(demand, {"s": one, "l": two}, step * steps, price, reserved_usd, rate)
        for one in range(peak + 1)
        for two in range(peak // 2 + 2)
        for steps in range(int(most / step) + 2)
    )


CLOUDS = {
    "aws": ("reserved_standard", "savings_plan_ec2"),
    "azure": ("azure_reservation", "azure_savings_plan"),
}


@pytest.mark.parametrize("provider", CLOUDS)
def test_three_purchases_cost_the_least_of_all_combinations(provider, price, document):
    """Reservations of two sizes and a plan, at prices that are far from proportional."""
    reservation, plan = CLOUDS[provider]

    @relaxed
    @given(
        small=hourly, large=hourly, price_l=prices, of_s=rates_of_two, of_l=rates_of_two,
        rate_s=rates_of_two, rate_l=rates_of_two,
    )  # fmt: skip
    def check(small, large, price_l, of_s, of_l, rate_s, rate_l):
        on_demand = {"s": 1.0, "l": price_l}
        reserved = {"s": of_s, "l": round(2 * of_l, 4)}
        rate = {"s": rate_s, "l": round(price_l * rate_l, 4)}
        rates = [
            price(size, kind, usd[size], *term)
            for kind, usd, term in (
                ("on_demand", on_demand, ()), (reservation, reserved, (HOURS,)),
                (plan, rate, (HOURS,)),
            )
            for size in ("s", "l")
        ]  # fmt: skip
        request = document(
            rates, {"s": small, "l": large}, types=sizes(), commitment_step_usd=1,
            horizon={"hours": HOURS},
        )  # fmt: skip
        request["catalog"]["inline"]["provider"] = provider
        found = make_plan(parse_request(request))
        least = cheapest_usd((small, large), on_demand, reserved, rate, 1)
        assert float(found.total_cost_usd) == pytest.approx(least, rel=1e-6)

    check()


def test_three_commitments_to_resources_cost_the_least_of_all_combinations(price, document):
    """Google's commitments to vCPUs and to memory, and flexible ones, highest discount first."""

    @relaxed
    @given(
        one=hourly, two=hourly, vcpu=rates_of_two, gib=rates_of_two, flexible=rates_of_two,
        flexible_gib=rates_of_two,
    )  # fmt: skip
    def check(one, two, vcpu, gib, flexible, flexible_gib):
        committed = {"e2/vcpu": vcpu, "e2/gib": round(0.5 * gib, 4)}
        rate = {"e2/vcpu": flexible, "e2/gib": round(0.5 * flexible_gib, 4)}
        on_demand = {"e2/vcpu": 1.0, "e2/gib": 0.5}
        rates = [
            price(name, kind, usd[name], *term)
            for kind, usd, term in (
                ("on_demand", on_demand, ()), ("resource_commitment", committed, (HOURS,)),
                ("flexible_commitment", rate, (HOURS,)),
            )
            for name in on_demand
        ]  # fmt: skip
        types = [
            {"name": "c1", "resources": {"e2/vcpu": 1, "e2/gib": 1}},
            {"name": "c2", "resources": {"e2/vcpu": 1, "e2/gib": 2}},
        ]
        demand = {"c1": [min(n, 2) for n in one], "c2": [min(n, 2) for n in two]}
        request = document(
            rates, demand, types=types, commitment_step_usd=1, horizon={"hours": HOURS}
        )
        inline = request["catalog"]["inline"]
        inline["provider"] = "gcp"
        inline["instance_types"] = types
        found = make_plan(parse_request(request))
        used = [
            {"e2/vcpu": a + b, "e2/gib": a + 2 * b} for a, b in zip(*demand.values(), strict=True)
        ]
        least = min(
            sum(
                v * committed["e2/vcpu"] + g * committed["e2/gib"] + f
                + of_resources_usd(hour, {"e2/vcpu": v, "e2/gib": g}, f, on_demand, rate)
                for hour in used
            )
            for v, g, f in itertools.product(range(5), range(7), range(9))
        )  # fmt: skip
        assert float(found.total_cost_usd) == pytest.approx(least, rel=1e-6)

    check()


def of_resources_usd(used, committed, dollars, price, rate):
    """What an hour of resources costs beside commitments."""
    left = {name: max(0, used[name] - committed[name]) for name in used}
    for name in sorted(left, key=lambda one: (rate[one] / price[one], rate[one])):
        served = min(left[name], dollars / rate[name])
        left[name] -= served
        dollars -= served * rate[name]
    return sum(left[name] * price[name] for name in left)


LARGE_DAY, SPIKE = 100, 20
"""Large machines all day, and more of them in two hours."""


def plan_beside_reservations(price):
    """A plan that is dearer for large machines than for the units of small ones."""
    types = [
        {"name": "s", "family": "f", "normalized_units": 4, "size_flexible": True},
        {"name": "l", "family": "f", "normalized_units": 16, "size_flexible": True},
    ]
    rates = [
        price("s", "on_demand", 0.096), price("l", "on_demand", 0.384),
        price("s", "reserved_standard", 0.036, 24),
        price("s", "savings_plan_ec2", 0.036, 24), price("l", "savings_plan_ec2", 0.1457, 24),
    ]  # fmt: skip
    large = [LARGE_DAY + SPIKE * (hour in (9, 10)) for hour in range(24)]
    parts = {"types": types, "commitment_step_usd": 0.001, "horizon": {"hours": 24}}
    return rates, {"s": [1] * 24, "l": large}, parts


def day_usd(reserved, dollars):
    """The bill of a day of that: small machines reserved, and a plan's dollars."""
    total = 24 * (reserved * 0.036 + dollars)
    price, rate = {"s": 0.096, "l": 0.384}, {"s": 0.036, "l": 0.1457}
    for hour in range(24):
        large = LARGE_DAY + SPIKE * (hour in (9, 10))
        small = max(0, 1 - reserved)
        large -= min(large, max(0, reserved - 1) / 4)
        total += hour_usd(small, large, 0, dollars, price, rate)
    return total


def test_where_no_single_purchase_helps_two_are_changed_together(document, price):
    """A plan bought at the rate of small machines leaves large ones on demand.

    Reservations in its place serve all; beside it they, or more of it, are dearer than that.
    """
    rates, demand, parts = plan_beside_reservations(price)
    problem = resolve(parse_request(document(rates, demand, **parts)), Surroundings())
    bought = {"savings_plan_ec2": 14_400, "reserved_standard": 1}
    policy = Policy(
        tuple(
            Bought(lot, option, bought[option.offer.kind])
            for lot in problem.lots
            for option in (problem.options[lot.option],)
        ),
        {},
    )
    start_usd = np.array([day_usd(1, 14.4)])
    deadline = Deadline(time.perf_counter() + 60)
    trial = Trial(problem, policy, start_usd, Keeper(problem, look_out(problem, policy)), deadline)
    found = Descent(trial).run()
    bought = {one.option.offer.kind: one.steps for one in trial.policy(found).bought}
    assert bought == {"reserved_standard": 401}
    assert found.objective_usd == pytest.approx(day_usd(401, 0))
    one_changed = [day_usd(reserved, 14.4) for reserved in range(482)]
    one_changed += [day_usd(1, step / 100) for step in range(1800)]
    assert min(one_changed) > found.objective_usd * 1.005


def unproportional(price):
    """Twelve reserved units serve all at 172.80 USD; large ones have no other cheap service."""
    types = [
        {"name": "s", "family": "f", "normalized_units": 1, "size_flexible": True},
        {"name": "l", "family": "f", "normalized_units": 2, "size_flexible": True},
    ]
    rates = [
        price("s", "on_demand", 0.1), price("l", "on_demand", 0.3),
        price("s", "reserved_standard", 0.06, 24, "all_upfront", 1.44),
    ]  # fmt: skip
    rates[-1]["hourly_usd"] = 0
    demand = {"s": [3] * 24, "l": [4] * 12 + [0] * 12}
    return rates, demand, {"types": types, "horizon": {"hours": 24}}


def reserved(plan):
    return sum(int(one.quantity) for one in plan.purchases)


def test_limits_of_the_request_stay_kept(planned, price):
    """Eleven units are the cheapest; each limit leaves but a few."""
    rates, demand, parts = unproportional(price)
    assert reserved(planned(rates, demand, **parts)) == 11
    for most, limits in (
        (3, {"upfront_budget_usd": 4.4}),
        (3, {"utilization": {"at_least": 0.95}}),
        (5, {"coverage": {"at_most": 0.5}}),
    ):
        found = planned(rates, demand, **parts, limits=limits)
        assert not any(one.startswith("limits: ") for one in found.warnings), limits
        assert reserved(found) <= most, limits


def test_a_search_that_is_over_leaves_the_plan_as_it_is(document, price):
    rates, demand, parts = unproportional(price)
    problem = resolve(parse_request(document(rates, demand, **parts)), Surroundings())
    policy = replace(find_policy(problem, Surroundings()), bought=())
    over = search_on_bill(problem, policy, NOTHING, Deadline(time.perf_counter() - 1))
    assert (over.policy, over.notes) == (policy, ())
    stop = threading.Event()
    stop.set()
    stopped = search_on_bill(problem, policy, NOTHING, Deadline(time.perf_counter() + 60, stop))
    assert stopped.policy == policy
    done = search_on_bill(problem, policy, NOTHING, Deadline(time.perf_counter() + 60))
    assert sum(one.steps for one in done.policy.bought) == 11


class Patience(threading.Event):
    """Is set when asked for the given time."""

    def __init__(self, times):
        super().__init__()
        self.times = times

    def is_set(self):
        """Whether it was asked more often."""
        self.times -= 1
        return self.times < 0


@pytest.mark.parametrize("times", [1, 2, 5, 10, 20, 60])
def test_a_search_stopped_on_its_way_is_no_dearer_than_its_start(times, document, price):
    rates, demand, parts = unproportional(price)
    problem = resolve(parse_request(document(rates, demand, **parts)), Surroundings())
    policy = replace(find_policy(problem, Surroundings()), bought=())
    deadline = Deadline(time.perf_counter() + 60, Patience(times))
    found = search_on_bill(problem, policy, NOTHING, deadline)
    assert found.policy == policy or found.notes


def test_a_search_takes_a_fifth_of_the_solve_or_two_seconds_within_the_time_limit():
    now = time.perf_counter()
    for solver_seconds, limit_s, seconds in (
        (1, None, 2.0), (100, None, 20.0), (100, 110, 10.0), (100, 90, -10.0)
    ):  # fmt: skip
        found = deadline_after(now - 100, solver_seconds, limit_s, None)
        assert found.at - now == pytest.approx(seconds, abs=0.5)
        assert found.is_over is (seconds < 0)


def test_several_futures_cost_the_least_of_all_combinations(price, document):
    """Mean bills and weighed ones; later purchases may differ by future."""
    chances = {"low": 0.6, "high": 0.4}
    rates = [
        price("s", "on_demand", 0.1), price("l", "on_demand", 0.3),
        price("s", "reserved_standard", 0.06, HOURS),
    ]  # fmt: skip
    small = {"low": [1, 1, 1, 1], "high": [1, 2, 2, 2]}
    large = {"low": [0, 1, 1, 0], "high": [1, 2, 2, 0]}
    demand = {name: {"s": small[name], "l": large[name]} for name in chances}

    def usd(name, now, later):
        """The bill of a future; units bought at once, and two hours later."""
        on_demand = {"s": 0.1, "l": 0.3}
        return sum(
            0.06 * (now + later * (hour >= 2))
            + hour_usd(one, two, now + later * (hour >= 2), 0, on_demand, on_demand)
            for hour, (one, two) in enumerate(zip(small[name], large[name], strict=True))
        )

    def weighed(costs, weight):
        """Mean, and the worst future by what it saves, as weighed."""
        bare = {name: usd(name, 0, 0) for name in chances}
        mean = sum(chances[name] * costs[name] for name in chances)
        shift = sum(chances[name] * bare[name] for name in chances)
        worst = max(costs[name] - bare[name] for name in chances)
        return (1 - weight) * mean + weight * (shift + worst)

    for weight, told_apart in ((0, False), (0, True), (0.5, False)):
        request = document(
            rates, demand, types=sizes(), scenarios=chances, horizon={"hours": HOURS},
            purchases={"hours": [0, 2] if told_apart else [0]},
            risk={"measure": "worst_case", "weight": weight},
            **({"information": {"groups": [1, 2]}} if told_apart else {}),
        )  # fmt: skip
        found = make_plan(parse_request(request))
        later = itertools.product(range(7), repeat=2) if told_apart else [(0, 0)]
        least = min(
            weighed({"low": usd("low", now, low), "high": usd("high", now, high)}, weight)
            for now, (low, high) in itertools.product(range(7), later)
        )
        bills = {one.name: float(one.total_cost_usd) for one in found.scenarios}
        assert weighed(bills, weight) == pytest.approx(least, rel=1e-6), (weight, told_apart)


def test_the_optimum_is_never_dearer_than_another_strategy_that_keeps_the_limits(price, document):
    rates, demand, parts = plan_beside_reservations(price)
    other = unproportional(price)
    for request in (document(rates, demand, **parts), document(*other[:2], **other[2])):
        rows = compare(parse_request(request)).strategies
        kept = [one.total_cost_usd for one in rows if one.keeps_limits]
        (optimum,) = (one for one in rows if one.strategy == "optimum")
        assert optimum.total_cost_usd == min(kept)


def row(name, cost, *, keeps=True, status="optimal"):
    return StrategyResult(
        strategy=name, description=name, status=status, total_cost_usd=cost, keeps_limits=keeps
    )


def test_the_optimum_becomes_the_plan_of_a_cheaper_strategy_that_keeps_the_limits():
    optimum = row("optimum", 10)
    others = [row("on_demand", 8, keeps=False, status="fixed"), row("no_upfront", 9)]
    found = _never_dearer(optimum, others)
    assert (found.strategy, found.status, found.total_cost_usd) == ("optimum", "optimal", 9)
    assert found.detail == "it is the plan of no_upfront, whose bill is less"
    assert _never_dearer(optimum, [row("one_year", 10)]) is optimum
    unknown = row("optimum", None, keeps=None, status="no_plan")
    assert _never_dearer(unknown, others).status == "feasible"
