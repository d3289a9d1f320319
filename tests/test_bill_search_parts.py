"""The parts of the search on the bill: what a change costs, what is tried, where it starts."""

import time
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from cloud_requests import PROVIDERS
from clouds_agreement import numbered

from planner import InfeasibleError, Surroundings, compare, parse_request
from planner.bill_search import Deadline
from planner.bill_search.amounts import amounts_to_try, between, coarse_amounts
from planner.bill_search.kept import Keeper
from planner.bill_search.purchase_limits import PurchaseLimits
from planner.bill_search.starts import rule_policies
from planner.bill_search.trial import Trial
from planner.decision import Policy
from planner.planning import find_policy, resolve
from planner.rebill import rebill
from planner.settlement import look_out


def bills(problem, policy):
    return np.array(
        [
            float(rebill(problem.future(s), policy.decision(problem, s)).total_usd)
            for s in range(len(problem.probability))
        ]
    )


def on_trial(problem, policy):
    deadline = Deadline(time.perf_counter() + 600)
    return Trial(
        problem,
        policy,
        bills(problem, policy),
        Keeper(problem, look_out(problem, policy)),
        deadline,
    )


@pytest.mark.parametrize("provider", PROVIDERS)
def test_changes_cost_what_whole_bills_say(provider):
    """Random purchases at random requests: all products, several futures, exchanges, servers."""
    compared = 0
    for number in range(8):
        problem = resolve(
            parse_request(numbered(provider, number, (24, 48)).solved_by()), Surroundings()
        )
        try:
            trial = on_trial(problem, find_policy(problem, Surroundings()))
        except InfeasibleError:
            continue
        dice, point = Random(number), trial.start  # noqa: S311 - no secret
        for _ in range(4 if trial.lots else 0):
            lots = dice.sample(trial.lots, min(len(trial.lots), dice.randint(1, 3)))
            changed = {lot: dice.randint(0, trial.meter.most_steps(lot) + 1) for lot in lots}
            moved = trial.buy(point, changed)
            if moved is None:
                continue
            whole = bills(problem, trial.policy(moved))
            assert moved.by_future_usd == pytest.approx(whole, rel=1e-8, abs=1e-6), number
            point, compared = moved, compared + 1
    assert compared > 5


def test_few_amounts_are_all_tried_and_of_many_those_where_the_bill_may_bend():
    none = np.zeros(0)
    assert amounts_to_try(3, 5, none, none) == [0, 1, 2, 3, 4, 5]
    levels, worth = np.array([700.0, 1234.5, 1234.5]), np.ones(3)
    tried = amounts_to_try(50, 10_000, levels, worth)
    assert {0, 50, 10_000, 700, 701, 1234, 1235, 49, 51}.issubset(tried)
    assert tried == sorted(set(tried))
    assert len(tried) < 64
    assert len(coarse_amounts(50, 10_000, levels, worth)) < 32
    assert between([0, 9, 30], 9) == [*range(1, 9), *range(12, 30, 3)]
    assert between([8, 9, 10], 9) == []


def two_types(price, document, **parts):
    """Workload `web` on machines of either type, half of it in an hour on `b` at the most."""
    rates = [price("a", "on_demand", 1.0), price("b", "on_demand", 0.8)]
    rates.append(price("a", "reserved_standard", 0.7, 4))
    workload = {"name": "web", "needs": {"unit": "own", "capacity": {"a": 1, "b": 1}}}
    return parse_request(
        document(
            rates, {"web": [2.0, 4.0, 4.0, 2.0]}, horizon={"hours": 4},
            workloads=[workload | {"regions": ["here"]} | parts.pop("web", {})], **parts,
        )
    )  # fmt: skip


def test_rules_are_plans_with_each_workload_on_its_cheapest_machine(price, document):
    problem = resolve(two_types(price, document), Surroundings())
    (nothing,) = rule_policies(problem)
    assert nothing.bought == ()
    assert {candidate for (candidate, _), share in nothing.shares.items() if share == 1} == {
        position
        for position, one in enumerate(problem.candidates)
        if one.machine.instance_type == "b"
    }


