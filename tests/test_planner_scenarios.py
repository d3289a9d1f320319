"""Several futures: plans against an enumeration of all purchases, in every future by itself.

The oracle counts purchases through one by one (for each group of futures that a date can tell
apart), bills each future by a sum over its hours, and weighs the costs itself.
"""

import math
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogs import InvalidInputError
from planner import parse_request

ON_DEMAND_USD = 1.0
HOURS = 4
relaxed = settings(deadline=None, max_examples=40)

futures = st.lists(
    st.lists(st.integers(0, 3), min_size=HOURS, max_size=HOURS), min_size=2, max_size=3
)
offers = st.lists(
    st.tuples(st.sampled_from([0.3, 0.45, 0.6, 0.8]), st.sampled_from([2, 3, 4])),
    min_size=1,
    max_size=2,
    unique_by=lambda offer: offer[1],
)


def cost_of(bought, demand):
    """One future's cost: ``bought`` is [(hourly, term, date, machines)]."""
    total = 0.0
    for hour, needed in enumerate(demand):
        reserved = 0
        for hourly, term, date, machines in bought:
            if date <= hour < date + term:
                total += hourly * machines
                reserved += machines
        total += ON_DEMAND_USD * max(needed - reserved, 0)
    return total


def tail_mean(values, chances, level):
    """Mean of the worst ``1 - level`` of probability, by filling it up from the worst."""
    left, total = 1 - level, 0.0
    for value, chance in sorted(zip(values, chances, strict=True), reverse=True):
        taken = min(chance, left)
        total += taken * value
        left -= taken
    return total / (1 - level)


def best(offers, demands, chances, partitions, level, weight):
    """Least objective over all purchases: machines per (offer, date, group of futures)."""
    lots = [
        (hourly, term, date, group)
        for date, partition in partitions.items()
        for group in partition
        for hourly, term in offers
    ]
    found = math.inf
    for counts in product(range(4), repeat=len(lots)):
        costs = [
            cost_of(
                [(*lot[:3], n) for lot, n in zip(lots, counts, strict=True) if s in lot[3]], demand
            )
            for s, demand in enumerate(demands)
        ]
        found = min(found, objective(costs, demands, chances, level, weight))
    return found


def objective(costs, demands, chances, level, weight):
    mean = sum(p * c for p, c in zip(chances, costs, strict=True))
    baseline = [ON_DEMAND_USD * sum(demand) for demand in demands]
    lost = [c - b for c, b in zip(costs, baseline, strict=True)]
    shift = sum(p * b for p, b in zip(chances, baseline, strict=True))
    return (1 - weight) * mean + weight * (shift + tail_mean(lost, chances, level))


def rates_of(offers, price):
    return [
        price("m", "on_demand", ON_DEMAND_USD),
        *(price("m", "reserved_standard", hourly, term) for hourly, term in offers),
    ]


def named(demands):
    return {f"s{i}": {"m": demand} for i, demand in enumerate(demands)}


def chances_of(demands):
    return {2: [0.25, 0.75], 3: [0.5, 0.3, 0.2]}[len(demands)]


def scenarios_of(demands):
    return {f"s{i}": chance for i, chance in enumerate(chances_of(demands))}


@pytest.mark.parametrize("solver", ["highs", "cbc"])
def test_one_plan_for_all_futures_has_the_least_mean_cost_of_all(solver, planned, price):
    @relaxed
    @given(offers=offers, demands=futures)
    def check(offers, demands):
        together = tuple(range(len(demands)))
        least = best(offers, demands, chances_of(demands), {0: [together], 1: [together]}, 0, 0)
        found = planned(
            rates_of(offers, price), named(demands), scenarios=scenarios_of(demands),
            horizon={"hours": HOURS},
            purchases={"hours": [0, 1]}, solve={"gap": 0, "solver": solver},
        )  # fmt: skip
        assert float(found.model_cost_usd) == pytest.approx(least, abs=1e-5)
        assert float(found.total_cost_usd) == pytest.approx(least, abs=1e-5)
        assert all(one.scenarios is None for one in found.purchases)

    check()


