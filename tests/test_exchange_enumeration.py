"""Plans with exchanges against a count of all there is to buy and to exchange.

Shares no code with the planner: every purchase and every exchange is tried, money is followed
dollar by dollar. Upfront is counted where it was paid, over the hours it was paid for; the bill
counts it where it serves.
"""

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

HOURS_PER_YEAR = 8760
CHANCES = (0.3, 0.7)


@dataclass(frozen=True)
class Sold:
    """A convertible reservation of one machine."""

    name: str
    term: int
    payment: str
    upfront: Fraction
    hourly: Fraction

    @property
    def rate(self):
        """What an hour is worth."""
        return self.upfront / self.term + self.hourly


@dataclass(frozen=True)
class Bought:
    """So many of an offer from hour ``begun`` on."""

    sold: Sold
    begun: int
    count: int

    @property
    def end(self):
        """Hour its term ends."""
        return self.begun + self.sold.term


@dataclass(frozen=True)
class Case:
    """Demand is [future][type] -> hours; the futures part at the second date."""

    on_demand: dict
    sold: tuple
    owned: tuple
    dates: tuple
    demand: tuple
    accounting: str
    budget: float | None
    exchanges: bool = True

    @property
    def hours(self):
        """Length of the horizon."""
        return len(next(iter(self.demand[0].values())))

    @cached_property
    def worth(self):
        """What a dollar of each hour counts [hour + 1]."""
        rate = 9.0 if self.accounting == "cash_flow" else 0.0
        return [(1 + rate) ** (-t / HOURS_PER_YEAR) for t in range(self.hours + 1)]

    def upfront_cost(self, paid, begun, end):
        """Dollars paid at ``begun`` for the time until ``end``."""
        inside = min(end, self.hours) - max(begun, 0)
        if self.accounting == "amortized":
            return paid * Fraction(inside, end - begun)
        if self.accounting == "full_term":
            return paid * Fraction(end - max(begun, 0), end - begun)
        if begun < 0:
            return 0.0
        left = Fraction(max(end - self.hours, 0), end - begun)
        return float(paid) * (self.worth[begun] - float(left) * self.worth[min(end, self.hours)])

    def fees(self, hourly, first, end):
        """Dollars an hour from ``first`` on."""
        first = max(first, 0)
        if self.accounting == "full_term":
            return hourly * (end - first)
        return float(hourly) * sum(self.worth[first : min(end, self.hours)])


def exchanged(given, date):
    """What is taken for what is given [(bought, target, count)]: (target, end, count, true-up)."""
    together = defaultdict(list)
    for bought, target, count in given:
        if count:
            together[target, bought.end].append((bought, count))
    for (target, end), sources in together.items():
        value = sum((count * one.sold.rate for one, count in sources), Fraction(0))
        count = math.ceil(value / target.rate)
        left = sum(
            (n * one.sold.upfront * Fraction(end - date, one.sold.term) for one, n in sources),
            Fraction(0),
        )
        needed = count * target.upfront * Fraction(end - date, target.term)
        yield target, end, count, max(needed - left, Fraction(0))


def cost_of_future(case, held, future, first, last):
    """Bill of the hours [first, last) in one future: on demand only."""
    total, worth = 0.0, case.worth
    for name, hours in case.demand[future].items():
        mine = [one for one in held if one[0].name == name]
        for hour in range(first, last):
            reserved = sum(count for _, begin, end, count in mine if begin <= hour < end)
            total += max(hours[hour] - reserved, 0) * case.on_demand[name] * worth[hour]
    return total


def purchases(case, most):
    return [dict(zip(case.sold, counts, strict=True))
            for counts in product(range(most + 1), repeat=len(case.sold))]  # fmt: skip


