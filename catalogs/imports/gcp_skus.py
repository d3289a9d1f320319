"""Google's Cloud Billing catalogue: pages of SKUs, each the price of one resource.

Google sells cores, memory and local SSD of a series; what a SKU sells stands in its description
only ("N2 Instance Core running in Americas", "Commitment v1: Cpu in Montreal for 1 Year").
"""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from catalogs.faults import shown
from catalogs.gcp import (
    GIB_PER_LOCAL_SSD,
    GIB_PER_VCPU,
    LOCAL_SSD,
    discounted,
    flexible_discount,
    flexible_rule,
    vcpu_with_memory,
)
from catalogs.imports.formats import Format
from catalogs.imports.gathering import FoundRate, Gathering, Machine
from catalogs.imports.json_pieces import ANY
from catalogs.imports.report import RefusedRow, Rows
from catalogs.imports.sources import Source
from catalogs.kinds import OfferKind, Payment
from catalogs.offers import HOURS_PER_YEAR

SOURCE = "Google Cloud Billing catalogue"

_HOURS_PER_MONTH = 730  # what Google's monthly prices are quoted for

_LEAST = Decimal("1e-6")  # no currency is worth a million dollars

_USAGE: Mapping[str, tuple[OfferKind, int]] = {
    "OnDemand": (OfferKind.ON_DEMAND, 0),
    "Preemptible": (OfferKind.SPOT, 0),
    "Commit1Yr": (OfferKind.RESOURCE_COMMITMENT, HOURS_PER_YEAR),
    "Commit3Yr": (OfferKind.RESOURCE_COMMITMENT, 3 * HOURS_PER_YEAR),
}
_UNIT_OF = {"core": "vcpu", "cpu": "vcpu", "ram": "gib", "local ssd": LOCAL_SSD}
_NAMED_SERIES = {
    "n1 predefined": "n1",
    "compute optimized": "c2",
    "memory-optimized": "m1",
    "m3 memory-optimized": "m3",
}
_RUNNING = re.compile(
    r"(?:Spot )?(?:Preemptible )?(?P<what>.+?) (?:Instance )?(?P<part>Core|Ram|Local SSD)"
    r" running in .+",
    re.IGNORECASE,
)
_COMMITTED = re.compile(
    r"Commitment(?: v1)?: (?:(?P<what>.+?) )?(?P<part>Core|Cpu|Ram|Local SSD)(?: running)?"
    r" in .+ for \d Years?",
    re.IGNORECASE,
)
_SERIES = re.compile(r"(?P<series>[a-z]\d[a-z]?)(?: amd| arm)?", re.IGNORECASE)
_OTHER_GOODS = {
    "custom": "a custom machine type",
    "sole tenancy": "sole tenancy",
    "upgrade premium": "a premium on memory-optimized machines (M2)",
    "reserved": "reserved for a time in the calendar",
    "dws": "reserved for a time in the calendar",
    "gpu": "a GPU, which no machine here is billed apart from",
    "burstable": "a machine with a shared core",
    "small instance": "a machine with a shared core",
}


class Resource(NamedTuple):
    """What a SKU sells: its name in the catalogue, and the last part of it."""

    name: str
    unit: str


def read(source: Source, rows: Rows, found: Gathering) -> None:
    """Read every SKU of a page."""
    for number, (_, sku) in enumerate(source.pieces([("skus", ANY)]), 1):
        with rows.at(number):
            _read_sku(sku, rows, found)


def _read_sku(sku: object, rows: Rows, found: Gathering) -> None:
    fields = _object(sku, "the SKU")
    category = _object(fields.get("category"), "category")
    if category.get("resourceFamily") != "Compute":
        raise RefusedRow("is no compute resource", shown(category.get("resourceFamily")))
    usage = _USAGE.get(str(category.get("usageType")))
    if usage is None:
        raise RefusedRow("way to use it is unknown", shown(category.get("usageType")))
    resource = _resource(str(fields.get("description", "")))
    regions = fields.get("serviceRegions")
    if not isinstance(regions, list) or not regions or "global" in regions:
        raise RefusedRow("is sold in no region", shown(regions))
    kind, hours = usage
    day, nanousd, derived = _price(fields.get("pricingInfo"), resource, found.day)
    for region in regions:
        rate = FoundRate(
            machine=Machine(resource.name, str(region)),
            kind=kind,
            hourly_nanousd=nanousd,
            as_of=day,
            source=SOURCE,
            term_hours=hours,
            payment=Payment.NO_UPFRONT if hours else None,
            derived=derived,
        )
        found.add(rate, rows.file, rows.number)


def _object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RefusedRow(f"{what} is no object", shown(value))
    return value


def _resource(description: str) -> Resource:
    """The resource a description tells of.

    Raises:
        RefusedRow: none of a machine series.
    """
    for word, reason in _OTHER_GOODS.items():
        if word in description.lower():
            raise RefusedRow(reason, shown(description))
    told = _RUNNING.fullmatch(description) or _COMMITTED.fullmatch(description)
    # A commitment that names no series is one to N1, which had none beside it at first.
    what = "n1 predefined" if told and told["what"] is None else told and told["what"].lower()
    series = _NAMED_SERIES.get(what or "")
    if series is None and (match := _SERIES.fullmatch(what or "")):
        series = match["series"]
    if told is None or series is None:
        raise RefusedRow("description tells of no known resource", shown(description))
    unit = _UNIT_OF[told["part"].lower()]
    return Resource(f"{series}/{unit}", unit)


