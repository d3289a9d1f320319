"""What the default hazards cost where nothing happens: ten fleets, each billed at its own course.

Every fleet has a history and goes on as that would lead anyone to expect: no type is replaced, no
demand lost. It is planned by default and with `hazards: []`. Both plans are carried out on the true
demand: the purchases whatever comes, and of later ones those of the future whose demand by their
date is nearest to the true one. The default may cost 2 % more at the most.

    python benchmarks/event_free.py [--fleets steady growing …] [--paths 64]
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner import parse_request
from planner.decision import Policy
from planner.demand import Demand, Scenario
from planner.planning import Surroundings, find_policy, resolve
from planner.problem import Problem
from planner.request import PlanRequest
from planner.settlement import look_out

Floats = NDArray[np.float64]

START = datetime(2025, 1, 6, tzinfo=UTC)  # a Monday
DAY, WEEK, YEAR = 24, 168, 8760
MOST_EXTRA = 0.02


@dataclass(frozen=True)
class Fleet:
    """A fleet without any event.

    Attributes:
        demand: machines by workload, from the hour of START on, as far as asked [hour].
        machines: the type of each workload.
        history_hours: how much of it is known.
        planned_hours: how much of what follows is planned for.
    """

    demand: Callable[[Floats], dict[str, Floats]]
    machines: dict[str, str]
    history_hours: int = YEAR + 28 * DAY
    planned_hours: int = YEAR


def daily(hour: Floats) -> Floats:
    """A day's course around 1."""
    return 1 + 0.3 * np.sin(2 * np.pi * (hour % DAY - 8) / DAY)


def noise(hour: Floats, seed: int) -> Floats:
    """Some per cent up and down, the same for the same hours."""
    values = np.random.default_rng(seed).normal(0, 0.03, 6 * YEAR)
    return 1 + values[hour.astype(int)]


def steady(hour: Floats) -> dict[str, Floats]:
    return {"web": 40 * noise(hour, 1)}


FLEETS = {
    "steady": Fleet(steady, {"web": "m5.2xlarge"}),
    "growing": Fleet(
        lambda h: {"web": 40 * np.exp(0.25 * h / YEAR) * daily(h) * noise(h, 2)},
        {"web": "m5.2xlarge"},
    ),
    "falling": Fleet(
        lambda h: {"web": 60 * np.exp(-0.2 * h / YEAR) * daily(h) * noise(h, 3)},
        {"web": "c5.2xlarge"},
    ),
    "seasonal": Fleet(
        lambda h: {"web": 50 * (1 + 0.25 * np.sin(2 * np.pi * h / YEAR)) * daily(h) * noise(h, 4)},
        {"web": "m6i.2xlarge"},
        history_hours=2 * YEAR,
    ),
    "weekly closed": Fleet(
        lambda h: {"web": 40 * daily(h) * noise(h, 5) * (h % WEEK < 5 * DAY)},
        {"web": "m5.2xlarge"},
    ),
    "short history": Fleet(steady, {"web": "m5.2xlarge"}, history_hours=42 * DAY),
    "two services": Fleet(
        lambda h: {"web": 30 * daily(h) * noise(h, 6), "cache": 20 * noise(h, 7)},
        {"web": "m5.2xlarge", "cache": "r5.xlarge"},
    ),
    "two generations": Fleet(
        lambda h: {"old": 25 * daily(h) * noise(h, 8), "new": 25 * daily(h) * noise(h, 9)},
        {"old": "m5.2xlarge", "new": "m6i.2xlarge"},
    ),
    "three years": Fleet(
        lambda h: {"web": 40 * daily(h) * noise(h, 10)}, {"web": "r5.2xlarge"},
        planned_hours=3 * YEAR,
    ),
    "batch at night": Fleet(
        lambda h: {"batch": 5 + 60 * (h % DAY < 6) * noise(h, 11), "web": 20 * noise(h, 12)},
        {"batch": "c5.4xlarge", "web": "m7g.2xlarge"},
    ),
}  # fmt: skip


def request(fleet: Fleet, paths: int, forecast: dict[str, Any]) -> PlanRequest:
    """A request whose demand is the fleet's history."""
    hours = np.arange(fleet.history_hours, dtype=np.float64)
    return parse_request(
        {
            "catalog": "aws",
            "demand": {
                "inline": {
                    "start": START.isoformat(),
                    "series": {
                        name: values.round(6).tolist()
                        for name, values in fleet.demand(hours).items()
                    },
                }
            },
            "forecast": {"paths": paths} | forecast,
            "horizon": {"hours": fleet.planned_hours},
            "purchases": {"every_months": 3},
            "workloads": [
                {"name": name, "needs": {"unit": "machines", "of": kind}, "regions": ["us-east-1"]}
                for name, kind in fleet.machines.items()
            ],
        }
    )


def cost_where_nothing_happens_usd(asked: PlanRequest, truth: dict[str, Floats]) -> float:
    """The bill of a plan's purchases at the true demand."""
    problem = resolve(asked, Surroundings(folder=Path(), now=datetime.now(UTC)))
    return bill_at_usd(problem, find_policy(problem, Surroundings()), truth)


def bill_at_usd(problem: Problem, policy: Policy, truth: dict[str, Floats]) -> float:
    """The bill of a policy where demand is as given, by the future nearest to it at each date."""
    near = nearest(problem, truth)
    future = problem.future(near)
    decision = policy.decision(problem, near)
    happened = {
        name: truth.get(name, np.zeros(future.calendar.hours)) for name in future.demand.series
    }
    certain = replace(
        problem,
        demand=Demand(future.calendar.start, happened, (Scenario("true", 1.0),)),
        candidates=tuple(
            replace(one, needs=((happened[series_of(problem, one.workload)], one.needs[0][1]),))
            for one in future.candidates
        ),
        lots=future.lots,
        information=future.information,
        futures=None,
        forecast=None,
    )
    done = Policy(decision.bought, {})
    return float(look_out(certain, done).total_usd)


def series_of(problem: Problem, workload: int) -> str:
    """The series a workload reads."""
    return problem.request.workloads[workload].series_names[0]


def nearest(problem: Problem, truth: dict[str, Floats]) -> int:
    """The future whose demand is nearest to the true one, weighed alike in all hours."""
    futures, hours = len(problem.probability), problem.calendar.hours
    distance = np.zeros(futures)
    for name, values in problem.demand.series.items():
        here = truth.get(name, np.zeros(hours))
        distance += (np.abs(values.reshape(futures, hours) - here)).sum(axis=1)
    return int(np.argmin(distance))


def main() -> None:
    """Print a line for each fleet."""
    parser = argparse.ArgumentParser(description="What default hazards cost where nothing happens.")
    parser.add_argument("--fleets", nargs="+", choices=list(FLEETS), default=list(FLEETS))
    parser.add_argument("--paths", type=int, default=64)
    options = parser.parse_args()
    for name in options.fleets:
        fleet, began = FLEETS[name], time.perf_counter()
        hours = np.arange(fleet.planned_hours, dtype=np.float64) + fleet.history_hours
        truth = fleet.demand(hours)
        usual = cost_where_nothing_happens_usd(request(fleet, options.paths, {}), truth)
        spared = cost_where_nothing_happens_usd(
            request(fleet, options.paths, {"hazards": []}), truth
        )
        line = {
            "case": name,
            "default_usd": round(usual, 2),
            "without_hazards_usd": round(spared, 2),
            "extra": round(usual / spared - 1, 5),
            "met": usual / spared - 1 <= MOST_EXTRA,
            "seconds": round(time.perf_counter() - began, 1),
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