def ways_to_give(case, sources):
    """Every [(bought, target, count)] that gives each unit once at the most."""
    per_source = []
    for one in sources:
        targets = [t for t in case.sold if t.name != one.sold.name
                   and (t.payment, t.term) == (one.sold.payment, one.sold.term)]  # fmt: skip
        if not case.exchanges:
            targets = []
        counts = [split for split in product(range(one.count + 1), repeat=len(targets))
                  if sum(split) <= one.count]  # fmt: skip
        per_source.append(
            [[(one, t, n) for t, n in zip(targets, split, strict=True)] for split in counts]
        )
    for choice in product(*per_source):
        yield [entry for part in choice for entry in part]


def settle(case, given, new, date):
    """What purchases and exchanges of a date cost, pay upfront, and change of what is held."""
    held = [(one.sold, one.begun, one.end, one.count) for one in new]
    paid = sum(float(one.sold.upfront) * one.count for one in new)
    cost = 0.0
    for one in new:
        cost += float(case.upfront_cost(one.sold.upfront * one.count, date, one.end))
        cost += float(case.fees(one.sold.hourly * one.count, date, one.end))
    for one, _, count in given:
        held.append((one.sold, date, one.end, -count))
        cost -= float(case.fees(one.sold.hourly * count, date, one.end))
    for target, end, count, true_up in exchanged(given, date):
        held.append((target, date, end, count))
        paid += float(true_up)
        cost += float(case.upfront_cost(true_up, date, end))
        cost += float(case.fees(target.hourly * count, date, end))
    return cost, paid, held


def least_usd(case, most):
    """The cheapest plan: buy and exchange at the first date, and at the second by future."""
    first, _ = case.dates
    owned_cost = sum(
        float(case.upfront_cost(one.sold.upfront * one.count, one.begun, one.end))
        + float(case.fees(one.sold.hourly * one.count, one.begun, one.end))
        for one in case.owned
    )
    owned = [(one.sold, one.begun, one.end, one.count) for one in case.owned]
    chances = CHANCES if len(case.demand) > 1 else (1.0,)
    best = math.inf
    for now in purchases(case, most):
        new = [Bought(sold, first, count) for sold, count in now.items() if count]
        for gifts in ways_to_give(case, case.owned):
            cost, paid, held = settle(case, gifts, new, first)
            if case.budget is not None and paid > case.budget + 1e-9:
                continue
            left = [
                replace(one, count=one.count - sum(n for source, _, n in gifts if source is one))
                for one in case.owned
            ]
            total = owned_cost + cost
            for future, chance in enumerate(chances):
                if total >= best:
                    break
                total += chance * least_from_second(case, owned + held, [*new, *left], future, most)
            best = min(best, total)
    return best


def least_from_second(case, held, sources, future, most):
    """On demand of the whole future, with the best that is done at its second date."""
    first, second = case.dates
    before = cost_of_future(case, held, future, first, second)
    sources = [one for one in sources if one.begun < second < one.end]
    best = math.inf
    for later in purchases(case, most):
        new = [Bought(sold, second, count) for sold, count in later.items() if count]
        for gifts in ways_to_give(case, sources):
            cost, paid, more = settle(case, gifts, new, second)
            if case.budget is not None and paid > case.budget + 1e-9:
                continue
            if cost + before >= best:
                continue
            rest = cost_of_future(case, held + more, future, second, case.hours)
            best = min(best, before + cost + rest)
    return best


