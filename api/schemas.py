"""JSON Schemas of the documents people and programs exchange with the planner."""

from typing import Any

from pydantic import BaseModel

from api.document_names import DocumentName
from catalogs import CatalogDocument
from planner import Comparison, ForecastReport, Plan, PlanRequest
from planner.actuals import PlanBill
from planner.backtest import BacktestReport

DIALECT = "https://json-schema.org/draft/2020-12/schema"


_MODELS: dict[DocumentName, type[BaseModel]] = {
    DocumentName.REQUEST: PlanRequest,
    DocumentName.PLAN: Plan,
    DocumentName.COMPARISON: Comparison,
    DocumentName.FORECAST: ForecastReport,
    DocumentName.CATALOG: CatalogDocument,
    DocumentName.BILL: PlanBill,
    DocumentName.BACKTEST: BacktestReport,
}
_READ = (DocumentName.REQUEST, DocumentName.CATALOG)
"""Documents that users write; the others are printed."""


def json_schema(name: DocumentName) -> dict[str, Any]:
    """The schema (draft 2020-12) of a document as it is read, or as it is printed."""
    mode = "validation" if name in _READ else "serialization"
    body = _MODELS[name].model_json_schema(mode=mode)  # type: ignore[arg-type]
    head = {"$schema": DIALECT, "$id": f"urn:fleetplan:{name}", "title": f"fleetplan {name}"}
    return head | {key: value for key, value in body.items() if key != "title"}
