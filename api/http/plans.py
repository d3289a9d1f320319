"""`/v1/plans`, `/v1/comparisons`, `/v1/forecasts`: a posted request in, its answer out."""

from dataclasses import replace
from datetime import UTC, datetime

from flask import Response, request
from flask_openapi import APIBlueprint

from api.http.json_body import json_response, read_json
from api.http.posted import check_forecast, parse_posted
from api.http.problems import problem_responses
from api.http.seats import Seats
from api.http.settings import ServerSettings
from planner import (
    Comparison,
    ForecastReport,
    Plan,
    PlanRequest,
    Surroundings,
    compare,
    forecast_demand,
    make_plan,
)

_FAILURES = problem_responses(400, 413, 415, 422, 500, 503, 504)
_TAGS = [{"name": "plans", "description": "Purchase plans, their comparison, forecasts of demand"}]
_BODY = {
    "required": True,
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/PostedPlanRequest"}}},
}
"""Described to the library, not read by it: it would stop at the first of its own checks."""


def plans_blueprint(settings: ServerSettings, seats: Seats) -> APIBlueprint:
    """Views that solve, each inside one of the seats."""
    blueprint = APIBlueprint("plans", __name__, url_prefix="/v1", abp_responses=_FAILURES)
    around = Surroundings(examples=settings.examples)

    def create_plan() -> Response:
        """The cost-minimal purchase plan of a request.

        The time limit of the solve is capped by the server.
        """
        posted = _posted(settings)
        with seats.taken():
            return json_response(make_plan(posted, replace(around, now=datetime.now(UTC))))

    def create_comparison() -> Response:
        """Purchasing strategies side by side: same demand, same bill rules.

        The time limit holds for each strategy's solve and is capped by the server.
        """
        posted = _posted(settings)
        with seats.taken():
            return json_response(compare(posted, around))

    def create_forecast() -> Response:
        """The forecast of a request's demand, which is its history.

        Takes the same request as a plan; its quantiles by month, what is known, and how the
        forecast would have done on the past.
        """
        posted = _posted(settings)
        check_forecast(posted, settings)
        with seats.taken():
            return json_response(forecast_demand(posted, around).report)

    described = {"request_body": _BODY, "tags": _TAGS}
    blueprint.post("/plans", operation_id="create_plan", responses={"200": Plan}, **described)(
        create_plan
    )
    blueprint.post(
        "/comparisons", operation_id="create_comparison", responses={"200": Comparison}, **described
    )(create_comparison)
    blueprint.post(
        "/forecasts", operation_id="create_forecast", responses={"200": ForecastReport}, **described
    )(create_forecast)
    return blueprint


def _posted(settings: ServerSettings) -> PlanRequest:
    return parse_posted(read_json(request), settings)
