"""AWS's spot prices: the history of changes per zone, and the advisor's average savings."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import NamedTuple

from catalogs.faults import shown
from catalogs.imports.aws_locations import region_of
from catalogs.imports.aws_machines import plain_cells
from catalogs.imports.formats import Format
from catalogs.imports.gathering import (
    FoundRate,
    Gathering,
    Machine,
    SpotChange,
    check_names,
    nanousd,
)
from catalogs.imports.report import RefusedRow, Rows
from catalogs.imports.sources import Source
from catalogs.kinds import OfferKind

HISTORY_SOURCE = "AWS spot price history"
ADVISOR_SOURCE = "AWS spot instance advisor"
ZONES_TABLE = "spot prices by zone"

SYSTEM_OF_DESCRIPTION: Mapping[str, str] = {
    "Linux/UNIX": "linux",
    "Windows": "windows",
    "Red Hat Enterprise Linux": "rhel",
    "SUSE Linux": "suse",
}
"""Product descriptions of the EC2 API, without the words "(Amazon VPC)"."""


def system_of_description(description: str) -> str:
    """The operating system of a product description such as ``Linux/UNIX (Amazon VPC)``.

    Raises:
        RefusedRow: it is of software beside the system, or unknown.
    """
    name = description.removesuffix(" (Amazon VPC)")
    if name not in SYSTEM_OF_DESCRIPTION:
        raise RefusedRow("product is no plain linux, windows, rhel or suse", shown(description))
    return SYSTEM_OF_DESCRIPTION[name]


def region_of_zone(zone: str) -> str:
    """The region a zone such as ``us-east-1b`` lies in.

    Raises:
        RefusedRow: it is no name of a zone.
    """
    region = region_of(zone[:-1], "") if zone[-1:].isalpha() else None
    if region is None:
        raise RefusedRow("availability zone is unknown", shown(zone))
    return region


def read_history(source: Source, rows: Rows, found: Gathering) -> None:
    """Read answers of DescribeSpotPriceHistory; the rates are made of all files together."""
    wanted = (("SpotPriceHistory", "*"), ("data", "SpotPriceHistory", "*"))
    for number, (_, item) in enumerate(source.pieces(wanted), 1):
        with rows.at(number):
            cells = plain_cells(item)
            zone = cells.get("availabilityzone", "")
            os = system_of_description(cells.get("productdescription", ""))
            machine = Machine(cells.get("instancetype", ""), region_of_zone(zone), os)
            check_names(machine)
            price = nanousd(cells.get("spotprice", ""))
            change = SpotChange(_moment(cells.get("timestamp", "")), price, rows.file, number)
            found.spot_changes.setdefault(machine, {}).setdefault(zone, []).append(change)


def _moment(written: str) -> datetime:
    try:
        return datetime.fromisoformat(written.replace("Z", "+00:00")).astimezone(UTC)
    except (ValueError, OverflowError):
        raise RefusedRow("timestamp is no moment", shown(written)) from None


class ZonePrice(NamedTuple):
    """Spot prices of a zone over a span: the latest, and the mean weighted by time."""

    latest_nanousd: int
    mean_nanousd: Fraction
    changes: int
    begin: datetime
    end: datetime


def zone_price(changes: Sequence[SpotChange], end: datetime) -> ZonePrice:
    """What a zone charged from its first change to ``end``; each price held until the next."""
    ordered = sorted(changes)
    ends = [*(change.moment for change in ordered[1:]), end]
    held = [
        Fraction((until - change.moment).total_seconds())
        for change, until in zip(ordered, ends, strict=True)
    ]
    latest, total = ordered[-1].nanousd, sum(held)
    priced = zip(ordered, held, strict=True)
    mean = sum(change.nanousd * hold for change, hold in priced) / total if total else latest
    return ZonePrice(latest, Fraction(mean), len(ordered), ordered[0].moment, end)


def finish_history(found: Gathering) -> None:
    """Make rates of the changes read: of a region, the mean of its zones' means over time."""
    for machine, zones in sorted(found.spot_changes.items()):
        changes = [change for of_zone in zones.values() for change in of_zone]
        last = max(changes)
        priced = {zone: zone_price(of_zone, last.moment) for zone, of_zone in zones.items()}
        first = min(price.begin for price in priced.values())
        mean = sum(price.mean_nanousd for price in priced.values()) / len(priced)
        rate = FoundRate(
            machine,
            OfferKind.SPOT,
            round(mean),
            last.moment.date(),
            HISTORY_SOURCE,
            derived=f"mean over {', '.join(sorted(priced))}, each weighted by time from "
            f"{first:%Y-%m-%d} to {last.moment:%Y-%m-%d}",
        )
        found.add(rate, last.file, last.row)
        rows = (_zone_row(zone, machine, price) for zone, price in sorted(priced.items()))
        found.tally.tables.setdefault(ZONES_TABLE, []).extend(rows)


