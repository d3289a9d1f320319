"""PuLP: the CBC it bundles, and HiGHS through highspy.

PuLP builds one Python object per coefficient: seconds per million of them, where OR-Tools
takes a fraction of one. Nothing of PuLP is imported before a solve.
"""

import re
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from solvers.backend import STOP_GRACE_S, Backend
from solvers.errors import SolverFailedError, SolverUnavailableError, UnsupportedOptionError
from solvers.highs import PRESOLVE_OF_INTEGERS, load_beside_ortools
from solvers.incumbents import incumbent_options
from solvers.model import CompiledModel, Floats
from solvers.outcome import BoundSource, Limits, ProgressListener, StopReason
from solvers.recheck import Claim

# Why CBC stopped, by PuLP's (status, sol_status). `status` alone says "Optimal" at a time limit.
# None: CBC does not know. It reports an infeasible model as unbounded when presolve meets the
# ray first, and says "infeasible or unbounded" in its log where PuLP reads "Integer infeasible".
_CBC_STOP = {
    ("Optimal", "Optimal Solution Found"): StopReason.OPTIMAL,
    ("Optimal", "Solution Found"): StopReason.TIME_LIMIT,
    ("Not Solved", "No Solution Found"): StopReason.TIME_LIMIT,
    ("Infeasible", "No Solution Exists"): StopReason.INFEASIBLE,
    ("Infeasible", "No Solution Found"): None,
    ("Unbounded", "Solution is Unbounded"): None,
}
# PuLP reads "unbounded or infeasible" as infeasible and a refused run as "not solved", so for
# HiGHS we read the native model status.
_HIGHS_STOP = {
    "kOptimal": StopReason.OPTIMAL,
    "kTimeLimit": StopReason.TIME_LIMIT,
    "kInfeasible": StopReason.INFEASIBLE,
    "kUnbounded": StopReason.UNBOUNDED,
    "kUnboundedOrInfeasible": None,
}
# The bundled CBC 2.10.3 proves wrong optima: of 9,939 random models of up to four whole columns
# it got 10 wrong by default, 7 without probing and none without preprocessing; later one more
# without preprocessing, whose probing cut the best point off. Both are left out.
_CBC_OPTIONS = ("preprocess off", "probingCuts off")
_CBC_BOUND = re.compile(r"^Lower bound:\s+(\S+)", re.MULTILINE)
_CBC_ITERATIONS = re.compile(r"^Total iterations:\s+(\d+)|- (\d+) iterations time", re.MULTILINE)
_CBC_BOUND_ROUNDING = 0.0005  # it prints three decimals
_HIGHS_FEASIBLE_POINT = 2  # kSolutionStatusFeasible


