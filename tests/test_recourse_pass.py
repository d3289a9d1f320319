"""The compiled pass over the hours against a linear program per hour."""

import subprocess
import sys
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from planner.recourse import (
    ROAMS,
    Hours,
    Levels,
    Pass,
    Point,
    Structure,
    coarsen,
    find_families,
    make_hours,
)
from planner.recourse.lanes import greater, lesser

STAGE_OF_SEGMENT = np.array([0, 1, 0])
EXACT = 1e-8
"""Share of the on-demand equivalent by which a proven row may miss its cost."""


@dataclass(frozen=True)
class Case:
    """Moments and a structure, drawn at random."""

    structure: Structure
    series: list
    segment: np.ndarray
    worth: np.ndarray
    count: np.ndarray
    draw: np.random.Generator

    def hours(self, dtype: str = "float64", merge: bool = True, only: int | None = None) -> Hours:
        """The moments as rows, all or those of one segment."""
        chosen = np.ones(len(self.segment), bool) if only is None else self.segment == only
        series = [values[chosen] for values in self.series]
        if not merge:  # a series of its own tells all rows apart
            series = [*series, np.arange(chosen.sum(), dtype=float)]
        return make_hours(
            series,
            segment_of_moment=self.segment[chosen] if only is None else np.zeros(chosen.sum(), int),
            stage_of_segment=STAGE_OF_SEGMENT if only is None else STAGE_OF_SEGMENT[[only]],
            worth=self.worth[chosen],
            hours=self.count[chosen],
            dtype=dtype,
        )

    def point(self, zeros: float = 0.3) -> Point:
        """A random point; ``zeros`` of its commitments are none."""
        structure, draw = self.structure, self.draw
        pairs, sizes = len(structure.pair_slice), (structure.pools, structure.plans)
        dedicated, spend = (
            draw.random((2, size)) * scale * (draw.random((2, size)) > zeros)
            for size, scale in zip(sizes, (6, 10), strict=True)
        )
        return Point(draw.random((2, pairs)) * (draw.random((2, pairs)) > 0.1), dedicated, spend)


