"""Plans under utilization floors against one linear program over all hours."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from planner.decomposition.floors import UseProof
from planner.decomposition.settlement import Settlement, Settler
from planner.recourse import Hours, Point, Structure, UsePass, make_hours


def structure_of(price, rates) -> Structure:
    """Pools of one machine each, and plans over them."""
    slices = np.arange(len(price))
    return Structure(
        on_demand_usd=np.array(price, dtype=float),
        pool_of_slice=slices,
        units=np.ones(len(price)),
        pools=len(price),
        rates=np.array(rates, dtype=float).reshape(-1, len(price)),
        pair_slice=slices,
        pair_series=slices,
    )


def hours_of(usage) -> Hours:
    """Hours of one stage, each a row of its own."""
    count = len(usage)
    return make_hours(
        [*usage.T, np.arange(count, dtype=float)],  # a series of its own tells all rows apart
        segment_of_moment=np.zeros(count, dtype=np.intp),
        stage_of_segment=np.zeros(1, dtype=np.intp),
        worth=np.ones(count),
        hours=np.ones(count),
        dtype="float64",
    )


def point_of(structure, committed) -> Point:
    """What is committed to pools, then plans."""
    pools = structure.pools
    return Point(np.ones((1, structure.slices)), committed[None, :pools], committed[None, pools:])


def settled(structure, usage, committed, floor) -> Settlement:
    """What settling finds for one stage's commitments (pools, then plans)."""
    values_usd = np.ones(len(committed))
    floors: Any = SimpleNamespace(
        values_usd=values_usd,
        required=lambda _: floor * len(usage) * committed,
        proofs_of_own=lambda own, targets: [
            UseProof.of_target(own, target, structure, 1.0) for target in targets
        ],
    )
    settler = Settler(floors, UsePass(structure, hours_of(usage)), np.ones(1), lambda: False)
    return settler.settle(point_of(structure, committed))


def dispatch(structure, usage, committed, *, least=None, rewards=None, costs=True) -> Any:
    """The best dispatch written out for linprog: dear usage costs, use is rewarded, or required."""
    slices, plans, hours = structure.slices, structure.plans, len(usage)
    ways = [(c, None, 0.0) for c in range(slices)] + [(c, c, 1.0) for c in range(slices)]
    ways += [
        (c, slices + j, structure.rates[j, c])
        for j in range(plans)
        for c in range(slices)
        if np.isfinite(structure.rates[j, c])
    ]
    cost, serve = [], np.zeros((hours * slices, hours * len(ways)))
    limit = np.zeros((hours * len(committed), hours * len(ways)))
    use = np.zeros((len(committed), hours * len(ways)))
    for hour in range(hours):
        for position, (c, target, takes) in enumerate(ways):
            column = hour * len(ways) + position
            dear = structure.on_demand_usd[c] if target is None and costs else 0.0
            reward = takes * rewards[target] if rewards is not None and target is not None else 0.0
            cost.append(dear - reward)
            serve[hour * slices + c, column] = 1.0
            if target is not None:
                limit[hour * len(committed) + target, column] = takes
                use[target, column] = takes
    rows, bounds = [limit], [np.tile(committed, hours)]
    if least is not None:
        rows, bounds = [limit, -use], [bounds[0], -least]
    result = linprog(
        cost, A_ub=np.vstack(rows), b_ub=np.concatenate(bounds), A_eq=serve, b_eq=usage.ravel()
    )
    assert result.status in (0, 2)
    return result


def random_case(seed, plans):
    """Few distinct prices, rates and amounts, so that ties are common."""
    draw = np.random.default_rng([seed, plans])
    slices = int(draw.integers(1, 4))
    price = draw.integers(1, 6, slices).astype(float)
    rates = price * draw.integers(3, 10, (plans, slices)) / 10
    rates[draw.random(rates.shape) < 0.2] = np.inf
    usage = draw.integers(0, 6, (8, slices)).astype(float)
    committed = draw.random((2, slices + plans)) * draw.integers(0, 4, (2, slices + plans))
    return structure_of(price, rates), usage, *committed, draw


def test_a_dispatch_shares_usage_where_both_commitments_need_it():
    """Plan and reservation each reach 70 % if the plan takes 0.3 of the machine reserved."""
    structure = structure_of([2.0, 1.5], [[1.0, 0.4]])
    usage, committed = np.ones((2, 2)), np.array([1.0, 0.0, 1.0])
    found = settled(structure, usage, committed, 0.7)
    assert found.used is not None
    assert np.all(found.used[0] >= np.array([1.4, 0.0, 1.4]) - 1e-6)
    assert settled(structure, usage, committed, 0.71).used is None


def test_nothing_committed_needs_no_use():
    structure = structure_of([2.0], [[1.0]])
    assert settled(structure, np.ones((3, 1)), np.zeros(2), 0.9).used is not None


@settings(deadline=None, max_examples=120, derandomize=True)
@given(seed=st.integers(0, 10**6), plans=st.integers(0, 3), floor=st.sampled_from([0.5, 0.8]))
def test_floors_are_kept_where_some_dispatch_keeps_them_and_cost_nothing(seed, plans, floor):
    structure, usage, committed, _, _ = random_case(seed, plans)
    least = floor * len(usage) * committed
    expected = dispatch(structure, usage, committed, least=least)
    found = settled(structure, usage, committed, floor).used
    event("feasible" if expected.status == 0 else "infeasible")
    assert (found is not None) == (expected.status == 0)
    if found is not None:
        assert np.all(found[0] >= least - 1e-5)
        reached = np.maximum(found[0] - 1e-6, 0.0)
        assert dispatch(structure, usage, committed, least=reached).status == 0
        free = dispatch(structure, usage, committed)
        assert expected.fun == pytest.approx(free.fun, abs=1e-7)


@settings(deadline=None, max_examples=120, derandomize=True)
@given(seed=st.integers(0, 10**6), plans=st.integers(0, 3))
def test_rewards_are_the_greatest_and_bound_those_of_every_other_point(seed, plans):
    structure, usage, committed, other, draw = random_case(seed, plans)
    sweep = UsePass(structure, hours_of(usage))
    for _ in range(3):
        rewards = draw.random(len(committed)) * (draw.random(len(committed)) > 0.2)
        own, found = sweep.at(point_of(structure, committed), rewards)
        again = sweep.most(rewards)
        true = -dispatch(structure, usage, committed, rewards=rewards, costs=False).fun
        for one in (found, again):
            assert one.doubtful_rows == 0
            assert one.used.sum(axis=0) @ rewards == pytest.approx(true, abs=1e-7)
            bound = one.usage.sum() + one.committed[0] @ committed
            assert bound == pytest.approx(true, abs=1e-7)
            elsewhere = -dispatch(structure, usage, other, rewards=rewards, costs=False).fun
            assert one.usage.sum() + one.committed[0] @ other >= elsewhere - 1e-7
        for target in range(len(committed)):
            proof = UseProof.of_target(own, target, structure, 1.0)
            alone = np.eye(len(committed))[target]
            for point in (committed, other):
                most = -dispatch(structure, usage, point, rewards=alone, costs=False).fun
                bound = proof.usage.sum() + proof.committed[0] @ point
                assert bound >= most - 1e-7
                if point is committed:
                    assert bound == pytest.approx(own.used[0, target], abs=1e-7)
                    assert most <= own.used[0, target] + 1e-7
        committed, other = other, committed
