"""A model is declared in sparse blocks and compiled into arrays; names are made on demand."""

import time

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from solvers import LinearModel

SIZES = st.lists(st.integers(0, 4), min_size=1, max_size=3)


def numbers(seed, *shape):
    """Small whole numbers, a third of them zero."""
    draw = np.random.default_rng(seed).integers(-4, 5, shape)
    return np.where(np.abs(draw) <= 1, 0, draw).astype(float)


@settings(deadline=None, max_examples=60)
@given(sizes=SIZES, heights=SIZES, seed=st.integers(0, 10**6))
def test_compiling_gives_what_writing_every_coefficient_in_a_dense_table_gives(
    sizes, heights, seed
):
    model = LinearModel()
    blocks = [
        model.add(f"x{i}", size, cost=numbers(seed + i, size)) for i, size in enumerate(sizes)
    ]
    dense = np.zeros((sum(heights), sum(sizes)))
    top = 0
    for k, height in enumerate(heights):
        terms = []
        for i, block in enumerate(blocks):
            part = numbers(seed + 10 * k + i, height, block.size)
            terms += [(block, sp.csr_array(part)), (block, sp.coo_matrix(part))]  # twice: summed
            for row in range(height):
                for column in range(block.size):
                    dense[top + row, sum(sizes[:i]) + column] += 2 * part[row, column]
        model.require(f"r{k}", terms, at_least=k, at_most=np.arange(height) + k)
        top += height

    compiled = model.compile()

    assert compiled.matrix.shape == dense.shape
    assert (compiled.matrix.toarray() == dense).all()
    assert compiled.matrix.nnz == np.count_nonzero(dense)
    assert compiled.matrix.has_sorted_indices
    assert compiled.matrix.indices.dtype == np.int32
    assert compiled.row_lower.tolist() == [k for k, h in enumerate(heights) for _ in range(h)]
    assert compiled.row_upper.tolist() == [k + j for k, h in enumerate(heights) for j in range(h)]
    assert compiled.cost.size == compiled.columns == model.columns == sum(sizes)
    assert compiled.rows == model.rows == sum(heights)


def test_opposite_coefficients_leave_no_explicit_zero():
    model = LinearModel()
    x = model.add("x", 1)
    model.require("r", [(x, sp.csr_array([[2.0]])), (x, sp.csr_array([[-2.0]]))], equal=0)

    assert model.compile().matrix.nnz == 0


def test_an_empty_model_compiles():
    compiled = LinearModel().compile()

    assert compiled.matrix.shape == (0, 0)
    assert compiled.objective(np.empty(0)) == 0.0
    assert compiled.violation(np.empty(0)).scaled == 0.0


def test_blocks_and_rows_say_where_their_values_stand():
    model = LinearModel()
    model.add("a", 2)
    b = model.add("b", 3, integer=[True, False, True], upper=[1, 2, 3])
    model.require("first", [(b, sp.csr_array((2, 3)))], at_most=1)
    rows = model.require("second", [(b, sp.eye_array(3))], at_most=1)
    solution = np.array([9.0, 8.0, 7.0, 6.0, 5.0])

    assert model["b"] is b
    assert model.values("b", solution).tolist() == [7.0, 6.0, 5.0]
    activity = model.compile().activity(solution)
    assert activity.tolist() == [0.0, 0.0, 7.0, 6.0, 5.0]
    assert model.row_values("second", activity).tolist() == [7.0, 6.0, 5.0]
    assert rows.slice == slice(2, 5)
    assert model.compile().integer.tolist() == [False, False, True, False, True]
    assert not model.compile().relaxed().integer.any()


