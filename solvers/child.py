"""A solve in a child process, for solvers whose native call cannot be stopped.

The child is a fresh interpreter, not a `multiprocessing` one: that would import the caller's
main module again. It reads one pickled request from its standard input, whose end then asks it to
stop, and writes pickled replies to its standard output: a word when it has begun, any number of
Progress, then a Claim or the SolverError.
"""

import logging
import math
import os
import pickle
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path
from typing import IO, Protocol

from solvers.errors import SolverError, SolverFailedError
from solvers.incumbents import last_incumbent
from solvers.model import CompiledModel, Floats
from solvers.outcome import BoundSource, Limits, Progress, ProgressListener, StopReason
from solvers.progress_lines import rounded_down
from solvers.recheck import Claim

_START = (
    "import sys; sys.path[:] = sys.argv[2:]; from solvers.child import answer; answer(sys.argv[1])"
)
_LOOK_AT_STOP_EVERY_S = 0.05
_LOOK_AT_PARENT_EVERY_S = 1.0
_START_S = 10.0
_OVERTIME_S = 1.0
_BEGUN = "begun"
_COMPLAINT_CHARACTERS = 2000
_INCUMBENTS = "incumbents"

_log = logging.getLogger(__name__)


class Decider(Protocol):
    """The part of a backend the child needs; it must survive pickling."""

    @property
    def name(self) -> str:
        """The solver's name."""

    @property
    def overtime_share(self) -> float:
        """Share of its time limit that the solver may take beyond it."""

    @property
    def stop_grace_s(self) -> float:
        """Seconds after which it is killed when asked to stop."""

    def decide(
        self,
        model: CompiledModel,
        limits: Limits,
        progress: ProgressListener | None,
        stop: threading.Event | None,
        incumbents: Path | None = None,
    ) -> Claim:
        """Solve in this process, leaving points found on the way in a file if it can."""


