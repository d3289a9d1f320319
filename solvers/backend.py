"""What all backends share: refusals first, then a solve, then our own check of its claim."""

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from solvers.child import solve_in_child
from solvers.errors import SolverFailedError
from solvers.model import Compilable, CompiledModel
from solvers.outcome import Limits, Outcome, ProgressListener, StopReason
from solvers.recheck import Claim, checked, decided_at_sight, without_cost

_SHORTEST_SOLVE_S = 0.1
_MAY_OVERRUN_NONZEROS = 20_000
STOP_GRACE_S = 3.0


@dataclass(frozen=True)
class Backend(ABC):
    """One solver; a subclass translates the model and reads the native status.

    A solver whose native call honours a stop event, at least on models of no size, says so in
    ``stoppable``. Any other runs in a child process when ``stop`` is given, and every one does
    when a model of some size must heed a stop or a time limit: abandoning its thread would leave it
    burning a core, and crash the interpreter when it calls back at exit. The child costs about
    half a second to start.

    Attributes:
        name: as users choose it.
        stoppable: solvers that stop where they run.
        overtime_share: share of the time limit that it may take beyond it.
    """

    name: str
    stoppable: ClassVar[frozenset[str]] = frozenset()
    overtime_share: ClassVar[float] = 0.1

    @property
    def stop_grace_s(self) -> float:
        """Seconds after which a child asked to stop is killed; none where it hears nobody."""
        return STOP_GRACE_S if self.name in self.stoppable else 0.0

    def solve(
        self,
        model: Compilable,
        limits: Limits,
        *,
        progress: ProgressListener | None = None,
        stop: threading.Event | None = None,
    ) -> Outcome:
        """Minimize the model; see :class:`solvers.outcome.Solver`."""
        self.refuse_limits(limits)
        compiled = model.compile()
        outcome = decided_at_sight(self.name, compiled)
        if outcome is not None:
            return outcome
        self.refuse_model(compiled)
        if stop is not None and stop.is_set():
            return checked(self.name, compiled, Claim(StopReason.INTERRUPTED))
        if self.must_run_apart() or self.must_be_killable(compiled, limits, stop):
            claim = solve_in_child(self, compiled, limits, progress, stop or threading.Event())
        else:
            claim = self.decide(compiled, limits, progress, stop)
        return checked(self.name, compiled, claim)

    def must_be_killable(
        self, model: CompiledModel, limits: Limits, stop: threading.Event | None
    ) -> bool:
        """Whether it may have to be stopped from outside."""
        sizeable = model.matrix.nnz > _MAY_OVERRUN_NONZEROS
        if self.name in self.stoppable:
            # A linear program of some size may keep SCIP from hearing anything for a minute.
            return sizeable and stop is not None
        return (sizeable and limits.time_limit_s is not None) or stop is not None

    def must_run_apart(self) -> bool:
        """Whether what this process has loaded would crash the solver."""
        return False

    def decide(
        self,
        model: CompiledModel,
        limits: Limits,
        progress: ProgressListener | None,
        stop: threading.Event | None,
        incumbents: Path | None = None,
    ) -> Claim:
        """What the solver claims, asked again where it left infeasible or unbounded open.

        ``incumbents`` is a file for points found on the way, for who kills it.
        """
        claim = self.run(model, limits, progress, stop, incumbents)
        if claim.stop is StopReason.TIME_LIMIT and stop is not None and stop.is_set():
            return replace(claim, stop=StopReason.INTERRUPTED)
        if claim.stop is StopReason.TIME_LIMIT and limits.time_limit_s is None:
            raise SolverFailedError(self.name, "it stopped early though no time limit was set")
        if claim.stop is not None:
            return claim
        if limits.time_limit_s is not None:
            remaining = max(limits.time_limit_s - claim.seconds, _SHORTEST_SOLVE_S)
            limits = limits.model_copy(update={"time_limit_s": remaining})
        feasible = self.run(without_cost(model), limits, None, stop, None)
        if feasible.point is not None:
            verdict = StopReason.UNBOUNDED
        else:
            # Without a cost nothing is unbounded, so here "cannot tell" means infeasible.
            verdict = feasible.stop or StopReason.INFEASIBLE
        return Claim(verdict, seconds=claim.seconds + feasible.seconds, log=claim.log)

    @abstractmethod
    def refuse_limits(self, limits: Limits) -> None:
        """Raise UnsupportedOptionError for a limit the solver cannot take."""

    @abstractmethod
    def refuse_model(self, model: CompiledModel) -> None:
        """Raise UnsupportedModelError for a model the solver cannot take."""

    @abstractmethod
    def run(
        self,
        model: CompiledModel,
        limits: Limits,
        progress: ProgressListener | None,
        stop: threading.Event | None,
        incumbents: Path | None,
    ) -> Claim:
        """Solve in this process; raises SolverFailedError with the native text."""
