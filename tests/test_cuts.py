"""What the decomposed method's master is told of the hours, against the hours themselves."""

import numpy as np
import pytest
from scipy.optimize import linprog

from planner import Surroundings, parse_request
from planner.decomposition.anchors import Anchors
from planner.decomposition.master import Master
from planner.decomposition.rounding import whole_points
from planner.decomposition.search import Search
from planner.planning import resolve
from planner.recourse import Pass
from solvers import Limits

HOURS, POINTS = 48, 1000
MACHINES = ("a", "b", "c", "d", "e", "f", "g")
ON_DEMAND_USD = dict(zip(MACHINES, (1.0, 2.1, 1.7, 0.6, 3.2, 0.9, 1.3), strict=True))
TYPES = [
    {"name": "a", "family": "ab", "normalized_units": 1, "size_flexible": True},
    {"name": "b", "family": "ab", "normalized_units": 2, "size_flexible": True},
    *({"name": name} for name in MACHINES[2:]),
]
CHOICE = {
    "name": "web", "regions": ["here"],
    "needs": {"unit": "own", "capacity": {"a": 1.0, "c": 1.5, "e": 2.5}},
}  # fmt: skip
PLAIN = [
    {"name": name, "regions": ["here"], "needs": {"unit": "machines", "of": name}}
    for name in MACHINES
]


def problem_of(document, price, plans, seed, **parts):
    """Seven machines with a reservation each, two of them in one pool, and some spend plans."""
    draw = np.random.default_rng(seed)
    rates = [price(name, "on_demand", usd) for name, usd in ON_DEMAND_USD.items()]
    for name, usd in ON_DEMAND_USD.items():
        rates.append(price(name, "reserved_standard", round(usd * 0.6, 3), 20))
    for plan in range(plans):
        for name, usd in ON_DEMAND_USD.items():
            share = draw.uniform(0.5, 0.8)
            rates.append(
                price(name, "savings_plan_compute", round(usd * share, 3), (10, 30, 40)[plan])
            )
    names = ("s0", "s1")
    demand = {one: {name: amounts(draw) for name in (*MACHINES, "web")} for one in names}
    request = parse_request(
        document(
            rates, demand, types=TYPES, workloads=[*PLAIN, CHOICE],
            horizon={"hours": HOURS}, purchases={"hours": [0, 12, 30]},
            scenarios={"s0": 0.4, "s1": 0.6}, **parts,
        )
    )  # fmt: skip
    return resolve(request, Surroundings())


def amounts(draw):
    return draw.integers(0, 30, HOURS).astype(float).tolist()


def searched(problem, rounds=8):
    """A search after some rounds, anchors among its rows."""
    master = Master(problem)
    search = Search(master, Limits(gap=0.0), None, None, began=0.0)
    fine = Pass(master.layout.structure, master.layout.hours("float64"), threads=1)
    anchors = Anchors(search)
    anchors.look_at(fine)
    point = master.everything_on_demand
    for _ in range(rounds):
        _, full = search.ask(fine, point)
        anchors.after(full)
        point = full + 0.6 * (search.solve().point - full)
    return search, fine, anchors


def random_point(master, draw):
    """Some purchases, many or few, and some mix."""
    values = np.zeros(master.start.columns)
    buy = master.first.model["buy"].slice
    steps = master.widest[1][buy] * draw.random() * draw.random(buy.stop - buy.start)
    values[buy] = np.where(draw.random(len(steps)) < draw.random(), steps, 0.0)
    mix = master.first.mix
    share = draw.dirichlet(np.ones(np.bincount(mix.decision).max()), mix.decisions)
    values[master.first.model["run"].slice] = share.ravel()[: mix.size]
    return values


def least_beyond(model, rows, full):
    """The rows' own columns at the least that the tangents allow."""
    first = len(full)
    width = model.columns - first
    matrix = model.matrix.tocsr()[rows]
    needed = model.row_lower[rows] - matrix[:, :first] @ full
    own = matrix[:, first:].toarray()
    tangents = (own > 0).any(axis=1)
    beyond = np.zeros(width)
    np.maximum.at(beyond, own[tangents].argmax(axis=1), needed[tangents])
    return beyond


