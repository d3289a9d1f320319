"""Solvers that race on one model."""

import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from planner import Surroundings, make_plan, parse_request
from solvers import Limits, LinearModel, Outcome, Progress, SolverFailedError, StopReason
from solvers.outcome import BoundSource
from solvers.race import Race

PERIODIC = (
    Path(__file__).parents[2] / "shared" / "field-cases" / "first-answer" / "periodic-year.json"
)


def model() -> Any:
    """A model in whole numbers, of some size."""
    large = LinearModel()
    block = large.add("x", 200, cost=np.ones(200), upper=np.ones(200), integer=True)
    large.require("rows", [(block, sp.csr_array(np.ones((150, 200))))], at_least=3.0)
    return large


@dataclass
class Runner:
    """Ends with an outcome after some time, or when it is stopped."""

    name: str
    stop: StopReason
    objective: float | None = None
    bound: float | None = None
    seconds: float = 0.0
    fails: bool = False
    asked: list[Any] = field(default_factory=list)

    def refuse_limits(self, limits: Limits) -> None:
        """Take all."""

    def solve(self, model, _limits, *, progress=None, stop=None) -> Outcome:
        """End as told."""
        self.asked.append(model)
        ended = time.monotonic() + self.seconds
        while time.monotonic() < ended and not (stop is not None and stop.is_set()):
            time.sleep(0.01)
        if self.fails:
            raise SolverFailedError(self.name, "it broke down")
        if progress is not None:
            progress(Progress(0.0, self.objective, self.bound))
        in_time = time.monotonic() >= ended
        point = None if self.objective is None else np.zeros(model.compile().columns)
        return Outcome(
            solver=self.name,
            stop=self.stop if in_time else StopReason.INTERRUPTED,
            incumbent=point,
            objective=self.objective,
            bound=self.bound,
            bound_source=None if self.bound is None else BoundSource.SOLVER,
            seconds=0.0,
        )


def test_a_proof_ends_the_race():
    idle = Runner("idle", StopReason.TIME_LIMIT, bound=2.0, seconds=60)
    quick = Runner("quick", StopReason.OPTIMAL, objective=3.0, bound=3.0)
    began = time.monotonic()
    outcome = Race((idle, quick)).solve(model(), Limits())
    assert time.monotonic() - began < 10
    assert (outcome.solver, outcome.stop) == ("quick", StopReason.OPTIMAL)
    assert (outcome.objective, outcome.bound) == (3.0, 3.0)


def test_without_a_proof_the_best_of_both_is_kept_and_may_be_one():
    first = Runner("first", StopReason.TIME_LIMIT, objective=3.2, bound=2.999)
    second = Runner("second", StopReason.TIME_LIMIT, objective=3.0, bound=1.0)
    outcome = Race((first, second)).solve(model(), Limits(gap=1e-4))
    assert (outcome.objective, outcome.bound) == (3.0, 2.999)
    assert outcome.stop is StopReason.TIME_LIMIT
    outcome = Race((first, second)).solve(model(), Limits(gap=1e-3))
    assert outcome.stop is StopReason.GAP


def test_one_that_breaks_down_leaves_the_race_to_the_other():
    broken = Runner("broken", StopReason.OPTIMAL, fails=True)
    other = Runner("other", StopReason.OPTIMAL, objective=3.0, bound=3.0, seconds=0.2)
    assert Race((broken, other)).solve(model(), Limits()).solver == "other"
    with pytest.raises(SolverFailedError, match="broken"):
        Race((broken, broken)).solve(model(), Limits())


def test_all_are_stopped_and_progress_is_that_of_the_best():
    told: list[Progress] = []
    stop = threading.Event()
    one = Runner("one", StopReason.OPTIMAL, objective=5.0, bound=1.0, seconds=60)
    two = Runner("two", StopReason.OPTIMAL, objective=4.0, bound=0.5, seconds=60)
    threading.Timer(0.2, stop.set).start()
    outcome = Race((one, two)).solve(model(), Limits(), progress=told.append, stop=stop)
    assert (outcome.stop, outcome.objective) == (StopReason.INTERRUPTED, 4.0)
    assert (told[-1].incumbent, told[-1].bound) == (4.0, 1.0)


def test_small_models_are_the_first_ones_alone():
    small = LinearModel()
    block = small.add("x", 2, cost=np.ones(2), upper=np.ones(2), integer=True)
    small.require("rows", [(block, sp.csr_array(np.ones((1, 2))))], at_least=1.0)
    first = Runner("first", StopReason.OPTIMAL, objective=1.0, bound=1.0)
    second = Runner("second", StopReason.OPTIMAL, objective=1.0, bound=1.0)
    Race((first, second)).solve(small, Limits())
    assert first.asked
    assert not second.asked


@pytest.mark.skipif(not PERIODIC.exists(), reason="the shared reference data is not there")
@pytest.mark.slow
def test_whole_machines_stopped_at_once_have_a_plan_that_buys_nothing():
    document = json.loads(PERIODIC.read_text()) | {"solve": {"time_limit_s": 0.5}}

    plan = make_plan(parse_request(document), Surroundings(folder=PERIODIC.parent))

    assert plan.status == "feasible"
    assert plan.total_cost_usd < 73_000  # on demand alone


@pytest.mark.skipif(not PERIODIC.exists(), reason="the shared reference data is not there")
@pytest.mark.slow
def test_a_published_optimum_is_found_and_proven_by_the_default_solver():
    document = json.loads(PERIODIC.read_text()) | {"solve": {"time_limit_s": 60}}

    plan = make_plan(parse_request(document), Surroundings(folder=PERIODIC.parent))

    assert float(plan.total_cost_usd) == pytest.approx(32_825.802, abs=32_825.802 * 1e-4)
    assert float(plan.lower_bound_usd) == pytest.approx(32_825.802, abs=32_825.802 * 1e-4)
