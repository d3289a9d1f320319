"""Where workloads may run, and how much of them on spot: bounds on shares of each workload."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from catalogs import Faults
from planner.fleet.candidate import Candidate
from planner.request import PlanRequest

NOTHING = 1e-12
"""A bound missed by no more than this share is kept."""


@dataclass(frozen=True)
class Bound:
    """A bound on the share of a workload that some of its candidates serve, at every time.

    Attributes:
        field: where the request states it.
        workload: position of the workload.
        candidates: positions of the candidates counted.
        at_least: share, 0 where there is no floor.
        at_most: share, 1 where there is no ceiling.
    """

    field: str
    workload: int
    candidates: tuple[int, ...]
    at_least: float
    at_most: float


def bounds_of(request: PlanRequest, candidates: Sequence[Candidate]) -> Iterator[Bound]:
    """Every bound of a request on where its workloads run."""
    for position, workload in enumerate(request.workloads):
        mine = [i for i, one in enumerate(candidates) if one.workload == position]
        if workload.spot is not None:
            spot = tuple(i for i in mine if candidates[i].machine.is_spot)
            field = f"workloads.{position}.spot.at_most"
            yield Bound(field, position, spot, 0.0, workload.spot.at_most)
        for number, bound in enumerate(workload.placement):
            counted = tuple(
                i
                for i in mine
                if bound.counts(
                    candidates[i].machine.provider,
                    candidates[i].machine.region,
                    candidates[i].machine.family,
                )
            )
            at_least = 0.0 if bound.at_least is None else bound.at_least
            at_most = 1.0 if bound.at_most is None else bound.at_most
            field = f"workloads.{position}.placement.{number}"
            yield Bound(field, position, counted, at_least, at_most)


def check_placement(request: PlanRequest, candidates: Sequence[Candidate], faults: Faults) -> None:
    """Note bounds that cannot be kept whatever is bought, and what they cannot go with."""
    for bound in bounds_of(request, candidates):
        mine = sum(one.workload == bound.workload for one in candidates)
        if request.whole_machines:
            fix = "cannot go with whole_machines; take one of them out"
            faults.add(bound.field, request.workloads[bound.workload].name, fix)
        elif mine and not bound.candidates and bound.at_least > NOTHING:
            fix = "no machine of the workload is there; name places among its regions and families"
            faults.add(bound.field, bound.at_least, fix)
        elif mine and len(bound.candidates) == mine and bound.at_most < 1 - NOTHING:
            fix = "all machines of the workload are there; let it run elsewhere too"
            faults.add(bound.field, bound.at_most, fix)