@pytest.mark.parametrize(
    ("plans", "risk"), [(0, {}), (1, {}), (2, {"weight": 0.5, "level": 0.5}), (3, {})]
)
def test_every_cut_is_below_the_true_cost_at_a_thousand_points(plans, risk, document, price):
    parts = {"risk": risk} if risk else {}
    search, fine, anchors = searched(problem_of(document, price, plans, seed=plans, **parts))
    master, model = search.master, search.planes.compiled()
    rows = np.arange(master.start.rows, model.rows)
    assert anchors.made > 2
    assert len(rows) > 40
    draw = np.random.default_rng(5)
    for _ in range(POINTS):
        values = random_point(master, draw)
        cost = fine.exact(master.layout.point(master.committed(values)))
        full = master.completed(values, cost, cost)
        beyond = least_beyond(model, rows, full)
        activity = model.matrix.tocsr()[rows] @ np.concatenate([full, beyond])
        slack = activity - model.row_lower[rows]
        assert slack.min() >= -1e-7 * max(1.0, float(cost.max()))


def test_the_pass_costs_what_an_hours_own_program_costs(document, price):
    problem = problem_of(document, price, plans=3, seed=9)
    search, fine, _ = searched(problem, rounds=2)
    master, structure = search.master, search.master.layout.structure
    draw = np.random.default_rng(6)
    for _ in range(3):
        values = random_point(master, draw)
        point = master.layout.point(master.committed(values))
        found = fine.exact(point)
        assert found.sum() == pytest.approx(cost_by_hour(problem, structure, point), rel=1e-7)


def cost_by_hour(problem, structure, point):
    """The cost of all hours of all scenarios, each by a linear program of its own."""
    total = 0.0
    stage_of = problem.stages.stage
    window = problem.window_of_hour()
    for scenario in range(2):
        for hour in range(HOURS):
            stage = stage_of[window[hour], scenario]
            moment = scenario * HOURS + hour
            usage = np.zeros(structure.slices)
            demand = distinct_demand(problem, moment)
            for pair in range(len(structure.pair_slice)):
                amount = demand[structure.pair_series[pair]]
                usage[structure.pair_slice[pair]] += point.factors[stage, pair] * amount
            total += hour_cost(structure, usage, point.dedicated[stage], point.spend[stage])
    return total


def distinct_demand(problem, moment):
    """The distinct series, in the order in which candidates first need them."""
    seen, found = set(), []
    for candidate in problem.candidates:
        ((series, _),) = candidate.needs
        if series.ctypes.data not in seen:
            seen.add(series.ctypes.data)
            found.append(series[moment])
    return found


def hour_cost(structure, usage, dedicated, spend):
    slices, plans = structure.slices, structure.plans
    ways = 2 + plans
    cost = np.zeros((slices, ways))
    cost[:, -1] = structure.on_demand_usd
    serve = np.zeros((slices, slices, ways))
    serve[np.arange(slices), np.arange(slices)] = 1.0
    pools = np.zeros((structure.pools, slices, ways))
    pools[structure.pool_of_slice, np.arange(slices), 0] = structure.units
    spent = np.zeros((plans, slices, ways))
    upper = np.full((slices, ways), None, dtype=object)
    for plan in range(plans):
        covered = np.isfinite(structure.rates[plan])
        spent[plan, covered, 1 + plan] = structure.rates[plan, covered]
        upper[~covered, 1 + plan] = 0.0
    result = linprog(
        cost.ravel(),
        A_ub=np.concatenate([pools, spent]).reshape(structure.pools + plans, -1),
        b_ub=np.concatenate([dedicated, spend]),
        A_eq=serve.reshape(slices, -1),
        b_eq=usage,
        bounds=[(0, most) for most in upper.ravel()],
    )
    return result.fun


def test_whole_points_are_whole_and_near(document, price):
    search, _, _ = searched(problem_of(document, price, plans=2, seed=3), rounds=5)
    master = search.master
    point = search.solve().point
    buy = master.first.model["buy"].slice
    for whole in whole_points(master, point):
        assert np.array_equal(whole[buy], np.round(whole[buy]))
        assert np.abs(master.committed(whole) - master.committed(point)).max() < 60
