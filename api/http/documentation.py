"""The server's description of itself: `/openapi.json`, `/docs`, `/v1/schemas/request`."""

from importlib.resources import files
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, url_for
from flask_openapi import OpenAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from werkzeug.wrappers import Response as BaseResponse

from api.http.health import Health
from api.http.posted import PostedPlanRequest
from api.http.price_catalogs import CatalogList, CatalogSummary
from api.http.problems import Problem
from planner import Comparison, ForecastReport, Plan

ANSWERS: tuple[type[BaseModel], ...] = (
    Plan,
    Comparison,
    ForecastReport,
    CatalogList,
    CatalogSummary,
    Health,
    Problem,
)

# Nothing leaves the page, and it runs no script but the server's own.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>fleetplan API</title>
<link rel="icon" href="docs/ui/images/swagger.svg">
<link rel="stylesheet" href="docs/ui/css/swagger-ui.css">
</head>
<body>
<div id="page"></div>
<script src="docs/ui/js/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""

# Without validatorUrl: null the page would ask a public validator about its own address.
_START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#page",
  deepLinking: true,
  validatorUrl: null,
});
"""


def documentation_blueprint(app: OpenAPI) -> Blueprint:
    """The documents about the app, and its page for trying the API, all served from here."""
    blueprint = Blueprint(
        "documentation",
        __name__,
        static_folder=str(files("flask_openapi_swagger") / "templates" / "swagger"),
        static_url_path="/docs/ui",
    )

    @blueprint.get("/")
    def home() -> BaseResponse:
        return redirect(url_for("documentation.page"))

    @blueprint.get("/openapi.json")
    def openapi() -> Response:
        return jsonify(app.api_doc)

    @blueprint.get("/docs")
    def page() -> Response:
        return Response(_PAGE, mimetype="text/html", headers={"Content-Security-Policy": _POLICY})

    @blueprint.get("/docs/start.js")
    def start() -> Response:
        return Response(_START, mimetype="text/javascript")

    @blueprint.get("/v1/schemas/request")
    def request_schema() -> Response:
        schema = jsonify(PostedPlanRequest.model_json_schema())
        schema.mimetype = "application/schema+json"
        return schema

    return blueprint


def component_schemas() -> dict[str, Any]:
    """JSON Schemas of all bodies by name, as pydantic makes them.

    The library's own rendering leaves out what its models do not know, such as ``propertyNames``.
    """
    _, schema = models_json_schema(
        [(PostedPlanRequest, "validation"), *((answer, "serialization") for answer in ANSWERS)],
        ref_template="#/components/schemas/{model}",
    )
    definitions: dict[str, Any] = schema["$defs"]
    return definitions
