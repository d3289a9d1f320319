"""Limits, stops, progress and refusals: what a solver does when it cannot just finish."""

import importlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from solvers import (
    BoundSource,
    Limits,
    LinearModel,
    Outcome,
    SolverError,
    SolverFailedError,
    StopReason,
    Termination,
    UnknownSolverError,
    UnsupportedOptionError,
    get_solver,
    pulp_backend,
    solver_names,
)
from solvers.backend import Backend
from solvers.child import solve_in_child
from solvers.incumbents import last_incumbent
from solvers.recheck import Claim, checked

EVERY_SOLVER = pytest.mark.parametrize("name", solver_names())


def market_split(columns=50, rows=6, seed=5):
    """A market split (Cornuéjols, Dawande): tiny, and out of reach of branch and bound.

    Each row splits ``columns`` weights in two equal halves, but for slack that costs; within
    seconds solvers find a point and hardly lift the bound above 0.
    """
    weights = np.random.default_rng(seed).integers(0, 100, (rows, columns)).astype(float)
    model = LinearModel()
    side = model.add("side", columns, upper=1, integer=True)
    over = model.add("over", rows, upper=10_000, cost=1, integer=True)
    under = model.add("under", rows, upper=10_000, cost=1, integer=True)
    model.require(
        "split",
        [(side, sp.csr_array(weights)), (over, -sp.eye_array(rows)), (under, sp.eye_array(rows))],
        equal=np.floor(weights.sum(axis=1) / 2),
    )
    return model


def knapsack(columns=60, rows=20, seed=0):
    """A knapsack of many rows, solved to optimality in some tenths of a second."""
    rng = np.random.default_rng(seed)
    weights = rng.integers(5, 100, (rows, columns)).astype(float)
    model = LinearModel()
    take = model.add("take", columns, upper=1, cost=-rng.integers(5, 100, columns), integer=True)
    model.require("fit", [(take, sp.csr_array(weights))], at_most=np.floor(weights.sum(axis=1) / 2))
    return model


def small():
    model = LinearModel()
    x = model.add("x", 1, upper=9, cost=1, integer=True)
    model.require("r", [(x, sp.csr_array([[2.0]]))], at_least=3)
    return model


@EVERY_SOLVER
def test_a_time_limit_is_called_one_and_keeps_incumbent_and_true_bound(name):
    """PuLP calls this "Optimal"; believing it would show an unproven plan as proven."""
    model = market_split()

    outcome = get_solver(name).solve(model, Limits(time_limit_s=0.7, gap=0))

    assert outcome.stop is StopReason.TIME_LIMIT
    assert outcome.termination is Termination.FEASIBLE
    assert model.compile().violation(outcome.incumbent).scaled < 1e-6
    assert outcome.objective == pytest.approx(outcome.incumbent[50:].sum())
    # Costs are sums of non-negative numbers; 0 is the LP relaxation's value.
    assert -1e-3 <= outcome.bound < outcome.objective
    in_log = {BoundSource.LOG, BoundSource.LP_RELAXATION}
    assert outcome.bound_source in (in_log if name == "cbc" else {BoundSource.SOLVER})
    assert outcome.gap == pytest.approx((outcome.objective - outcome.bound) / outcome.objective)
    assert outcome.seconds < 5


def test_without_a_bound_in_its_log_cbc_is_given_the_one_of_its_lp_relaxation(monkeypatch):
    monkeypatch.setattr(pulp_backend, "_bound_in_log", lambda _log, _offset: None)

    outcome = get_solver("cbc").solve(market_split(), Limits(time_limit_s=0.5, gap=0))

    assert outcome.stop is StopReason.TIME_LIMIT
    assert outcome.bound_source is BoundSource.LP_RELAXATION
    assert outcome.bound == pytest.approx(0.0, abs=1e-6)


