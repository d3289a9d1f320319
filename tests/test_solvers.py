"""Every backend tells the same truth about the same model, with a bound that is one."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from solvers import (
    Limits,
    LinearModel,
    StopReason,
    Termination,
    UnsupportedModelError,
    get_solver,
    solver_names,
)

INF = np.inf
EXACT = Limits(time_limit_s=20, gap=0)
EVERY_SOLVER = pytest.mark.parametrize("name", solver_names())
CONTINUOUS = pytest.mark.parametrize("name", [n for n in solver_names() if n != "cp-sat"])


def model_of(cost, matrix, at_least, *, lower=0.0, upper=INF, integer=False, at_most=INF, offset=0):
    """One block of columns, one of rows."""
    rows = sp.csr_array(np.array(matrix, dtype=float).reshape(len(matrix), len(cost)))
    model = LinearModel()
    x = model.add("x", len(cost), lower=lower, upper=upper, cost=cost, integer=integer)
    model.require("r", [(x, rows)], at_least=at_least, at_most=at_most)
    model.offset = offset
    return model


TRAP = {"at_most": -1, "upper": 3, "integer": True}
# Each case: a model and its optimal cost, worked out by hand.
WHOLE = {
    "fractional optimum": (model_of([1, 1], [[2, 2]], 3, upper=9, integer=True), 2.0),
    "equality": (model_of([3, 1], [[1, 2]], 7, at_most=7, upper=9, integer=True), 6.0),
    "fixed": (model_of([1, 1], [[1, 1]], 3, lower=[2, 0], upper=[2, 9], integer=True), 3.0),
    "negative": (model_of([1, 2], [[1, 1]], -6, lower=-5, upper=5, integer=True), -11.0),
    "offset": (model_of([1], [[2]], 3, upper=9, integer=True, offset=10.5), 12.5),
    "range of a row": (model_of([-1], [[2]], 1, at_most=7, upper=9, integer=True), -3.0),
    "row without coefficients": (model_of([1], [[0]], -1, lower=2, upper=9, integer=True), 2.0),
    "row without bounds": (model_of([-1], [[1]], -INF, upper=4, integer=True), -4.0),
    "no rows": (model_of([1, -1], [], 0, lower=-3, upper=9, integer=True), -12.0),
    # CBC's preprocessing makes 3 of it, and calls that optimal.
    "trap for preprocessing": (model_of([2, -1, 0], [[-2, 2, 1]], -1, **TRAP), 2.0),
    "no cost": (model_of([0, 0], [[1, 1]], 3, upper=2, integer=True), 0.0),
    "no columns": (model_of([], np.empty((0, 0)), 0, offset=4), 4.0),
}
CONTINUOUS_CASES = {
    "linear": (model_of([1, 1], [[1, 2], [3, 1]], [4, 6]), 2.8),
    "linear with offset": (model_of([1, 1], [[1, 2], [3, 1]], [4, 6], offset=-2.8), 0.0),
    "free": (model_of([1], [[2]], -3, lower=-INF), -1.5),
    "mixed": (model_of([1, 3], [[1, 1]], 2.5, integer=[True, False]), 3.0),
    # HiGHS 1.14's presolve makes 15 of it, and calls that optimal.
    "trap for presolve": (model_of([2, 3], [[1, 1]], 4.5, upper=10, integer=[False, True]), 9.0),
    "integer without upper bound": (model_of([1, 1], [[1, 2], [3, 1]], [4, 6], integer=True), 3.0),
    "no rows, linear": (model_of([1, -1], [], 0, lower=-3, upper=1.5), -4.5),
}


def assert_solved(outcome, cost):
    assert outcome.stop is StopReason.OPTIMAL
    assert outcome.termination is Termination.OPTIMAL
    assert outcome.objective == pytest.approx(cost, abs=1e-6)
    assert outcome.bound == pytest.approx(cost, abs=1e-6)
    assert outcome.bound <= outcome.objective
    assert outcome.gap == pytest.approx(0.0, abs=1e-8)


@EVERY_SOLVER
@pytest.mark.parametrize(("model", "cost"), WHOLE.values(), ids=WHOLE.keys())
def test_whole_number_models_reach_their_known_cost(name, model, cost):
    outcome = get_solver(name).solve(model, EXACT)

    assert outcome.solver == name
    assert_solved(outcome, cost)
    whole = outcome.incumbent[model.compile().integer]
    assert (whole == np.round(whole)).all()


@CONTINUOUS
@pytest.mark.parametrize(("model", "cost"), CONTINUOUS_CASES.values(), ids=CONTINUOUS_CASES.keys())
def test_models_with_continuous_or_free_columns_reach_their_known_cost(name, model, cost):
    assert_solved(get_solver(name).solve(model, EXACT), cost)


NOTHING_FITS = {
    "rows": model_of([1, 1], [[1, 2]], 4, upper=1, integer=True),
    "whole numbers": model_of([1, 1], [[2, 4]], 3, at_most=3, upper=9, integer=True),
    # CBC crashes on this one without preprocessing.
    "half": model_of([0], [[-2]], -1, at_most=-1, upper=3, integer=True),
    "empty row": model_of([1], [[0]], 1, upper=1, integer=True),
    "crossed column": model_of([1], [[1]], 0, lower=3, upper=2, integer=True),
    "crossed row": model_of([1], [[1]], 2, at_most=1, upper=9, integer=True),
    "no whole number between": model_of([1], [[1]], 0, lower=0.2, upper=0.8, integer=True),
    "no columns": model_of([], np.empty((1, 0)), 1),
}


def assert_without_point(outcome, termination):
    assert outcome.termination is termination
    assert outcome.incumbent is None
    assert outcome.objective is None
    assert outcome.bound is None
    assert outcome.gap is None


@EVERY_SOLVER
@pytest.mark.parametrize("model", NOTHING_FITS.values(), ids=NOTHING_FITS.keys())
def test_an_infeasible_model_is_called_infeasible(name, model):
    assert_without_point(get_solver(name).solve(model, EXACT), Termination.INFEASIBLE)


@CONTINUOUS
@pytest.mark.parametrize("integer", [False, True], ids=["linear", "whole"])
def test_infeasible_and_unbounded_are_told_apart_even_where_presolve_cannot(name, integer):
    """A ray of falling cost beside rows nothing fits: CBC's presolve calls that unbounded."""
    falling = {"upper": [INF, 1, 1], "integer": integer}
    unbounded = model_of([-1, 0, 0], [[0, 1, 1]], 1, **falling)
    infeasible = model_of([-1, 0, 0], [[0, 1, 1]], 4, **falling)
    solver = get_solver(name)

    assert_without_point(solver.solve(unbounded, EXACT), Termination.UNBOUNDED)
    assert_without_point(solver.solve(infeasible, EXACT), Termination.INFEASIBLE)


