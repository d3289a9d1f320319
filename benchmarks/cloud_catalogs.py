"""Made-up price lists of AWS, GCP and Azure, near a dollar per machine-hour.

Terms are as short as the horizons planned, so that every kind of commitment is worth buying in
some of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

START = datetime(2026, 1, 1, tzinfo=UTC)
SHARES = (0.35, 0.5, 0.62, 0.8)
"""Prices of commitments, of the price on demand."""

SOFTWARE_USD = 0.4
"""Windows on Azure, of one unit of a flexibility group."""

PAYMENTS = {"no_upfront": 0.0, "partial_upfront": 0.5, "all_upfront": 1.0}

Document = dict[str, Any]
Row = dict[str, Any]


@dataclass(frozen=True)
class Cloud:
    """What a provider sells in these requests.

    Attributes:
        provider: its name.
        region: its only region.
        types: instance types, as catalogues describe them.
        prices_usd: on demand, of all that is billed: machines, or their resources.
        dedicated: kinds of commitments to machines or resources.
        spend: kinds of commitments to dollars.
    """

    provider: str
    region: str
    types: tuple[Document, ...]
    prices_usd: Mapping[str, float]
    dedicated: tuple[str, ...]
    spend: tuple[str, ...]


def machine(name: str, family: str, vcpus: float, memory_gib: float, **more: object) -> Document:
    """An instance type."""
    return {"name": name, "family": family, "vcpus": vcpus, "memory_gib": memory_gib, **more}


def by_parts(name: str, series: str, vcpus: float, memory_gib: float) -> Document:
    """An instance type that is billed by its vCPUs and memory."""
    resources = {f"{series}/vcpu": vcpus, f"{series}/gib": memory_gib}
    return machine(name, series, vcpus, memory_gib, resources=resources)


def flexible(name: str, family: str, units: int) -> Document:
    """An instance type whose reservations serve the other sizes."""
    size = {"normalized_units": units, "size_flexible": True}
    return machine(name, family, 2 * units, 8 * units, **size)


CLOUDS = {
    "aws": Cloud(
        "aws",
        "east",
        (flexible("m.large", "m", 1), flexible("m.xlarge", "m", 2), machine("c.large", "c", 2, 4)),
        {"m.large": 1.0, "m.xlarge": 2.0, "c.large": 0.9},
        ("reserved_standard", "reserved_convertible"),
        ("savings_plan_ec2", "savings_plan_compute"),
    ),
    "gcp": Cloud(
        "gcp",
        "iowa",
        (
            by_parts("n2-standard-2", "n2", 2, 8),
            by_parts("n2-highmem-2", "n2", 2, 16),
            by_parts("n1-standard-1", "n1", 1, 3.75),
            by_parts("e2-standard-2", "e2", 2, 8),
        ),
        {
            "n2/vcpu": 0.32,
            "n2/gib": 0.043,
            "n1/vcpu": 0.31,
            "n1/gib": 0.042,
            "e2/vcpu": 0.22,
            "e2/gib": 0.03,
        },
        ("resource_commitment",),
        ("flexible_commitment",),
    ),
    "azure": Cloud(
        "azure",
        "europe",
        (flexible("D2", "Dv5", 1), flexible("D4", "Dv5", 2), machine("F2", "F", 2, 4)),
        {"D2": 1.0, "D4": 2.0, "F2": 0.85},
        ("azure_reservation",),
        ("azure_savings_plan",),
    ),
}


def price_lists(dice: Random, cloud: Cloud, hours: int, proportional: bool) -> list[Row]:
    """Rates of everything a provider sells."""
    usd = {
        name: round(price * (1.0 if proportional else dice.choice((0.97, 1.0, 1.06))), 6)
        for name, price in cloud.prices_usd.items()
    }
    rows = [row(cloud, name, "on_demand", price) for name, price in usd.items()]
    if dice.random() < 0.5:
        share = dice.choice((0.3, 0.6, 1.1))
        rows += [row(cloud, name, "spot", price * share) for name, price in usd.items()]
    for name, price in usd.items():
        if dice.random() < 0.5:
            rows.append(reservations(dice, cloud, name, price, hours))
    for kind in cloud.spend:
        for term in dice.sample(terms(hours), dice.randint(0, 2)):
            payment = dice.choice(tuple(PAYMENTS))
            share = {series_of(cloud, name): dice.choice(SHARES) for name in usd}
            more = {"term_hours": term, "payment": payment}
            rows += [
                row(cloud, name, kind, price * share[series_of(cloud, name)], **more)
                for name, price in usd.items()
            ]
    return rows + windows(cloud, usd)


def windows(cloud: Cloud, usd: Mapping[str, float]) -> list[Row]:
    """On Azure, machines with Windows: their price and that of the software."""
    if cloud.provider != "azure":
        return []
    return [
        row(cloud, one["name"], "on_demand", usd[one["name"]] + software, os="windows")
        for one in cloud.types
        for software in (SOFTWARE_USD * one.get("normalized_units", 1),)
    ]


def reservations(dice: Random, cloud: Cloud, name: str, usd: float, hours: int) -> Row:
    """A commitment to machines of a type, or to a resource."""
    payment = dice.choice(tuple(PAYMENTS))
    term, hourly = dice.choice(terms(hours)), usd * dice.choice(SHARES)
    ahead = PAYMENTS[payment]
    more = {"term_hours": term, "payment": payment, "upfront_usd": round(hourly * ahead * term, 6)}
    kind = dice.choice(cloud.dedicated)
    return row(cloud, name, kind, hourly * (1 - ahead), **more)


def terms(hours: int) -> tuple[int, ...]:
    """Some that end inside the horizon, some after it."""
    return (hours // 3, hours - 5, hours, 3 * hours)


def series_of(cloud: Cloud, name: str) -> str:
    """Whose plan rates fall together: those of a family's machines, or of a series' resources."""
    families = {one["name"]: one["family"] for one in cloud.types}
    return str(families.get(name, name.partition("/")[0]))


def row(cloud: Cloud, name: str, kind: str, usd: float, **more: object) -> Row:
    """A row of a price list."""
    what = {"instance_type": name, "region": cloud.region, "kind": kind}
    return {**what, "hourly_usd": round(usd, 6), **more}


def catalog(cloud: Cloud, rates: Sequence[Row]) -> Document:
    """A provider's price list."""
    return {
        "name": cloud.provider,
        "provider": cloud.provider,
        "source": "made up",
        "as_of": START.date().isoformat(),
        "instance_types": list(cloud.types),
        "rates": list(rates),
    }