class CbcSolver(Backend):
    """CBC, a process of its own that PuLP starts and talks to through files.

    It tells its bound only in the log, and only where it stopped early; where even that is
    missing, the bound is the LP relaxation's, for which it gets the same time limit again.
    It reports no progress, so ``progress`` is never called.
    """

    # Where CBC found no bound, the LP relaxation is solved with the same limit again.
    overtime_share: ClassVar[float] = 1.1

    @property
    def stop_grace_s(self) -> float:
        """An interrupted CBC writes down what it has."""
        return STOP_GRACE_S

    def refuse_limits(self, limits: Limits) -> None:
        """CBC takes them all."""

    def refuse_model(self, model: CompiledModel) -> None:
        """CBC takes all."""

    def run(
        self,
        model: CompiledModel,
        limits: Limits,
        progress: ProgressListener | None,  # noqa: ARG002 - it reports none
        stop: threading.Event | None,
        incumbents: Path | None,  # noqa: ARG002 - it writes its own files
    ) -> Claim:
        """Write the model, run CBC, read its files."""
        claim = self._run_once(model, limits)
        if stop is not None and stop.is_set():
            return claim
        stopped_early = claim.stop is StopReason.TIME_LIMIT and claim.bound is None
        if not (stopped_early and model.integer.any()):
            return claim
        relaxed = self._run_once(model.relaxed(), limits)
        return replace(
            claim,
            bound=relaxed.bound,
            bound_source=BoundSource.LP_RELAXATION,
            seconds=claim.seconds + relaxed.seconds,
        )

    def _run_once(self, model: CompiledModel, limits: Limits) -> Claim:
        """One run without preprocessing; where CBC crashes, one with it, believed if infeasible.

        Without preprocessing CBC crashes on some plainly infeasible models, such as 2 x = 1.
        """
        try:
            return self._run_with(_CBC_OPTIONS, model, limits)
        except SolverFailedError:
            again = self._run_with((), model, limits)
            if again.stop not in (StopReason.INFEASIBLE, None):
                raise
            return again

    def _run_with(self, options: tuple[str, ...], model: CompiledModel, limits: Limits) -> Claim:
        pulp = load_beside_ortools(self.name, "pulp")
        problem, variables = pulp_problem(pulp, model)
        with tempfile.TemporaryDirectory() as folder:
            log_path = Path(folder) / "cbc.log"
            command = self._command(pulp, options, limits, log_path)
            command.tmpDir = folder
            started = time.perf_counter()
            try:
                problem.solve(command)
            except pulp.PulpSolverError as error:
                text = log_path.read_text(errors="replace") if log_path.exists() else ""
                raise SolverFailedError(self.name, f"{error} {text[-2000:]}".strip()) from error
            seconds = time.perf_counter() - started
            log = log_path.read_text(errors="replace")
        return self._claim(pulp, problem, variables, model, log, seconds)

    def _command(
        self,
        pulp: Any,  # noqa: ANN401 - PuLP is untyped
        options: tuple[str, ...],
        limits: Limits,
        log_path: Path,
    ) -> Any:  # noqa: ANN401
        seeds = []
        if limits.seed is not None:
            seeds = [f"randomSeed {limits.seed}", f"randomCbcSeed {limits.seed}"]
        # `PULP_CBC_CMD`, deprecated, is still where PuLP keeps the path of the CBC it bundles.
        command = pulp.COIN_CMD(
            path=pulp.PULP_CBC_CMD.pulp_cbc_path,
            msg=False,
            logPath=str(log_path),
            timeLimit=limits.time_limit_s,
            gapRel=limits.gap,
            threads=limits.threads,
            options=[*options, *seeds],
        )
        if not command.available():
            raise SolverUnavailableError(self.name, "pulp[cbc]")
        return command

    def _claim(
        self,
        pulp: Any,  # noqa: ANN401 - PuLP is untyped
        problem: Any,  # noqa: ANN401
        variables: list[Any],
        model: CompiledModel,
        log: str,
        seconds: float,
    ) -> Claim:
        words = (pulp.LpStatus[problem.status], pulp.LpSolution[problem.sol_status])
        if words not in _CBC_STOP:
            raise SolverFailedError(self.name, f"PuLP reports {words}; log: {log[-2000:]}")
        stop = _CBC_STOP[words]
        steps = _CBC_ITERATIONS.search(log)
        claim = Claim(
            stop=stop,
            seconds=seconds,
            iterations=int(steps[1] or steps[2]) if steps else None,
            log=tuple(log.splitlines()),
        )
        if stop not in (StopReason.OPTIMAL, StopReason.TIME_LIMIT):
            return claim
        found = words[1] != "No Solution Found"
        # A simplex stopped on its way shows a point that need not keep the rows.
        usable = found and (stop is StopReason.OPTIMAL or bool(model.integer.any()))
        point = _point(variables) if usable else None
        bound = _bound_in_log(log, model.offset)
        source = BoundSource.LOG
        if bound is None and stop is StopReason.OPTIMAL and point is not None:
            whole = np.where(model.integer, np.round(point), point)
            bound, source = model.objective(whole), BoundSource.SOLVER
        return replace(claim, point=point, bound=bound, bound_source=source)