def test_a_mix_that_knows_the_future_is_no_plan(price, document):
    """Vast machines are cheaper where demand is for memory; nobody can tell which future comes."""
    types = [
        {"name": "a", "vcpus": 1, "memory_gib": 1}, {"name": "b", "vcpus": 1, "memory_gib": 8}
    ]  # fmt: skip
    needs = {"unit": "vcpus_and_memory", "vcpus": "v", "memory_gib": "g"}
    request = document(
        [price("a", "on_demand", 1.0), price("b", "on_demand", 2.0)],
        {"x": {"v": [2.0], "g": [2.0]}, "y": {"v": [2.0], "g": [16.0]}},
        types=types, scenarios={"x": 0.5, "y": 0.5}, horizon={"hours": 1},
        workloads=[{"name": "web", "needs": needs, "regions": ["here"]}],
    )  # fmt: skip
    problem = resolve(parse_request(request), Surroundings())
    assert list(rule_policies(problem)) == []


def test_a_strategy_that_runs_where_it_must_not_does_not_keep_the_limits(price, document):
    there = two_types(price, document, web={"placement": [{"families": ["b"], "at_most": 0.5}]})
    rows = {one.strategy: one for one in compare(there).strategies}
    assert rows["on_demand"].keeps_limits is False
    assert rows["on_demand"].detail == (
        "100.0% of web run there in some hour, above workloads.0.placement.0"
    )
    assert rows["optimum"].keeps_limits
    least = two_types(price, document, web={"placement": [{"families": ["a"], "at_least": 0.2}]})
    found = {one.strategy: one for one in compare(least).strategies}["on_demand"]
    assert found.detail == (
        "0.0% of web run there in some hour, below workloads.0.placement.0.at_least"
    )


def test_blocks_and_budgets_bound_purchases_at_once(price, document):
    """256 machines in blocks, 4 USD upfront at a date; what passes them already may shrink."""
    rates = [
        price("m", "on_demand", 2.0),
        price("m", "capacity_block", 0, 24, "all_upfront", 0.01),
        price("m", "reserved_standard", 0, 24, "all_upfront", 1.0),
    ]
    request = document(
        rates, {"m": [300.0] * 24}, limits={"upfront_budget_usd": 4},
        offers={"kinds": ["capacity_block", "reserved_standard"]},
    )  # fmt: skip
    request["catalog"]["inline"]["provider"] = "aws"
    problem = resolve(parse_request(request), Surroundings())
    kinds = [problem.options[lot.option].offer.kind for lot in problem.lots]
    block, machine = kinds.index("capacity_block"), kinds.index("reserved_standard")
    limits = PurchaseLimits(problem, Policy((), {}))
    assert limits.allow({block: 256}, {}, (block,))
    assert not limits.allow({block: 257}, {}, (block,))
    assert limits.allow({block: 257}, {block: 300}, (block,))
    assert limits.allow({machine: 4}, {}, (machine,))
    assert not limits.allow({machine: 4, block: 1}, {machine: 4}, (block,))


def test_what_exchanges_give_is_not_varied(price, document):
    """Four machines of `a` are exchanged for two of `b` at noon."""
    rates = [
        price("a", "on_demand", 1.0), price("b", "on_demand", 2.0),
        price("a", "reserved_convertible", 0.0, 24, "all_upfront", 12.0),
        price("b", "reserved_convertible", 0.0, 24, "all_upfront", 24.0),
    ]  # fmt: skip
    demand = {"a": [4.0] * 12 + [0.0] * 12, "b": [0.0] * 12 + [2.0] * 12}
    request = document(
        rates, demand, offers={"kinds": ["reserved_convertible"], "exchanges": True},
        purchases={"hours": [0, 12]}, horizon={"hours": 24, "accounting": "full_term"},
    )  # fmt: skip
    problem = resolve(parse_request(request), Surroundings())
    policy = find_policy(problem, Surroundings())
    (bought,) = policy.bought
    trial = on_trial(problem, policy)
    assert problem.lots.index(bought.lot) not in trial.lots
    assert trial.lots
    more = trial.buy(trial.start, {trial.lots[0]: 1})
    assert trial.policy(more).exchanges == policy.exchanges
    assert bills(problem, trial.policy(more)) == pytest.approx(more.by_future_usd)
    assert trial.policy(trial.start) == replace(policy, bought=(bought,))