@pytest.mark.parametrize("measure", ["cvar", "worst_case"])
def test_the_tail_of_little_saving_weighs_as_asked(measure, planned, price):
    @relaxed
    @given(
        offers=offers, demands=futures, level=st.sampled_from([0.0, 0.4, 0.7]),
        weight=st.sampled_from([0.3, 1.0]),
    )  # fmt: skip
    def check(offers, demands, level, weight):
        chances = chances_of(demands)
        together = tuple(range(len(demands)))
        worst = 1 - min(chances) if measure == "worst_case" else level
        # All weight on the bad futures would leave the others to chance.
        weighed = min(weight, 1 - 1e-5)
        least = best(offers, demands, chances, {0: [together]}, worst, weighed)
        found = planned(
            rates_of(offers, price), named(demands), scenarios=scenarios_of(demands),
            horizon={"hours": HOURS},
            risk={"measure": measure, "level": level, "weight": weight},
        )  # fmt: skip
        assert float(found.objective_usd) == pytest.approx(least, abs=1e-5)
        billed = [float(one.total_cost_usd) for one in found.scenarios]
        assert objective(billed, demands, chances, worst, weighed) == pytest.approx(least, abs=1e-5)
        mean = sum(p * c for p, c in zip(chances, billed, strict=True))
        assert float(found.model_cost_usd) == pytest.approx(mean, abs=1e-5)

    check()


def test_a_later_date_acts_on_what_its_past_has_shown_and_on_nothing_else(planned, price):
    @relaxed
    @given(offers=offers, demands=futures.filter(lambda demands: len(demands) == 2))
    def check(offers, demands):
        apart = [(0,), (1,)] if demands[0][0] != demands[1][0] else [(0, 1)]
        least = best(offers, demands, chances_of(demands), {0: [(0, 1)], 1: apart}, 0, 0)
        found = planned(
            rates_of(offers, price), named(demands), scenarios=scenarios_of(demands),
            horizon={"hours": HOURS},
            purchases={"hours": [0, 1]}, information={"groups": [2]},
        )  # fmt: skip
        assert float(found.total_cost_usd) == pytest.approx(least, abs=1e-5)

    check()


def test_a_written_tree_is_taken_as_it_is(planned, price):
    demands = [[1, 1, 3, 3], [1, 1, 0, 0], [1, 1, 3, 0]]
    offers = [(0.5, 2)]
    partitions = {0: [(0, 1, 2)], 2: [(0, 2), (1,)]}
    least = best(offers, demands, chances_of(demands), partitions, 0, 0)
    found = planned(
        rates_of(offers, price), named(demands), scenarios=scenarios_of(demands),
        horizon={"hours": HOURS},
        purchases={"hours": [0, 2]},
        information={"tree": [[["s0", "s1", "s2"]], [["s0", "s2"], ["s1"]]]},
    )  # fmt: skip
    assert float(found.total_cost_usd) == pytest.approx(least, abs=1e-5)
    assert [one.scenarios for one in found.purchases] == [None, ("s0", "s2")]
    assert [one.name for one in found.scenarios] == ["s0", "s1", "s2"]


def test_the_mix_may_differ_between_futures_that_can_be_told_apart(planned, price):
    """Machine b is cheaper per request only where it is reserved, which only one future wants."""
    rates = [
        price("a", "on_demand", 1.0),
        price("b", "on_demand", 1.5),
        price("b", "reserved_standard", 0.5, 3),
    ]
    found = planned(
        rates,
        {"high": {"web": [0, 2, 2, 2]}, "low": {"web": [0, 2, 0, 0]}},
        scenarios={"high": 0.5, "low": 0.5},
        horizon={"hours": HOURS},
        purchases={"hours": [1]},
        information={"tree": [[["high"], ["low"]]]},
        workloads=[
            {"name": "web", "needs": {"unit": "own", "capacity": {"a": 1.0, "b": 1.0}},
             "regions": ["here"]}
        ],
    )  # fmt: skip
    assert [one.scenarios for one in found.purchases] == [("high",)]
    machines = {one.scenarios: one.instance_type for one in found.mix}
    assert machines[("high",)] == "b"
    assert machines[("low",)] == "a"
    assert float(found.total_cost_usd) == pytest.approx(0.5 * 3.0 + 0.5 * 2.0)