@st.composite
def cases(draw, names=("a", "b")):
    hours = draw(st.sampled_from([6, 8]))
    term = draw(st.sampled_from([6, 8, 12]))
    payment = draw(st.sampled_from(["all_upfront", "partial_upfront", "no_upfront"]))
    on_demand = {name: draw(st.sampled_from([1.0, 1.5, 2.5])) for name in names}
    sold = []
    for name in names:
        hourly = Fraction(str(on_demand[name])) * draw(
            st.sampled_from([Fraction(1, 4), Fraction(2, 5), Fraction(1, 2), Fraction(7, 10)])
        )
        share = {"all_upfront": 1, "no_upfront": 0}.get(payment)
        if share is None:
            share = draw(st.sampled_from([Fraction(2, 5), Fraction(1, 2), Fraction(3, 5)]))
        sold.append(Sold(name, term, payment, hourly * share * term, hourly * (1 - share)))
    owned = ()
    if draw(st.booleans()):
        begun = -draw(st.sampled_from([1, 3]))
        owned = (Bought(sold[0], begun, draw(st.integers(1, 2))),)
    futures = draw(st.sampled_from([1, 1, 2]))
    levels = st.lists(st.integers(0, 2), min_size=2, max_size=2)
    second = draw(st.sampled_from([2, 4]))
    demand = []
    for future in range(futures):
        path = {}
        for name in names:
            sooner, later = draw(levels)
            if future:
                sooner = demand[0][name][0]
            path[name] = [sooner] * second + [later] * (hours - second)
        demand.append(path)
    return Case(
        on_demand=on_demand,
        sold=tuple(sold),
        owned=owned,
        dates=(0, second),
        demand=tuple(demand),
        accounting=draw(st.sampled_from(["amortized", "cash_flow", "full_term"])),
        budget=draw(st.sampled_from([None, None, 0, 4])),
        exchanges=True,
    )


def request_parts(case):
    parts = {
        "horizon": {"hours": case.hours, "accounting": case.accounting},
        "purchases": {"hours": list(case.dates)},
        "offers": {"kinds": ["reserved_convertible"], "exchanges": case.exchanges},
        "owned": [owned_document(one, n) for n, one in enumerate(case.owned)],
    }
    if case.accounting == "cash_flow":
        parts["horizon"]["discount_rate"] = 9.0
    if case.budget is not None:
        parts["limits"] = {"upfront_budget_usd": case.budget}
    if len(case.demand) > 1:
        parts["scenarios"] = {"s0": CHANCES[0], "s1": CHANCES[1]}
        parts["information"] = {"tree": [[["s0", "s1"]], [["s0"], ["s1"]]]}
    return parts


def owned_document(one, number):
    def moment(hour):
        return str(np.datetime64("2026-01-01T00:00") + np.timedelta64(hour, "h")) + "Z"

    return {
        "id": f"old{number}", "kind": "reserved_convertible", "instance_type": one.sold.name,
        "region": "here", "quantity": one.count, "payment": one.sold.payment,
        "start": moment(one.begun), "end": moment(one.end),
        "upfront_usd": float(one.sold.upfront), "hourly_usd": float(one.sold.hourly),
    }  # fmt: skip


def plan_of_case(case, planned, price, method):
    rates = [price(name, "on_demand", usd) for name, usd in case.on_demand.items()]
    rates += [
        price(one.name, "reserved_convertible", float(one.hourly), one.term, one.payment,
              float(one.upfront) if one.payment != "no_upfront" else None)
        for one in case.sold
    ]  # fmt: skip
    demand = case.demand[0] if len(case.demand) == 1 else {
        "s0": case.demand[0], "s1": case.demand[1]}  # fmt: skip
    gap = 0 if method == "extensive" else 1e-6
    return planned(rates, demand, **request_parts(case), solve={"gap": gap, "method": method})


@settings(deadline=None, max_examples=40, derandomize=True, suppress_health_check=list(HealthCheck))
@given(case=cases())
def test_no_plan_of_two_machines_and_two_dates_is_cheaper(case, planned, price):
    least = least_usd(case, most=2)
    slack = 1e-5 * max(least, 1.0)
    for method in ("extensive", "decomposed"):
        plan = plan_of_case(case, planned, price, method)
        event("exchanged" if plan.exchanges else "not exchanged")
        assert float(plan.model_cost_usd) == pytest.approx(least, abs=slack), method
        assert float(plan.total_cost_usd) == pytest.approx(least, abs=slack), method
        assert float(plan.lower_bound_usd) <= least + slack, method
        assert not [one for one in plan.warnings if one.startswith("limits")]
