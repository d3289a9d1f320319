"""How long a search may take."""

import threading
import time
from dataclasses import dataclass

SHARE_OF_SOLVE = 0.2
LEAST_SECONDS = 2.0


@dataclass(frozen=True)
class Effort:
    """What some work after a solve may take.

    Attributes:
        share_of_solve: of the solver's time.
        least_s: so long where that share is less [s].
    """

    share_of_solve: float
    least_s: float


class OutOfTimeError(Exception):
    """A search must end with what it has found."""


@dataclass(frozen=True)
class Deadline:
    """When a search ends: at a moment of the performance counter [s], or when asked to stop."""

    at: float
    stop: threading.Event | None = None

    @property
    def is_over(self) -> bool:
        """Whether the search must end now."""
        stopped = self.stop is not None and self.stop.is_set()
        return stopped or time.perf_counter() >= self.at

    def sooner(self, seconds: float) -> "Deadline":
        """The same, sooner by some seconds."""
        return Deadline(self.at - seconds, self.stop)

    def check(self) -> None:
        """Raise OutOfTimeError where the search must end."""
        if self.is_over:
            raise OutOfTimeError


def deadline_after(
    began: float,
    solver_seconds: float,
    time_limit_s: float | None,
    stop: threading.Event | None,
    effort: Effort | None = None,
) -> Deadline:
    """The end of a search that begins now.

    Args:
        began: when the request's time limit began to run, of the performance counter [s].
        solver_seconds: time inside the solver.
        time_limit_s: the request's own limit; None where it has none.
        stop: set to end the search.
        effort: what it may take; that of a search on the bill when absent.
    """
    may = effort or Effort(SHARE_OF_SOLVE, LEAST_SECONDS)
    at = time.perf_counter() + max(may.share_of_solve * solver_seconds, may.least_s)
    return Deadline(at if time_limit_s is None else min(at, began + time_limit_s), stop)