@EVERY_SOLVER
@pytest.mark.parametrize("integer", [False, True], ids=["linear", "whole"])
def test_a_limit_too_short_to_find_anything_is_no_solution_not_a_wrong_one(name, integer):
    if name == "cp-sat" and not integer:
        pytest.skip("CP-SAT takes whole numbers only")
    rng = np.random.default_rng(0)
    rows, columns = np.repeat(np.arange(2000), 12), rng.integers(0, 2000, 24_000)
    values = rng.integers(1, 9, 24_000).astype(float)
    model = LinearModel()
    x = model.add("x", 2000, upper=50, cost=rng.integers(1, 50, 2000), integer=integer)
    cover = sp.coo_array((values, (rows, columns)), shape=(2000, 2000))
    model.require("cover", [(x, cover)], at_least=rng.integers(5, 60, 2000))

    outcome = get_solver(name).solve(model, Limits(time_limit_s=0.001))

    assert outcome.stop is StopReason.TIME_LIMIT
    if outcome.incumbent is None:
        assert outcome.termination is Termination.NO_SOLUTION
        assert outcome.objective is None
    else:
        assert model.compile().violation(outcome.incumbent).scaled < 1e-6


class StopsUnasked(Backend):
    """A backend that claims a time limit nobody set."""

    def refuse_limits(self, _):
        """Nothing."""

    def refuse_model(self, _):
        """Nothing."""

    def run(self, *_):
        """Stop."""
        return Claim(StopReason.TIME_LIMIT)


def test_a_solver_that_stops_at_a_limit_nobody_set_has_failed():
    with pytest.raises(SolverFailedError, match="no time limit was set"):
        StopsUnasked("x").solve(small(), Limits())


class DiesAtTheDoor:
    """Ends the process that unpickles it."""

    name = "x"
    stop_grace_s = 0.0

    def __reduce__(self):
        return os._exit, (3,)


def test_a_child_process_that_dies_is_a_failed_solver_with_its_code():
    model = small().compile()

    with pytest.raises(SolverFailedError, match="its process ended with code 3: no message"):
        solve_in_child(DiesAtTheDoor(), model, Limits(), None, threading.Event())


@EVERY_SOLVER
def test_stopping_at_a_gap_is_told_apart_from_proving_the_optimum(name):
    best = get_solver("cp-sat").solve(knapsack(), Limits(gap=0)).objective

    outcome = get_solver(name).solve(knapsack(), Limits(time_limit_s=20, gap=0.5))

    assert outcome.termination is Termination.OPTIMAL
    assert outcome.bound <= best + 1e-6
    assert best - 1e-6 <= outcome.objective
    assert outcome.gap <= 0.5 + 1e-6
    assert (outcome.stop is StopReason.OPTIMAL) == (outcome.gap <= 1e-8)


@EVERY_SOLVER
def test_a_set_stop_event_returns_control_soon(name):
    stop = threading.Event()
    threading.Timer(0.8, stop.set).start()
    started = time.perf_counter()

    outcome = get_solver(name).solve(market_split(), Limits(gap=0), stop=stop)

    assert time.perf_counter() - started < 3.0  # 0.5 s after the stop, on a machine at rest
    assert outcome.stop is StopReason.INTERRUPTED
    if outcome.incumbent is None:
        assert outcome.termination is Termination.NO_SOLUTION
    if outcome.bound is not None:
        assert outcome.bound <= (np.inf if outcome.objective is None else outcome.objective)


@EVERY_SOLVER
def test_a_stop_event_never_set_changes_nothing(name):
    outcome = get_solver(name).solve(small(), Limits(), stop=threading.Event())

    assert (outcome.stop, outcome.objective) == (StopReason.OPTIMAL, 2.0)


@EVERY_SOLVER
def test_a_stop_event_set_before_the_solve_starts_nothing(name):
    stop = threading.Event()
    stop.set()

    assert get_solver(name).solve(small(), Limits(), stop=stop).stop is StopReason.INTERRUPTED


@pytest.mark.parametrize("name", ["highs", "scip", "cp-sat"])
@pytest.mark.parametrize("stop", [None, threading.Event()], ids=["here", "stoppable"])
def test_progress_shows_bounds_that_only_rise_and_incumbents_that_only_fall(name, stop):
    seen = []

    outcome = get_solver(name).solve(
        knapsack(), Limits(gap=0, time_limit_s=10), progress=seen.append, stop=stop
    )

    bounds = [p.bound for p in seen if p.bound is not None]
    incumbents = [p.incumbent for p in seen if p.incumbent is not None]
    assert bounds
    assert incumbents
    assert bounds == sorted(bounds)
    assert incumbents == sorted(incumbents, reverse=True)
    assert bounds[-1] <= outcome.objective + 1e-6
    assert incumbents[-1] >= outcome.bound - 1e-6
    assert [p.seconds for p in seen] == sorted(p.seconds for p in seen)


