"""What can be wrong with quotas and with limits on egress."""

from catalogs import Catalog, Faults
from planner.fleet.candidate import Candidate
from planner.fleet.machines import Machine
from planner.request import EgressLimit, Home, PlanRequest, Quota

OTHER_HOMES = frozenset({"aws", "azure", "gcp", "own"})
"""Providers a home may be at that the request's catalogues do not have."""

UNKNOWN_FIX = "the catalogue knows none; take it out"


def check_quotas(
    request: PlanRequest, catalog: Catalog, candidates: tuple[Candidate, ...], faults: Faults
) -> None:
    """Quotas count machines of providers, types and regions that exist."""
    known = {
        "providers": _providers(catalog),
        "regions": set(catalog.regions()),
        "families": {catalog.instance_type(n).family for n in catalog.instance_types.index},
        "instance_types": set(catalog.instance_types.index),
    }
    machines = {candidate.machine for candidate in candidates}
    for position, quota in enumerate(request.limits.quotas):
        field = f"limits.quotas.{position}"
        _check_known(field, quota, known, faults)
        if quota.at_most_vcpus is not None:
            for name in _without_vcpus(quota, catalog, machines):
                fix = "the catalogue does not know its vCPUs; add them, or limit machines"
                faults.add(f"{field}.at_most_vcpus", name, fix)


def check_egress(request: PlanRequest, catalog: Catalog, faults: Faults) -> None:
    """Egress is limited of workloads that have it, to places that exist, in parts of machines."""
    places = {"providers": _providers(catalog), "regions": set(catalog.regions())}
    for position, workload in enumerate(request.workloads):
        if workload.egress is not None:
            field = f"workloads.{position}.egress.home"
            _check_home(field, workload.egress.home, catalog, faults)
    moving = [one.name for one in request.workloads if one.egress is not None]
    names = {one.name for one in request.workloads}
    for position, limit in enumerate(request.limits.egress):
        field = f"limits.egress.{position}"
        if request.whole_machines:
            fix = "cannot go with whole_machines; take one of them out"
            faults.add(field, limit.name, fix)
        _check_known(field, limit, places, faults)
        for name in limit.workloads or ():
            if name not in names:
                fix = f"no such workload; there are: {', '.join(sorted(names))}"
                faults.add(f"{field}.workloads", name, fix)
            elif name not in moving:
                fix = "has no egress; write what it moves in its egress, or take it out"
                faults.add(f"{field}.workloads", name, fix)
        if not moving and limit.workloads is None:
            fix = "no workload has egress; write what one moves in workloads[].egress"
            faults.add(field, limit.name, fix)


def _check_known(
    field: str, limit: Quota | EgressLimit, known: dict[str, set[str]], faults: Faults
) -> None:
    for criterion, names in known.items():
        for name in getattr(limit, criterion) or ():
            if name not in names:
                faults.add(f"{field}.{criterion}", name, UNKNOWN_FIX)


def _check_home(field: str, home: Home, catalog: Catalog, faults: Faults) -> None:
    """A home may be beyond the catalogues; a place of theirs must be one."""
    providers = _providers(catalog)
    if home.provider not in providers | OTHER_HOMES:
        listed = ", ".join(sorted(providers | OTHER_HOMES))
        faults.add(f"{field}.provider", home.provider, f"no such provider; there are: {listed}")
    elif home.provider in providers and home.region not in catalog.regions():
        fix = "the catalogue knows none; write a region of its provider"
        faults.add(f"{field}.region", home.region, fix)


def _providers(catalog: Catalog) -> set[str]:
    return set(catalog.instance_types["provider"])


def _without_vcpus(quota: Quota, catalog: Catalog, machines: set[Machine]) -> list[str]:
    inside = {
        machine.instance_type
        for machine in machines
        if quota.counts(machine.provider, machine.region, machine.family, machine.instance_type)
    }
    return sorted(name for name in inside if catalog.instance_type(name).vcpus is None)
