"""Limits on what runs at any time: fractional machines had at once, and what leaves its home."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalogs import Catalog
from catalogs.successors import base_name
from planner.fleet.candidate import Candidate
from planner.request import EgressLimit, PlanRequest, Quota, Workload

Floats = NDArray[np.float64]

GIB_PER_HOUR = "GiB per hour"


@dataclass(frozen=True)
class RunningLimit:
    """The most that may count at any time, of all workloads together.

    Attributes:
        name: as errors name it.
        field: where the request states it.
        unit: of its amounts.
        at_most: the limit.
        of: what counts at every moment if a candidate serves its whole workload [moment]; None
            where nothing ever does.
    """

    name: str
    field: str
    unit: str
    at_most: float
    of: Callable[[Candidate], Floats | None]

    def counted(self, candidate: Candidate, running: Floats, held: Floats) -> Floats | None:
        """What counts of machines running and held [moment]; None where nothing ever does."""
        whole = self.of(candidate)
        if whole is None:
            return None
        machines, needed = running, candidate.runs
        if self.unit != GIB_PER_HOUR:  # machines held are had, but move nothing
            machines, needed = np.maximum(running, held), candidate.needed
        return np.divide(whole * machines, needed, out=np.zeros_like(whole), where=needed > 0)


def running_limits(request: PlanRequest, catalog: Catalog) -> list[RunningLimit]:
    """Every such limit of a request; none where machines are whole, whose quotas count others."""
    if request.whole_machines:
        return []
    limits, workloads = request.limits, request.workloads
    quotas = [
        _quota(position, quota, field, float(at_most), catalog)
        for position, quota in enumerate(limits.quotas)
        for field, at_most in (("at_most", quota.at_most), ("at_most_vcpus", quota.at_most_vcpus))
        if at_most is not None
    ]
    return quotas + [
        _egress(position, limit, workloads) for position, limit in enumerate(limits.egress)
    ]


def _quota(
    position: int, quota: Quota, field: str, at_most: float, catalog: Catalog
) -> RunningLimit:
    """Machines running or held, or their vCPUs; those billed by parts are machines too."""

    def of(candidate: Candidate) -> Floats | None:
        machine = candidate.machine
        place = machine.provider, machine.region
        if not quota.counts(*place, base_name(machine.family), base_name(machine.instance_type)):
            return None
        if field == "at_most":
            return candidate.needed
        return candidate.needed * (catalog.instance_type(machine.instance_type).vcpus or 0.0)

    return RunningLimit(
        name=f"limits.quotas.{quota.name}.{field}",
        field=f"limits.quotas.{position}.{field}",
        unit="machines" if field == "at_most" else "vCPUs",
        at_most=at_most,
        of=of,
    )


def _egress(position: int, limit: EgressLimit, workloads: tuple[Workload, ...]) -> RunningLimit:
    """What units of demand that run elsewhere move over their homes' borders."""

    def of(candidate: Candidate) -> Floats | None:
        workload, machine = workloads[candidate.workload], candidate.machine
        egress, place = workload.egress, (machine.provider, machine.region)
        if egress is None or place == (egress.home.provider, egress.home.region):
            return None
        if not limit.counts(workload.name, *place):
            return None
        demand, _ = candidate.needs[0]
        return demand * egress.gib_per_unit_hour

    return RunningLimit(
        name=f"limits.egress.{limit.name}",
        field=f"limits.egress.{position}",
        unit=GIB_PER_HOUR,
        at_most=limit.at_most_gib_per_hour,
        of=of,
    )
