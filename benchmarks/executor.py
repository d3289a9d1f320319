"""The same problem in this process, in local processes and on a Dask cluster's workers.

Run it from the repository: ``python benchmarks/executor.py``. It prints one JSON object per case:
``seconds_first`` is a solve with all that a start costs (processes, loading compiled code),
``seconds`` the one after it, workers kept. ``peak_rss_mb`` is of the largest process: this one or
a worker. All plans must be the same to the digit. The last lines are the wall time of two workers
over that of one. Each worker has one thread, so that one and two differ by the sharing alone; the
case in this process has a thread per processor.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fleets import request_document

from planner import Surroundings, Worker, dask_workers, local_workers, parse_request
from planner.methods import formulate
from planner.planning import resolve
from planner.problem import Problem
from planner.zones import merge_zones
from solvers import Outcome


@dataclass(frozen=True)
class OneThread:
    """A worker held to one thread."""

    worker: Worker
    threads: int = 1

    def __getattr__(self, name: str) -> object:
        return getattr(self.worker, name)


@contextmanager
def workers_of(kind: str, count: int) -> Iterator[Sequence[Worker]]:
    """The workers of a case."""
    if kind == "here":
        yield ()
    elif kind == "processes":
        with local_workers(count) as workers:
            yield [OneThread(worker) for worker in workers]
    else:
        from distributed import LocalCluster

        with (
            LocalCluster(
                n_workers=count, threads_per_worker=1, dashboard_address=None, memory_limit=0
            ) as cluster,
            dask_workers(cluster.scheduler_address) as workers,
        ):
            yield workers


def peak_rss_mb() -> float:
    """Of this process so far; not by getrusage, whose figure starts at the parent's."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return float(status.split("VmHWM:")[1].split()[0]) / 1024


def solve(problem: Problem, workers: Sequence[Worker]) -> tuple[float, Outcome]:
    """Wall time and outcome; the bill, which is the same for all, is left out."""
    began = time.perf_counter()
    outcome = formulate(problem, workers).solve(problem, Surroundings())
    return time.perf_counter() - began, outcome


def measure(problem: Problem, kind: str, count: int) -> tuple[dict[str, object], Outcome]:
    """A case's line and outcome."""
    with workers_of(kind, count) as workers:
        first, _ = solve(problem, workers)
        seconds, outcome = solve(problem, workers)
        peaks = [worker.submit(peak_rss_mb).result() for worker in workers]
    line: dict[str, object] = {
        "case": f"{kind}-{count}",
        "seconds": round(seconds, 2),
        "seconds_first": round(first, 2),
        "iterations": outcome.iterations,
        "gap": outcome.gap,
        "cost": outcome.objective,
        "bound": outcome.bound,
        "peak_rss_mb": round(max(peaks, default=peak_rss_mb())),
    }
    return line, outcome


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=int, default=8760)
    parser.add_argument("--pools", type=int, default=23)
    parser.add_argument("--scenarios", type=int, default=20)
    parser.add_argument("--gap", type=float, default=1e-3)
    asked = parser.parse_args()
    with request_document(
        hours=asked.hours,
        pools=asked.pools,
        scenarios=asked.scenarios,
        gap=asked.gap,
        method="decomposed",
    ) as (document, folder):
        problem = resolve(parse_request(document), Surroundings(folder=folder))
    problem = merge_zones(problem).merged
    expected: Outcome | None = None
    seconds: dict[tuple[str, int], float] = {}
    for kind, count in (
        ("here", 1),
        ("processes", 1),
        ("processes", 2),
        ("dask", 1),
        ("dask", 2),
    ):
        line, outcome = measure(problem, kind, count)
        print(json.dumps(line), flush=True)
        expected = expected or outcome
        if not np.array_equal(outcome.incumbent, expected.incumbent):
            raise SystemExit(f"{kind}-{count}: the plan is another one")
        if (outcome.objective, outcome.bound) != (expected.objective, expected.bound):
            raise SystemExit(f"{kind}-{count}: the proof is another one")
        seconds[kind, count] = float(str(line["seconds"]))
    for kind in ("processes", "dask"):
        ratio = seconds[kind, 2] / seconds[kind, 1]
        print(json.dumps({"case": f"{kind}-2-over-1", "ratio": round(ratio, 3)}))


if __name__ == "__main__":
    main()
