"""Requests that plan what past bills show to have been used, one for each provider."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from catalogs import Catalog, UnknownRateError, bundled_names
from planner.past_bills.commitments_owned import owned_commitments
from planner.past_bills.history import BillHistory, PoolUsage
from planner.past_bills.usage_tables import BASELINE_FILE, DEMAND_FILE

PROVIDERS = ("aws", "azure", "gcp")
"""Providers whose price catalogues a request can name."""

_PARTS = ("vcpu", "gib")
"""Ends of the names of what is billed in place of machines: ``n2/vcpu``."""

Kind = tuple[str, str, str, str]
"""Region, instance type or resource, operating system, tenancy."""


@dataclass(frozen=True)
class PastRequest:
    """A request document, and what could not be put into it."""

    provider: str
    document: dict[str, object]
    remarks: tuple[str, ...]


def requests_of(history: BillHistory) -> tuple[PastRequest, ...]:
    """A request for each provider whose machine time the bills show, by provider.

    Workloads and their demand are the past's; the catalogue is today's bundled one, and machines
    it does not sell are left out with a remark.
    """
    used = [one for one in history.pools if one.provider in PROVIDERS]
    by_provider = groupby(used, key=lambda one: one.provider)
    requests = (_request(history, provider, pools) for provider, pools in by_provider)
    return tuple(one for one in requests if one is not None)


def _request(history: BillHistory, provider: str, pools: Iterable[PoolUsage]) -> PastRequest | None:
    kinds = sorted({(one.region, one.instance_type, one.os, one.tenancy) for one in pools})
    sold, remarks = _sold(provider, kinds)
    workloads = [_machines(provider, one) for one in sold if "/" not in one[1]]
    workloads += _resources(provider, [one for one in sold if "/" in one[1]])
    if not workloads:
        return None
    uses = [one for one in history.commitments if one.provider == provider]
    owned, lacking = owned_commitments(uses)
    if history.currency != "USD" and owned:
        owned, lacking = [], [*lacking, f"commitments are billed in {history.currency}, not USD"]
    document: dict[str, object] = {
        "name": f"{provider} as billed",
        "catalog": provider,
        "demand": {"file": DEMAND_FILE, "absent": "zero"},
        "owned": owned,
        "workloads": workloads,
    }
    if history.currency != "USD":
        lacking = [*lacking, f"no present_bill: it is in {history.currency}, plans are in USD"]
    else:
        document["present_bill"] = {"file": BASELINE_FILE, "providers": [provider]}
    return PastRequest(provider, document, (*remarks, *lacking))


def _sold(provider: str, kinds: Sequence[Kind]) -> tuple[list[Kind], list[str]]:
    """Kinds that the bundled catalogue sells, all where there is none; remarks on the others."""
    if provider not in bundled_names():
        return list(kinds), [f"no {provider} catalogue is bundled: name your own in the request"]
    catalog = Catalog.bundled(provider)
    sold = [one for one in kinds if "/" in one[1] or _has_price(catalog, one)]
    others = ["/".join(one) for one in kinds if one not in sold]
    if not others:
        return sold, []
    listed = ", ".join(others[:3]) + (f" and {len(others) - 3} more" if others[3:] else "")
    return sold, [f"not in the request, as the catalogue has no price of them: {listed}"]


def _has_price(catalog: Catalog, kind: Kind) -> bool:
    region, instance_type, os, tenancy = kind
    try:
        catalog.on_demand_usd(instance_type, region, os, tenancy)
    except UnknownRateError:
        return False
    return True


def _machines(provider: str, kind: Kind) -> dict[str, object]:
    region, instance_type, os, tenancy = kind
    return {
        "name": "/".join((provider, *kind)),
        "regions": [region],
        "os": os,
        "tenancy": tenancy,
        "needs": {"unit": "machines", "of": instance_type},
    }


def _resources(provider: str, kinds: Sequence[Kind]) -> list[dict[str, object]]:
    """Workloads of vCPUs and memory, where a region bills both of a series."""
    workloads: list[dict[str, object]] = []
    for region, series, os, tenancy in sorted({(r, t.split("/")[0], o, n) for r, t, o, n in kinds}):
        names = [f"{series}/{part}" for part in _PARTS]
        if not all((region, name, os, tenancy) in kinds for name in names):
            continue
        vcpus, memory = ("/".join((provider, region, name, os, tenancy)) for name in names)
        workloads.append(
            {
                "name": "/".join((provider, region, series, os, tenancy)),
                "regions": [region],
                "os": os,
                "tenancy": tenancy,
                "candidates": {"families": [series]},
                "needs": {"unit": "vcpus_and_memory", "vcpus": vcpus, "memory_gib": memory},
            }
        )
    return workloads