def test_what_a_progress_listener_raises_reaches_the_caller():
    def refuse(_):
        raise RuntimeError("listener broke")

    with pytest.raises(RuntimeError, match="listener broke"):
        get_solver("highs").solve(knapsack(), Limits(), progress=refuse)


REFUSED = [("highs", "seed"), ("highs", "threads"), ("pulp-highs", "seed")]


@pytest.mark.parametrize(("name", "option"), REFUSED)
def test_an_option_a_backend_cannot_take_is_refused_by_name(name, option):
    with pytest.raises(
        UnsupportedOptionError, match=rf"{name}: {option} = 3: leave it out"
    ) as info:
        get_solver(name).solve(small(), Limits.model_validate({option: 3}))

    assert (info.value.solver, info.value.option, info.value.value) == (name, option, 3)


@pytest.mark.parametrize("name", ["scip", "cp-sat", "cbc", "pulp-highs"])
def test_other_backends_take_seed_and_threads(name):
    options = {"threads": 2} if name == "pulp-highs" else {"threads": 2, "seed": 7}
    solver = get_solver(name)

    for threads in (options, options | {"threads": 1}, {}):
        assert solver.solve(small(), Limits.model_validate(threads)).objective == 2.0


def test_an_unknown_solver_is_refused_with_the_names_there_are():
    with pytest.raises(UnknownSolverError, match="solver = 'gurobi': choose one of highs, scip"):
        get_solver("gurobi")


def test_a_point_that_breaks_the_model_is_not_believed():
    model = small().compile()

    with pytest.raises(SolverFailedError, match="its point breaks the model: rows by 1"):
        checked("x", model, Claim(StopReason.OPTIMAL, np.array([1.0]), 1.0))
    with pytest.raises(SolverFailedError, match=r"bound 2\.5 lies above the cost 2\.0"):
        checked("x", model, Claim(StopReason.OPTIMAL, np.array([2.0]), 2.5))
    with pytest.raises(SolverFailedError, match="says optimal and returns no point"):
        checked("x", model, Claim(StopReason.OPTIMAL))


def test_a_nearly_whole_point_is_made_whole():
    outcome = checked("x", small().compile(), Claim(StopReason.OPTIMAL, np.array([1.9999999]), 2.0))

    assert outcome.incumbent.tolist() == [2.0]
    assert (outcome.objective, outcome.bound, outcome.stop) == (2.0, 2.0, StopReason.OPTIMAL)


def outcome_of(objective, bound):
    return Outcome("x", StopReason.TIME_LIMIT, np.array([0.0]), objective, bound, None, 1.25)


@pytest.mark.parametrize(
    ("objective", "bound", "gap"),
    [(0.0, 0.0, 0.0), (-10.0, -11.0, 0.1), (10.0, 9.0, 0.1), (0.0, -1.0, np.inf), (1, None, None)],
)
def test_the_gap_is_objective_minus_bound_over_the_objective(objective, bound, gap):
    assert outcome_of(objective, bound).gap == (None if gap is None else pytest.approx(gap))


def test_an_outcome_reads_as_one_line():
    text = str(outcome_of(2000.0, 1999.0))

    assert text == "x: time_limit after 1.2 s, objective 2,000, bound 1,999, gap 0.05%"


def test_errors_survive_the_way_back_from_a_child_process():
    """One that cannot be unpickled would be reported as a crash."""
    for error in (
        SolverFailedError("highs", "text"),
        UnsupportedOptionError("highs", "seed", 3, "leave it out"),
        UnknownSolverError("a", ("b",)),
    ):
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 - written the line before
        assert isinstance(again, SolverError)
        assert str(again) == str(error)