def random_case(seed: int, plans: int, shared_pools: bool, moments: int = 90) -> Case:
    """Few distinct prices, rates and amounts, so that ties and equal hours are common."""
    draw = np.random.default_rng([seed, plans, shared_pools])
    slices = int(draw.integers(1, 7))
    pool = np.arange(slices)
    if shared_pools:
        pool = np.sort(draw.integers(0, max(slices // 2, 1), slices))
    price = draw.integers(1, 8, slices).astype(float)
    rates = price * draw.integers(3, 10, (plans, slices)) / 10
    rates[draw.random(rates.shape) < 0.25] = np.inf
    series = [draw.integers(0, 5, moments) * draw.choice([0.1, 0.7], moments) for _ in range(3)]
    pair_slice = np.concatenate([np.arange(slices), draw.integers(0, slices, 2)])
    structure = Structure(
        on_demand_usd=price,
        pool_of_slice=pool,
        units=draw.integers(1, 4, slices).astype(float),
        pools=int(pool.max()) + 1,
        rates=rates,
        pair_slice=pair_slice,
        pair_series=draw.integers(0, 3, len(pair_slice)),
    )
    segment = draw.integers(0, 3, moments)
    worth, count = draw.random(moments) + 0.1, draw.integers(1, 4, moments).astype(float)
    return Case(structure, series, segment, worth, count, draw)


def usage_at(case: Case, point: Point, moment: int) -> np.ndarray:
    structure, stage = case.structure, STAGE_OF_SEGMENT[case.segment[moment]]
    usage = np.zeros(structure.slices)
    for pair, part in enumerate(structure.pair_slice):
        amount = case.series[structure.pair_series[pair]][moment]
        usage[part] += point.factors[stage, pair] * amount
    return usage


def hour_cost(structure, usage, dedicated, spend) -> float:
    """The cheapest way to serve one hour, written out for linprog."""
    costs, serves, takes, slices = [], [], [], structure.slices
    for c in range(slices):
        pool, units = structure.pool_of_slice[c], structure.units[c]
        ways = [(structure.on_demand_usd[c], None, 0.0), (0.0, pool, units)]
        for plan, rate in enumerate(structure.rates[:, c]):
            if np.isfinite(rate):
                ways.append((0.0, structure.pools + plan, rate))
        for cost, row, amount in ways:
            costs.append(cost)
            serves.append(np.eye(slices)[c])
            take = np.zeros(structure.pools + structure.plans)
            if row is not None:
                take[row] = amount
            takes.append(take)
    limits = np.concatenate([dedicated, spend])
    result = linprog(
        costs, A_ub=np.array(takes).T, b_ub=limits, A_eq=np.array(serves).T, b_eq=usage
    )
    assert result.status == 0
    return result.fun


def true_costs(case: Case, point: Point, weight: np.ndarray) -> np.ndarray:
    """Recourse cost of each segment, one program per moment."""
    costs = np.zeros(3)
    for moment, segment in enumerate(case.segment):
        stage = STAGE_OF_SEGMENT[segment]
        usage = usage_at(case, point, moment)
        committed = point.dedicated[stage], point.spend[stage]
        cost = hour_cost(case.structure, usage, *committed)
        costs[segment] += weight[moment] * cost
    return costs


def equivalent(case: Case, point: Point) -> float:
    """On-demand equivalent of all moments."""
    prices = case.structure.on_demand_usd
    usage = [usage_at(case, point, moment) for moment in range(len(case.segment))]
    return float(case.worth @ np.array(usage) @ prices)


def cut_at(sums, point: Point) -> np.ndarray:
    stage = STAGE_OF_SEGMENT
    return (
        np.sum(sums.usage * point.factors[stage], axis=1)
        - np.sum(sums.dedicated * point.dedicated[stage], axis=1)
        - np.sum(sums.spend * point.spend[stage], axis=1)
    )


@pytest.mark.parametrize("shared_pools", [False, True])
@pytest.mark.parametrize("plans", [0, 1, 2, 3, 4])
def test_the_pass_finds_every_hours_cost_cold_and_warm(plans, shared_pools):
    for seed in range(3):
        case = random_case(seed, plans, shared_pools, moments=50)
        sweep = Pass(case.structure, case.hours(), threads=1)
        for _ in range(2):
            point = case.point()
            sums = sweep(point)
            scale = equivalent(case, point)
            true = true_costs(case, point, case.worth)
            assert sums.value_usd == pytest.approx(true, abs=EXACT * scale)
            assert sums.doubtful_rows == 0


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), plans=st.integers(0, 4), shared_pools=st.booleans())
def test_every_hour_is_served_at_its_cost_or_called_doubtful(seed, plans, shared_pools):
    case = random_case(seed, plans, shared_pools, moments=8)
    sweep = Pass(case.structure, case.hours(), threads=1)
    point = case.point()
    sums = sweep(point)
    true = true_costs(case, point, case.worth)
    scale = EXACT * equivalent(case, point) + 1e-12
    assert np.all(sums.value_usd <= true + scale)
    assert sums.doubtful_rows or sums.value_usd == pytest.approx(true, abs=scale)
    assert sweep.exact(point) == pytest.approx(true, abs=scale)


@pytest.mark.parametrize("shared_pools", [False, True])
@pytest.mark.parametrize("plans", [0, 1, 2, 3])
def test_a_cut_is_below_the_true_cost_at_every_point(plans, shared_pools):
    """A cut too high anywhere would cut off the optimum: 8 structures, 5 cuts at 30 points each."""
    case = random_case(11, plans, shared_pools, moments=8)
    sweep = Pass(case.structure, case.hours(), threads=1)
    cuts = [sweep(case.point()) for _ in range(5)]
    for _ in range(30):
        point = case.point()
        true = true_costs(case, point, case.worth)
        slack = EXACT * equivalent(case, point)
        for cut in cuts:
            assert np.all(cut_at(cut, point) <= true + slack)


def test_a_cut_is_tight_where_it_was_made():
    case = random_case(3, 2, shared_pools=True)
    point = case.point()
    sums = Pass(case.structure, case.hours(), threads=1)(point)
    assert cut_at(sums, point) == pytest.approx(sums.value_usd)


def test_a_cut_knows_what_the_first_dollar_of_an_unused_plan_saves():
    structure = Structure(
        on_demand_usd=np.array([2.0, 3.0]),
        pool_of_slice=np.array([0, 1]),
        units=np.ones(2),
        pools=2,
        rates=np.array([[1.0, 2.0]]),
        pair_slice=np.array([0, 1]),
        pair_series=np.array([0, 1]),
    )
    hours = make_hours(
        [np.array([4.0, 0.0, 0.0]), np.array([4.0, 5.0, 0.0])],
        segment_of_moment=np.zeros(3, int),
        stage_of_segment=np.zeros(1, int),
        worth=np.ones(3),
        hours=np.ones(3),
    )
    point = Point(np.ones((1, 2)), np.zeros((1, 2)), np.zeros((1, 1)))
    sums = Pass(structure, hours, threads=1)(point)
    # The first hour's dollar replaces 2 USD of the first slice, the second's 1.50 of the other.
    assert sums.spend[0, 0] == pytest.approx(2.0 + 1.5)
    assert sums.value_usd[0] == pytest.approx(4 * 2 + 4 * 3 + 5 * 3)


@pytest.mark.parametrize("plans", [0, 2])
def test_merged_hours_cost_what_they_cost_apart(plans):
    case = random_case(5, plans, shared_pools=False, moments=400)
    merged, apart = case.hours(), case.hours(merge=False)
    assert merged.rows < apart.rows == 400
    point = case.point()
    for by in ("worth", "hours"):
        first, second = (Pass(case.structure, hours, 1)(point, by=by) for hours in (merged, apart))
        assert first.value_usd == pytest.approx(second.value_usd, rel=1e-9)
        assert first.usage == pytest.approx(second.usage, rel=1e-9)


@pytest.mark.parametrize("plans", [0, 1, 2, 3])
def test_float32_bounds_the_true_cost_closely_from_below_and_exact_from_above(plans):
    case = random_case(7, plans, shared_pools=plans > 1, moments=300)
    true, stored = (
        Pass(case.structure, case.hours(), 1),
        Pass(case.structure, case.hours("float32"), 1),
    )
    for _ in range(5):
        point = case.point()
        cost, low, high = true(point).value_usd, stored(point).value_usd, stored.exact(point)
        # Rounding moves usage, of which the cost may be a small rest: the step is one of usage.
        step, slack = 2.0**-23 * equivalent(case, point), 1e-9 * cost
        assert np.all(low <= cost + slack)
        assert np.all(cost <= low + step + slack)
        assert np.all(cost <= high + slack)
        assert np.all(high <= cost + step + slack)


def test_threads_and_shards_change_no_bit():
    case = random_case(9, 2, shared_pools=True, moments=20_000)
    case.series[0][:] = case.draw.random(20_000)
    points = [case.point(zeros=0) for _ in range(2)]
    alone = Pass(case.structure, case.hours(), threads=1)
    together = Pass(case.structure, case.hours(), threads=5)
    shards = [Pass(case.structure, case.hours(only=segment), threads=2) for segment in range(3)]
    for point in points:
        first, second = alone(point), together(point)
        parts = [shard(point) for shard in shards]
        for name in ("value_usd", "usage", "dedicated", "spend"):
            expected = getattr(first, name)
            assert np.array_equal(getattr(second, name), expected)
            joined = np.concatenate([getattr(part, name) for part in parts])
            assert np.array_equal(joined, expected)


@pytest.mark.parametrize("rows_per_cell", [1, 4, 1000])
def test_a_coarse_look_costs_no_more_than_the_hours(rows_per_cell):
    case = random_case(13, 2, shared_pools=False, moments=500)
    fine = case.hours("float32")
    coarse = coarsen(fine, rows_per_cell)
    assert coarse.rows <= fine.rows // rows_per_cell + 3
    assert coarse.worth.sum() == pytest.approx(fine.worth.sum())
    assert coarse.hours.sum() == pytest.approx(fine.hours.sum())
    for _ in range(10):
        point = case.point()
        low, true = (Pass(case.structure, hours, 1)(point).value_usd for hours in (coarse, fine))
        assert np.all(low <= true * (1 + 1e-9) + 1e-9)
        if rows_per_cell == 1:
            assert low == pytest.approx(true, rel=1e-6)


def structure_of(pools, rates):
    """A structure of slices in some pools, a dollar a unit."""
    slices = len(pools)
    return Structure(
        on_demand_usd=np.ones(slices),
        pool_of_slice=np.array(pools),
        units=np.ones(slices),
        pools=max(pools) + 1,
        rates=np.array(rates, dtype=float).reshape(-1, slices),
        pair_slice=np.arange(slices),
        pair_series=np.arange(slices),
    )


def family_case(seed: int, own_plans: int, roaming: int, moments: int = 40) -> Case:
    """Three pools of one to five slices, each with plans of its own, and plans for all of them."""
    case = random_case(seed, 0, shared_pools=False, moments=moments)
    draw = np.random.default_rng([seed, own_plans, roaming, 77])
    pools = np.repeat(np.arange(3), draw.integers(1, 6, 3))
    slices = len(pools)
    price = draw.integers(4, 9, slices).astype(float) * draw.choice([1.0, 1.03], slices)
    rates = [
        np.where(pools == pool, price * draw.integers(3, 9, slices) / 10, np.inf)
        for pool in range(3)
        for _ in range(own_plans)
    ]
    rates += [price * draw.integers(4, 10, slices) / 10 for _ in range(roaming)]
    structure = Structure(
        on_demand_usd=price,
        pool_of_slice=pools,
        units=draw.integers(1, 4, slices).astype(float),
        pools=3,
        rates=np.array(rates).reshape(-1, slices),
        pair_slice=np.arange(slices),
        pair_series=draw.integers(0, 3, slices),
    )
    return replace(case, structure=structure, draw=draw)


def test_plans_of_one_pool_are_its_familys_and_plans_of_several_roam():
    inf = np.inf
    own, other, everywhere = [3, 2, inf, inf, inf], [inf, inf, 1, 2, inf], [1, 1, 1, 1, 1]
    found = find_families(structure_of([0, 0, 1, 1, 2], [own, other, everywhere]))
    assert found.count == 3
    assert found.of_slice.tolist() == [0, 0, 1, 1, 2]
    assert found.of_plan.tolist() == [0, 1, ROAMS]
    assert found.shared.tolist() == [True, True, False]


def test_a_plan_of_two_systems_joins_their_pools():
    """An EC2 plan of a family that runs Linux and Windows, beside a family of its own."""
    inf = np.inf
    found = find_families(structure_of([0, 1, 2, 3], [[1, 2, inf, inf], [1, 1, 1, 1]]))
    assert found.of_pool.tolist() == [0, 0, 1, 2]
    assert found.of_plan.tolist() == [0, ROAMS]


@pytest.mark.parametrize("roaming", [0, 1, 2, 3])
@pytest.mark.parametrize("own_plans", [1, 2, 3])
def test_families_find_every_hours_cost_cold_and_warm(own_plans, roaming):
    for seed in range(2):
        case = family_case(seed, own_plans, roaming)
        sweep = Pass(case.structure, case.hours(), threads=1)
        for zeros in (0.0, 0.4):
            point = case.point(zeros)
            sums = sweep(point)
            true = true_costs(case, point, case.worth)
            assert sums.value_usd == pytest.approx(true, abs=EXACT * equivalent(case, point))
            assert sums.doubtful_rows == 0


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6), own_plans=st.integers(0, 5), roaming=st.integers(0, 7))
def test_families_serve_every_hour_at_its_cost_or_call_it_doubtful(seed, own_plans, roaming):
    """More commitments than sets of them are searched: then rows in doubt are solved apart."""
    case = family_case(seed, own_plans, roaming, moments=6)
    sweep = Pass(case.structure, case.hours(), threads=1)
    point = case.point(0.2)
    sums, true = sweep(point), true_costs(case, point, case.worth)
    slack = EXACT * equivalent(case, point) + 1e-12
    assert np.all(sums.value_usd <= true + slack)
    assert sums.doubtful_rows or sums.value_usd == pytest.approx(true, abs=slack)
    assert sweep.exact(point) == pytest.approx(true, abs=slack)


