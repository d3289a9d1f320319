"""A solve in a child process, for solvers whose native call cannot be stopped.

The child is a fresh interpreter, not a `multiprocessing` one: that would import the caller's
main module again. It reads one pickled request from its standard input and writes pickled
replies to its standard output: any number of Progress, then a Claim or the SolverError.
"""

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
from typing import IO, Protocol

from solvers.errors import SolverError, SolverFailedError
from solvers.model import CompiledModel
from solvers.outcome import BoundSource, Limits, Progress, ProgressListener, StopReason
from solvers.progress_lines import rounded_down
from solvers.recheck import Claim

_START = (
    "import sys; sys.path[:] = sys.argv[2:]; from solvers.child import answer; answer(sys.argv[1])"
)
_LOOK_AT_STOP_EVERY_S = 0.05
_LOOK_AT_PARENT_EVERY_S = 1.0
_START_S = 3.0
_COMPLAINT_CHARACTERS = 2000


class Decider(Protocol):
    """The part of a backend the child needs; it must survive pickling."""

    @property
    def name(self) -> str:
        """The solver's name."""

    @property
    def overtime_share(self) -> float:
        """Share of its time limit that the solver may take beyond it."""

    def decide(
        self,
        model: CompiledModel,
        limits: Limits,
        progress: ProgressListener | None,
        stop: threading.Event | None,
    ) -> Claim:
        """Solve in this process."""


def solve_in_child(
    backend: Decider,
    model: CompiledModel,
    limits: Limits,
    progress: ProgressListener | None,
    stop: threading.Event,
) -> Claim:
    """Solve in a child process, killed with all it started as soon as ``stop`` is set.

    It is killed too where it does not heed its time limit: native presolving may not look at the
    clock for minutes. The claim of a killed child has no point; its bound is the last one the
    solver's log told. Raises what the backend raised there, or SolverFailedError where the child
    died.
    """
    started = time.perf_counter()
    latest_end = started + _patience_s(backend, limits)
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
            latest: Progress | None = None
            while not stop.is_set() and time.perf_counter() < latest_end:
                try:
                    reply = replies.get(timeout=_LOOK_AT_STOP_EVERY_S)
                except queue.Empty:
                    continue
                match reply:
                    case Progress():
                        latest = reply
                        if progress is not None:
                            progress(reply)
                    case Claim():
                        return reply
                    case SolverError():
                        raise reply
                    case _:
                        raise SolverFailedError(backend.name, _death(child, complaints))
        finally:
            _kill(child)
    reason = StopReason.INTERRUPTED if stop.is_set() else StopReason.TIME_LIMIT
    return _stopped(reason, latest, time.perf_counter() - started)


def _patience_s(backend: Decider, limits: Limits) -> float:
    """Seconds after which the child no longer heeds its time limit."""
    if limits.time_limit_s is None:
        return math.inf
    return limits.time_limit_s * (1 + backend.overtime_share) + _START_S


def answer(scratch: str) -> None:
    """The child's side: read the request, solve it, write the replies."""
    tempfile.tempdir = scratch  # what a killed solver leaves behind goes with the parent's folder
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    # Native code prints to descriptor 1 what no user should see; the channel is kept apart from it.
    with os.fdopen(os.dup(1), "wb") as channel, open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 1)
        lock = threading.Lock()

        def reply(message: Progress | Claim | SolverError) -> None:
            with lock:
                pickle.dump(message, channel, protocol=5)
                channel.flush()

        backend, model, limits = pickle.load(sys.stdin.buffer)  # noqa: S301 - our parent wrote it
        try:
            reply(backend.decide(model, limits, reply, None))
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
            with requests:
                requests.write(request)
            while True:
                replies.put(pickle.load(answers))  # noqa: S301 - our own child wrote it
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):
            replies.put(None)  # the child ended, died or was killed

    if child.stdin is None or child.stdout is None:
        raise SolverError("a child process was started without pipes")
    threading.Thread(target=converse, args=(child.stdin, child.stdout), daemon=True).start()
    return replies


def _stopped(reason: StopReason, latest: Progress | None, seconds: float) -> Claim:
    if latest is None or latest.bound is None:
        return Claim(reason, seconds=seconds)
    bound = rounded_down(latest.bound)
    return Claim(reason, bound=bound, bound_source=BoundSource.LOG, seconds=seconds)


def _death(child: subprocess.Popen[bytes], complaints: IO[bytes]) -> str:
    code = child.wait()
    complaints.seek(0)
    text = complaints.read().decode(errors="replace").strip()[-_COMPLAINT_CHARACTERS:]
    return f"its process ended with code {code}: {text or 'no message'}"


def _kill(child: subprocess.Popen[bytes]) -> None:
    """Kill the child and what it started; CBC is a process of its own."""
    if child.poll() is not None:
        return
    if sys.platform == "win32":
        child.kill()
    else:
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
