"""The machines each workload may run on, and how many of them it needs hour by hour."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fractions import Fraction
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from catalogs import Catalog, Faults, InstanceType
from planner.demand import Demand
from planner.increments import count_increments
from planner.machines import Machine, Part, Resource, is_sold_on_demand, make_machine, spot_machine
from planner.request import (
    Machines,
    NormalizedUnits,
    OwnUnit,
    PlanRequest,
    Reservations,
    VcpusAndMemory,
    Workload,
)
from planner.reserved_only import reservations_of
from planner.running_limits import RunningLimit, running_limits

ROUNDING = 1 + 1e-12
"""Units that differ by no more than this factor are equal."""


@dataclass(frozen=True)
class Candidate:
    """A machine on which a workload may run.

    Attributes:
        workload: position of the workload in the request.
        machine: the machine.
        needs: demand series [moment] in the workload's unit, each with what one machine serves
            of it; the scarcest decides.
        serves: whole increments of the workload's demand that one machine serves; None where
            machines may be fractional, or their capacities share no increment.
        held: of each of `needs` the level [moment] up to which capacity is held, used or not; none
            where no capacity is held for the workload.
    """

    workload: int
    machine: Machine
    needs: tuple[tuple[NDArray[np.float64], float], ...]
    serves: int | None = None
    held: tuple[NDArray[np.float64], ...] = ()

    @property
    def needed(self) -> NDArray[np.float64]:
        """Machines [moment] to be paid for: those that run, or are held. Made anew each time."""
        return np.maximum(self.runs, self.holds) if self.held else self.runs

    @property
    def runs(self) -> NDArray[np.float64]:
        """Machines [moment] that serve the whole workload."""
        return self._machines([series for series, _ in self.needs])

    @property
    def holds(self) -> NDArray[np.float64]:
        """Machines [moment] held for the whole workload."""
        return self._machines(self.held) if self.held else np.zeros(len(self.needs[0][0]))

    def _machines(self, amounts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Machines [moment] that serve some amounts of all that is needed."""
        shares = [
            amount if per == 1.0 else amount / per
            for amount, (_, per) in zip(amounts, self.needs, strict=True)
        ]
        return shares[0] if len(shares) == 1 else np.maximum.reduce(shares)

    @property
    def amounts(self) -> NDArray[np.float64]:
        """All that its cost depends on: machines paid for, and running where these are fewer."""
        return np.concatenate([self.needed, self.runs]) if self.held else self.needed

    @property
    def increments(self) -> NDArray[np.float64]:
        """Demand [moment] in increments."""
        return np.rint(self.needed * (self.serves or 1))

    def within(self, span: slice) -> "Candidate":
        """The same candidate over a span of the moments."""
        needs = tuple((series[span], per) for series, per in self.needs)
        return replace(self, needs=needs, held=tuple(level[span] for level in self.held))


Levels = Mapping[int, tuple[NDArray[np.float64], ...]]
"""By workload, the level [moment] of each of its series up to which capacity is held."""


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
    return _undominated(found, running_limits(request, catalog))


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
    _check_types(position, workload, catalog, faults)
    missing, found = Faults(), False
    for region in regions:
        place = _Place(workload, region, regions, catalog, reserved_only=whole)
        for instance_type, capacities in _capacities(position, place, missing):
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


@dataclass(frozen=True)
class _Place:
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


def _check_types(position: int, workload: Workload, catalog: Catalog, faults: Faults) -> None:
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


def _capacities(
    position: int, place: _Place, faults: Faults
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


def _sold(names: list[str], field: str, place: _Place, faults: Faults) -> list[InstanceType]:
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


def cheapest_candidates(candidates: Sequence[Candidate]) -> Iterator[Candidate]:
    """Of each workload the candidate that costs least on demand, all the time."""
    for _, alike in groupby(candidates, key=lambda one: one.workload):
        lasting = [one for one in alike if not one.machine.is_spot]
        costs = [float(one.needed.sum()) * float(one.machine.on_demand_usd) for one in lasting]
        if lasting:
            yield lasting[int(np.argmin(costs))]


def _undominated(
    candidates: list[Candidate], limits: Sequence[RunningLimit]
) -> tuple[Candidate, ...]:
    """Without those that another machine of the same workload and pools serves no dearer.

    Exact in the linear pools: the other needs no more units in any hour, at no higher price a
    unit, on demand, for its software, under every savings plan and on servers of one's own, and
    no more of it counts against any limit.
    """
    kept: list[Candidate] = []
    ordered = sorted(candidates, key=lambda one: one.machine.order)

    def home(one: Candidate) -> tuple[int, tuple[str, ...]]:
        return one.workload, tuple(str(part.resource.pool) for part in one.machine.parts)

    for _, alike in groupby(sorted(ordered, key=home), key=home):
        kept += _cheapest_of_pools(list(alike), limits)
    return tuple(sorted(kept, key=lambda one: (one.workload, one.machine.order)))


def _cheapest_of_pools(
    candidates: list[Candidate], limits: Sequence[RunningLimit]
) -> list[Candidate]:
    """Those of one workload and pools, cheapest unit first, that no earlier one replaces."""
    if len(candidates) == 1:
        return candidates
    kept: list[tuple[Candidate, NDArray[np.float64]]] = []
    for one in candidates:
        units = units_and_counted(one, limits)
        if not any(
            _no_dearer(other.machine, one.machine) and bool(np.all(theirs <= units * ROUNDING))
            for other, theirs in kept
        ):
            kept.append((one, units))
    return [one for one, _ in kept]


def units_and_counted(one: Candidate, limits: Sequence[RunningLimit]) -> NDArray[np.float64]:
    """Pool units of all parts, then what counts against each limit, all in one row."""
    amounts = one.amounts
    rows = [float(part.units) * amounts for part in one.machine.parts]
    for limit in limits:
        counted = limit.of(one)
        rows.append(np.zeros(len(amounts)) if counted is None else counted)
    return np.concatenate(rows)


def _no_dearer(other: Machine, one: Machine) -> bool:
    """Whether every part costs no more a unit, and under every plan that covers ``one``."""
    return all(
        _resource_no_dearer(theirs.resource, part.resource)
        for theirs, part in zip(other.parts, one.parts, strict=True)
    )


def _resource_no_dearer(other: Resource, one: Resource) -> bool:
    rates, servers = other.unit_plan_rates, other.unit_servers
    software = Fraction(other.software_usd) / Fraction(other.units)
    return (
        other.unit_price_usd <= one.unit_price_usd
        and software <= Fraction(one.software_usd) / Fraction(one.units)
        and all(
            terms in rates and rates[terms] <= rate for terms, rate in one.unit_plan_rates.items()
        )
        and all(
            name in servers and servers[name] <= share for name, share in one.unit_servers.items()
        )
    )
