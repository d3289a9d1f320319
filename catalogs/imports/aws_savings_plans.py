"""AWS's Savings Plan price lists (JSON and CSV): what a machine-hour uses up of each plan."""

import re
from collections.abc import Mapping
from datetime import date

from catalogs.faults import shown
from catalogs.imports.aws_locations import region_of
from catalogs.imports.aws_machines import Cells, plain_cells, system_of, tenancy_of
from catalogs.imports.aws_offer_files import cells_of_line, header_of
from catalogs.imports.aws_prices import PAYMENTS, day_of
from catalogs.imports.formats import Format
from catalogs.imports.gathering import FoundRate, Gathering, Machine, nanousd
from catalogs.imports.report import RefusedRow, Rows
from catalogs.imports.sources import Source, table_lines
from catalogs.kinds import OfferKind
from catalogs.offers import HOURS_PER_YEAR

SOURCE = "AWS Savings Plan price list"

_KINDS: Mapping[str, OfferKind] = {
    "ComputeSavingsPlans": OfferKind.SAVINGS_PLAN_COMPUTE,
    "EC2InstanceSavingsPlans": OfferKind.SAVINGS_PLAN_EC2,
}
_YEARS: Mapping[str, int] = {"1": 1, "3": 3}


class PlanRows:
    """Turns the plan rates of one file into rates of machines.

    A rate names the on-demand product it discounts; where that product is in no price list read
    before, its usage type, operation and region tell the machine.

    Args:
        rows: where rows are counted.
        found: where rates go, and the products read before.
        day: date of the rates.
    """

    def __init__(self, rows: Rows, found: Gathering, day: date) -> None:
        self._rows, self._found, self._day = rows, found, day

    def read(self, cells: Cells) -> None:
        """Read the rate of one machine under one plan.

        Raises:
            RefusedRow: it is of no machine or plan known here, or no amount of USD per hour.
        """
        family = cells.get("productfamily", "")
        if family not in _KINDS:
            raise RefusedRow("is of no plan for machines", shown(family))
        machine = self._machine(cells)
        for column, expected in (("unit", "Hrs"), ("currency", "USD")):
            if cells.get(column, expected) != expected:
                raise RefusedRow(f"{column} is not {expected}", shown(cells[column]))
        payment = PAYMENTS.get(cells.get("purchaseoption", ""))
        years = _YEARS.get(cells.get("leasecontractlength", ""))
        if payment is None or years is None or cells.get("leasecontractlengthunit") == "month":
            raise RefusedRow("term or payment of a plan is unknown", shown(dict(cells)))
        rate = FoundRate(
            machine=machine,
            kind=_KINDS[family],
            hourly_nanousd=nanousd(cells.get("discountedrate", "")),
            as_of=self._day,
            source=SOURCE,
            term_hours=years * HOURS_PER_YEAR,
            payment=payment,
        )
        self._found.add(rate, self._rows.file, self._rows.number)

    def _machine(self, cells: Cells) -> Machine:
        service, usage = cells.get("discountedservicecode"), cells.get("discountedusagetype", "")
        if service not in (None, "", "AmazonEC2"):
            raise RefusedRow("discounts no machine", shown(service))
        tenancy, operation = tenancy_of(usage), cells.get("discountedoperation", "")
        os = system_of(operation) if operation else None
        machine = self._found.machines_by_sku.get(cells.get("discountedsku", ""))
        if machine is None:
            return _machine_used(cells, os, tenancy)
        if machine.tenancy != tenancy or os not in (None, machine.os):
            words = f"{usage} {operation}, {' '.join(machine)}"
            raise RefusedRow("usage type and discounted product disagree", words)
        return machine


def _machine_used(cells: Cells, os: str | None, tenancy: str) -> Machine:
    """The machine of a rate by its usage type, operation and region."""
    usage = cells["discountedusagetype"]
    name = cells.get("discountedinstancetype") or usage.partition(":")[2]
    region = region_of(cells.get("discountedregioncode", ""), "")
    if not name or region is None or os is None:
        raise RefusedRow("discounted product is in no price list read before", shown(usage))
    return Machine(name, region, os, tenancy)


def read_json(source: Source, rows: Rows, found: Gathering) -> None:
    """Read a Savings Plan price list in JSON, rate by rate."""
    plan = ("terms", "savingsPlan", "*")
    wanted = (
        ("publicationDate",),
        ("products", "*"),
        *((*plan, key) for key in ("sku", "leaseContractLength")),
        (*plan, "rates", "*"),
    )
    plans, products, number = PlanRows(rows, found, found.day), dict[str, Cells](), 0
    terms: dict[str, str] = {}
    for path, piece in source.pieces(wanted):
        if path[0] == "publicationDate":
            plans = PlanRows(rows, found, day_of(piece) or found.day)
        elif path[0] == "products":
            cells = _product(piece)
            products[cells.get("sku", "")] = cells
        elif path[3] == "sku":
            terms = {**products.get(str(piece), {})}
        elif path[3] == "leaseContractLength":
            terms |= _length(piece)
        else:
            number += 1
            with rows.at(number):
                plans.read({**terms, **_rate(piece)})


def _product(product: object) -> Cells:
    try:
        attributes = product.get("attributes") if isinstance(product, dict) else None
        return plain_cells(attributes) | plain_cells(product)
    except RefusedRow:  # its rates are refused, for they are of no plan known
        return {}


def _length(length: object) -> dict[str, str]:
    if not isinstance(length, dict):
        return {}
    unit = str(length.get("unit", "year"))
    return {
        "leasecontractlength": str(length.get("duration", "")),
        "leasecontractlengthunit": unit,
    }


def _rate(rate: object) -> Cells:
    cells = plain_cells(rate)
    price = rate.get("discountedRate") if isinstance(rate, dict) else None
    amount = plain_cells(price)
    return cells | {
        "discountedrate": amount.get("price", ""),
        "currency": amount.get("currency", "USD"),
    }


def read_csv(source: Source, rows: Rows, found: Gathering) -> None:
    """Read a Savings Plan price list in CSV, row by row."""
    with source.text() as stream:
        lines = table_lines(stream)
        header, day = header_of(lines)
        plans = PlanRows(rows, found, day_of(day) or found.day)
        for number, row in lines:
            with rows.at(number):
                plans.read(cells_of_line(header, row))


def _is_json(opening: str) -> bool:
    keys = set(re.findall(r'"(\w+)"\s*:', opening))
    return {"products", "productFamily", "purchaseTerm", "purchaseOption"} <= keys


def _is_csv(opening: str) -> bool:
    return re.search(r'^"?SKU"?,"?RateCode"?,.*DiscountedRate', opening, re.MULTILINE) is not None


FORMATS = (
    Format("AWS Savings Plan price list, JSON", "rate", _is_json, read_json, stage=1),
    Format("AWS Savings Plan price list, CSV", "line", _is_csv, read_csv, stage=1),
)