def solve_in_child(
    backend: Decider,
    model: CompiledModel,
    limits: Limits,
    progress: ProgressListener | None,
    stop: threading.Event,
) -> Claim:
    """Solve in a child process, which is asked to stop as soon as ``stop`` is set.

    It is killed with all it started where it does not within ``backend.stop_grace_s``, or where it
    does not heed its time limit: native code may not look at the clock for minutes. The claim of a
    killed child has the last point it left in its file, if any, and the last bound that the
    solver's log told; so has that of a child that died. Raises what the backend raised there, or
    SolverFailedError where the child died without a point.
    """
    started = time.perf_counter()
    heard = _Heard(progress)
    with (
        tempfile.TemporaryDirectory() as scratch,
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(  # noqa: S603 - our own interpreter and our own code
            [sys.executable, "-c", _START, scratch, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            start_new_session=True,
        ) as child,
    ):
        try:
            replies = _replies(child, pickle.dumps((backend, model, limits), protocol=5))
            reply = heard.until_last(child, replies, _Patience.of(backend, limits), stop)
        finally:
            _end(child)
        asked = stop.is_set()
        if isinstance(reply, SolverError):
            if not asked:
                raise reply
            _log.warning("%s", reply)
        if isinstance(reply, Claim):
            overran = reply.stop is StopReason.INTERRUPTED and not asked
            return replace(reply, stop=StopReason.TIME_LIMIT) if overran else reply
        point = last_incumbent(Path(scratch) / _INCUMBENTS, model)
        if reply is _Ended.DIED and not asked:
            death = SolverFailedError(backend.name, _death(child, complaints))
            if point is None:
                raise death
            _log.warning("%s", death)
    overrun = reply is _Ended.SILENT and not asked
    reason = StopReason.TIME_LIMIT if overrun else StopReason.INTERRUPTED
    return _stopped(reason, heard.latest, point, time.perf_counter() - started)


@dataclass(frozen=True)
class _Patience:
    """Seconds that a child's solve may take, and those until it is killed when asked to stop."""

    limit_s: float
    grace_s: float

    @classmethod
    def of(cls, backend: Decider, limits: Limits) -> "_Patience":
        """Beyond these it does not heed its time limit."""
        if limits.time_limit_s is None:
            return cls(math.inf, backend.stop_grace_s)
        limit_s = limits.time_limit_s * (1 + backend.overtime_share) + _OVERTIME_S
        return cls(limit_s, backend.stop_grace_s)


class _Ended(Enum):
    """How a child ends without a word."""

    DIED = auto()
    SILENT = auto()


@dataclass(eq=False)
class _Heard:
    """What a child reports on its way."""

    told: ProgressListener | None
    latest: Progress | None = None

    def until_last(
        self,
        child: subprocess.Popen[bytes],
        replies: "queue.SimpleQueue[object]",
        patience: "_Patience",
        stop: threading.Event,
    ) -> "Claim | SolverError | _Ended":
        """The child's last word; SILENT where it has none once patience is over."""
        ask_at, end_at = time.perf_counter() + _START_S + patience.limit_s, math.inf
        while time.perf_counter() < end_at:
            if end_at == math.inf and (stop.is_set() or time.perf_counter() > ask_at):
                end_at = time.perf_counter() + patience.grace_s
                _ask_to_stop(child)
            try:
                reply = replies.get(timeout=_LOOK_AT_STOP_EVERY_S)
            except queue.Empty:
                continue
            match reply:
                case Progress():
                    self.latest = reply
                    if self.told is not None:
                        self.told(reply)
                case Claim() | SolverError():
                    return reply
                case str():
                    ask_at = time.perf_counter() + patience.limit_s
                case _:
                    return _Ended.DIED
        return _Ended.SILENT


def _ask_to_stop(child: subprocess.Popen[bytes]) -> None:
    """Close its standard input, and interrupt what it started: CBC then ends with what it has."""
    _close_input(child)
    if sys.platform != "win32" and child.poll() is None:
        os.killpg(child.pid, signal.SIGINT)


def _close_input(child: subprocess.Popen[bytes]) -> None:
    if child.stdin is not None:
        with suppress(OSError):  # it may have died with the request half read
            child.stdin.close()


def answer(scratch: str) -> None:
    """The child's side: read the request, solve it, write the replies."""
    tempfile.tempdir = scratch  # what a killed solver leaves behind goes with the parent's folder
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    signal.signal(signal.SIGINT, lambda *_: None)  # for what it starts; itself it hears otherwise
    # Native code prints to descriptor 1 what no user should see; the channel is kept apart from it.
    with os.fdopen(os.dup(1), "wb") as channel, open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 1)
        lock = threading.Lock()

        def reply(message: Progress | Claim | SolverError | str) -> None:
            with lock:
                pickle.dump(message, channel, protocol=5)
                channel.flush()

        backend, model, limits = pickle.load(sys.stdin.buffer)  # noqa: S301 - our parent wrote it
        reply(_BEGUN)
        stop = threading.Event()

        def listen() -> None:
            sys.stdin.buffer.read()
            stop.set()

        threading.Thread(target=listen, daemon=True).start()
        try:
            reply(backend.decide(model, limits, reply, stop, Path(scratch) / _INCUMBENTS))
        except SolverError as error:
            reply(error)


def _end_with(parent: int) -> None:
    """End this process once its parent is no more, which may be killed without a word."""
    while os.getppid() == parent:
        time.sleep(_LOOK_AT_PARENT_EVERY_S)
    os._exit(1)


def _replies(child: subprocess.Popen[bytes], request: bytes) -> "queue.SimpleQueue[object]":
    """A queue filled with the child's replies, and None at their end."""
    replies: queue.SimpleQueue[object] = queue.SimpleQueue()

    def converse(requests: IO[bytes], answers: IO[bytes]) -> None:
        try:
            requests.write(request)
            requests.flush()
            while True:
                replies.put(pickle.load(answers))  # noqa: S301 - our own child wrote it
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):
            replies.put(None)  # the child ended, died or was killed

    if child.stdin is None or child.stdout is None:
        raise SolverError("a child process was started without pipes")
    threading.Thread(target=converse, args=(child.stdin, child.stdout), daemon=True).start()
    return replies


def _stopped(
    reason: StopReason, latest: Progress | None, point: Floats | None, seconds: float
) -> Claim:
    if latest is None or latest.bound is None:
        return Claim(reason, point, seconds=seconds)
    bound = rounded_down(latest.bound)
    return Claim(reason, point, bound=bound, bound_source=BoundSource.LOG, seconds=seconds)


def _death(child: subprocess.Popen[bytes], complaints: IO[bytes]) -> str:
    code = child.wait()
    complaints.seek(0)
    text = complaints.read().decode(errors="replace").strip()[-_COMPLAINT_CHARACTERS:]
    return f"its process ended with code {code}: {text or 'no message'}"


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill the child and what it started; CBC is a process of its own."""
    _close_input(child)
    if child.poll() is not None:
        return
    if sys.platform == "win32":
        child.kill()
    else:
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
