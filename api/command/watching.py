"""A running solve as its user sees it: a line of progress, and Ctrl-C to end it."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Protocol, TextIO, TypeVar

T = TypeVar("T")

PLAIN_LINES_EVERY_S = 5.0
"""Where lines cannot be updated in place, so many seconds lie between two."""


class Standing(Protocol):
    """Where a solve stands; see `solvers.Progress`."""

    @property
    def seconds(self) -> float:
        """Wall time so far."""

    @property
    def incumbent(self) -> float | None:
        """Cost of the best plan so far [USD]."""

    @property
    def bound(self) -> float | None:
        """No plan costs less [USD]."""

    @property
    def gap(self) -> float | None:
        """Their relative distance, 0-1."""


class ProgressLine:
    """Shows a solve on a stream: one line updated in place on a terminal, else a line at times."""

    def __init__(self, stream: TextIO, *, quiet: bool = False) -> None:
        self._stream, self._quiet = stream, quiet
        self._in_place = stream.isatty()
        self._drawn = False
        self._last_line_s = -PLAIN_LINES_EVERY_S

    def __call__(self, standing: Standing) -> None:
        """Show where the solve stands; called from whatever thread solves."""
        self.show(describe(standing))

    def show(self, text: str) -> None:
        """Show a line of one's own in its place."""
        if self._quiet:
            return
        if self._in_place:
            self._stream.write(f"\r\x1b[2K{text[:79]}")
            self._drawn = True
        elif time.monotonic() - self._last_line_s >= PLAIN_LINES_EVERY_S:
            self._last_line_s = time.monotonic()
            self._stream.write(text + "\n")
        self._stream.flush()

    def clear(self) -> None:
        """Take the line away once there is a result."""
        if self._drawn:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()


def describe(standing: Standing) -> str:
    """A solve in one line."""
    cost = "none yet" if standing.incumbent is None else f"{standing.incumbent:,.0f} USD"
    bound = "none yet" if standing.bound is None else f"{standing.bound:,.0f} USD"
    gap = "" if standing.gap is None else f", gap {standing.gap:.2%}"
    return f"solving {standing.seconds:.0f} s: best plan {cost}, bound {bound}{gap}"


def run_stoppable(work: Callable[[], T], stop: threading.Event) -> T:
    """The result of ``work``; Ctrl-C sets ``stop``, a second one ends the process at once.

    The work runs in a thread of its own: the main one stays free to notice the signal, whatever
    native code is solving.
    """

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        stop.set()
        sys.stderr.write("\nstopping; press Ctrl-C again to end at once\n")

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        with ThreadPoolExecutor(max_workers=1) as pool:
            return pool.submit(work).result()
    finally:
        signal.signal(signal.SIGINT, before)
