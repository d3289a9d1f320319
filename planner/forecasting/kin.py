"""Series of machine types that may replace one another, and what a unit of each is worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalogs import Catalog
from planner.request import ForecastSettings, Machines, PlanRequest, Replacement, Workload


@dataclass(frozen=True)
class Kin:
    """Series among which demand moves when the machine type of one is replaced.

    Attributes:
        types: machine type by series; what moves goes to a series of another type.
        sizes: what one unit is worth by series, its vCPUs or GPUs: of smaller ones more are needed.
    """

    types: Mapping[str, str]
    sizes: Mapping[str, float]

    @classmethod
    def together(cls, series: Sequence[str]) -> "Kin":
        """Series of one unit, each a type of its own."""
        return cls({name: name for name in series}, dict.fromkeys(series, 1.0))


@dataclass(frozen=True)
class _Counted:
    """A series that counts machines of a type, and where they may run."""

    series: str
    kind: str
    regions: frozenset[str]


def kin_by_region(request: PlanRequest, catalog: Catalog) -> tuple[Kin, ...]:
    """Workloads that are machines of different types in a region, but those kept together.

    Types with GPUs replace one another by these, others by their vCPUs; where the catalogue does
    not say how many, machine by machine. Types it does not know are left out.
    """
    known, found = catalog.instance_types, []
    has_gpus = known["gpus"] > 0
    for group in _by_region(request):
        listed = [one for one in group if one.kind in known.index]
        for size, are_of in (("vcpus", ~has_gpus), ("gpus", has_gpus)):
            types = {one.series: one.kind for one in listed if are_of[one.kind]}
            if len(set(types.values())) > 1:
                sizes = {name: float(known[size][kind]) for name, kind in types.items()}
                told = all(one > 0 for one in sizes.values())
                found.append(Kin(types, sizes if told else dict.fromkeys(types, 1.0)))
    return tuple(found)


def has_kin_by_region(request: PlanRequest) -> bool:
    """Whether there may be any, so that machine sizes are needed."""
    hazards = (request.forecast or ForecastSettings()).hazards
    replaced = any(isinstance(one, Replacement) for one in hazards)
    return replaced and any(len({one.kind for one in group}) > 1 for group in _by_region(request))


def _by_region(request: PlanRequest) -> list[list[_Counted]]:
    """Series of machine types, those that share a region together; by way of others too."""
    kept = {name for group in (request.forecast or ForecastSettings()).together for name in group}
    groups: list[list[_Counted]] = []
    for one in _counted(request.workloads):
        if one.series in kept:
            continue
        near = [group for group in groups if any(one.regions & other.regions for other in group)]
        groups = [group for group in groups if group not in near]
        groups.append([*(other for group in near for other in group), one])
    return groups


def _counted(workloads: Sequence[Workload]) -> list[_Counted]:
    return [
        _Counted(one.series_names[0], one.needs.of, frozenset(one.regions))
        for one in workloads
        if isinstance(one.needs, Machines)
    ]
