"""AWS's EC2 price list: bulk offer files (CSV, JSON), answers of GetProducts, query results."""

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from catalogs.faults import shown
from catalogs.imports.aws_machines import Cells, described, machine_of, plain, plain_cells
from catalogs.imports.aws_prices import PriceRows, day_of
from catalogs.imports.formats import Format
from catalogs.imports.gathering import Gathering, Machine
from catalogs.imports.report import RefusedRow, Rows
from catalogs.imports.sources import Source, table_lines

SOURCE = "AWS price list"

_HEADER_WITHIN = 20
"""Lines a CSV's header is looked for in; AWS writes five of metadata before it."""


def read_csv(source: Source, rows: Rows, found: Gathering) -> None:
    """Read a bulk offer file of AmazonEC2 in CSV, row by row."""
    with source.text() as stream:
        lines = table_lines(stream)
        header, day = header_of(lines)
        prices = PriceRows(rows, found, SOURCE, day_of(day) or found.day)
        for number, row in lines:
            with rows.at(number):
                read_row(cells_of_line(header, row), prices, found)
        prices.finish()


def cells_of_line(header: list[str], row: list[str] | None) -> Cells:
    """A row's cells by plain column name.

    Raises:
        RefusedRow: the row is no CSV, blank, or has other columns than the header.
    """
    if row is None:
        raise RefusedRow("is no CSV")
    if not row:
        raise RefusedRow("is blank")
    if len(row) > len(header):
        raise RefusedRow("has more cells than there are columns", shown(row))
    # Files of old dropped empty cells at the end; since the region code is there, none does.
    if len(row) < len(header) and "regioncode" in header:
        raise RefusedRow("is cut short", shown(row))
    return dict(zip(header, row, strict=False))


def header_of(lines: Iterator[tuple[int, list[str] | None]]) -> tuple[list[str], str]:
    """Plain names of a price list's columns and its publication date, reading up to them."""
    day = ""
    for number, row in lines:
        if row and row[0] == "SKU":
            return [plain(name) for name in row], day
        if row and row[0] == "Publication Date":
            day = "".join(row[1:2])
        if number > _HEADER_WITHIN:
            break
    return [], day


def read_row(cells: Cells, prices: PriceRows, found: Gathering) -> None:
    """Read one row of the table: a price on demand, a reserved one or half of it.

    Raises:
        RefusedRow: it is of no machine, or no price.
    """
    machine = machine_of(cells)
    _describe(machine, cells, found)
    if cells.get("termtype") == "OnDemand":
        prices.on_demand(machine, cells)
        if cells.get("sku"):
            found.machines_by_sku[cells["sku"]] = machine
    elif cells.get("termtype") == "Reserved":
        prices.reserved(machine, cells)
    else:
        raise RefusedRow("term is neither OnDemand nor Reserved", shown(cells.get("termtype")))


def _describe(machine: Machine, cells: Cells, found: Gathering) -> None:
    if machine.instance_type not in found.described:
        found.described[machine.instance_type] = described(machine.instance_type, cells)


def read_json(source: Source, rows: Rows, found: Gathering) -> None:
    """Read a bulk offer file of AmazonEC2 in JSON, product by product."""
    wanted = (("publicationDate",), ("products", "*"), ("terms", "*", "*", "*"))
    products: dict[str, Machine | RefusedRow] = {}
    prices = PriceRows(rows, found, SOURCE, found.day)
    number = 0
    for path, piece in source.pieces(wanted):
        if path[0] == "publicationDate":
            prices = PriceRows(rows, found, SOURCE, day_of(piece) or found.day)
        elif path[0] == "products":
            products[path[1]] = _product(piece, found)
        else:
            for cells in _price_cells(path[1], piece):
                number += 1
                with rows.at(number):
                    _read_price(path[2], cells, products, prices, found)
    prices.finish()


def _product(product: object, found: Gathering) -> Machine | RefusedRow:
    try:
        cells = _product_cells(product)
        machine = machine_of(cells)
    except RefusedRow as refusal:
        return refusal
    _describe(machine, cells, found)
    return machine


