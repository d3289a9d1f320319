"""One program solved again with other costs and limits."""

import numpy as np
import pytest
import scipy.sparse as sp

from solvers import RepeatedProgram, SolverFailedError

ROWS = sp.csc_array(np.array([[1.0, 1.0], [1.0, 0.0]]))


def solved(program, cost, demand, most, basis=None):
    limits = np.array([demand, most], dtype=float)
    at_least = np.array([demand, -np.inf], dtype=float)
    return program.solve(np.array(cost, dtype=float), at_least, limits, basis)


def test_other_costs_and_limits_give_other_optima_from_any_start():
    program = RepeatedProgram(ROWS)
    first = solved(program, [1, 3], 5, 2)
    assert first.point == pytest.approx([2, 3])
    assert first.prices == pytest.approx([3, -2])
    for basis in (None, first.basis):
        again = solved(program, [4, 3], 6, 1, basis)
        assert again.point == pytest.approx([0, 6])
        assert again.prices == pytest.approx([3, 0])


def test_limits_without_a_point_are_an_error():
    with pytest.raises(SolverFailedError, match="highs"):
        solved(RepeatedProgram(ROWS), [1, 3], -1, 2)
