"""The machines each workload may run on, and how many of them it needs hour by hour."""

from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from catalogs import Catalog, Faults
from planner.demand import Demand
from planner.fleet.candidate import Candidate, Levels
from planner.fleet.dominance import undominated
from planner.fleet.increments import count_increments
from planner.fleet.machines import Machine, Part, make_machine, spot_machine
from planner.fleet.running_limits import running_limits
from planner.fleet.types import Place, capacities_at, check_types
from planner.request import PlanRequest, Reservations, Workload


def find_candidates(
    request: PlanRequest, demand: Demand, catalog: Catalog, levels: Levels
) -> tuple[Candidate, ...]:
    """Every machine each workload may run on, in the order of the request.

    Where reservations are dedicated, each workload's machines stand in pools of their own.

    Raises:
        InvalidInputError: unknown types, families or regions, types without a price, selectors
            that match nothing; all of them at once.
    """
    faults = Faults()
    found: list[Candidate] = []
    for position, workload in enumerate(request.workloads):
        series = [demand.series[name] for name in workload.series_names]
        served = [
            (_tied(machine, workload, request), capacities)
            for machine, capacities in _served_by(position, request, catalog, faults)
        ]
        held = levels.get(position, ())
        counted = request.whole_machines and not held
        mine = _candidates(position, served, series, whole_machines=counted)
        found += (replace(one, held=held) for one in mine)
    faults.raise_if_any()
    if request.whole_machines:
        return tuple(found)
    return undominated(found, running_limits(request, catalog))


def _tied(machine: Machine, workload: Workload, request: PlanRequest) -> Machine:
    """The machine, told apart from other workloads' where a reservation would tell it apart."""
    account = "" if request.reservations is Reservations.POOLED else workload.name
    group = workload.name if workload.capacity else ""
    if not account and not group:
        return machine
    return replace(machine, parts=tuple(_owned_by(part, account, group) for part in machine.parts))


def _owned_by(part: Part, account: str, capacity_group: str) -> Part:
    """The part in a pool of an account's own, and in a group's capacity.

    What runs in capacity that is held runs on no server in its place.
    """
    pool = replace(part.resource.pool, account=account)
    resource = replace(part.resource, pool=pool, capacity_group=capacity_group)
    return replace(part, resource=replace(resource, servers=()) if capacity_group else resource)


def _candidates(
    position: int,
    served: list[tuple[Machine, tuple[float, ...]]],
    series: list[NDArray[np.float64]],
    *,
    whole_machines: bool,
) -> Iterator[Candidate]:
    """Candidates of a workload from the capacity of a machine for each of its series."""
    counted = None
    if whole_machines and len(series) == 1 and served:
        counted = count_increments(series[0], [capacity for _, (capacity,) in served])
    if counted is not None:
        for (machine, _), serves in zip(served, counted[1], strict=True):
            yield Candidate(position, machine, ((counted[0], float(serves)),), serves)
        return
    for machine, capacities in served:
        yield Candidate(position, machine, tuple(zip(series, capacities, strict=True)))


def _served_by(
    position: int, request: PlanRequest, catalog: Catalog, faults: Faults
) -> Iterator[tuple[Machine, tuple[float, ...]]]:
    """Machines for a workload, each with what one of them serves of every series."""
    workload, whole = request.workloads[position], request.whole_machines
    regions = _known_regions(position, workload, catalog, faults)
    check_types(position, workload, catalog, faults)
    missing, found = Faults(), False
    for region in regions:
        place = Place(workload, region, regions, catalog, reserved_only=whole)
        for instance_type, capacities in capacities_at(position, place, missing):
            found = True
            at = (catalog, instance_type, region, workload.os, workload.tenancy)
            machine = make_machine(
                *at, hybrid_benefit=workload.hybrid_benefit, hardware=request.hardware
            )
            yield machine, capacities
            spot = spot_machine(*at, hardware=request.hardware) if workload.spot else None
            if spot is not None and workload.spot is not None:
                more = 1.0 + workload.spot.overhead
                yield spot, tuple(capacity / more for capacity in capacities)
    if not found:  # one region that sells what is needed will do
        faults.found.extend(missing.found)


def _known_regions(
    position: int, workload: Workload, catalog: Catalog, faults: Faults
) -> list[str]:
    known = catalog.regions()
    for region in workload.regions:
        if region not in known:
            near = ", ".join(_near(region, known))
            field = f"workloads.{position}.regions"
            faults.add(field, region, f"the catalogue has no such region; nearest: {near}")
    return [region for region in dict.fromkeys(workload.regions) if region in known]


def _near(name: str, known: list[str]) -> list[str]:
    return get_close_matches(name, known, n=4, cutoff=0.3) or known[:4]
