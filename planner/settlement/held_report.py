"""Capacity held, as a plan tells it: from when to when, and what its unused part costs."""

from decimal import Decimal

import numpy as np

from planner.held import HeldMachines, held_name, is_reserved
from planner.plan import CapacityHeld
from planner.problem import Problem
from planner.settlement.outlook import FutureBill, Outlook, mean_usd
from planner.settlement.spread import names_of

Stretch = tuple[int, int, int, float]
"""Candidate, first hour, the one after the last, machines."""


def describe_held(outlook: Outlook) -> tuple[CapacityHeld, ...]:
    """What a policy holds ready, in the order of workloads and time."""
    found: dict[Stretch, list[tuple[int, HeldMachines]]] = {}
    for scenario, future in enumerate(outlook.futures):
        for one in future.held:
            stretch = (one.candidate, one.start, one.end, one.machines)
            found.setdefault(stretch, []).append((scenario, one))
    held = [_described(outlook, several) for _, several in sorted(found.items())]
    order = {one.name: i for i, one in enumerate(outlook.problem.request.workloads)}
    return tuple(sorted(held, key=lambda one: (order[one.workload], one.start)))


def _described(outlook: Outlook, several: list[tuple[int, HeldMachines]]) -> CapacityHeld:
    problem, one = outlook.problem, several[0][1]
    candidate, futures = problem.candidates[one.candidate], outlook.futures
    chance = [futures[scenario].probability for scenario, _ in several]
    costs = [
        (_unused_usd(problem, futures[scenario], held), futures[scenario].probability)
        for scenario, held in several
    ]
    return CapacityHeld(
        workload=problem.request.workloads[candidate.workload].name,
        instance_type=candidate.machine.instance_type,
        region=candidate.machine.region,
        machines=one.machines,
        start=problem.calendar.at(one.start),
        end=problem.calendar.at(one.end),
        unused_hours=float(np.average([held.unused_hours for _, held in several], weights=chance)),
        unused_usd=mean_usd(costs) if is_reserved(problem, one.candidate) else None,
        scenarios=names_of(problem, tuple(scenario for scenario, _ in several)),
    )


def _unused_usd(problem: Problem, future: FutureBill, held: HeldMachines) -> Decimal:
    """As billed; of a reservation that bills its unused part."""
    entry = future.commitment_bills.get(held_name(problem, held))
    return Decimal(0) if entry is None else entry.cost_usd
