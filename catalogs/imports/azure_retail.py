"""Azure's retail prices: pages of the Retail Prices API (prices.azure.com, as JSON).

What the fields mean beyond their names: a reservation's price is that of its whole term although
its unit says an hour; the operating system stands in the product's name, and a Windows price has
the licence in it; spot stands in the SKU's name. Cloud Services, dedicated hosts and Dev/Test
prices carry the names of machine sizes without being prices of machines one can order as such.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from catalogs.faults import shown
from catalogs.imports.formats import Format
from catalogs.imports.gathering import FoundRate, Gathering, Machine, cells_of, nanousd
from catalogs.imports.json_pieces import ANY
from catalogs.imports.report import RefusedRow, Rows
from catalogs.imports.sources import Source
from catalogs.kinds import OfferKind, Payment
from catalogs.offers import HOURS_PER_YEAR

SOURCE = "Azure Retail Prices API"
UPFRONT_RULE = "the term's total of the monthly payments, upfront"

_PAGES = "pages that another page follows"
_TERM_HOURS: Mapping[str, int] = {
    f"{years} Year{'s' if years > 1 else ''}": years * HOURS_PER_YEAR for years in (1, 3, 5)
}
_OTHER_PRODUCTS = {
    "cloudservices": "Cloud Services, no machine one orders by size",
    "dedicatedhost": "a dedicated host, no machine",
    "promo": "a promotion's price",
}


def read(source: Source, rows: Rows, found: Gathering) -> None:
    """Read every item of a page, and note the page that follows it."""
    number = 0
    for path, item in source.pieces([("Items", ANY), ("NextPageLink",)]):
        if path == ("NextPageLink",):
            if item:
                pages = found.tally.tables.setdefault(_PAGES, [])
                pages.append({"file": rows.file, "next_page": str(item)})
            continue
        number += 1
        with rows.at(number):
            _read_item(item, rows, found)


def _read_item(item: object, rows: Rows, found: Gathering) -> None:
    cells = cells_of(item)
    _refuse_other_goods(cells)
    machine = _machine(cells)
    price = nanousd(cells.get("retailprice", ""))
    if price == 0:
        raise RefusedRow("price is 0", cells["armskuname"])
    if cells.get("type") == "Reservation":
        _add_reservation(cells, machine, price, rows, found)
        return
    kind = OfferKind.SPOT if "Spot" in cells.get("skuname", "") else OfferKind.ON_DEMAND
    found.add(FoundRate(machine, kind, price, found.day, SOURCE), rows.file, rows.number)
    _add_plans(item, machine, rows, found)


def _refuse_other_goods(cells: Mapping[str, str]) -> None:
    """Refuse what is no price in USD of an hour of a machine that anyone may order today."""
    if cells.get("servicename") != "Virtual Machines":
        raise RefusedRow("is no machine", shown(cells.get("servicename", "")))
    if cells.get("type") == "DevTestConsumption":
        raise RefusedRow("a Dev/Test price, for subscribers only", cells.get("skuname", ""))
    if cells.get("type") not in ("Consumption", "Reservation"):
        raise RefusedRow("type of price is unknown", shown(cells.get("type", "")))
    product = cells.get("productname", "").replace(" ", "").lower()
    for part, reason in _OTHER_PRODUCTS.items():
        if part in product:
            raise RefusedRow(reason, cells["productname"])
    if "Low Priority" in cells.get("skuname", ""):
        raise RefusedRow("low priority, the forerunner of spot", cells["skuname"])
    for column, expected in (("currencycode", "USD"), ("unitofmeasure", "1 Hour")):
        if cells.get(column) != expected:
            raise RefusedRow(f"{column} is not {expected}", shown(cells.get(column, "")))
    if nanousd(cells.get("tierminimumunits", "0")) > 0:
        raise RefusedRow("a price above some quantity only", cells.get("skuname", ""))


def _machine(cells: Mapping[str, str]) -> Machine:
    name, region = cells.get("armskuname", "").strip(), cells.get("armregionname", "")
    if not name or not region:
        raise RefusedRow("size or region is missing", shown(cells.get("metername", "")))
    windows = cells.get("productname", "").endswith("Windows")
    return Machine(name, region, "windows" if windows else "linux")


def _add_reservation(
    cells: Mapping[str, str], machine: Machine, total: int, rows: Rows, found: Gathering
) -> None:
    """The total of a term as it is paid month by month, and upfront."""
    hours = _TERM_HOURS.get(cells.get("reservationterm", ""))
    if hours is None:
        raise RefusedRow("term is unknown", shown(cells.get("reservationterm", "")))
    if machine.os != "linux":
        raise RefusedRow("a reservation covers no operating system", cells["productname"])
    monthly = FoundRate(
        machine=machine,
        kind=OfferKind.AZURE_RESERVATION,
        hourly_nanousd=round(Decimal(total) / hours),
        as_of=found.day,
        source=SOURCE,
        term_hours=hours,
        payment=Payment.NO_UPFRONT,
    )
    found.add(monthly, rows.file, rows.number)
    upfront = monthly._replace(
        hourly_nanousd=0,
        upfront_nanousd=total,
        payment=Payment.ALL_UPFRONT,
        derived=UPFRONT_RULE,
    )
    found.add(upfront, rows.file, rows.number)


def _add_plans(item: object, machine: Machine, rows: Rows, found: Gathering) -> None:
    """The rates a machine has under savings plans, if its price names any."""
    plans = item.get("savingsPlan") if isinstance(item, dict) else None
    for plan in plans if isinstance(plans, list) else []:
        try:
            _add_plan(cells_of(plan), machine, found.day, rows, found)
        except RefusedRow as refusal:
            place = rows.place(rows.number)
            found.tally.leave_out(f"savings plan: {refusal.reason}", place, refusal.detail)


def _add_plan(
    cells: Mapping[str, str], machine: Machine, day: date, rows: Rows, found: Gathering
) -> None:
    hours = _TERM_HOURS.get(cells.get("term", ""))
    if hours is None:
        raise RefusedRow("term is unknown", shown(cells.get("term", "")))
    if machine.os != "linux":
        raise RefusedRow("covers no operating system", machine.instance_type)
    monthly = FoundRate(
        machine=machine,
        kind=OfferKind.AZURE_SAVINGS_PLAN,
        hourly_nanousd=nanousd(cells.get("retailprice", "")),
        as_of=day,
        source=SOURCE,
        term_hours=hours,
        payment=Payment.NO_UPFRONT,
    )
    found.add(monthly, rows.file, rows.number)
    upfront = monthly._replace(payment=Payment.ALL_UPFRONT, derived=UPFRONT_RULE)
    found.add(upfront, rows.file, rows.number)


def _recognizes(opening: str) -> bool:
    return '"Items"' in opening and '"armSkuName"' in opening


FORMATS = (Format("Azure retail prices", "item", _recognizes, read),)