def _product_cells(product: object) -> Cells:
    attributes = product.get("attributes", {}) if isinstance(product, dict) else {}
    return plain_cells(attributes) | plain_cells(product)


def _price_cells(term_type: str, term: object) -> Iterator[Cells]:
    """The prices of a term, each with the term's attributes; one without amount if it has none."""
    cells = {"termtype": term_type} | _plain_part(term) | _plain_part(_part(term, "termAttributes"))
    dimensions = _part(term, "priceDimensions")
    for dimension in dimensions.values() or ({},):
        by_currency = _part(dimension, "pricePerUnit")
        currency = "USD" if "USD" in by_currency else "".join([*by_currency][:1])
        amount = str(by_currency.get(currency, ""))
        yield cells | _plain_part(dimension) | {"currency": currency, "priceperunit": amount}


def _plain_part(part: object) -> dict[str, str]:
    """The cells of a part, none where it is no object: its price is refused for what it lacks."""
    return plain_cells(part) if isinstance(part, dict) else {}


def _part(whole: object, key: str) -> Mapping[str, object]:
    part = whole.get(key) if isinstance(whole, dict) else None
    return part if isinstance(part, dict) else {}


def _read_price(
    sku: str,
    cells: Cells,
    products: Mapping[str, Machine | RefusedRow],
    prices: PriceRows,
    found: Gathering,
) -> None:
    machine = products.get(sku) or RefusedRow("product of a price is missing", sku)
    if isinstance(machine, RefusedRow):
        raise machine
    if cells["termtype"] == "OnDemand":
        prices.on_demand(machine, cells)
        found.machines_by_sku[sku] = machine
    elif cells["termtype"] == "Reserved":
        prices.reserved(machine, cells)
    else:
        raise RefusedRow("term is neither OnDemand nor Reserved", shown(cells["termtype"]))


def read_products(source: Source, rows: Rows, found: Gathering) -> None:
    """Read answers of GetProducts: a page, a list of items or one item."""
    number = 0
    for item in _items(source.document()):
        sku = str(_part(item, "product").get("sku", ""))
        products = {sku: _product(_part(item, "product"), found)}
        day = item.get("publicationDate") if isinstance(item, dict) else None
        prices = PriceRows(rows, found, SOURCE, day_of(day) or found.day)
        for cells in _item_cells(item):
            number += 1
            with rows.at(number):
                _read_price(sku, cells, products, prices, found)
        prices.finish()


def _items(document: object) -> list[object]:
    listed = document.get("PriceList", [document]) if isinstance(document, dict) else document
    return [_parsed(item) for item in listed] if isinstance(listed, list) else []


def _parsed(item: object) -> object:
    """An item of a page; pages hold theirs as texts."""
    try:
        return json.loads(item, parse_float=Decimal) if isinstance(item, str) else item
    except (ValueError, RecursionError):
        return None


def _item_cells(item: object) -> Iterator[Cells]:
    """The prices of an item; one price of no term where it has none, so that it is counted."""
    terms, none = _part(item, "terms"), True
    for term_type in terms:
        for term in _part(terms, term_type).values():
            for cells in _price_cells(term_type, term):
                none = False
                yield cells
    if none:
        yield {"termtype": ""}


def _is_csv(opening: str) -> bool:
    return re.search(r'^"?SKU"?,"?OfferTermCode"?,', opening, re.MULTILINE) is not None


def _is_json(opening: str) -> bool:
    return re.search(r'"offerCode"\s*:\s*"AmazonEC2"', opening) is not None


def _is_products(opening: str) -> bool:
    keys = set(re.findall(r'"(\w+)\\?"\s*:', opening))
    return "PriceList" in keys or {"product", "attributes", "sku"} <= keys


FORMATS = (
    Format("AWS price list, CSV", "line", _is_csv, read_csv),
    Format("AWS price list, JSON", "price", _is_json, read_json),
    Format("AWS GetProducts answer", "price", _is_products, read_products),
)
