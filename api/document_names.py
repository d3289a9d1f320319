"""Names of the documents that have a JSON Schema; apart, so that --help need not load them."""

from enum import StrEnum


class DocumentName(StrEnum):
    """A document that has a schema."""

    REQUEST = "request"
    PLAN = "plan"
    COMPARISON = "comparison"
    FORECAST = "forecast"
    CATALOG = "catalog"
    BILL = "bill"
    BACKTEST = "backtest"
