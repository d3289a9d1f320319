"""Two solvers at once on one model: the first proof ends the race, the best of both is kept.

On models in whole numbers one solver often finds nothing for minutes where another proves its
optimum in seconds, and which one it is cannot be told beforehand.
"""

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from solvers.errors import SolverError
from solvers.model import Compilable, CompiledModel
from solvers.outcome import (
    Limits,
    Outcome,
    Progress,
    ProgressListener,
    Solver,
    StopReason,
    relative_gap,
)
from solvers.recheck import not_above

_PROOFS = frozenset(
    {StopReason.OPTIMAL, StopReason.GAP, StopReason.INFEASIBLE, StopReason.UNBOUNDED}
)
_LEAST_NONZEROS = 20_000
_LOOK_AT_STOP_EVERY_S = 0.05

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Race:
    """A solver that lets others race, and the first of them alone on models of no size.

    Attributes:
        solvers: at least one; the first decides what limits may be asked for.
    """

    solvers: tuple[Solver, ...]

    @property
    def name(self) -> str:
        """The first one's."""
        return self.solvers[0].name

    def refuse_limits(self, limits: Limits) -> None:
        """Raise UnsupportedOptionError for a limit that the first solver cannot take."""
        self.solvers[0].refuse_limits(limits)

    def solve(
        self,
        model: Compilable,
        limits: Limits,
        *,
        progress: ProgressListener | None = None,
        stop: threading.Event | None = None,
    ) -> Outcome:
        """Minimize; raises SolverError where every solver refuses or breaks down."""
        compiled = model.compile()
        if compiled.matrix.nnz < _LEAST_NONZEROS or not compiled.integer.any():
            return self.solvers[0].solve(compiled, limits, progress=progress, stop=stop)
        began, best = time.perf_counter(), _Best(progress)
        lanes = [threading.Event() for _ in self.solvers]
        pool = ThreadPoolExecutor(len(lanes))
        running = [
            pool.submit(self._run, solver, lanes, mine, compiled, limits, best)
            for solver, mine in zip(self.solvers, lanes, strict=True)
        ]
        while not (all(one.done() for one in running) or any(map(_proves, running))):
            if stop is not None and stop.is_set():
                _set_all(lanes)
            time.sleep(_LOOK_AT_STOP_EVERY_S)
        best.told = None
        pool.shutdown(wait=False)  # after a proof the others end by themselves
        ended = [one.result() for one in running if one.done()]
        outcomes = [one for one in ended if isinstance(one, Outcome)]
        if not outcomes:
            raise next(one for one in ended if isinstance(one, SolverError))
        return _joined(outcomes, limits, time.perf_counter() - began)

    def _run(
        self,
        solver: Solver,
        lanes: Sequence[threading.Event],
        mine: threading.Event,
        model: CompiledModel,
        limits: Limits,
        best: "_Best",
    ) -> Outcome | SolverError:
        """A solver's outcome, or what it broke down with; a proof stops the others."""
        try:
            outcome = solver.solve(model, limits, progress=best.listen, stop=mine)
        except SolverError as error:
            _log.warning("%s", error)
            return error
        if outcome.stop in _PROOFS:
            _set_all(lanes)
        return outcome


def _proves(running: "Future[Outcome | SolverError]") -> bool:
    """Whether it has ended, with a proof."""
    if not running.done():
        return False
    ended = running.result()
    return isinstance(ended, Outcome) and ended.stop in _PROOFS


def _set_all(events: Sequence[threading.Event]) -> None:
    for event in events:
        event.set()


@dataclass(eq=False)
class _Best:
    """The best incumbent and bound of all solvers, told on."""

    told: ProgressListener | None
    incumbent: float | None = None
    bound: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def listen(self, heard: Progress) -> None:
        """Take up what one of the solvers reports."""
        with self._lock:
            costs = [one for one in (self.incumbent, heard.incumbent) if one is not None]
            bounds = [one for one in (self.bound, heard.bound) if one is not None]
            self.incumbent, self.bound = min(costs, default=None), max(bounds, default=None)
            now = Progress(heard.seconds, self.incumbent, self.bound)
        if self.told is not None:
            self.told(now)


def _joined(outcomes: Sequence[Outcome], limits: Limits, seconds: float) -> Outcome:
    """The cheapest incumbent under the best bound; a proof's reason to stop, else the first's."""
    proven = [one for one in outcomes if one.stop in _PROOFS]
    found = [one for one in outcomes if one.objective is not None]
    best = min(found, key=lambda one: one.objective or 0.0) if found else (proven or outcomes)[0]
    bounded = [one for one in outcomes if one.bound is not None]
    top = max(bounded, key=lambda one: one.bound or 0.0) if bounded else None
    stop = (proven or outcomes)[0].stop
    bound = None if top is None else top.bound
    if bound is not None and best.objective is not None:
        bound = not_above(best.solver, bound, best.objective)
        gap = relative_gap(best.objective, bound)
        if stop not in _PROOFS and gap is not None and gap <= limits.gap:
            stop = StopReason.GAP
    return replace(
        best,
        stop=stop,
        bound=bound,
        bound_source=None if top is None else top.bound_source,
        seconds=seconds,
    )
