"""Where a shard lives: one process that answers calls, and the seam to whatever runs it."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from typing import Protocol, TypeVar

from planner.errors import WorkerLostError
from planner.shards.shard import NotHeldError

T = TypeVar("T")

LOOK_AT_LIFE_EVERY_S = 1.0
"""A cluster may keep calls to a dead worker waiting for ever, so life is looked at meanwhile."""


class Worker(Protocol):
    """A process that runs functions and keeps what they leave there.

    Behind it stands a `concurrent.futures.Executor` with this one worker, as a shard stays where
    its demand was sent.
    """

    @property
    def name(self) -> str:
        """What its owner knows it by."""

    @property
    def threads(self) -> int:
        """Threads it may use."""

    @property
    def losses(self) -> tuple[type[BaseException], ...]:
        """Errors of calls that say that it was lost."""

    def submit(self, function: Callable[..., T], *args: object) -> Future[T]:
        """Call a function there; raises one of ``losses``, or WorkerLostError."""

    def put(self, value: T) -> T:
        """What `submit` takes in place of a large argument.

        Raises:
            WorkerLostError: it could not be sent.
        """

    def lease(self, token: str) -> object:
        """What lets the worker drop a token's shard once it is gone, be it with this process."""

    def is_alive(self) -> bool:
        """Whether calls can still end."""


Call = tuple[Worker, Future[T]]


def ask(worker: Worker, function: Callable[..., T], *args: object) -> Call[T]:
    """A call under way; where the worker is known to be lost, one that failed."""
    try:
        return worker, worker.submit(function, *args)
    except worker.losses as error:
        failed: Future[T] = Future()
        failed.set_exception(error)
        return worker, failed


def answers(calls: Sequence[Call[T]]) -> list[T]:
    """The results of calls, once none is under way any more.

    Raises:
        WorkerLostError: a worker was lost before it answered.
        Exception: what a call raised.
    """
    pending = {future: worker for worker, future in calls}
    while pending:
        done, _ = wait(pending, timeout=LOOK_AT_LIFE_EVERY_S)
        ended = done | {future for future, worker in pending.items() if not worker.is_alive()}
        for future in ended:
            del pending[future]
    return [_answer(worker, future) for worker, future in calls]


def _answer(worker: Worker, future: Future[T]) -> T:
    if not future.done() or future.cancelled():
        future.cancel()
        raise WorkerLostError(worker.name, "it no longer answers")
    error = future.exception()
    if isinstance(error, NotHeldError):
        raise WorkerLostError(worker.name, "it was started anew") from error
    if isinstance(error, worker.losses):
        raise WorkerLostError(worker.name, str(error)) from error
    return future.result()