def lowest_by_tangents(case: Case, tangents, spend_cost, other: Point) -> np.ndarray:
    """What tangents and the cost of roaming plans prove of a point [segment]."""
    families = find_families(case.structure)
    stage, found = STAGE_OF_SEGMENT, -spend_cost
    of_pair = families.of_slice[case.structure.pair_slice]
    for family in range(families.count):
        pairs, pools = of_pair == family, families.of_pool == family
        plans = families.of_plan == family
        planes = (
            np.einsum("spk,sp->sk", tangents.usage[:, pairs], other.factors[stage][:, pairs])
            - np.einsum(
                "spk,sp->sk", tangents.dedicated[:, pools], other.dedicated[stage][:, pools]
            )
            - np.einsum("spk,sp->sk", tangents.spend[:, plans], other.spend[stage][:, plans])
        )
        found = found + planes.max(axis=1)
    return found


@pytest.mark.parametrize(("own_plans", "roaming"), [(0, 1), (1, 0), (1, 2), (2, 1), (3, 2)])
def test_tangents_are_below_the_true_cost_and_tight_where_taken(own_plans, roaming):
    case = family_case(3, own_plans, roaming, moments=12)
    sweep, families = Pass(case.structure, case.hours(), threads=1), find_families(case.structure)
    point = case.point(0.2)
    sums = sweep(point)
    roams = families.of_plan == ROAMS
    shares = np.array([0.0, 0.5, 1.0, 2.0])
    levels = Levels(point.dedicated[..., None] * shares, point.spend[..., None] * shares)
    tangents = sweep.tangents(point, levels)

    def rest(other):
        paid = sums.spend[:, roams] * other.spend[STAGE_OF_SEGMENT][:, roams]
        return paid.sum(axis=1)

    here = lowest_by_tangents(case, tangents, rest(point), point)
    assert here == pytest.approx(sums.value_usd, abs=EXACT * equivalent(case, point))
    for _ in range(20):
        other = case.point(0.2)
        proven = lowest_by_tangents(case, tangents, rest(other), other)
        slack = EXACT * equivalent(case, other)
        assert np.all(proven <= true_costs(case, other, case.worth) + slack)