def test_names_are_made_only_when_someone_asks():
    asked = []
    model = LinearModel()
    x = model.add("commit", 2, index=["m-1y", "m-3y"])
    model.add("on_demand", 2, index=lambda i: asked.append(i) or f"hour {i}")
    model.add("theta", 1)
    model.require("coverage", [(x, sp.eye_array(2))], at_least=0, index=["mon", "tue"])
    model.require("budget", [(x, sp.csr_array([[1.0, 1.0]]))], at_most=5)
    model.compile()

    assert asked == []
    names = [model.column_name(j) for j in range(5)]
    assert names == [
        "commit[m-1y]",
        "commit[m-3y]",
        "on_demand[hour 0]",
        "on_demand[hour 1]",
        "theta[0]",
    ]
    assert [model.row_name(i) for i in range(3)] == ["coverage[mon]", "coverage[tue]", "budget[0]"]
    with pytest.raises(IndexError, match="5 is outside the model"):
        model.column_name(5)


def test_violation_names_the_worst_row_bound_and_fraction():
    model = LinearModel()
    x = model.add("x", 2, upper=10, cost=[1, 2], integer=[True, False])
    model.require("r", [(x, sp.csr_array([[1.0, 1.0]]))], at_least=15)
    model.offset = 100.0
    compiled = model.compile()

    violation = compiled.violation(np.array([1.25, 12.0]))

    assert (violation.row, violation.bound, violation.integrality) == (1.75, 2.0, 0.25)
    assert violation.scaled == 0.25
    assert compiled.objective(np.array([1.25, 12.0])) == 125.25
    assert compiled.violation(np.array([5.0, 10.0])).scaled == 0.0
    assert compiled.violation(np.array([np.nan, 10.0])).scaled == np.inf


X = sp.csr_array([[1.0, 1.0]])
WRONG = {
    "taken name": (lambda m, _: m.add("x", 1), "'x' is declared already"),
    "wrong size": (lambda m, _: m.add("y", 2, upper=[1, 2, 3]), r"y.upper: shape \(3,\)"),
    "nan": (lambda m, _: m.add("y", 1, lower=np.nan), "y.lower: holds values that are not numbers"),
    "infinite cost": (lambda m, _: m.add("y", 1, cost=np.inf), "y.cost: every cost must be finite"),
    "short index": (lambda m, _: m.add("y", 2, index=["a"]), "index names 1 elements"),
    "wrong width": (
        lambda m, x: m.require("r", [(x, sp.csr_array([[1.0]]))], equal=0),
        r"matrix of x has shape \(1, 1\), needs \(1, 2\)",
    ),
    "heights differ": (
        lambda m, x: m.require("r", [(x, X), (x, sp.eye_array(2))], equal=0),
        r"needs \(1, 2\)",
    ),
    "no bound": (lambda m, x: m.require("r", [(x, X)]), "give at_least, at_most or equal"),
    "too many bounds": (lambda m, x: m.require("r", [(x, X)], equal=0, at_most=1), "not both"),
    "no terms": (lambda m, _: m.require("r", [], equal=0), "at least one"),
    "foreign block": (
        lambda m, _: m.require("r", [(LinearModel().add("z", 2), X)], equal=0),
        "'z' is not of this model",
    ),
    "infinite coefficient": (
        lambda m, x: m.require("r", [(x, X * np.inf)], equal=0),
        "every coefficient of x must be finite",
    ),
}


@pytest.mark.parametrize(("declare", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_declaration_is_refused_and_leaves_the_model_as_it_was(declare, message):
    model = LinearModel()
    x = model.add("x", 2)

    with pytest.raises(ValueError, match=message):
        declare(model, x)

    assert (model.columns, model.rows) == (2, 0)
    compiled = model.compile()
    assert (compiled.matrix.shape, compiled.rows, compiled.columns) == ((0, 2), 0, 2)


def test_a_million_coefficients_compile_within_a_second():
    model = LinearModel()
    rng = np.random.default_rng(0)
    for i in range(10):
        block = model.add(f"x{i}", 10_000)
        rows, columns = rng.integers(0, 5_000, 100_000), rng.integers(0, 10_000, 100_000)
        matrix = sp.coo_array((np.ones(100_000), (rows, columns)), shape=(5_000, 10_000))
        model.require(f"r{i}", [(block, matrix)], at_least=0)

    started = time.process_time()
    compiled = model.compile()

    assert time.process_time() - started < 1.0
    assert compiled.matrix.sum() == 1_000_000
