"""Work shared among threads."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from planner.recourse.structure import Ints

TASKS_PER_THREAD = 4
"""Few enough to cost nothing, enough that no thread waits long for another's last one."""


def threads_or_all(threads: int | None) -> int:
    """Threads asked for; None for one per processor."""
    return threads or os.cpu_count() or 1


def task_bounds(items: int, threads: int) -> Ints:
    """Where tasks of a similar number of items start, and the number of items [task + 1]."""
    return np.linspace(0, items, min(items, threads * TASKS_PER_THREAD) + 1).astype(np.intp)


def share(task: Callable[[int, int], None], items: int, threads: int | None) -> None:
    """Run a task that takes the first of some items and the last one + 1 over all items."""
    threads = threads_or_all(threads)
    tasks = list(pairwise(task_bounds(items, threads).tolist()))
    if threads == 1 or len(tasks) < 2:
        for first, last in tasks:
            task(first, last)
        return
    with ThreadPoolExecutor(threads) as workers:
        list(workers.map(lambda bounds: task(*bounds), tasks))