def _price(pricing: object, resource: Resource, day: date) -> tuple[date, int, str | None]:
    """Day and price in force [nano-dollars per unit and hour], and how it was converted if it was.

    Raises:
        RefusedRow: there is none, or none in whole.
    """
    if not isinstance(pricing, list) or not pricing:
        raise RefusedRow("has no price", shown(pricing))
    infos = [_object(info, "price") for info in pricing]
    latest = max(infos, key=_effective_time)
    expression = _object(latest.get("pricingExpression"), "price")
    tiers = expression.get("tieredRates")
    if not isinstance(tiers, list) or len(tiers) != 1:
        raise RefusedRow("price depends on the quantity", shown(tiers))
    tier = _object(tiers[0], "price")
    unit_price = _object(tier.get("unitPrice"), "price")
    usd, derived = _in_usd(unit_price, latest.get("currencyConversionRate"))
    hourly_usd = usd * _units_per_hour(str(expression.get("usageUnit")), resource)
    if hourly_usd <= 0:
        raise RefusedRow("price is 0 or less", str(hourly_usd))
    try:
        effective = date.fromisoformat(_effective_time(latest)[:10])
    except ValueError:
        effective = day
    return effective, int((hourly_usd * 10**9).to_integral_value()), derived


def _effective_time(info: Mapping[str, Any]) -> str:
    # One well-known client writes the key in upper case.
    return str(info.get("effectiveTime") or info.get("EffectiveTime") or "")


def _in_usd(price: Mapping[str, Any], conversion: object) -> tuple[Decimal, str | None]:
    """A price of units and nanos in USD, by the list's own conversion rate."""
    try:
        units, nanos = (Decimal(str(price.get(key) or 0)) for key in ("units", "nanos"))
        rate = Decimal(str(1 if conversion is None else conversion))
    except InvalidOperation:
        raise RefusedRow("price is no number", shown(dict(price))) from None
    numbers = (units, nanos, rate)
    if not all(number.is_finite() and 0 <= number < 10**9 for number in numbers) or rate < _LEAST:
        raise RefusedRow("price is out of range", shown(dict(price)))
    amount = units + nanos / 10**9
    currency = str(price.get("currencyCode"))
    if currency == "USD":
        return amount, None
    if rate == 1:
        raise RefusedRow("currency is not USD and no conversion rate is given", currency)
    return amount / rate, f"converted from {currency}, {rate} to a USD"


def _units_per_hour(usage_unit: str, resource: Resource) -> Decimal:
    """By what a price is multiplied to be one of the resource's own unit, for an hour."""
    disk = Decimal(GIB_PER_LOCAL_SSD)
    factors = {
        ("vcpu", "h"): Decimal(1),
        ("gib", "GiBy.h"): Decimal(1),
        (LOCAL_SSD, "GiBy.h"): disk,
        (LOCAL_SSD, "GiBy.mo"): disk / _HOURS_PER_MONTH,
    }
    factor = factors.get((resource.unit, usage_unit))
    if factor is None:
        raise RefusedRow("unit is not that of the resource", f"{usage_unit} of {resource.name}")
    return factor


class _Place(NamedTuple):
    """Where and how a resource is bought."""

    region: str
    kind: OfferKind
    term_hours: int


class _Found(NamedTuple):
    """A price found in a row of a file."""

    nanousd: int
    as_of: date
    file: str
    row: int


def finish(found: Gathering) -> None:
    """Join vCPUs and memory that go together, then derive rates under flexible commitments."""
    by_resource = _latest_prices(found)
    for series, gib in GIB_PER_VCPU.items():
        cores, memory = (by_resource.pop(f"{series}/{unit}", {}) for unit in ("vcpu", "gib"))
        name = vcpu_with_memory(series, gib)
        joined = {
            place: core._replace(nanousd=core.nanousd + gib * memory[place].nanousd)
            for place, core in cores.items()
            if place in memory
        }
        for place, price in joined.items():
            _add(found, name, place, price, f"a vCPU and {gib} GiB")
        by_resource[name] = joined
    for name, prices in by_resource.items():
        for place, price in prices.items():
            if place.kind is OfferKind.ON_DEMAND:
                _add_flexible(found, name, place, price)


def _latest_prices(found: Gathering) -> dict[str, dict[_Place, _Found]]:
    """The prices found of each resource."""
    by_resource: dict[str, dict[_Place, _Found]] = {}
    dated = found.rates.frame().sort_values("as_of", kind="stable")
    for rate in dated.to_dict("records"):
        place = _Place(rate["region"], OfferKind(rate["kind"]), int(rate["term_hours"]))
        day = date.fromisoformat(rate["as_of"])
        price = _Found(int(rate["hourly_nanousd"]), day, rate["file"], int(rate["row"]))
        by_resource.setdefault(rate["instance_type"], {})[place] = price
    return by_resource


def _add_flexible(found: Gathering, name: str, place: _Place, on_demand: _Found) -> None:
    for years in (1, 3):
        share = flexible_discount(name, years)
        if share is not None:
            covered = _Place(place.region, OfferKind.FLEXIBLE_COMMITMENT, years * HOURS_PER_YEAR)
            price = on_demand._replace(nanousd=discounted(on_demand.nanousd, share))
            _add(found, name, covered, price, flexible_rule(share, years))


def _add(found: Gathering, name: str, place: _Place, price: _Found, derived: str) -> None:
    rate = FoundRate(
        machine=Machine(name, place.region),
        kind=place.kind,
        hourly_nanousd=price.nanousd,
        as_of=price.as_of,
        source=SOURCE,
        term_hours=place.term_hours,
        payment=Payment.NO_UPFRONT if place.term_hours else None,
        derived=derived,
    )
    found.add(rate, price.file, price.row)


def _recognizes(opening: str) -> bool:
    return '"skus"' in opening and '"skuId"' in opening


FORMATS = (Format("Cloud Billing SKUs", "SKU", _recognizes, read, finish=finish),)
