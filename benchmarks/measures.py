"""Time and memory of a piece of work, in a process of its own where its peak must be its own.

Memory is read from Linux's ``/proc``: ``ru_maxrss`` starts from what the parent process held.
"""

import ctypes
import ctypes.util
import gc
import multiprocessing
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import pyarrow as pa

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_FORGET_PEAK = "5"


def timed(
    work: Callable[Arguments, Result], *args: Arguments.args, **options: Arguments.kwargs
) -> tuple[Result, float]:
    """What the work gives, and the seconds it took."""
    started = time.perf_counter()
    result = work(*args, **options)
    return result, time.perf_counter() - started


def alone(
    work: Callable[Arguments, Result], *args: Arguments.args, **options: Arguments.kwargs
) -> Result:
    """What the work gives, in a fresh process that ends with it."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, args, options)


def rss_mb() -> float:
    """Memory that the process holds now [MiB]."""
    return _status_mb("VmRSS")


def peak_rss_mb() -> float:
    """The most it held since its start, or since `forget_peak` [MiB]."""
    return _status_mb("VmHWM")


def children_peak_rss_mb() -> float:
    """The most any one process held that this one started and that has ended [MiB]."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def give_back() -> None:
    """Return what allocators keep of freed memory, so that it is not taken for memory in use."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    ctypes.CDLL(ctypes.util.find_library("c")).malloc_trim(0)


def forget_peak() -> None:
    """Let the peak start from what is held now."""
    _CLEAR.write_text(_FORGET_PEAK, encoding="ascii")


def _status_mb(field: str) -> float:
    lines = _STATUS.read_text(encoding="ascii").splitlines()
    kibibytes = next(line.split()[1] for line in lines if line.startswith(field))
    return int(kibibytes) / 1024
