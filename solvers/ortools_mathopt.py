"""OR-Tools through MathOpt: HiGHS, SCIP and, for small all-integer models, CP-SAT.

The model is handed over as one protocol buffer filled from arrays; MathOpt's Python objects
would cost seconds per million coefficients. Nothing of OR-Tools is imported before a solve.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from solvers.backend import Backend
from solvers.errors import (
    SolverFailedError,
    SolverUnavailableError,
    UnsupportedModelError,
    UnsupportedOptionError,
)
from solvers.highs import PRESOLVE_OF_INTEGERS
from solvers.incumbents import incumbent_options
from solvers.model import CompiledModel, Floats
from solvers.outcome import BoundSource, Limits, ProgressListener, StopReason
from solvers.progress_lines import ProgressLines, rounded_down
from solvers.recheck import Claim

_NATIVE = "ortools.math_opt.core.python.solver"
_SOLVER_TYPE = {
    "highs": "SOLVER_TYPE_HIGHS",
    "scip": "SOLVER_TYPE_GSCIP",
    "cp-sat": "SOLVER_TYPE_CP_SAT",
}
# Why it stopped, by MathOpt's reason; None where it does not know which of two.
_STOP = {
    "OPTIMAL": StopReason.OPTIMAL,
    "INFEASIBLE": StopReason.INFEASIBLE,
    "UNBOUNDED": StopReason.UNBOUNDED,
    "INFEASIBLE_OR_UNBOUNDED": None,
}
# With the reasons FEASIBLE and NO_SOLUTION_FOUND, the limit says why.
_STOP_AT_LIMIT = {
    "TIME": StopReason.TIME_LIMIT,
    "INTERRUPTED": StopReason.INTERRUPTED,
    # CP-SAT names interrupts and no other limit; time is the only other one we set.
    "UNDETERMINED": StopReason.TIME_LIMIT,
}
# CP-SAT silently cuts larger bounds down to this (its parameter mip_max_bound).
_CP_SAT_LARGEST_BOUND = 1e7
_HIGHS_LOG_EVERY_S = 0.2
_LOOK_AT_STOP_EVERY_S = 0.05


class MathOptSolver(Backend):
    """One of OR-Tools' solvers: ``highs``, ``scip`` or ``cp-sat``.

    HiGHS takes no number of threads and is given no seed. It ignores interrupts, so a stop
    event makes it run in a child process (see :class:`solvers.backend.Backend`), where it writes
    its incumbents to a file; SCIP and CP-SAT are interrupted where they run. (Given a stop event,
    SCIP writes two harmless lines about an event handler to the process's standard error.)
    """

    stoppable: ClassVar[frozenset[str]] = frozenset({"scip", "cp-sat"})

    def must_run_apart(self) -> bool:
        """HiGHS here crashes where highspy, which PuLP imports, was loaded before OR-Tools."""
        loaded = [name for name in sys.modules if name in ("highspy", _NATIVE)]  # in order
        return self.name == "highs" and loaded[:1] == ["highspy"]

    def refuse_limits(self, limits: Limits) -> None:
        """HiGHS takes neither threads nor seed; the others take all."""
        if self.name != "highs":
            return
        if limits.seed is not None:
            fix = "leave it out (HiGHS has given wrong bounds with seeds) or solve with scip"
            raise UnsupportedOptionError(self.name, "seed", limits.seed, fix)
        if limits.threads is not None:
            fix = "leave it out (OR-Tools cannot pass it on) or solve with pulp-highs"
            raise UnsupportedOptionError(self.name, "threads", limits.threads, fix)

    def refuse_model(self, model: CompiledModel) -> None:
        """CP-SAT takes whole numbers only, within bounds."""
        if self.name != "cp-sat":
            return
        if not model.integer.all():
            reason = f"{int((~model.integer).sum())} of {model.columns} columns are not integer"
            raise UnsupportedModelError(self.name, reason, "solve with highs or scip")
        bounds = np.abs(np.concatenate([model.lower, model.upper]))
        if (bounds > _CP_SAT_LARGEST_BOUND).any():
            reason = f"some columns have no bound, or one beyond {_CP_SAT_LARGEST_BOUND:g}"
            raise UnsupportedModelError(self.name, reason, "bound every column, or use highs")
        for what, numbers in (
            ("costs", model.cost),
            ("coefficients", model.matrix.data),
            ("row bounds", np.concatenate([model.row_lower, model.row_upper])),
        ):
            finite = numbers[np.isfinite(numbers)]
            if (finite != np.round(finite)).any():
                reason = f"some {what} are not whole numbers"
                raise UnsupportedModelError(self.name, reason, "scale them, or use highs")

    def run(
        self,
        model: CompiledModel,
        limits: Limits,
        progress: ProgressListener | None,
        stop: threading.Event | None,
        incumbents: Path | None,
    ) -> Claim:
        """Hand the model over, solve, read the answer."""
        try:
            from ortools.math_opt import (
                callback_pb2,
                model_parameters_pb2,
                parameters_pb2,
            )
            from ortools.math_opt.core.python import solver as native
            from pybind11_abseil.status import StatusNotOk  # type: ignore[import-untyped]
        except ImportError as error:
            raise SolverUnavailableError(self.name, "ortools") from error
        lines = ProgressLines(self.name, progress)
        proto = model_proto(model)
        started = time.perf_counter()
        try:
            with _interrupter(stop) as interrupter:
                answer = native.solve(
                    proto,
                    parameters_pb2.SolverTypeProto.Value(_SOLVER_TYPE[self.name]),
                    parameters_pb2.SolverInitializerProto(),
                    self._parameters(model, limits, incumbents),
                    model_parameters_pb2.ModelSolveParametersProto(),
                    lines,
                    callback_pb2.CallbackRegistrationProto(),
                    None,
                    interrupter,
                )
        except StatusNotOk as error:
            raise SolverFailedError(self.name, str(error)) from error
        lines.finish()
        return self._claim(model, answer, time.perf_counter() - started, lines)

    def _parameters(self, model: CompiledModel, limits: Limits, incumbents: Path | None) -> Any:  # noqa: ANN401 - untyped
        from ortools.math_opt import parameters_pb2

        parameters = parameters_pb2.SolveParametersProto(relative_gap_tolerance=limits.gap)
        if limits.time_limit_s is not None:
            parameters.time_limit.FromNanoseconds(round(limits.time_limit_s * 1e9))
        if limits.seed is not None:
            parameters.random_seed = limits.seed
        if limits.threads is not None:
            parameters.threads = limits.threads
        if self.name == "highs":
            # By default a row every 5 s, too rare to be the progress of a short solve.
            parameters.highs.double_options["mip_min_logging_interval"] = _HIGHS_LOG_EVERY_S
            if model.integer.any():
                parameters.highs.string_options["presolve"] = PRESOLVE_OF_INTEGERS
            for option, value in incumbent_options(incumbents).items():
                if isinstance(value, bool):
                    parameters.highs.bool_options[option] = value
                else:
                    parameters.highs.string_options[option] = value
        return parameters

    def _claim(
        self,
        model: CompiledModel,
        answer: Any,  # noqa: ANN401 - OR-Tools is untyped here
        seconds: float,
        lines: ProgressLines,
    ) -> Claim:
        stop = self._stop(answer.termination)
        bound, source = answer.termination.objective_bounds.dual_bound, BoundSource.SOLVER
        if not model.integer.any() and stop is not StopReason.OPTIMAL:
            # A simplex stopped on its way has a dual objective, but of perturbed costs: no proof.
            bound = None
        elif not np.isfinite(bound) and lines.latest is not None and lines.latest.bound is not None:
            bound, source = rounded_down(lines.latest.bound), BoundSource.LOG
        stats = answer.solve_stats
        iterations = (
            stats.simplex_iterations + stats.barrier_iterations + stats.first_order_iterations
        )
        return Claim(
            stop=stop,
            point=_point(model, answer),
            bound=bound,
            bound_source=source,
            seconds=seconds,
            iterations=None if self.name == "cp-sat" else int(iterations),
            log=tuple(lines.lines),
        )

    def _stop(self, termination: Any) -> StopReason | None:  # noqa: ANN401
        """The one place that reads MathOpt's status; what is not in the tables is an error."""
        from ortools.math_opt import result_pb2

        reason = result_pb2.TerminationReasonProto.Name(termination.reason)
        reason = reason.removeprefix("TERMINATION_REASON_")
        if reason in _STOP:
            return _STOP[reason]
        limit = result_pb2.LimitProto.Name(termination.limit).removeprefix("LIMIT_")
        if reason in ("FEASIBLE", "NO_SOLUTION_FOUND") and limit in _STOP_AT_LIMIT:
            return _STOP_AT_LIMIT[limit]
        raise SolverFailedError(self.name, f"{reason} ({limit}) {termination.detail}".strip())


def model_proto(model: CompiledModel) -> Any:  # noqa: ANN401 - OR-Tools is untyped here
    """The model as MathOpt's protocol buffer, ids being positions; names stay with us.

    0.2 s per million coefficients, most of it turning arrays into lists.
    """
    from ortools.math_opt import model_pb2

    proto = model_pb2.ModelProto()
    proto.variables.ids.extend(range(model.columns))
    proto.variables.lower_bounds.extend(model.lower.tolist())
    proto.variables.upper_bounds.extend(model.upper.tolist())
    proto.variables.integers.extend(model.integer.tolist())
    proto.objective.offset = model.offset
    costly = np.flatnonzero(model.cost)
    proto.objective.linear_coefficients.ids.extend(costly.tolist())
    proto.objective.linear_coefficients.values.extend(model.cost[costly].tolist())
    proto.linear_constraints.ids.extend(range(model.rows))
    proto.linear_constraints.lower_bounds.extend(model.row_lower.tolist())
    proto.linear_constraints.upper_bounds.extend(model.row_upper.tolist())
    by_row = model.matrix.tocsr()  # MathOpt wants row-major order
    rows = np.repeat(np.arange(model.rows), np.diff(by_row.indptr))
    proto.linear_constraint_matrix.row_ids.extend(rows.tolist())
    proto.linear_constraint_matrix.column_ids.extend(by_row.indices.tolist())
    proto.linear_constraint_matrix.coefficients.extend(by_row.data.tolist())
    return proto


def _point(model: CompiledModel, answer: Any) -> Floats | None:  # noqa: ANN401
    """The best feasible point of the answer, None where it has none."""
    from ortools.math_opt import solution_pb2

    for solution in answer.solutions:
        primal = solution.primal_solution
        if primal.feasibility_status == solution_pb2.SOLUTION_STATUS_FEASIBLE:
            point = np.zeros(model.columns)
            point[np.array(primal.variable_values.ids, dtype=np.int64)] = np.array(
                primal.variable_values.values, dtype=np.float64
            )
            return point
    return None


@contextmanager
def _interrupter(stop: threading.Event | None) -> Iterator[object | None]:
    """A native interrupter that a set stop event triggers; None where there is no event."""
    if stop is None:
        yield None
        return
    from ortools.util.python import solve_interrupter

    interrupter = solve_interrupter.SolveInterrupter()
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_LOOK_AT_STOP_EVERY_S):
            if stop.is_set():
                interrupter.interrupt()
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield interrupter.pybind_interrupter
    finally:
        done.set()
        watcher.join()
