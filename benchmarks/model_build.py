"""How fast a model of blocks becomes arrays, and how fast each OR-Tools path takes those over.

Run it from the repository: ``python benchmarks/model_build.py``. It prints one JSON object per
case: ``seconds_build`` declares blocks and rows, ``seconds_compile`` makes the arrays,
``seconds_handover`` fills the protocol buffer, ``seconds_native`` is a solve cut off at once, so
that what remains is the solver's own copy of the model; ``seconds`` is their sum. Each case runs
in a process of its own, so that ``peak_rss_mb`` is its own peak; ``import_rss_mb`` is what stood
before the model.
"""

import argparse
import json
import multiprocessing
import resource
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import scipy.sparse as sp

from solvers import Limits, LinearModel, SolverError, get_solver
from solvers.ortools_mathopt import model_proto

Result = TypeVar("Result")

_NONZEROS = (100_000, 1_000_000)
_SOLVERS = ("highs", "scip", "cp-sat")
_BLOCKS = 10
_PER_COLUMN = 10
_SHORTEST_S = 0.001


def random_blocks(nonzeros: int) -> list[tuple[sp.coo_array, np.ndarray]]:
    """Per block a matrix of whole coefficients, ten to a column, and its columns' costs."""
    rng = np.random.default_rng(7)
    size = nonzeros // _BLOCKS
    columns, rows = size // _PER_COLUMN, size // (2 * _PER_COLUMN)
    blocks = []
    for _ in range(_BLOCKS):
        places = (rng.integers(0, rows, size), rng.integers(0, columns, size))
        values = rng.integers(1, 9, size).astype(float)
        matrix = sp.coo_array((values, places), shape=(rows, columns))
        blocks.append((matrix, rng.integers(1, 100, columns).astype(float)))
    return blocks


def build(blocks: list[tuple[sp.coo_array, np.ndarray]]) -> LinearModel:
    """A covering model: each block of whole columns serves its own rows."""
    model = LinearModel()
    for number, (matrix, cost) in enumerate(blocks):
        buy = model.add(f"buy_{number}", len(cost), upper=100, cost=cost, integer=True)
        model.require(f"cover_{number}", [(buy, matrix)], at_least=1)
    return model


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


def peak_rss_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(nonzeros: int, solver: str) -> dict[str, object]:
    """One case's line."""
    get_solver(solver).solve(build(random_blocks(1_000)), Limits(time_limit_s=_SHORTEST_S))
    before = peak_rss_mb()
    blocks = random_blocks(nonzeros)
    model, seconds_build = timed(lambda: build(blocks))
    compiled, seconds_compile = timed(model.compile)
    _, seconds_handover = timed(lambda: model_proto(compiled))
    outcome, seconds_solve = timed(
        lambda: get_solver(solver).solve(model, Limits(time_limit_s=_SHORTEST_S))
    )
    return {
        "case": f"{solver}-{nonzeros}",
        "seconds": round(seconds_build + seconds_solve, 4),
        "gap": outcome.gap,
        "cost": outcome.objective,
        "bound": outcome.bound,
        "seconds_build": round(seconds_build, 4),
        "seconds_compile": round(seconds_compile, 4),
        "seconds_handover": round(seconds_handover, 4),
        "seconds_native": round(outcome.seconds, 4),
        "import_rss_mb": round(before),
        "peak_rss_mb": round(peak_rss_mb()),
        "nonzeros": int(compiled.matrix.nnz),
    }


def main() -> None:
    """Measure every size with every solver and print the cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nonzeros", type=int, nargs="+", default=_NONZEROS)
    for nonzeros in parser.parse_args().nonzeros:
        for solver in _SOLVERS:
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                try:
                    line = pool.apply(measure, (nonzeros, solver))
                except SolverError as error:
                    line = {"case": f"{solver}-{nonzeros}", "error": str(error)}
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
