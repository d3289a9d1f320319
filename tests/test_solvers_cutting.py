"""Programs that grow by rows: their optima, what they prove, and points within their limits."""

import numpy as np
import pytest
import scipy.sparse as sp

from solvers.cutting import CuttingPlanes
from solvers.model import CompiledModel


def model_of(cost, lower, upper, rows, at_least, at_most):
    return CompiledModel(
        cost=np.array(cost, float),
        lower=np.array(lower, float),
        upper=np.array(upper, float),
        integer=np.zeros(len(cost), dtype=np.bool_),
        matrix=sp.csc_array(np.array(rows, float)),
        row_lower=np.array(at_least, float),
        row_upper=np.array(at_most, float),
        offset=0.0,
    )


def planes_of(model):
    return CuttingPlanes(model, (model.lower, np.where(np.isfinite(model.upper), model.upper, 9.0)))


def test_rows_added_move_the_optimum_and_its_proof():
    """2 x + 3 y with x + y >= 4 costs 8; with y >= 1 besides 9; with x <= 2 besides 10."""
    planes = planes_of(model_of([2, 3], [0, 0], [np.inf, np.inf], [[1, 1]], [4], [np.inf]))

    found = [planes.solve()]
    for row, at_least in (([0.0, 1.0], 1.0), ([-1.0, 0.0], -2.0)):
        planes.add(sp.csr_array(np.array([row])), np.array([at_least]))
        found.append(planes.solve())

    assert [one.objective for one in found] == pytest.approx([8, 9, 10])
    assert [one.bound for one in found] == pytest.approx([8, 9, 10])
    assert found[-1].point == pytest.approx([2, 2])


def test_rows_that_exclude_each_other_have_no_optimum():
    planes = planes_of(model_of([1], [0], [3], [[1]], [0], [np.inf]))
    planes.add(sp.csr_array(np.array([[1.0]])), np.array([4.0]))

    assert planes.solve() is None


def test_a_point_keeps_its_limits_where_the_solver_s_tolerance_does_not():
    """X + y = 1 with y at least 1 + 5e-8: HiGHS ends at x = -5e-8, which is bought by nobody."""
    planes = planes_of(model_of([0, 1], [0, 1 + 5e-8], [np.inf, 2], [[1, 1]], [1], [1]))
    planes.solve()
    planes.add(sp.csr_array(np.array([[0.0, 1.0]])), np.array([0.5]))

    answer = planes.solve()

    assert answer is not None
    assert (answer.point >= [0, 1 + 5e-8]).all()
