"""The machines each workload may run on, and how many of them it needs hour by hour."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from catalogs import (
    Catalog,
    Faults,
    InstanceType,
    OfferKind,
    Payment,
    PoolKey,
    UnknownRateError,
)
from planner.demand import Demand
from planner.request import Machines, NormalizedUnits, OwnUnit, VcpusAndMemory, Workload

PlanTerms = tuple[OfferKind, int | None, Payment | None]
"""Kind, term in hours and payment of a savings plan."""


@dataclass(frozen=True)
class Machine:
    """An instance type in a region, as it is billed.

    ``plan_rates`` are its savings plan rates [USD / machine-hour] by kind, term and payment.
    """

    instance_type: str
    family: str
    region: str
    os: str
    tenancy: str
    pool: PoolKey
    units: Decimal
    on_demand_usd: Decimal
    plan_rates: tuple[tuple[PlanTerms, Decimal], ...] = ()

    @property
    def unit_price_usd(self) -> Fraction:
        """On-demand price of one unit of its pool."""
        return Fraction(self.on_demand_usd) / Fraction(self.units)

    @property
    def unit_plan_rates(self) -> dict[PlanTerms, Fraction]:
        """Savings plan rates of one unit of its pool."""
        return {terms: Fraction(rate) / Fraction(self.units) for terms, rate in self.plan_rates}

    @property
    def order(self) -> tuple[Fraction, Fraction, Decimal, str]:
        """Cheapest unit first: on demand, then under savings plans, then the smallest."""
        rates = sum(self.unit_plan_rates.values(), Fraction(0))
        return self.unit_price_usd, rates, self.units, self.instance_type


@dataclass(frozen=True)
class Candidate:
    """A machine on which a workload may run.

    Attributes:
        workload: position of the workload in the request.
        machine: the machine.
        needed: machines [hour] that serve the whole workload.
    """

    workload: int
    machine: Machine
    needed: NDArray[np.float64]


def find_candidates(
    workloads: tuple[Workload, ...], demand: Demand, catalog: Catalog, *, whole_machines: bool
) -> tuple[Candidate, ...]:
    """Every machine each workload may run on, in the order of the request.

    Raises:
        InvalidInputError: unknown types, families or regions, types without an on-demand price,
            selectors that match nothing; all of them at once.
    """
    faults = Faults()
    found: list[Candidate] = []
    for position, workload in enumerate(workloads):
        for machine, needed in _served_by(position, workload, demand, catalog, faults):
            found.append(Candidate(position, machine, needed))
    faults.raise_if_any()
    return tuple(found) if whole_machines else _undominated(found)


def _served_by(
    position: int, workload: Workload, demand: Demand, catalog: Catalog, faults: Faults
) -> Iterator[tuple[Machine, NDArray[np.float64]]]:
    regions = _known_regions(position, workload, catalog, faults)
    _check_types(position, workload, catalog, faults)
    series = [demand.series[name] for name in workload.series_names]
    for region in regions:
        for instance_type, per_machine in _capacities(position, workload, region, catalog, faults):
            machine = make_machine(catalog, instance_type, region, workload.os, workload.tenancy)
            shares = [s / c for s, c in zip(series, per_machine, strict=True)]
            yield machine, np.maximum.reduce(shares)


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


def make_machine(
    catalog: Catalog, instance_type: InstanceType, region: str, os: str, tenancy: str
) -> Machine:
    """The machine of a type in a region, with its on-demand price and its pool."""
    name = instance_type.name
    rates = catalog.rates_of(name, region, os, tenancy)
    return Machine(
        instance_type=name,
        family=instance_type.family,
        region=region,
        os=os,
        tenancy=tenancy,
        pool=catalog.pool_key(name, region, os, tenancy),
        units=catalog.units(name, os, tenancy),
        on_demand_usd=catalog.on_demand_usd(name, region, os, tenancy),
        plan_rates=tuple(
            ((rate.kind, rate.term_hours, rate.payment), rate.hourly_usd)
            for rate in rates
            if rate.kind.is_spend
        ),
    )


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
    position: int, workload: Workload, region: str, catalog: Catalog, faults: Faults
) -> list[tuple[InstanceType, tuple[float, ...]]]:
    """Types for a workload in a region, each with what one machine serves of every series."""
    needs, field = workload.needs, f"workloads.{position}.needs"
    match needs:
        case Machines():
            types = _sold([needs.of], f"{field}.of", workload, region, catalog, faults)
            return [(found, (1.0,)) for found in types]
        case NormalizedUnits():
            return _family_size(field, needs, workload, region, catalog, faults)
        case OwnUnit():
            names = sorted(needs.capacity)
            if not _sold(names, f"{field}.capacity", workload, region, catalog, faults):
                return []
            selector = workload.candidates.model_copy(update={"instance_types": tuple(names)})
            workload = workload.model_copy(update={"candidates": selector})
            selected = _selected(position, workload, region, catalog, faults)
            return [(found, (needs.capacity[found.name],)) for found in selected]
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


def _sold(
    names: list[str],
    field: str,
    workload: Workload,
    region: str,
    catalog: Catalog,
    faults: Faults,
) -> list[InstanceType]:
    sold = []
    for name in names:
        if not catalog.has_type(name):
            continue
        try:
            catalog.on_demand_usd(name, region, workload.os, workload.tenancy)
        except UnknownRateError:
            where = f"{region} ({workload.os}, {workload.tenancy})"
            faults.add(field, name, f"has no on-demand price in {where}; choose another region")
            continue
        sold.append(catalog.instance_type(name))
    return sold


def _selected(
    position: int, workload: Workload, region: str, catalog: Catalog, faults: Faults
) -> tuple[InstanceType, ...]:
    found = catalog.candidates(workload.candidates, region, workload.os, workload.tenancy)
    if not found:
        why = catalog.explain_no_match(workload.candidates, region, workload.os, workload.tenancy)
        shown = workload.candidates.model_dump(exclude_defaults=True, mode="json")
        faults.add(f"workloads.{position}.candidates", shown, f"matches nothing in {region}: {why}")
    return found


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
        if catalog.pool_key(size.name, region, workload.os, workload.tenancy).size_flexible
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
    return [(machines[cheapest], (float(cheapest.units),))]


def _undominated(candidates: list[Candidate]) -> tuple[Candidate, ...]:
    """Without those that another machine of the same workload and pool serves no dearer.

    Exact in the linear pools: the other needs no more units in any hour, at no higher price a
    unit, on demand and under every savings plan.
    """
    kept: list[Candidate] = []
    for one in sorted(candidates, key=lambda one: (one.workload, one.machine.order)):
        rivals = (
            other
            for other in kept
            if other.workload == one.workload and other.machine.pool == one.machine.pool
        )
        if not any(_serves_no_dearer(other, one) for other in rivals):
            kept.append(one)
    return tuple(kept)


def _serves_no_dearer(other: Candidate, one: Candidate) -> bool:
    """Whether ``other``, whose unit is no dearer on demand, serves all that ``one`` does."""
    rates = other.machine.unit_plan_rates
    for terms, rate in one.machine.unit_plan_rates.items():
        if terms not in rates or rates[terms] > rate:
            return False
    tolerance = 1 + 1e-12
    needed = one.needed * (float(one.machine.units) * tolerance)
    return bool(np.all(other.needed * float(other.machine.units) <= needed))
