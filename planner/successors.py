"""Usage that leaves its machines' family: a workload of its own, on the family's successor."""

from dataclasses import dataclass

from catalogs import Catalog
from catalogs.successors import base_name, has_later_generation, successor_name, with_successors
from planner.demand import Demand
from planner.request import ForecastSettings, Machines, NormalizedUnits, PlanRequest, Workload
from planner.request.fields import SUCCESSOR_SUFFIX


@dataclass(frozen=True)
class Replaceable:
    """A series of usage that may leave the family of its machines.

    Attributes:
        series: its name.
        family: the family, with its provider; what shares one leaves it together.
        has_later: whether a later generation of its class is on sale.
    """

    series: str
    family: str
    has_later: bool


def successor_series(series: str) -> str:
    """The series of what has left."""
    return f"{series}{SUCCESSOR_SUFFIX}"


def replaceable(request: PlanRequest, catalog: Catalog) -> tuple[Replaceable, ...]:
    """Series of workloads that count machines of a type or units of a family.

    Those kept together move among themselves. Where a workload chooses its machines, it follows
    its prices. A series that others read as well must be of one family for all.
    """
    settings = request.forecast or ForecastSettings()
    together = {name for group in settings.together for name in group}
    found: dict[str, list[Replaceable | None]] = {}
    for workload in request.workloads:
        for series in workload.series_names:
            found.setdefault(series, []).append(_replaceable(workload, series, catalog))
    return tuple(
        ones[0]
        for series, ones in found.items()
        if ones[0] is not None and len(set(ones)) == 1 and series not in together
    )


def _replaceable(workload: Workload, series: str, catalog: Catalog) -> Replaceable | None:
    types = _types_of(workload, catalog)
    if not types:
        return None
    described = catalog.instance_type(types[0])
    place = workload.regions, workload.os, workload.tenancy
    later = has_later_generation(catalog, described, *place)
    return Replaceable(series, f"{described.provider} {described.family}", later)


def _types_of(workload: Workload, catalog: Catalog) -> list[str]:
    """Types of the catalogue whose machines a workload counts; none where it counts none."""
    match workload.needs:
        case Machines(of=name):
            return [name] if catalog.has_type(name) else []
        case NormalizedUnits(of=family):
            families = catalog.instance_types["family"]
            return sorted(families.index[families == family])
        case _:
            return []


def with_successors_of(
    request: PlanRequest, catalog: Catalog, demand: Demand
) -> tuple[PlanRequest, Catalog]:
    """Request and catalogue with a workload for each series of a demand that has left its family.

    It needs what its original needs, of the successor, and holds no capacity.
    """
    moved = [
        workload
        for workload in request.workloads
        if successor_series(workload.series_names[0]) in demand.series
    ]
    if not moved:
        return request, catalog
    types = [name for workload in moved for name in _types_of(workload, catalog)]
    workloads = (*request.workloads, *map(_moved, moved))
    return (
        request.model_copy(update={"workloads": workloads}),
        with_successors(catalog, types),
    )


def _moved(workload: Workload) -> Workload:
    needs = workload.needs
    if not isinstance(needs, Machines | NormalizedUnits):
        raise TypeError(f"{workload.name} counts no machines")
    return workload.model_copy(
        update={
            "name": f"{workload.name}{SUCCESSOR_SUFFIX}",
            "needs": needs.model_copy(update={"of": successor_name(needs.of)}),
            "series": successor_series(workload.series_names[0]),
            "capacity": (),
        }
    )


def is_moved(workload: Workload) -> bool:
    """Whether a workload is what has left another's family."""
    return workload.name.endswith(SUCCESSOR_SUFFIX) and base_name(_of(workload)) != _of(workload)


def _of(workload: Workload) -> str:
    return getattr(workload.needs, "of", "")
