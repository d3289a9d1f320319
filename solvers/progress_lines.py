"""Reads incumbent and bound from the lines solvers print, the only progress some of them give."""

import math
import re
import time
from collections.abc import Sequence

from solvers.outcome import Progress, ProgressListener

# Each pattern finds the row of a solver's progress table; both groups are numbers in the
# model's own cost, offset included, or words where there is none yet ("-inf", "--", "Large").
_ROW = {
    # Proc. InQueue | Leaves Expl.% | BestBound BestSol Gap | ...
    "highs": re.compile(r"%\s+(?P<bound>\S+)\s+(?P<incumbent>\S+)\s+(?:[\d.]+%|Large|inf)\s"),
    # ... | dualbound | primalbound | gap | compl.
    "scip": re.compile(r"\|\s*(?P<bound>[^|\s]+)\s*\|\s*(?P<incumbent>[^|\s]+)\s*\|[^|]*\|[^|]*$"),
    # #12 0.10s best:-3762 next:[-3780,-3763] ...
    "cp-sat": re.compile(r"^#\S+\s.*best:(?P<incumbent>\S+)\s+next:\[(?P<bound>[^,\]]+),"),
}


class ProgressLines:
    """Takes a solver's lines as they come, keeps them, tells the listener what got better.

    Calls come from the solver's own threads, through native code that an exception must not
    cross: what the listener raises is kept, and raised by :meth:`finish`.
    """

    def __init__(self, solver: str, listener: ProgressListener | None) -> None:
        self.lines: list[str] = []
        self.latest: Progress | None = None
        self._row = _ROW[solver]
        self._listener = listener
        self._started = time.perf_counter()
        self._raised: Exception | None = None

    def __call__(self, lines: Sequence[str]) -> None:
        """Take over some lines."""
        self.lines.extend(lines)
        for line in lines:
            row = self._row.search(line)
            if row is not None:
                self._note(_number(row["incumbent"]), _number(row["bound"]))

    def finish(self) -> None:
        """Raise what the listener raised, if it did."""
        if self._raised is not None:
            raise self._raised

    def _note(self, incumbent: float | None, bound: float | None) -> None:
        """Keep the best of both, since tables start anew after a restart of the search."""
        before = self.latest
        incumbents = [incumbent, before.incumbent if before else None]
        bounds = [bound, before.bound if before else None]
        latest = Progress(
            seconds=time.perf_counter() - self._started,
            incumbent=min((value for value in incumbents if value is not None), default=None),
            bound=max((value for value in bounds if value is not None), default=None),
        )
        if before and (latest.incumbent, latest.bound) == (before.incumbent, before.bound):
            return
        self.latest = latest
        if self._listener is not None and self._raised is None:
            try:
                self._listener(latest)
            except Exception as error:  # noqa: BLE001 - raised again by finish()
                self._raised = error


def rounded_down(bound: float) -> float:
    """A bound read from a printed table, lowered by what ten printed digits may have added."""
    return bound - 1e-9 * max(1.0, abs(bound))


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
