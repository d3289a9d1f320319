"""Rows of AWS's price lists as a query returned them: lists of objects keyed by column name.

Queries over the CSV files (a warehouse's extract, say) keep their columns, in lower case and with
underscores at will; the lists may stand under any names.
"""

import re

from catalogs.imports.aws_machines import plain_cells
from catalogs.imports.aws_offer_files import SOURCE, read_row
from catalogs.imports.aws_prices import PriceRows
from catalogs.imports.aws_savings_plans import PlanRows
from catalogs.imports.formats import Format
from catalogs.imports.gathering import Gathering
from catalogs.imports.report import Rows
from catalogs.imports.sources import Source


def read(source: Source, rows: Rows, found: Gathering) -> None:
    """Read every object of every list of the document."""
    document = source.document()
    lists = document.values() if isinstance(document, dict) else [document]
    items = [item for one in lists if isinstance(one, list) for item in one]
    prices = PriceRows(rows, found, SOURCE, found.day)
    plans = PlanRows(rows, found, found.day)
    for number, item in enumerate(items, 1):
        with rows.at(number):
            cells = plain_cells(item)
            if "discountedrate" in cells:
                plans.read(cells)
            else:
                read_row(cells, prices, found)
    prices.finish()


def _recognizes(opening: str) -> bool:
    keys = {key.replace("_", "") for key in re.findall(r'"([a-z_]+)"\s*:', opening)}
    return {"instancetype", "termtype", "priceperunit"} <= keys or (
        {"discountedrate", "discountedusagetype"} <= keys
    )


FORMATS = (Format("AWS price list rows of a query", "row", _recognizes, read),)