def test_hours_count_as_hours_when_asked():
    case = random_case(19, 2, shared_pools=False, moments=40)
    point = case.point()
    sums = Pass(case.structure, case.hours(), 1)(point, by="hours")
    assert sums.value_usd == pytest.approx(true_costs(case, point, case.count), rel=1e-8)


def test_many_plans_are_never_overrated_and_exact_makes_up_for_doubt():
    case = random_case(23, 9, shared_pools=False, moments=60)
    sweep, point = Pass(case.structure, case.hours(), 1), case.point(zeros=0)
    true = true_costs(case, point, case.worth)
    assert np.all(sweep(point).value_usd <= true + 1e-7)
    assert sweep.exact(point) == pytest.approx(true, abs=1e-6)


def test_segments_may_be_empty():
    case = random_case(29, 1, shared_pools=False)
    case.segment[:] = 1
    sums = Pass(case.structure, case.hours(), 2)(case.point())
    assert sums.value_usd[0] == sums.value_usd[2] == 0.0


def test_importing_the_planner_loads_no_compiler():
    code = "import planner, planner.recourse, sys; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603


def test_lanes_compare_outside_compiled_code_too():
    left, right = np.array([1.0, 5.0, 2.0]), np.array([3.0, 4.0, 2.0])
    assert lesser(left, right).tolist() == [1, 4, 2]
    assert greater(left, right).tolist() == [3, 5, 2]
