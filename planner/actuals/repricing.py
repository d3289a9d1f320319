"""Machines at the prices of another catalogue."""

from dataclasses import replace

from catalogs import Catalog, Faults
from planner.fleet import Machine, Resource, is_sold_on_demand, make_machine, spot_machine
from planner.problem import Problem
from planner.request import Workload


def with_prices(problem: Problem, catalog: Catalog) -> Problem:
    """The same machines at on-demand and spot prices of a catalogue.

    What is committed keeps its prices; they were agreed on when it was bought.

    Raises:
        InvalidInputError: with every machine that the catalogue does not sell.
    """
    faults, candidates = Faults(), []
    for candidate in problem.candidates:
        workload = problem.request.workloads[candidate.workload]
        machine = _repriced(candidate.machine, workload, catalog)
        if machine is None:
            shown = f"{candidate.machine.instance_type} in {candidate.machine.region}"
            faults.add("prices", shown, "the catalogue has no price of it; name another")
        else:
            candidates.append(replace(candidate, machine=machine))
    faults.raise_if_any()
    return replace(problem, candidates=tuple(candidates))


def _repriced(machine: Machine, workload: Workload, catalog: Catalog) -> Machine | None:
    """The machine at the catalogue's prices; None where it is not sold there any more."""
    if not machine.sold_on_demand:
        return machine  # its price only says what its usage counts as
    sold = _sold(machine, workload, catalog)
    if sold is None or len(sold.parts) != len(machine.parts):
        return None
    parts = tuple(
        replace(before, resource=_at_price_of(now.resource, before.resource))
        for before, now in zip(machine.parts, sold.parts, strict=True)
    )
    return replace(machine, parts=parts)


def _sold(machine: Machine, workload: Workload, catalog: Catalog) -> Machine | None:
    name, place = machine.instance_type, (machine.region, workload.os, workload.tenancy)
    if not catalog.has_type(name):
        return None
    if machine.is_spot:
        return spot_machine(catalog, catalog.instance_type(name), *place)
    if not is_sold_on_demand(catalog, name, *place):
        return None
    benefit = workload.hybrid_benefit
    return make_machine(catalog, catalog.instance_type(name), *place, hybrid_benefit=benefit)


def _at_price_of(sold: Resource, resource: Resource) -> Resource:
    """A resource at another's prices; its pool, and so what serves it, stays."""
    return replace(resource, on_demand_usd=sold.on_demand_usd, software_usd=sold.software_usd)
