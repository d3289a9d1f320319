"""The instance types that serve a workload's need in a region, and how much of it each does."""

from dataclasses import dataclass

from catalogs import Catalog, Faults, InstanceType
from planner.fleet.machines import is_sold_on_demand, make_machine
from planner.fleet.reserved_only import reservations_of
from planner.request import Machines, NormalizedUnits, OwnUnit, VcpusAndMemory, Workload


@dataclass(frozen=True)
class Place:
    """One of the regions a workload may run in, and what is sold there.

    ``reserved_only`` machines, sold by reservation but not on demand, will do where that is true.
    """

    workload: Workload
    region: str
    regions: list[str]
    catalog: Catalog
    reserved_only: bool

    def __str__(self) -> str:
        """Read as region and platform."""
        return f"{self.region} ({self.workload.os}, {self.workload.tenancy})"

    def sells(self, name: str, region: str | None = None) -> bool:
        """Whether a type is sold here, or in another region."""
        at = (name, region or self.region, self.workload.os, self.workload.tenancy)
        on_demand = is_sold_on_demand(self.catalog, *at)
        return on_demand or (self.reserved_only and bool(reservations_of(self.catalog, *at)))


def check_types(position: int, workload: Workload, catalog: Catalog, faults: Faults) -> None:
    """The types a need names must be known, whatever the regions."""
    match workload.needs:
        case Machines(of=name):
            named = {f"workloads.{position}.needs.of": name}
        case OwnUnit(capacity=capacity):
            named = {f"workloads.{position}.needs.capacity.{name}": name for name in capacity}
        case _:
            named = {}
    for field, name in named.items():
        if not catalog.has_type(name):
            near = ", ".join(catalog.near_types(name)) or "none"
            faults.add(field, name, f"the catalogue has no such type; nearest: {near}")


def capacities_at(
    position: int, place: Place, faults: Faults
) -> list[tuple[InstanceType, tuple[float, ...]]]:
    """Types for a workload in a region, each with what one machine serves of every series."""
    workload, region, catalog = place.workload, place.region, place.catalog
    needs, field = workload.needs, f"workloads.{position}.needs"
    match needs:
        case Machines():
            types = _sold([needs.of], f"{field}.of", place, faults)
            return [(found, (1.0,)) for found in types]
        case NormalizedUnits():
            return _family_size(field, needs, workload, region, catalog, faults)
        case OwnUnit():
            names = sorted(needs.capacity)
            types = _sold(names, f"{field}.capacity", place, faults)
            selector = workload.candidates.model_copy(update={"instance_types": tuple(names)})
            matching = [found for found in types if selector.matches(found)]
            if types and not matching:
                workload = workload.model_copy(update={"candidates": selector})
                _explain_no_match(position, workload, region, catalog, faults)
            return [(found, (needs.capacity[found.name],)) for found in matching]
        case VcpusAndMemory():
            selected = _selected(position, workload, region, catalog, faults)
            known: list[tuple[InstanceType, tuple[float, ...]]] = [
                (found, (found.vcpus, found.memory_gib))
                for found in selected
                if found.vcpus and found.memory_gib
            ]
            if selected and not known:
                shown = ", ".join(found.name for found in selected[:4])
                fix = "the catalogue knows neither's vCPUs and GiB; add them, or choose others"
                faults.add(f"workloads.{position}.candidates", shown, fix)
            return known


def _sold(names: list[str], field: str, place: Place, faults: Faults) -> list[InstanceType]:
    """The types sold at a place; a fault for those that none of the workload's regions sells."""
    sold = []
    for name in names:
        if not place.catalog.has_type(name):
            continue
        if place.sells(name):
            sold.append(place.catalog.instance_type(name))
        elif not any(place.sells(name, region) for region in place.regions):
            faults.add(field, name, f"has no on-demand price in {place}; choose another region")
    return sold


def _selected(
    position: int, workload: Workload, region: str, catalog: Catalog, faults: Faults
) -> tuple[InstanceType, ...]:
    found = catalog.candidates(workload.candidates, region, workload.os, workload.tenancy)
    if not found:
        _explain_no_match(position, workload, region, catalog, faults)
    return found


def _explain_no_match(
    position: int, workload: Workload, region: str, catalog: Catalog, faults: Faults
) -> None:
    why = catalog.explain_no_match(workload.candidates, region, workload.os, workload.tenancy)
    shown = workload.candidates.model_dump(exclude_defaults=True, mode="json")
    faults.add(f"workloads.{position}.candidates", shown, f"matches nothing in {region}: {why}")


def _family_size(
    field: str,
    needs: NormalizedUnits,
    workload: Workload,
    region: str,
    catalog: Catalog,
    faults: Faults,
) -> list[tuple[InstanceType, tuple[float, ...]]]:
    """The size of a family whose unit is cheapest: on demand, then under plans, then by size."""
    selector = workload.candidates.model_copy(update={"families": (needs.of,)})
    found = catalog.candidates(selector, region, workload.os, workload.tenancy)
    sizes = [
        size
        for size in found
        if catalog.billed_as(size.name, region, workload.os, workload.tenancy)[0].pool.size_flexible
    ]
    if not found:
        why = catalog.explain_no_match(selector, region, workload.os, workload.tenancy)
        faults.add(f"{field}.of", needs.of, f"has no size with normalized units in {region}: {why}")
    elif not sizes:
        fix = "its sizes share no reservations, so units mean nothing; count machines of a type"
        faults.add(f"{field}.of", needs.of, fix)
    if not sizes:
        return []
    machines = {
        make_machine(catalog, size, region, workload.os, workload.tenancy): size for size in sizes
    }
    cheapest = min(machines, key=lambda machine: machine.order)
    return [(machines[cheapest], (float(cheapest.resource.units),))]