@st.composite
def small_models(draw):
    """Up to four whole columns in 0..3, up to three rows of small whole coefficients."""
    columns, rows = draw(st.integers(1, 4)), draw(st.integers(0, 3))
    small = st.integers(-4, 4)

    def array(*shape):
        size = int(np.prod(shape))
        return np.array(draw(st.lists(small, min_size=size, max_size=size)), float).reshape(shape)

    at_least = np.where(array(rows) > 2, -INF, array(rows))
    return array(columns), array(rows, columns), at_least, at_least + np.abs(array(rows))


@EVERY_SOLVER
@settings(deadline=None, max_examples=12)
@given(parts=small_models())
def test_every_backend_finds_what_trying_every_point_finds(name, parts):
    cost, matrix, at_least, at_most = parts
    at_most = np.where(np.isfinite(at_most), at_most, INF)
    points = np.array(list(itertools.product(range(4), repeat=len(cost))), dtype=float)
    activity = points @ matrix.T
    fits = ((activity >= at_least) & (activity <= at_most)).all(axis=1)
    model = model_of(cost, matrix, at_least, at_most=at_most, upper=3, integer=True)

    outcome = get_solver(name).solve(model, EXACT)

    if not fits.any():
        assert outcome.termination is Termination.INFEASIBLE
        return
    assert outcome.termination is Termination.OPTIMAL
    assert outcome.objective == pytest.approx((points[fits] @ cost).min(), abs=1e-9)
    assert outcome.bound <= outcome.objective
    assert outcome.bound == pytest.approx(outcome.objective, abs=1e-6)
    assert any((outcome.incumbent == point).all() for point in points[fits])


UNFIT_FOR_CP_SAT = {
    "columns are not integer": model_of([1], [[1]], 1, upper=9),
    "columns have no bound": model_of([1], [[1]], 1, integer=True),
    "costs are not whole": model_of([1.5], [[1]], 1, upper=9, integer=True),
    "coefficients are not whole": model_of([1], [[1.5]], 1, upper=9, integer=True),
    "row bounds are not whole": model_of([1], [[1]], 1.5, upper=9, integer=True),
}


@pytest.mark.parametrize(("reason", "model"), UNFIT_FOR_CP_SAT.items())
def test_cp_sat_refuses_what_it_would_solve_wrongly_and_says_why(reason, model):
    with pytest.raises(UnsupportedModelError, match=reason):
        get_solver("cp-sat").solve(model, EXACT)


@pytest.mark.parametrize("name", solver_names())
def test_no_solver_cuts_off_the_cheaper_of_two_purchases(name):
    """CBC's probing did: it called 4.5 optimal, where one step at hour 1 costs 4."""
    if name == "cp-sat":
        pytest.skip("the model has fractional columns")
    model = LinearModel()
    model.offset = 3.0
    buy = model.add("buy", 2, cost=[1.50000003, 1.00000002], integer=True)
    committed = model.add("committed", 2)
    served = model.add("served", 1)
    on_demand = model.add("on demand", 1, cost=0.8)
    one = sp.coo_array([[1.0]])
    step = 0.5 / 0.72
    model.require(
        "add up",
        [
            (buy, sp.coo_array([[-step, 0.0], [-step, -step]])),
            (committed, sp.identity(2, format="coo")),
        ],
        equal=[1 / 0.72, 1 / 0.72],
    )
    model.require("serve", [(served, one), (on_demand, one)], equal=2.0)
    model.require("limit", [(committed, sp.coo_array([[0.0, -1.0]])), (served, one)], at_most=0.0)
    model.require("coverage", [(on_demand, 0.8 * one)], at_most=0.32)
    outcome = get_solver(name).solve(model, Limits(gap=0))
    assert outcome.objective == pytest.approx(4.0, abs=1e-6)