def run_python(code):
    path = f"import sys; sys.path[:] = {sys.path!r};"
    return subprocess.run(  # noqa: S603 - our own interpreter and our own code
        [sys.executable, "-c", path + code], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("order", ["ortools highspy", "highspy ortools"])
def test_ortools_and_highspy_load_into_one_process_in_either_order(order):
    """With highspy 1.15, ortools 9.15 misses a symbol: the pin must hold."""
    load = {
        "ortools": "from ortools.math_opt.core.python import solver;",
        "highspy": "import highspy;",
    }

    result = run_python("".join(load[package] for package in order.split()))

    assert result.returncode == 0, result.stderr


SOLVE_WITH = """
import scipy.sparse as sp
from solvers import Limits, LinearModel, get_solver
model = LinearModel()
x = model.add("x", 2, upper=9, cost=1, integer=True)
model.require("r", [(x, sp.csr_array([[2.0, 1.0]]))], at_least=3)
for name in NAMES:
    print(get_solver(name).solve(model, Limits(gap=0)).objective)
"""


@pytest.mark.parametrize("first", ["", "import pulp"], ids=["ours", "pulp imported by the caller"])
def test_both_copies_of_highs_solve_in_one_process_whichever_comes_first(first):
    """HiGHS inside OR-Tools crashes in a process that loaded highspy before it."""
    names = "NAMES = ['pulp-highs', 'highs', 'cbc', 'highs']"

    result = run_python("\n".join(["", first, names, SOLVE_WITH]))

    assert result.stdout.split() == ["2.0"] * 4, result.stderr


def test_importing_the_solvers_loads_no_solver():
    result = run_python(
        "import solvers; print([m for m in ('ortools', 'pulp', 'highspy') if m in sys.modules])"
    )

    assert result.stdout.strip() == "[]", result.stderr


def test_a_child_that_does_not_heed_its_time_limit_is_killed(tmp_path, monkeypatch):
    """Native presolving may not look at the clock for minutes; the bound it told is kept."""
    (tmp_path / "heedless.py").write_text(
        "import time\n"
        "from solvers import Progress\n"
        "class Heedless:\n"
        "    name, overtime_share, stop_grace_s = 'heedless', 0.0, 0.0\n"
        "    def decide(self, model, limits, progress, stop, incumbents):\n"
        "        progress(Progress(0.1, None, 12.5))\n"
        "        time.sleep(60)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    heedless = importlib.import_module("heedless").Heedless()
    monkeypatch.setattr("solvers.child._START_S", 1.0)
    model = LinearModel()
    model.add("x", 1, cost=1.0)
    began = time.perf_counter()
    claim = solve_in_child(
        heedless, model.compile(), Limits(time_limit_s=1), None, threading.Event()
    )
    assert time.perf_counter() - began < 30
    assert claim.stop is StopReason.TIME_LIMIT
    assert claim.point is None
    assert claim.bound == pytest.approx(12.5)


@EVERY_SOLVER
def test_an_interrupted_solver_keeps_what_it_found(name):
    model, stop = market_split(), threading.Event()
    threading.Timer(3.0, stop.set).start()
    began = time.perf_counter()

    outcome = get_solver(name).solve(model, Limits(gap=0), stop=stop)

    assert outcome.stop is StopReason.INTERRUPTED
    assert model.compile().violation(outcome.incumbent).scaled < 1e-6
    assert outcome.objective == pytest.approx(outcome.incumbent[50:].sum())
    assert time.perf_counter() - began < 20


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are listed where Linux does")
def test_a_killed_child_leaves_what_it_found(caplog):
    """Out of memory, say: its last point is better than none."""
    model, backend = market_split().compile(), get_solver("highs")

    def kill(heard):
        if heard.incumbent is not None and heard.seconds > 1:
            for pid in (
                Path(f"/proc/{os.getpid()}/task/{threading.get_native_id()}/children")
                .read_text()
                .split()
            ):
                os.kill(int(pid), signal.SIGKILL)

    claim = solve_in_child(backend, model, Limits(gap=0), kill, threading.Event())

    assert claim.stop is StopReason.INTERRUPTED
    assert model.violation(claim.point).scaled < 1e-6
    assert "its process ended with code -9" in caplog.text


def test_a_point_cut_short_by_the_death_of_its_writer_is_not_read(tmp_path):
    model, path = small().compile(), tmp_path / "incumbents"
    assert last_incumbent(path, model) is None

    path.write_text("Objective 4\n# Columns -1\n 4 0\nObjective 3\n# Columns -1\n c0 3")
    assert last_incumbent(path, model).tolist() == [4.0]

    path.write_text(path.read_text() + ".5 0\n")
    assert last_incumbent(path, model).tolist() == [3.5]
