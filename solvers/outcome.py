"""What a solve returns: why it stopped, apart from what it found and what is proven."""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from solvers.model import Compilable, Floats


class StopReason(StrEnum):
    """Why the solver stopped."""

    OPTIMAL = "optimal"
    GAP = "gap"
    TIME_LIMIT = "time_limit"
    INTERRUPTED = "interrupted"
    STALLED = "stalled"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"


class Termination(StrEnum):
    """What the solver found: a point good enough, some point, none, or a proof there is none."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    NO_SOLUTION = "no_solution"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"


class BoundSource(StrEnum):
    """Where a lower bound comes from."""

    SOLVER = "solver"
    LOG = "log"
    LP_RELAXATION = "lp_relaxation"


class Limits(BaseModel):
    """When to stop, and what keeps a solve repeatable; ``None`` means no limit, not set.

    ``gap`` is relative: (objective − bound) / |objective|. A backend refuses a seed or a
    number of threads it cannot take.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    time_limit_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    gap: float = Field(default=1e-4, ge=0, allow_inf_nan=False)
    seed: int | None = Field(default=None, ge=0, lt=2**31)
    threads: int | None = Field(default=None, ge=1)


@dataclass(frozen=True)
class Progress:
    """Where a running solve stands; cost of the incumbent and bound are the best so far."""

    seconds: float
    incumbent: float | None
    bound: float | None

    @property
    def gap(self) -> float | None:
        """(incumbent − bound) / |incumbent|; None until both are known."""
        return relative_gap(self.incumbent, self.bound)


@dataclass(frozen=True, eq=False)
class Outcome:
    """The end of a solve.

    ``incumbent``: best point found [columns]; ``objective``: its cost, computed by us;
    ``bound``: no point costs less; each is None when absent. ``seconds`` is wall time inside
    the solver; ``iterations`` are simplex, barrier and first-order steps together; ``log``
    holds the solver's own lines where it gave them.
    """

    solver: str
    stop: StopReason
    incumbent: Floats | None
    objective: float | None
    bound: float | None
    bound_source: BoundSource | None
    seconds: float
    iterations: int | None = None
    log: tuple[str, ...] = ()

    @property
    def gap(self) -> float | None:
        """(objective − bound) / |objective|; 0 when both are 0, None where one is absent."""
        return relative_gap(self.objective, self.bound)

    @property
    def termination(self) -> Termination:
        """What was found."""
        match self.stop:
            case StopReason.INFEASIBLE:
                return Termination.INFEASIBLE
            case StopReason.UNBOUNDED:
                return Termination.UNBOUNDED
            case StopReason.OPTIMAL | StopReason.GAP:
                return Termination.OPTIMAL
            case StopReason.TIME_LIMIT | StopReason.INTERRUPTED | StopReason.STALLED:
                found = self.incumbent is not None
                return Termination.FEASIBLE if found else Termination.NO_SOLUTION

    def __str__(self) -> str:
        """Read as one line of a report."""
        cost = "no incumbent" if self.objective is None else f"objective {self.objective:,.6g}"
        bound = "no bound" if self.bound is None else f"bound {self.bound:,.6g}"
        gap = "" if self.gap is None else f", gap {self.gap:.2%}"
        return f"{self.solver}: {self.stop} after {self.seconds:.1f} s, {cost}, {bound}{gap}"


ProgressListener: TypeAlias = Callable[[Progress], None]


class Solver(Protocol):
    """Solves a linear model; knows rows and columns, never clouds."""

    @property
    def name(self) -> str:
        """The name users choose it by."""

    def refuse_limits(self, limits: Limits) -> None:
        """Raise UnsupportedOptionError for a limit the solver cannot take."""

    def solve(
        self,
        model: Compilable,
        limits: Limits,
        *,
        progress: ProgressListener | None = None,
        stop: threading.Event | None = None,
    ) -> Outcome:
        """Minimize; raises SolverError where the solver refuses or breaks down.

        ``progress`` is called, from whatever thread solves, whenever the solver reports a
        better incumbent or bound. Once ``stop`` is set the solve ends within about half a
        second, with what is known by then.
        """


def relative_gap(objective: float | None, bound: float | None) -> float | None:
    """(objective − bound) / |objective|, never below 0; None where one is absent."""
    if objective is None or bound is None:
        return None
    difference = max(objective - bound, 0.0)
    if difference == 0.0:
        return 0.0
    return difference / abs(objective) if objective else math.inf