def _zone_row(zone: str, machine: Machine, price: ZonePrice) -> dict[str, str | int | float]:
    return {
        "zone": zone,
        "instance_type": machine.instance_type,
        "os": machine.os,
        "latest_usd": price.latest_nanousd / 1e9,
        "mean_usd": float(price.mean_nanousd / 10**9),
        "changes": price.changes,
        "from": price.begin.isoformat(),
        "to": price.end.isoformat(),
    }


def read_advisor(source: Source, rows: Rows, found: Gathering) -> None:
    """Read the advisor's averages; a spot rate is the on-demand rate less the average saving.

    The band of interruptions stands in the rate's rule, for a catalogue has no column for it.
    """
    bands: dict[str, str] = {}
    wanted = (("ranges", "*"), ("spot_advisor", "*", "*", "*"))
    number = 0
    for path, piece in source.pieces(wanted):
        if path[0] == "ranges":
            band = plain_cells(piece) if isinstance(piece, dict) else {}
            bands[band.get("index", "")] = band.get("label", "")
            continue
        number += 1
        with rows.at(number):
            _, region, system, name = path
            machine = Machine(name, region, system.lower())
            found.add(_saved(machine, plain_cells(piece), bands, found), rows.file, number)


def _saved(
    machine: Machine, cells: Mapping[str, str], bands: Mapping[str, str], found: Gathering
) -> FoundRate:
    saving, band = cells.get("s", ""), bands.get(cells.get("r", ""))
    if re.fullmatch(r"-?\d{1,3}", saving) is None or int(saving) >= 100:
        raise RefusedRow("saving is no share of the price in percent", shown(saving))
    if band is None:
        raise RefusedRow("band of interruptions is unknown", shown(cells.get("r")))
    on_demand = found.on_demand_nanousd.get(machine)
    if on_demand is None:
        raise RefusedRow("no on-demand price to take the saving from", " ".join(machine))
    return FoundRate(
        machine,
        OfferKind.SPOT,
        round(Fraction(on_demand * (100 - int(saving)), 100)),
        found.day,
        ADVISOR_SOURCE,
        derived=f"on demand x (1 - {saving} % average saving); interrupted {band} a month",
    )


def _is_history(opening: str) -> bool:
    return re.search(r'"SpotPriceHistory"\s*:', opening) is not None


def _is_advisor(opening: str) -> bool:
    first = re.match(r'\s*\{\s*"(instance_types|ranges|spot_advisor)"', opening)
    return first is not None and ('"emr"' in opening or '"dots"' in opening)


FORMATS = (
    Format(
        "AWS DescribeSpotPriceHistory answer",
        "change",
        _is_history,
        read_history,
        finish=finish_history,
    ),
    # Savings are taken from on-demand prices, which other files of the import may hold.
    Format("AWS spot instance advisor", "machine", _is_advisor, read_advisor, stage=2),
)
