"""Records of ec2instances.info: a machine and its prices in every region, per operating system.

Reserved prices are effective hourly rates: what is paid upfront is spread over the term in them.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from catalogs.faults import shown
from catalogs.imports.formats import Format
from catalogs.imports.gathering import FoundRate, Gathering, Machine, nanousd
from catalogs.imports.json_pieces import ANY, Keys
from catalogs.imports.report import RefusedRow, Rows
from catalogs.imports.sources import Source
from catalogs.kinds import OfferKind, Payment
from catalogs.offers import HOURS_PER_YEAR, InstanceType

SOURCE = "ec2instances.info"

_ONE_RECORD: Keys = ()
_EACH_RECORD: Keys = (ANY,)

_PLATFORMS: Mapping[str, tuple[str, str]] = {
    "linux": ("linux", "shared"),
    "mswin": ("windows", "shared"),
    "rhel": ("rhel", "shared"),
    "sles": ("suse", "shared"),
    "dedicated": ("linux", "dedicated"),
}
_TERM = re.compile(r"yrTerm([13])(Standard|Convertible)\.(no|partial|all)Upfront")
_CLASSES = {
    "Standard": OfferKind.RESERVED_STANDARD,
    "Convertible": OfferKind.RESERVED_CONVERTIBLE,
}
_PAYMENTS = {
    "no": Payment.NO_UPFRONT,
    "partial": Payment.PARTIAL_UPFRONT,
    "all": Payment.ALL_UPFRONT,
}
_HALF_UPFRONT = "half of the term's cost upfront; published is the effective rate"
_ALL_UPFRONT = "all of the term's cost upfront; published is the effective rate"
_NANO_PER_USD = 10**9
_RATE_ERROR_NANOUSD = 500  # effective rates have six decimals
_NO_PRICE = ("", "N/A", "None")


def read(source: Source, rows: Rows, found: Gathering) -> None:
    """Read the prices of every record; a row is one platform in one region."""
    many = source.opening().lstrip().startswith("[")
    number = 0
    for _, record in source.pieces([_EACH_RECORD if many else _ONE_RECORD]):
        for region, system, prices in _platforms(record):
            number += 1
            with rows.at(number):
                _read_platform(record, region, system, prices, rows, found)


def _platforms(record: object) -> Iterator[tuple[str, str, object]]:
    """Region, system and prices of every platform of a record."""
    pricing = record.get("pricing") if isinstance(record, dict) else None
    if not isinstance(pricing, dict):
        yield "", "", None
        return
    for region, systems in pricing.items():
        for system, prices in systems.items() if isinstance(systems, dict) else [("", systems)]:
            yield str(region), str(system), prices


def _read_platform(
    record: object, region: str, system: str, prices: object, rows: Rows, found: Gathering
) -> None:
    name = record.get("instance_type") if isinstance(record, dict) else None
    if not isinstance(name, str) or not isinstance(prices, dict):
        raise RefusedRow("is no record of a machine's prices", shown(prices))
    if system not in _PLATFORMS:
        raise RefusedRow("another system, or software on it", system)
    if region.startswith("cn-"):
        raise RefusedRow("prices are not in USD", region)
    machine = Machine(name, region, *_PLATFORMS[system])
    _describe(record, name, found)
    taken = len(found.rates)
    for title, price in _named_prices(prices):
        try:
            rate = _rate(title, str(price), machine, found)
            found.add(rate, rows.file, rows.number)
        except RefusedRow as refusal:
            detail = f"{name} {region} {system} {title}: {refusal.detail}"
            found.tally.leave_out(refusal.reason, rows.place(rows.number), detail)
    if len(found.rates) == taken:
        raise RefusedRow("has no price", f"{name} {region} {system}")


def _named_prices(prices: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Every price by its key; keys without a price are left out."""
    reserved = prices.get("reserved")
    named = {key: prices.get(key) for key in ("ondemand", "spot_avg")}
    named |= reserved if isinstance(reserved, dict) else {}
    return ((key, price) for key, price in named.items() if str(price or "") not in _NO_PRICE)


def _rate(title: str, price: str, machine: Machine, found: Gathering) -> FoundRate:
    effective = nanousd(price)
    if effective == 0:
        raise RefusedRow("price is 0", price)
    kind = {"ondemand": OfferKind.ON_DEMAND, "spot_avg": OfferKind.SPOT}.get(title)
    if kind is not None:
        return FoundRate(machine, kind, effective, found.day, SOURCE)
    term = _TERM.fullmatch(title)
    if term is None:
        raise RefusedRow("term or payment is unknown", price)
    payment, hours = _PAYMENTS[term[3]], int(term[1]) * HOURS_PER_YEAR
    hourly = {
        Payment.NO_UPFRONT: effective,
        Payment.PARTIAL_UPFRONT: effective // 2,
        Payment.ALL_UPFRONT: 0,
    }[payment]
    rules = {Payment.PARTIAL_UPFRONT: _HALF_UPFRONT, Payment.ALL_UPFRONT: _ALL_UPFRONT}
    return FoundRate(
        machine=machine,
        kind=_CLASSES[term[2]],
        hourly_nanousd=hourly,
        as_of=found.day,
        source=SOURCE,
        term_hours=hours,
        payment=payment,
        upfront_nanousd=_upfront_nanousd((effective - hourly) * hours, hours),
        derived=rules.get(payment),
    )


def _upfront_nanousd(total: int, hours: int) -> int:
    """A term's upfront price: whole dollars, where rounding of the hourly rate hides that."""
    whole = round(total / _NANO_PER_USD) * _NANO_PER_USD
    return whole if abs(total - whole) <= _RATE_ERROR_NANOUSD * hours else total


def _describe(record: object, name: str, found: Gathering) -> None:
    """Keep what the record says of the machine, once; prices of a poor description still count."""
    if name in found.described or not isinstance(record, dict):
        return
    architectures = record.get("arch")
    arch = architectures[-1] if isinstance(architectures, list) and architectures else None
    try:
        found.described[name] = InstanceType(
            name=name,
            provider="aws",
            vcpus=record.get("vCPU"),
            memory_gib=record.get("memory"),
            architecture=arch,
            gpus=record.get("GPU") or 0,
            current_generation=record.get("generation") != "previous",
        )
    except ValidationError as error:
        fields = ", ".join(str(fault["loc"][0]) for fault in error.errors() if fault["loc"])
        found.tally.note("description is left out", name, f"{fields} is wrong")


def _recognizes(opening: str) -> bool:
    return '"instance_type"' in opening and '"linux_virtualization_types"' in opening


FORMATS = (Format("ec2instances.info records", "platform", _recognizes, read),)
