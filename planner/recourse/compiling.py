"""Compile every pass ahead, as images and test runs wish: `python -m planner.recourse.compiling`.

Each pass otherwise compiles when it is first needed, once per installation. Compiled code is kept
beside the sources, or where ``NUMBA_CACHE_DIR`` says.
"""

import multiprocessing
from collections.abc import Callable

import numpy as np

from planner.recourse import Hours, Levels, Pass, Point, Structure, UsePass, coarsen, make_hours

KINDS = ("float32", "float64")

STRUCTURE = Structure(
    on_demand_usd=np.ones(2),
    pool_of_slice=np.array([0, 0]),
    units=np.ones(2),
    pools=1,
    rates=np.array([[0.5, 0.5]]),
    pair_slice=np.array([0, 1]),
    pair_series=np.array([0, 1]),
)
"""Two slices that share a pool and a plan."""

POINT = Point(np.ones((1, 2)), np.ones((1, 1)), np.ones((1, 1)))


def _hours(dtype: str) -> Hours:
    """Some hours of STRUCTURE."""
    count = 40
    return make_hours(
        [np.arange(count, dtype=float), np.ones(count)],
        segment_of_moment=np.zeros(count, dtype=np.intp),
        stage_of_segment=np.zeros(1, dtype=np.intp),
        worth=np.ones(count),
        hours=np.ones(count),
        dtype="float32" if dtype == "float32" else "float64",
        threads=1,
    )


def compile_costs(dtype: str) -> None:
    """The pass that finds what hours cost."""
    Pass(STRUCTURE, _hours(dtype), threads=1)(POINT)


def compile_the_rest(dtype: str) -> None:
    """Means, tangents, and the greatest use."""
    hours = coarsen(_hours(dtype), 4, threads=1)
    Pass(STRUCTURE, hours, threads=1).tangents(
        POINT, Levels(np.ones((1, 1, 2)), np.ones((1, 1, 2)))
    )
    if dtype == "float64":
        UsePass(STRUCTURE, hours, threads=1).at(POINT, np.ones(2))


def _run(task: tuple[Callable[[str], None], str]) -> None:
    compiled, dtype = task
    compiled(dtype)


def compile_all() -> None:
    """Compile what is not compiled yet, in as many processes as there are processors."""
    tasks = [(one, kind) for one in (compile_costs, compile_the_rest) for kind in KINDS]
    with multiprocessing.get_context("spawn").Pool() as workers:
        workers.map(_run, tasks, chunksize=1)


if __name__ == "__main__":
    compile_all()
