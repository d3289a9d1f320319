"""The JSON behind AWS's pricing pages: on-demand and reserved prices by place and machine."""

import re

from catalogs.imports.aws_machines import Cells, described, machine_of, plain_cells
from catalogs.imports.aws_prices import PriceRows, day_of
from catalogs.imports.formats import Format
from catalogs.imports.gathering import Gathering
from catalogs.imports.report import RefusedRow, Rows
from catalogs.imports.sources import Source

SOURCE = "AWS pricing page"


def read(source: Source, rows: Rows, found: Gathering) -> None:
    """Read every machine of every place; a page states USD once, and no unit but the hour."""
    wanted = (("manifest",), ("regions", "*", "*"))
    prices, number, currency = PriceRows(rows, found, SOURCE, found.day), 0, "USD"
    for path, piece in source.pieces(wanted):
        if path[0] == "manifest":
            manifest = plain_cells(piece) if isinstance(piece, dict) else {}
            currency = manifest.get("currencycode", "USD")
            day = day_of(manifest.get("hawkfilepublicationdate")) or found.day
            prices = PriceRows(rows, found, SOURCE, day)
        else:
            number += 1
            with rows.at(number):
                _read_price(plain_cells(piece) | {"currency": currency}, prices, found)
    prices.finish()


def _read_price(cells: Cells, prices: PriceRows, found: Gathering) -> None:
    machine = machine_of({"tenancy": "Shared", **cells})
    if machine.instance_type not in found.described:
        found.described[machine.instance_type] = described(machine.instance_type, cells)
    hourly = {**cells, "unit": "Hrs", "priceperunit": cells.get("price", "")}
    if "leasecontractlength" not in cells:
        prices.on_demand(machine, hourly)
        return
    upfront = cells.get("riupfrontpriceperunit", "")
    if upfront:
        prices.reserved(machine, {**cells, "unit": "Quantity", "priceperunit": upfront})
    elif cells.get("purchaseoption") != "No Upfront":
        raise RefusedRow("upfront price of a reservation is missing", " ".join(machine))
    prices.reserved(machine, hourly)


def _recognizes(opening: str) -> bool:
    source = re.search(r'"manifest"\s*:\s*\{[^}]*"source"\s*:\s*"ec2-[^"]*"', opening)
    return source is not None and '"regions"' in opening


FORMATS = (Format("AWS pricing page", "price", _recognizes, read),)
