"""FOCUS exports (CSV): list unit prices per machine-hour that stand in a bill's usage rows.

FOCUS has no column for the instance type before 1.2 and none for its operating system, so the
machine is read from the charge description; only AWS's tells it.
"""

import re
from datetime import date

from catalogs.faults import shown
from catalogs.imports.aws_machines import Cells, plain
from catalogs.imports.aws_offer_files import cells_of_line
from catalogs.imports.aws_prices import day_of
from catalogs.imports.formats import Format
from catalogs.imports.gathering import FoundRate, Gathering, Machine, nanousd
from catalogs.imports.report import RefusedRow, Rows
from catalogs.imports.sources import Source, table_lines
from catalogs.kinds import OfferKind

SOURCE = "list prices of a FOCUS export"

_DESCRIPTION = re.compile(
    r"\$[\d.]+ per (On Demand|Dedicated)(?: Usage)? (Linux|Windows|RHEL|SUSE) "
    r"([a-z0-9-]+\.[a-z0-9-]+) Instance Hour"
)
_TENANCIES = {"On Demand": "shared", "Dedicated": "dedicated"}
_HOUR_UNITS = ("Hours", "Hrs", "Hour")


def read(source: Source, rows: Rows, found: Gathering) -> None:
    """Read the list prices of machine-hours, row by row; a price is taken once a day."""
    header: list[str] = []
    taken: set[tuple[Machine, int, date]] = set()
    with source.text() as stream:
        for number, row in table_lines(stream):
            if not header:
                header = [plain(name) for name in row or ()]
                continue
            with rows.at(number):
                rate = _rate(cells_of_line(header, row), found.day)
                if (rate.machine, rate.hourly_nanousd, rate.as_of) not in taken:
                    found.add(rate, rows.file, number)
                    taken.add((rate.machine, rate.hourly_nanousd, rate.as_of))


def _rate(cells: Cells, day: date) -> FoundRate:
    if cells.get("chargecategory") != "Usage":
        raise RefusedRow("is no charge for use", shown(cells.get("chargecategory")))
    if cells.get("pricingunit") not in _HOUR_UNITS:
        raise RefusedRow("is not priced by the hour", shown(cells.get("pricingunit")))
    description = cells.get("chargedescription", "")
    machine = _DESCRIPTION.fullmatch(description)
    if machine is None:
        raise RefusedRow("its description tells no machine", shown(description))
    if cells.get("billingcurrency") != "USD":
        raise RefusedRow("currency is not USD", shown(cells.get("billingcurrency")))
    tenancy, os, name = machine.groups()
    hourly = nanousd(cells.get("listunitprice", ""))
    if hourly == 0:
        raise RefusedRow("price on demand is 0", shown(description))
    return FoundRate(
        Machine(name, cells.get("regionid", ""), os.lower(), _TENANCIES[tenancy]),
        OfferKind.ON_DEMAND,
        hourly,
        day_of(cells.get("chargeperiodstart")) or day,
        SOURCE,
    )


def _recognizes(opening: str) -> bool:
    columns = {plain(name) for name in opening.partition("\n")[0].split(",")}
    return {"chargecategory", "listunitprice", "pricingunit", "chargedescription"} <= columns


FORMATS = (Format("FOCUS export, CSV", "line", _recognizes, read),)
