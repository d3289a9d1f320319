"""Whole machines under quotas against an enumeration of reservations and hourly machines."""

from itertools import product

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from planner import InfeasibleError

ON_DEMAND_USD = {"small": 1.0, "large": 1.9}
CAPACITY = {
    "web": {"small": 2, "large": 4, "bare": 6},
    "batch": {"small": 3, "large": 3, "bare": 9},
}
"""Nobody sells ``bare`` machines on demand."""

MOST = 3
"""Machines of one type that may be had at once, so that there is an end to enumerating."""


def hour_usd(demand, types, reserved, quotas, mode):
    """Least on-demand cost of an hour, or None; reserved machines by (workload, type), or type."""
    best = None
    if mode == "dedicated":
        totals = {t: sum(reserved[work, t] for work in demand) for t in types}
    else:
        totals = reserved
    sold = [t for t in types if t in ON_DEMAND_USD]
    for split in splits(reserved, types, tuple(demand), mode):
        lacking = {
            work: demand[work] - sum(CAPACITY[work][t] * split[work, t] for t in types)
            for work in demand
        }
        for counts in product(range(MOST + 1), repeat=len(sold) * len(demand)):
            running = dict(zip(product(demand, sold), counts, strict=True))
            served = all(
                sum(CAPACITY[work][t] * running[work, t] for t in sold) >= lacking[work]
                for work in demand
            )
            cost = sum(ON_DEMAND_USD[t] * n for (_, t), n in running.items())
            if served and (best is None or cost < best) and keeps(quotas, totals, running):
                best = cost
    return best


def splits(reserved, types, workloads, mode):
    """Every way to give reserved machines to workloads for an hour."""
    if mode == "dedicated":
        yield reserved
        return
    for first in product(*(range(reserved[t] + 1) for t in types)):
        part = dict(zip(types, first, strict=True))
        shares = {(workloads[0], t): part[t] for t in types}
        if len(workloads) == 2:
            shares |= {(workloads[1], t): reserved[t] - part[t] for t in types}
        yield shares


def keeps(quotas, totals, running):
    for scope, at_most in quotas:
        count = sum(n for t, n in totals.items() if t in scope)
        if count + sum(n for (_, t), n in running.items() if t in scope) > at_most:
            return False
    return True


def optimum_usd(demand, prices, quotas, mode, dates, term):
    """The least cost of every number of machines reserved at every date."""
    workloads, types, hours = tuple(demand), tuple(prices), len(next(iter(demand.values())))
    keys = list(product(workloads, types)) if mode == "dedicated" else list(types)
    lots = list(product(keys, dates))
    best = None
    for counts in product(range(MOST + 1), repeat=len(lots)):
        bought, cost = dict(zip(lots, counts, strict=True)), 0.0
        for (key, date), n in bought.items():
            name = key[1] if mode == "dedicated" else key
            cost += n * prices[name] * (min(date + term, hours) - date)
        for hour in range(hours):
            if best is not None and cost >= best:
                break
            active = [date for date in dates if date <= hour < date + term]
            reserved = {key: sum(bought[key, date] for date in active) for key in keys}
            now = {work: demand[work][hour] for work in workloads}
            hourly = hour_usd(now, types, reserved, quotas, mode)
            if hourly is None:
                break
            cost += hourly
        else:
            best = cost if best is None else min(best, cost)
    return best


PRICES = {"small": [0.5, 0.7], "large": [1.0, 1.4], "bare": [1.5, 2.5]}


@st.composite
def cases(draw, workloads, types, hours):
    series = st.lists(st.integers(0, 7), min_size=hours, max_size=hours)
    demand = {name: draw(series) for name in workloads}
    prices = {name: draw(st.sampled_from(PRICES[name])) for name in types}
    scopes = st.lists(st.sampled_from(types), unique=True, min_size=1).map(tuple)
    quotas = [(draw(scopes), draw(st.integers(0, 4))) for _ in range(draw(st.integers(0, 2)))]
    return demand, prices, quotas + [((name,), MOST) for name in types]


def document_parts(demand, prices, quotas, mode, solver):
    hours = len(next(iter(demand.values())))
    return {
        "horizon": {"hours": hours},
        "whole_machines": True,
        "reservations": mode,
        "limits": {
            "quotas": [
                {"name": f"q{i}", "at_most": at_most, "instance_types": list(types)}
                for i, (types, at_most) in enumerate(quotas)
            ]
        },
        "workloads": [
            {
                "name": name,
                "needs": {"unit": "own", "capacity": {t: CAPACITY[name][t] for t in prices}},
                "regions": ["here"],
            }
            for name in demand
        ],
        "solve": {"gap": 0, "solver": solver},
    }


def rates_of(price, prices, hours):
    sold = {name: usd for name, usd in ON_DEMAND_USD.items() if name in prices}
    rates = [price(name, "on_demand", usd) for name, usd in sold.items()]
    return rates + [price(name, "reserved_standard", usd, hours) for name, usd in prices.items()]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["dedicated", "pooled"])
@pytest.mark.parametrize(
    ("solver", "workloads", "types", "examples"),
    [
        ("highs", ("web",), ("small", "large", "bare"), 30),
        ("highs", ("web", "batch"), ("small", "bare"), 30),
        ("highs", ("web",), ("small", "bare"), 20),
        ("cbc", ("web", "batch"), ("small", "bare"), 8),
    ],
)
def test_a_plan_costs_the_least_of_every_reservation_and_machine(
    solver, workloads, types, examples, mode, planned, price
):
    # Few machines leave room for several purchase dates, whose terms overlap.
    hours, dates, term = (3, (0, 1), 2) if len(workloads) * len(types) == 2 else (2, (0,), 2)

    @settings(deadline=None, max_examples=examples)
    @given(case=cases(workloads, types, hours))
    def check(case):
        demand, prices, quotas = case
        optimum = optimum_usd(demand, prices, quotas, mode, dates, term)
        parts = document_parts(demand, prices, quotas, mode, solver)
        parts |= {"purchases": {"hours": list(dates)}}
        rates = rates_of(price, prices, term)
        if optimum is None:
            event("infeasible")
            with pytest.raises(InfeasibleError):
                planned(rates, demand, **parts)
            return
        found = planned(rates, demand, **parts)
        assert float(found.model_cost_usd) == pytest.approx(optimum, rel=1e-6, abs=1e-6)
        assert float(found.total_cost_usd) == pytest.approx(optimum, rel=1e-6, abs=1e-6)
        assert not [one for one in found.warnings if one.startswith("limits: ")]

    check()