class PulpHighsSolver(Backend):
    """HiGHS through PuLP and highspy, which takes a number of threads but is given no seed.

    It reports no progress, so ``progress`` is never called.
    """

    def refuse_limits(self, limits: Limits) -> None:
        """No seed for HiGHS."""
        if limits.seed is not None:
            fix = "leave it out (HiGHS has given wrong bounds with seeds) or solve with cbc"
            raise UnsupportedOptionError(self.name, "seed", limits.seed, fix)

    def refuse_model(self, model: CompiledModel) -> None:
        """HiGHS takes all."""

    def run(
        self,
        model: CompiledModel,
        limits: Limits,
        progress: ProgressListener | None,  # noqa: ARG002 - it reports none
        stop: threading.Event | None,  # noqa: ARG002 - its process is stopped instead
        incumbents: Path | None,
    ) -> Claim:
        """Build the model object by object, solve, read HiGHS's own answer."""
        pulp = load_beside_ortools(self.name, "pulp")
        highspy = load_beside_ortools(self.name, "highspy")
        problem, variables = pulp_problem(pulp, model)
        if limits.threads is not None:
            # HiGHS's threads are the process's: another number is refused until they are reset.
            highspy.Highs.resetGlobalScheduler(True)
        command = pulp.HiGHS(
            msg=False,
            timeLimit=limits.time_limit_s,
            gapRel=limits.gap,
            threads=limits.threads,
            **({"presolve": PRESOLVE_OF_INTEGERS} if model.integer.any() else {}),
            **incumbent_options(incumbents),
        )
        started = time.perf_counter()
        try:
            problem.solve(command)
        except pulp.PulpSolverError as error:
            raise SolverFailedError(self.name, str(error)) from error
        seconds = time.perf_counter() - started
        native = problem.solverModel
        status = native.getModelStatus().name
        if status not in _HIGHS_STOP:
            raise SolverFailedError(self.name, f"HiGHS reports {status}")
        return self._claim(model, variables, native.getInfo(), _HIGHS_STOP[status], seconds)

    def _claim(
        self,
        model: CompiledModel,
        variables: list[Any],
        info: Any,  # noqa: ANN401 - highspy is untyped
        stop: StopReason | None,
        seconds: float,
    ) -> Claim:
        point = None
        if info.primal_solution_status == _HIGHS_FEASIBLE_POINT:
            point = _point(variables)
        bound = None
        if model.integer.any():
            bound = float(info.mip_dual_bound) + model.offset
        elif stop is StopReason.OPTIMAL:
            bound = float(info.objective_function_value) + model.offset
        return Claim(
            stop=stop,
            point=point,
            bound=bound,
            bound_source=BoundSource.SOLVER,
            seconds=seconds,
            iterations=max(0, int(info.simplex_iteration_count)),
        )


def pulp_problem(pulp: Any, model: CompiledModel) -> tuple[Any, list[Any]]:  # noqa: ANN401
    """The model as a PuLP problem, and its variables in our order of columns.

    The offset stays with us. A row with two different bounds becomes two constraints, and a
    row without coefficients none: it is decided before any solver is asked.
    """
    problem = pulp.LpProblem("model", pulp.LpMinimize)
    bounds = zip(_finite(model.lower), _finite(model.upper), model.integer.tolist(), strict=True)
    digits = len(str(model.columns))  # PuLP hands variables over in the order of their names
    variables = [
        problem.add_variable(
            f"c{column:0{digits}}", lower, upper, pulp.LpInteger if integer else pulp.LpContinuous
        )
        for column, (lower, upper, integer) in enumerate(bounds)
    ]
    # Zero costs too: PuLP gives no value to a variable it meets neither here nor in a row.
    costs = zip(variables, model.cost.tolist(), strict=True)
    problem.setObjective(pulp.LpAffineExpression(list(costs)))
    by_row = model.matrix.tocsr()
    starts, columns = by_row.indptr.tolist(), by_row.indices.tolist()
    coefficients = by_row.data.tolist()
    row_bounds = zip(_finite(model.row_lower), _finite(model.row_upper), strict=True)
    for row, (lower, upper) in enumerate(row_bounds):
        inside = slice(starts[row], starts[row + 1])
        terms = [
            (variables[column], coefficient)
            for column, coefficient in zip(columns[inside], coefficients[inside], strict=True)
        ]
        if terms:
            for name, sense, bound in _senses(pulp, row, lower, upper):
                expression = pulp.LpAffineExpression(terms)
                problem.addConstraint(pulp.LpConstraint(expression, sense, name, bound))
    return problem, variables


def _senses(
    pulp: Any,  # noqa: ANN401 - PuLP is untyped
    row: int,
    lower: float | None,
    upper: float | None,
) -> list[tuple[str, int, float]]:
    """The constraints one row needs, each with its name, sense and bound."""
    if lower is not None and lower == upper:
        return [(f"r{row}", pulp.LpConstraintEQ, lower)]
    senses = []
    if lower is not None:
        senses.append((f"r{row}_at_least", pulp.LpConstraintGE, lower))
    if upper is not None:
        senses.append((f"r{row}_at_most", pulp.LpConstraintLE, upper))
    return senses


def _finite(bounds: Floats) -> list[float | None]:
    """Bounds as PuLP wants them: None where there is none."""
    return [bound if np.isfinite(bound) else None for bound in bounds.tolist()]


def _point(variables: list[Any]) -> Floats:
    return np.array([variable.varValue for variable in variables], dtype=np.float64)


def _bound_in_log(log: str, offset: float) -> float | None:
    """The lower bound CBC printed last, lowered by its rounding; None where it printed none."""
    printed = _CBC_BOUND.findall(log)
    if not printed:
        return None
    bound = float(printed[-1])
    # With no relaxation solved yet CBC prints a number like -1.79769e+308.
    return bound - _CBC_BOUND_ROUNDING + offset if abs(bound) < 1e50 else None