def test_whole_machines_are_whole_in_every_future(planned, price):
    rates = [price("m", "on_demand", 1.0), price("m", "reserved_standard", 0.6, 4)]
    found = planned(
        rates,
        {"high": {"m": [1.5, 1.5, 1.5, 1.5]}, "low": {"m": [0.5, 0.5, 0.5, 0.5]}},
        scenarios={"high": 0.5, "low": 0.5},
        whole_machines=True,
    )
    assert float(found.total_cost_usd) == pytest.approx(0.6 * 4 + 0.5 * 4)


def test_caution_costs_what_its_mean_lies_above_the_least(planned, price):
    demands = [[3, 3, 3, 3], [3, 3, 3, 3], [0, 0, 0, 0]]
    parts = {"scenarios": scenarios_of(demands), "horizon": {"hours": HOURS}}
    neutral = planned(rates_of([(0.7, 4)], price), named(demands), **parts)
    cautious = planned(
        rates_of([(0.7, 4)], price), named(demands), risk={"level": 0.8, "weight": 1}, **parts
    )
    assert float(neutral.model_cost_usd) == pytest.approx(0.7 * 4 * 3)
    assert float(cautious.model_cost_usd) == pytest.approx(0.8 * 4 * 3)
    assert neutral.risk.caution_usd == 0
    assert cautious.risk.caution_usd == pytest.approx(0.1 * 4 * 3, abs=1e-5)


def test_the_distribution_is_that_of_the_bills(planned, price):
    demands = [[3, 3, 3, 3], [2, 2, 2, 2], [1, 0, 0, 0]]
    found = planned(
        rates_of([(0.5, 4)], price), named(demands), scenarios=scenarios_of(demands),
        risk={"level": 0.8, "weight": 0.5},
    )  # fmt: skip
    bills = [float(one.total_cost_usd) for one in found.scenarios]
    chances = chances_of(demands)
    risk = found.risk
    assert risk.mean_usd == pytest.approx(sum(p * b for p, b in zip(chances, bills, strict=True)))
    assert (risk.p5_usd, risk.p95_usd) == (min(bills), max(bills))
    assert risk.p50_usd == sorted(bills)[1 if bills[0] == max(bills) else 2]
    assert risk.tail_cost_usd == pytest.approx(tail_mean(bills, chances, 0.8))
    assert risk.tail_savings_usd == pytest.approx(float(found.scenarios[2].savings_usd))


@pytest.mark.parametrize(
    ("information", "fault"),
    [
        ({"tree": [[["s0"], ["s1"]], [["s0", "s1"]]]}, "puts together what an earlier date"),
        ({"tree": [[["s0"]]]}, "name every scenario once: s0, s1"),
        ({"tree": [[["s0", "s1"]]] * 3}, "there are 2 purchase dates"),
        ({"tree": [[["s0", "s1"]]], "groups": [1]}, "write groups or tree, not both"),
    ],
)
def test_a_tree_that_cannot_be_is_named(information, fault, planned, price):
    parts = {"scenarios": {"s0": 0.5, "s1": 0.5}, "purchases": {"hours": [0, 2]}}
    parts["horizon"] = {"hours": HOURS}
    with pytest.raises(InvalidInputError, match=fault):
        planned(
            rates_of([(0.5, 2)], price), named([[1] * 4, [2] * 4]), information=information, **parts
        )


def test_a_request_with_futures_is_read_back_as_written(document, price):
    demands = named([[1] * 4, [2] * 4])
    parts = {"scenarios": {"s0": 0.5, "s1": 0.5}, "risk": {"level": 0.5, "weight": 0.1}}
    request = parse_request(document(rates_of([(0.5, 2)], price), demands, **parts))
    assert parse_request(request.model_dump(mode="json", exclude_unset=True)) == request
