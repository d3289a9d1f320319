"""How a failure leaves the program: its exit code, HTTP status and problem type, in one table."""

from typing import NamedTuple

from catalogs import Fault, InvalidInputError
from planner import (
    BacktestStoppedError,
    InfeasibleError,
    NoPlanError,
    PlannerError,
    SolverFailureError,
)


class Outcome(NamedTuple):
    """What a class of errors becomes at the edges."""

    exit_code: int
    http_status: int
    slug: str
    """The problem type's name: last part of its ``type``."""
    title: str


_OUTCOMES: dict[type[Exception], Outcome] = {
    InvalidInputError: Outcome(2, 422, "invalid-input", "Input values are wrong"),
    # The request is well formed, but what it asks contradicts itself: its sender must change it.
    InfeasibleError: Outcome(3, 422, "infeasible", "No plan keeps to all limits"),
    # 504, as the solver behind the server ran out of time and the same request, sent again, will
    # fare no better; 503 is left to a busy server, where trying again later does help.
    NoPlanError: Outcome(4, 504, "no-plan", "The solver stopped before it found a plan"),
    BacktestStoppedError: Outcome(4, 504, "stopped", "The back-test was stopped before its end"),
    SolverFailureError: Outcome(1, 500, "solver-failure", "The solver broke down"),
}

EXPECTED_ERRORS: tuple[type[Exception], ...] = (InvalidInputError, PlannerError)
"""What an edge catches and reports; anything else is a bug."""


def outcome_of(error: Exception) -> Outcome:
    """The row of an error's class, or of the nearest class it derives from.

    Raises:
        LookupError: if the table has none; such an error is a bug.
    """
    for kind in type(error).__mro__:
        if issubclass(kind, Exception) and kind in _OUTCOMES:
            return _OUTCOMES[kind]
    raise LookupError(f"no outcome for {type(error).__name__}")


def faults_of_error(error: Exception) -> list[Fault]:
    """What is wrong and what to do, as field, value and fix; empty if the caller can do nothing."""
    if isinstance(error, InvalidInputError):
        return list(error.faults)
    if isinstance(error, InfeasibleError):
        return list(error.conflicts)
    if isinstance(error, NoPlanError):
        return [_too_little_time(error)]
    return []


def _too_little_time(error: NoPlanError) -> Fault:
    return Fault(
        field="solve.time_limit_s",
        value=f"stopped after {error.seconds:.1f} s ({error.stop})",
        fix="allow more time, fewer purchase dates or a shorter horizon",
    )
