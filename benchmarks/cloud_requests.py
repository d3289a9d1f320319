"""Random small requests over the products of AWS, GCP, Azure and servers of one's own.

Shared by the tests and by ``clouds_agreement.py``; prices are those of ``cloud_catalogs.py``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random

import numpy as np
from cloud_catalogs import (
    CLOUDS,
    SHARES,
    START,
    Cloud,
    Document,
    Row,
    catalog,
    price_lists,
    row,
)

MONTH_HOURS = 744
"""January: sustained use is whole."""

SPANS = (24, 48, 72, MONTH_HOURS)
"""Lengths of the horizons [hours]."""

GAP = 1e-6
LIFE_HOURS = 8760
OWN = "mixed+own"
PROVIDERS = (*CLOUDS, OWN)
HOLDING = ("aws", "azure")
"""Providers of which capacity is held in some requests."""


@dataclass(frozen=True)
class CloudRequest:
    """A request, and whether its bill must be at or above the model's bound.

    Attributes:
        document: as its user would write it.
        is_bounded: prices are proportional inside families, nothing but cost decides which
            commitment serves what, and the model knows all that the bill does: it does not know
            that servers spare software.
    """

    document: Document
    is_bounded: bool

    def solved_by(self, **solve: object) -> Document:
        """The same request, solved otherwise."""
        return self.document | {"solve": {"gap": GAP, **solve}}


def cloud_request(dice: Random, provider: str, spans: Sequence[int] = SPANS) -> CloudRequest:
    """A request over one provider's products, or over all and servers of one's own.

    Args:
        dice: makes every choice.
        provider: one of `PROVIDERS`.
        spans: lengths of the horizon to choose from [hours].
    """
    clouds = list(CLOUDS.values()) if provider == OWN else [CLOUDS[provider]]
    hours = dice.choice(spans)
    proportional = dice.choice((True, True, True, False))
    prices = {one.provider: price_lists(dice, one, hours, proportional) for one in clouds}
    workloads = [workloads_on(dice, clouds, position) for position in range(dice.randint(1, 3))]
    hardware = [servers(dice, clouds)] if provider == OWN or dice.random() < 0.15 else []
    limits, limits_service = limits_of(dice)
    futures = dice.choice(((), (), (), ("calm", "busy")))
    document = {
        "catalog": [{"inline": catalog(one, prices[one.provider])} for one in clouds],
        "horizon": horizons(dice, hours),
        "purchases": {"hours": sorted({0, *dice.sample(range(1, hours), dice.randint(0, 2))})},
        "commitment_step_usd": dice.choice((0.01, 0.25)),
        "simplify": "off",
        "reservations": dice.choice(("pooled", "pooled", "pooled", "dedicated")),
        "workloads": workloads,
        "hardware": hardware,
        "limits": limits,
        "demand": demand_of(workloads, futures, hours, dice.randint(0, 10**6)),
    }
    if futures:
        document["scenarios"] = dict(zip(futures, (0.4, 0.6), strict=True))
    document["owned"] = owned_of(dice, clouds, prices, document, hours)
    if provider in HOLDING and "coverage" not in limits:
        hold_capacity(dice, workloads, hours)
    if provider == "aws" and dice.random() < 0.3:
        sell_blocks(dice, document)
    licensed = any(one.get("hybrid_benefit") is False for one in workloads)
    is_bounded = proportional and not limits_service and not (licensed and hardware)
    return CloudRequest(document, is_bounded)


def workloads_on(dice: Random, clouds: Sequence[Cloud], position: int) -> Document:
    """A workload on one machine, or on a choice of up to four."""
    types = {one["name"]: (cloud, one) for cloud in clouds for one in cloud.types}
    names = dice.sample(sorted(types), min(dice.randint(1, 4), len(types)))
    chosen = [types[name] for name in sorted(names)]
    workload: Document = {
        "name": f"w{position}",
        "regions": sorted({cloud.region for cloud, _ in chosen}),
    }
    workload |= needs_of(dice, workload["name"], [one for _, one in chosen])
    if {cloud.provider for cloud, _ in chosen} == {"azure"} and dice.random() < 0.5:
        workload |= {"os": "windows", "hybrid_benefit": dice.random() < 0.5}
    if dice.choice((True, False, False)):
        most, overhead = dice.choice((0.3, 0.7, 1.0)), dice.choice((0, 0.05, 2))
        workload["spot"] = {"at_most": most, "overhead": overhead}
    return workload | placements(dice, [(cloud.provider, one["family"]) for cloud, one in chosen])


def needs_of(dice: Random, name: str, types: Sequence[Document]) -> Document:
    """Machines of a type, vCPUs and memory, or units that each type serves some of."""
    if len(types) == 1 and dice.random() < 0.5:
        return {"needs": {"unit": "machines", "of": types[0]["name"]}}
    if dice.random() < 0.5:
        series = {"vcpus": f"{name} vcpus", "memory_gib": f"{name} gib"}
        chosen = {"instance_types": [one["name"] for one in types]}
        return {"needs": {"unit": "vcpus_and_memory", **series}, "candidates": chosen}
    faster = {one["name"]: dice.choice((0.9, 1.0, 1.2)) for one in types}
    capacity = {one["name"]: one["vcpus"] * faster[one["name"]] for one in types}
    return {"needs": {"unit": "own", "capacity": capacity}}


def placements(dice: Random, places: Sequence[tuple[str, str]]) -> Document:
    """A bound on the share of a provider or of a family, where there are several."""
    for criterion, names in (("providers", 0), ("families", 1)):
        found = sorted({place[names] for place in places})
        if len(found) > 1 and dice.random() < 0.5:
            bound = dice.choice(("at_least", "at_most"))
            share = dice.choice((0.25, 0.5, 0.9))
            return {"placement": [{criterion: [dice.choice(found)], bound: share}]}
    return {}


def hold_capacity(dice: Random, workloads: Sequence[Document], hours: int) -> None:
    """Capacity held for some workloads, all the time or for a part of it."""
    for workload in workloads:
        if "spot" in workload or dice.random() < 0.6:
            continue
        held: Document = {"share_of_peak": dice.choice((0.3, 0.8, 1.2))}
        if dice.random() < 0.5:
            begun = dice.randint(0, hours - 2)
            held |= span(begun, dice.randint(1, hours - begun))
        workload["capacity"] = [held, {"share_of_peak": 0.5}][: dice.randint(1, 2)]


def sell_blocks(dice: Random, document: Document) -> None:
    """Capacity blocks of a day, of every machine."""
    cloud, rates = CLOUDS["aws"], document["catalog"][0]["inline"]["rates"]
    share = dice.choice(SHARES)
    more = {"term_hours": 24, "payment": "all_upfront"}
    rates += [
        row(cloud, name, "capacity_block", 0, upfront_usd=round(24 * price * share, 6), **more)
        for name, price in cloud.prices_usd.items()
    ]
    document["offers"] = {"kinds": ["capacity_block", *cloud.dedicated, *cloud.spend]}


def servers(dice: Random, clouds: Sequence[Cloud]) -> Document:
    """A server that stands in for about four machines of each provider, at about their price."""
    replaces: dict[str, float] = {}
    for cloud in clouds:
        chosen = dice.choice(cloud.types)
        parts = chosen.get("resources") or {chosen["name"]: 1.0}
        replaces |= {name: 4 * quantity for name, quantity in parts.items()}
    return {
        "name": "r1",
        "site": "cellar",
        "replaces": replaces,
        "capex_usd": round(LIFE_HOURS * dice.choice((0.4, 1.2, 2.5)), 2),
        "salvage_usd": dice.choice((0, 1000)),
        "life_years": 1,
        "power_kw": 0.5,
        "pue": 1.5,
        "energy_usd_per_kwh": 0.2,
        "operation_usd_per_hour": 0.1,
        "lead_time_hours": dice.choice((0, 0, 6)),
    }


def limits_of(dice: Random) -> tuple[Document, bool]:
    """Limits, and whether they say which commitment serves what."""
    found: Document = {}
    if dice.choice((True, False, False)):
        found["upfront_budget_usd"] = dice.choice((0, 20, 200))
    service: list[Document] = [{}] * 9
    service += [{"coverage": {"at_least": 0.3}}, {"coverage": {"at_most": 0.5}}]
    service += [{"utilization": {"at_least": 0.8}}]
    limited = dice.choice(service)
    return found | limited, bool(limited)


def horizons(dice: Random, hours: int) -> Document:
    """A horizon in one of the accountings."""
    accounting = dice.choice(("amortized", "amortized", "cash_flow", "full_term"))
    found: Document = {"hours": hours, "accounting": accounting}
    return found | ({"discount_rate": 9.0} if accounting == "cash_flow" else {})


def owned_of(
    dice: Random,
    clouds: Sequence[Cloud],
    prices: Mapping[str, Sequence[Row]],
    document: Document,
    hours: int,
) -> list[Document]:
    """Up to one commitment of each sort: to machines, to dollars, servers."""
    found: list[Document] = []
    begun = dice.randint(-20, hours - 1)
    cloud = dice.choice(clouds)
    tied = document["reservations"] == "dedicated"
    workload = {"workload": document["workloads"][0]["name"]} if tied else {}
    if dice.choice((True, False, False)):
        name = dice.choice(sorted(cloud.prices_usd))
        price = {"hourly_usd": round(cloud.prices_usd[name] * 0.6, 6)}
        scope = {"instance_type": name, "region": cloud.region, "quantity": 2}
        kind = {"kind": dice.choice(cloud.dedicated)}
        lasts = span(begun, dice.randint(1, hours))
        found.append({"id": "machines", **kind, **scope, **price, **lasts, **workload})
    sold = [one for one in prices[cloud.provider] if one["kind"] == cloud.spend[-1]]
    if sold and dice.choice((True, False, False)):
        one = dice.choice(sold)
        terms = {"kind": one["kind"], "payment": one["payment"], "commitment_usd": 1.5}
        found.append({"id": "dollars", **terms, **span(begun, one["term_hours"])})
    if document["hardware"] and dice.random() < 0.5:
        scope = {"instance_type": "r1", "region": "cellar", "quantity": 1, **workload}
        terms = {"kind": "own_hardware", "payment": "all_upfront"}
        found.append({"id": "servers", **terms, **scope, **span(begun, LIFE_HOURS)})
    return found


def span(begun: int, length: int) -> Document:
    """Start and end of a commitment that began in an hour of the horizon."""
    start = START + timedelta(hours=begun)
    return {"start": start.isoformat(), "end": (start + timedelta(hours=length)).isoformat()}


def demand_of(
    workloads: Sequence[Document], futures: Sequence[str], hours: int, seed: int
) -> Document:
    """Days that are alike but for their level; a value every few hours."""
    draw = np.random.default_rng(seed)
    names = [name for one in workloads for name in series_names(one)]
    inline: Document = {"start": START.isoformat()}
    if not futures:
        series = {name: _series(draw, hours) for name in names}
        return {"inline": inline | {"series": series}}
    scenarios = {future: {name: _series(draw, hours) for name in names} for future in futures}
    return {"inline": inline | {"scenarios": scenarios}}


def series_names(workload: Document) -> list[str]:
    """Names of the series that a workload needs."""
    needs = workload["needs"]
    if needs["unit"] == "vcpus_and_memory":
        return [needs["vcpus"], needs["memory_gib"]]
    return [workload["name"]]


def _series(draw: np.random.Generator, hours: int) -> list[float]:
    day = np.repeat(draw.integers(0, 12, 6), 4)
    level = draw.choice([0.5, 1.0, 1.5], size=-(-hours // 24))
    return np.concatenate([day * one for one in level])[:hours].tolist()
