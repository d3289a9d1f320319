"""Machines that a decision holds ready, as a provider's capacity reservations bill them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from planner.fleet import GCP
from planner.problem import Problem

Floats = NDArray[np.float64]

SMALLEST_HELD = 1e-9
"""Machines held below this are rounding."""


@dataclass(frozen=True)
class HeldMachines:
    """A constant number of machines held on one candidate.

    Attributes:
        candidate: position of the candidate.
        start: first hour of the horizon in which they are held.
        end: first hour in which not.
        machines: how many.
        unused_hours: machine-hours in which nothing of the workload runs on them.
    """

    candidate: int
    start: int
    end: int
    machines: float
    unused_hours: float


def held_machines(
    problem: Problem, running: Floats, held: Floats | None
) -> tuple[HeldMachines, ...]:
    """What is held in one future, by candidate and time.

    Args:
        problem: one future.
        running: machines running [hour × candidate].
        held: machines held [hour × candidate]; None where no capacity is.
    """
    if held is None:
        return ()
    return tuple(
        HeldMachines(candidate, start, end, machines, unused)
        for candidate, one in enumerate(problem.candidates)
        if one.held
        for start, end, machines in _stretches(held[:, candidate])
        for unused in (_unused(running[start:end, candidate], machines),)
    )


def is_reserved(problem: Problem, candidate: int) -> bool:
    """Whether a reservation bills what is held unused; else it bills like machines that run.

    Google's do: held capacity is billed like running machines, and discounted with them.
    """
    one = problem.candidates[candidate]
    return bool(one.held) and one.machine.provider != GCP


def paid_for(running: Floats, held: Floats | None) -> Floats:
    """Machines paid for [hour × candidate]: those that run, or are held where these are more."""
    return running if held is None else np.maximum(running, held)


def billed_as_running(problem: Problem, running: Floats, held: Floats | None) -> Floats:
    """Machines [hour × candidate] that stand on the bill as running."""
    positions = [i for i, one in enumerate(problem.candidates) if one.held]
    as_running = [i for i in positions if not is_reserved(problem, i)]
    if held is None or not as_running:
        return running
    billed = running.copy(order="F")
    billed[:, as_running] = np.maximum(running[:, as_running], held[:, as_running])
    return billed


def reserved_machines(
    problem: Problem, running: Floats, held: Floats | None
) -> Iterable[HeldMachines]:
    """Of what is held, that which reservations bill."""
    every = held_machines(problem, running, held)
    return (one for one in every if is_reserved(problem, one.candidate))


def held_name(problem: Problem, one: HeldMachines) -> str:
    """Names a capacity reservation: workload, machine, place and its first hour."""
    candidate = problem.candidates[one.candidate]
    workload = problem.request.workloads[candidate.workload].name
    start = problem.calendar.at(one.start)
    machine = f"{candidate.machine.instance_type} {candidate.machine.region}"
    return f"capacity for {workload}: {machine} @ {start:%Y-%m-%dT%H:%MZ}"


def _stretches(held: Floats) -> Iterator[tuple[int, int, float]]:
    """Hours between which the number held stays the same, and that number."""
    edges = np.flatnonzero(np.diff(held)) + 1
    bounds = [0, *edges.tolist(), len(held)]
    for start, end in pairwise(bounds):
        if held[start] > SMALLEST_HELD:
            yield start, end, float(held[start])


def _unused(running: Floats, machines: float) -> float:
    return float(np.maximum(machines - running, 0.0).sum())
