"""Plans settled under utilization floors against one linear program over all hours."""

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from planner.decomposition.settlement import Question, settle
from planner.recourse import Point, RewardedPass, Structure, make_hours


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


def settled(structure, usage, worth, committed, floor, tolerance_usd=1e-9):
    """What settling finds for one stage's commitments (pools, then plans)."""
    hours = make_hours(
        [*usage.T, worth],  # a series of its own tells hours of other worth apart
        segment_of_moment=np.zeros(len(usage), dtype=np.intp),
        stage_of_segment=np.zeros(1, dtype=np.intp),
        worth=worth,
        hours=np.ones(len(usage)),
        dtype="float64",
    )
    pools = structure.pools
    point = Point(np.ones((1, pools)), committed[None, :pools], committed[None, pools:])
    question = Question(
        point=point,
        required=floor * len(usage) * committed,
        at_least_usd=-np.inf,
        tolerance_usd=tolerance_usd,
        rewards=np.zeros(len(committed)),
    )
    return settle(RewardedPass(structure, hours), np.ones(1), question, over=lambda: False)[0]


def least_cost(structure, usage, worth, committed, floor) -> float | None:
    """The cheapest dispatch that keeps all floors, written out for linprog; None: infeasible."""
    slices, plans, hours = structure.slices, structure.plans, len(usage)
    ways = [(c, None, 0.0) for c in range(slices)] + [(c, c, 1.0) for c in range(slices)]
    ways += [
        (c, slices + j, structure.rates[j, c])
        for j in range(plans)
        for c in range(slices)
        if np.isfinite(structure.rates[j, c])
    ]
    cost, serve, limit = [], np.zeros((hours * slices, hours * len(ways))), []
    limit = np.zeros((hours * len(committed), hours * len(ways)))
    use = np.zeros((len(committed), hours * len(ways)))
    for hour in range(hours):
        for position, (c, target, takes) in enumerate(ways):
            column = hour * len(ways) + position
            cost.append(structure.on_demand_usd[c] * worth[hour] if target is None else 0.0)
            serve[hour * slices + c, column] = 1.0
            if target is not None:
                limit[hour * len(committed) + target, column] = takes
                use[target, column] = takes
    result = linprog(
        cost,
        A_ub=np.vstack([limit, -use]),
        b_ub=np.concatenate([np.tile(committed, hours), -floor * hours * committed]),
        A_eq=serve,
        b_eq=usage.ravel(),
    )
    assert result.status in (0, 2)
    return result.fun if result.status == 0 else None


def test_a_dispatch_shares_usage_where_both_commitments_need_it():
    """Plan and reservation each reach 70 % if the plan takes 0.3 of the machine reserved."""
    structure = structure_of([2.0, 1.5], [[1.0, 0.4]])
    usage, committed = np.ones((2, 2)), np.array([1.0, 0.0, 1.0])
    found = settled(structure, usage, np.ones(2), committed, 0.7)
    assert found is not None
    assert found.used[0] == pytest.approx([1.4, 0.0, 1.4])
    assert found.cost_usd == pytest.approx([0.0], abs=1e-9)
    assert settled(structure, usage, np.ones(2), committed, 0.71) is None


def test_nothing_committed_needs_no_use():
    structure = structure_of([2.0], [[1.0]])
    found = settled(structure, np.ones((3, 1)), np.ones(3), np.zeros(2), 0.9)
    assert found is not None
    assert found.cost_usd == pytest.approx([6.0])


@pytest.mark.parametrize("discounted", [False, True])
def test_settled_costs_are_those_of_one_program(discounted):
    @settings(deadline=None, max_examples=60)
    @given(seed=st.integers(0, 10**6), plans=st.integers(0, 3), floor=st.sampled_from([0.5, 0.8]))
    def check(seed, plans, floor):
        draw = np.random.default_rng(seed)
        slices = int(draw.integers(1, 4))
        price = draw.integers(1, 6, slices).astype(float)
        rates = price * draw.integers(3, 10, (plans, slices)) / 10
        rates[draw.random(rates.shape) < 0.2] = np.inf
        structure = structure_of(price, rates)
        usage = draw.integers(0, 6, (8, slices)).astype(float)
        worth = draw.random(8) + 0.5 if discounted else np.ones(8)
        committed = draw.random(slices + plans) * draw.integers(0, 4, slices + plans)
        expected = least_cost(structure, usage, worth, committed, floor)
        found = settled(structure, usage, worth, committed, floor)
        event("infeasible" if expected is None else "feasible")
        assert (found is None) == (expected is None)
        if found is not None and expected is not None:
            assert found.cost_usd.sum() == pytest.approx(expected, abs=1e-6)
            assert np.all(found.used[0] >= floor * 8 * committed - 1e-5)

    check()
