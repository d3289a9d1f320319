"""Workers that are processes of this machine."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def local_workers(count: int) -> Iterator[tuple["LocalWorker", ...]]:
    """Processes of this machine, which share its processors; each starts with its first call.

    A script that uses them guards its own start by ``if __name__ == "__main__"``, as processes
    import it anew.
    """
    threads = max((os.cpu_count() or 1) // count, 1)
    context = multiprocessing.get_context("spawn")
    with ExitStack() as open_:
        workers = []
        for position in range(count):
            executor = ProcessPoolExecutor(1, mp_context=context, initializer=_stay_with_parent)
            open_.callback(executor.shutdown, wait=True, cancel_futures=True)
            workers.append(LocalWorker(f"process {position + 1} of {count}", threads, executor))
        yield tuple(workers)


class LocalWorker:
    """A process of this machine; see `Worker`."""

    losses: tuple[type[BaseException], ...] = (BrokenExecutor,)

    def __init__(self, name: str, threads: int, executor: ProcessPoolExecutor) -> None:
        self.name, self.threads, self._executor = name, threads, executor

    def submit(self, function: Callable[..., T], *args: object) -> Future[T]:
        """Call a function in the process; raises BrokenExecutor where it died before."""
        with _without_interrupts():
            return self._executor.submit(function, *args)

    def put(self, value: T) -> T:
        """The value itself: it goes through a pipe."""
        return value

    def lease(self, token: str) -> None:
        """Nothing: the process ends with this one."""

    def is_alive(self) -> bool:
        """Whether calls can still end; always, as a dead process ends them with BrokenExecutor."""
        return True


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Processes started inside never see Ctrl-C, which a terminal sends to all of a command's.

    It is for the parent to end them. Until their own first line runs, only what they inherit
    keeps them from ending with a traceback.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _stay_with_parent() -> None:
    """Runs first in a process: leave Ctrl-C to the parent, and end when that is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
