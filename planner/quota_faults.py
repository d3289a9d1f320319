"""What can be wrong with quotas."""

from catalogs import Catalog, Faults
from planner.fleet import Candidate
from planner.machines import Machine
from planner.request import PlanRequest, Quota


def check_quotas(
    request: PlanRequest, catalog: Catalog, candidates: tuple[Candidate, ...], faults: Faults
) -> None:
    """Quotas count whole machines of types and regions that exist."""
    known = {
        "regions": set(catalog.regions()),
        "families": {catalog.instance_type(n).family for n in catalog.instance_types.index},
        "instance_types": set(catalog.instance_types.index),
    }
    machines = {candidate.machine for candidate in candidates}
    for position, quota in enumerate(request.limits.quotas):
        field = f"limits.quotas.{position}"
        if not request.whole_machines:
            fix = "quotas count whole machines; write whole_machines: true, or take it out"
            faults.add(field, quota.name, fix)
        for criterion, names in known.items():
            for name in getattr(quota, criterion) or ():
                if name not in names:
                    faults.add(
                        f"{field}.{criterion}", name, "the catalogue knows none; take it out"
                    )
        if quota.at_most_vcpus is not None:
            for name in _without_vcpus(quota, catalog, machines):
                fix = "the catalogue does not know its vCPUs; add them, or limit machines"
                faults.add(f"{field}.at_most_vcpus", name, fix)


def _without_vcpus(quota: Quota, catalog: Catalog, machines: set[Machine]) -> list[str]:
    inside = {
        machine.instance_type
        for machine in machines
        if quota.counts(machine.region, machine.family, machine.instance_type)
    }
    return sorted(name for name in inside if catalog.instance_type(name).vcpus is None)
